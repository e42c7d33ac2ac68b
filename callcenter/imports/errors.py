"""What can be wrong with a file of calls; each docstring says it in one sentence."""


class FileRefused(Exception):
    """The file as a whole cannot be read: nothing of it was loaded, and the message says what to do."""


class BadRow(Exception):
    """A row is no call: it goes to the file of bad rows with this reason, and the others are loaded."""
