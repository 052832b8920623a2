"""The ``tcpcomm`` command itself: its subcommands, ``--help`` and ``--version``, and how it ends."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Sequence
from typing import Any, ClassVar, NoReturn

from twisted.python import usage

from tcpcomm.cli.call import CallOptions
from tcpcomm.cli.common import Refusal, Subcommand
from tcpcomm.cli.describe import DescribeOptions
from tcpcomm.cli.simulate import SimulateOptions
from tcpcomm.cli.watch import WatchOptions
from tcpcomm.errors import ConfigurationError
from tcpcomm.server.options import Options as VersionedOptions

__all__ = ["Options", "main"]

_EXAMPLES = """
Examples, with a declaration VisionCamera in my_camera.py:
  tcpcomm describe my_camera:VisionCamera > manual.md
  tcpcomm simulate my_camera:VisionCamera
  tcpcomm call my_camera:VisionCamera tcp:127.0.0.1:9999 locate job=3
  tcpcomm watch my_camera:VisionCamera tcp:127.0.0.1:9999
"""


class Options(VersionedOptions):
    """The options of ``tcpcomm``."""

    synopsis = "tcpcomm COMMAND [options]"

    longdesc = """Works with equipment from its declaration, a class in a Python module that is named as
module:name. 'tcpcomm COMMAND --help' tells more about a command. 'twistd tcpcomm' runs servers."""

    subCommands: ClassVar[list[list[Any]]] = [
        ["describe", None, DescribeOptions, "Print the manual of a piece of equipment."],
        ["simulate", None, SimulateOptions, "Be the equipment: answer every command with made-up values."],
        ["call", None, CallOptions, "Ask the equipment one command, and print its result."],
        ["watch", None, WatchOptions, "Print the events of the equipment as they come."],
    ]

    def getSynopsis(self) -> str:
        """The first line of --help."""
        return f"Usage: {self.synopsis}\n"

    def getUsage(self, width: int | None = None) -> str:
        """What --help prints; examples are not to be wrapped like its text."""
        return f"{super().getUsage(width)}{_EXAMPLES}"

    def postOptions(self) -> None:
        """There must be a command."""
        if self.subCommand is None:
            there_are = ", ".join(name for name, *_ in self.subCommands)
            raise usage.UsageError(f"say what to do: {there_are}")


def main(words: Sequence[str] | None = None) -> NoReturn:
    """
    Run the command, and end the process.

    Args:
        words: the command line without the program's name; None: that of the process.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # a terminal may not know the letters of the equipment
            stream.reconfigure(errors="backslashreplace")
    options = Options()
    try:
        options.parseOptions(words)  # type: ignore[no-untyped-call]
        chosen: Any = options.subOptions
        assert isinstance(chosen, Subcommand)
        code = chosen.run()
        sys.stdout.flush()
    except usage.UsageError as error:
        _end(options, [f"{error}; '{_name(options)} --help' tells more"])
    except Refusal as refusal:
        _end(options, refusal.problems, refusal.code)
    except ConfigurationError as error:
        _end(options, [str(error)])
    except BrokenPipeError:  # whoever read, such as head, has enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = 0
    sys.exit(code)


def _name(options: Options) -> str:
    return f"tcpcomm {options.subCommand}" if options.subCommand else "tcpcomm"


def _end(options: Options, problems: Sequence[str], code: int = 1) -> NoReturn:
    for problem in problems:
        print(f"{_name(options)}: {' '.join(problem.split())}", file=sys.stderr)
    sys.exit(code)
