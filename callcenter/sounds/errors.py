"""What can go wrong with sounds."""


class SoundError(Exception):
    """A sound could not be made."""


class NotSpoken(SoundError):
    """The synthesiser did not speak a text, or nothing can be heard in what it made."""
