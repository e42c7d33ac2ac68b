"""The shell around the engine: everything that awaits."""

__version__ = "0.1.0"
