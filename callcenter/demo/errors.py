"""What can go wrong with a demo before it begins."""


class DemoUseError(Exception):
    """A DEMO_* variable has a value that the demo cannot use."""
