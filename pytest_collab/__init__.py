"""pytest-collab tests how well AI agents work together."""

__version__ = "0.1.0"
