"""
The ``tcpcomm`` command: it describes, simulates, calls and watches equipment from its declaration.

Each subcommand has its own module; :mod:`tcpcomm.cli.command` chooses between them.
"""

from tcpcomm.cli.command import main

__all__ = ["main"]
