"""What a benchmark may say instead of a figure."""


class BenchWrong(Exception):
    """What was measured did not do the right thing; the message says what differed."""
