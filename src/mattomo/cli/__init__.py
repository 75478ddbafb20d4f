"""The command line: one file a command."""

from mattomo.cli.app import main

__all__ = ["main"]
