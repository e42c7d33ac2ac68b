"""Reading files of a former system's calls."""
