"""A year of calls that never were: drawn from a seed so that its sums are exactly those that somebody published."""
