"""
The ``tcpcomm`` command: describe, simulate, call and watch equipment, from its declaration alone.

Each subcommand has a module of its own; :mod:`tcpcomm.cli.command` chooses between them.
"""

from tcpcomm.cli.command import main

__all__ = ["main"]
