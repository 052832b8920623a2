"""The ``tcpcomm`` command: it describes, simulates, calls and watches equipment from its declaration."""

from tcpcomm.cli.command import main

__all__ = ["main"]
