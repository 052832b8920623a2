"""The ``tcpcomm`` command itself: its subcommands, its help, and its exit codes."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Callable, Sequence
from importlib import import_module
from logging import NullHandler
from typing import Any, ClassVar, NoReturn, cast

from twisted.python import usage

from tcpcomm.cli.call import CallOptions
from tcpcomm.cli.common import Refusal, Subcommand
from tcpcomm.cli.describe import DescribeOptions
from tcpcomm.cli.devices import DevicesOptions
from tcpcomm.cli.simulate import SimulateOptions
from tcpcomm.cli.watch import WatchOptions
from tcpcomm.errors import ConfigurationError
from tcpcomm.runtime.bounded_logger import python_log
from tcpcomm.runtime.log_writer import finish_all
from tcpcomm.runtime.safe_text import one_line
from tcpcomm.server.options import VersionedOptions


def _in_tools(module: str, name: str) -> Callable[[], Subcommand]:
    """Return a function that makes the options of a tool. It imports the tool, which others do not need."""
    return _in_module(f"tools.{module}", name)


def _in_module(module: str, name: str) -> Callable[[], Subcommand]:
    """Return a function that imports a module of this room, and makes its options."""

    def make() -> Subcommand:
        return cast("Subcommand", getattr(import_module(f"tcpcomm.cli.{module}"), name)())

    return make


class CommandOptions(VersionedOptions):
    """The options of ``tcpcomm``."""

    synopsis = "tcpcomm COMMAND [options]"

    longdesc = """Works with equipment from its declaration, a class in a Python module, which is named as
module:name, or with a device that 'tcpcomm devices' lists. 'tcpcomm COMMAND --help' explains a command.
'twistd tcpcomm' runs servers."""

    examples = """
Examples, with a declaration VisionCamera in my_camera.py:
  tcpcomm describe my_camera:VisionCamera --output manual.md
  tcpcomm simulate my_camera:VisionCamera
  tcpcomm call my_camera:VisionCamera tcp:127.0.0.1:9999 locate job=3
  tcpcomm watch my_camera:VisionCamera tcp:127.0.0.1:9999
"""

    subCommands: ClassVar[list[list[Any]]] = [
        [
            "init",
            None,
            _in_tools("init", "InitOptions"),
            "Write the first programs of a new device, from five answers.",
        ],
        ["describe", None, DescribeOptions, "Print the manual of a piece of equipment."],
        ["simulate", None, SimulateOptions, "Simulate equipment: answer each command with random values."],
        ["call", None, CallOptions, "Send one command to the equipment, and print its result."],
        ["watch", None, WatchOptions, "Print the events of the equipment as they come."],
        [
            "tap",
            None,
            _in_tools("tap", "TapOptions"),
            "Show what passes between two machines, and disturb it.",
        ],
        [
            "generate",
            None,
            _in_tools("generate", "GenerateOptions"),
            "Make a file for another program, such as Wireshark.",
        ],
        ["send", None, _in_tools("send", "SendOptions"), "Send bytes or text, and show what comes back."],
        [
            "listen",
            None,
            _in_tools("listen", "ListenOptions"),
            "Show what clients send, and answer by fixed rules.",
        ],
        [
            "replay",
            None,
            _in_tools("replay", "ReplayOptions"),
            "Play one side of a recording, and tell the first difference.",
        ],
        ["record", None, _in_tools("record", "RecordOptions"), "List what a recording holds."],
        [
            "export",
            None,
            _in_tools("export", "ExportOptions"),
            "Write a recording for Wireshark, spreadsheets and programs.",
        ],
        [
            "monitor",
            None,
            _in_tools("monitor", "MonitorCommandOptions"),
            "Show a link, or a recording, in the browser.",
        ],
        [
            "guess",
            None,
            _in_tools("guess", "GuessOptions"),
            "Find the framing of a device from captured bytes.",
        ],
        [
            "outbox",
            None,
            _in_tools("outbox", "OutboxOptions"),
            "Show what an outbox holds, and repeat or drop what was refused.",
        ],
        [
            "metrics",
            None,
            _in_tools("metrics", "MetricsCommandOptions"),
            "Write a dashboard for Grafana, or alert rules for Prometheus.",
        ],
        ["devices", None, DevicesOptions, "List the devices that are ready to use."],
        [
            "check",
            None,
            _in_module("check", "CheckOptions"),
            "Find the mistakes in the configuration of a gateway.",
        ],
        ["docs", None, _in_module("docs", "DocsOptions"), "Open the documentation in the browser."],
    ]

    def getSynopsis(self) -> str:
        return f"Usage: {self.synopsis}\n"

    def postOptions(self) -> None:
        if self.subCommand is None:
            names = ", ".join(name for name, *_ in self.subCommands)
            raise usage.UsageError(f"name a command: {names}")


def main(words: Sequence[str] | None = None) -> NoReturn:
    """
    Run the command, and end the process.

    Args:
        words: the command line without the program's name, by default that of the process.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # a terminal may not have all letters
            stream.reconfigure(errors="backslashreplace")
    python_log.addHandler(NullHandler())  # --verbose shows the log
    options = CommandOptions()
    try:
        options.parseOptions(words)
        chosen: Any = options.subOptions
        assert isinstance(chosen, Subcommand)
        code = chosen.run()
        sys.stdout.flush()
    except usage.UsageError as error:
        _end(options, [f"{error}; '{_name(options)} --help' explains it"])
    except Refusal as refusal:
        _end(options, refusal.problems, refusal.code)
    except ConfigurationError as error:
        _end(options, [str(error)])
    except BrokenPipeError:  # the reader, such as head, has ended
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = 0
    sys.exit(code)


def _name(options: CommandOptions) -> str:
    return f"tcpcomm {options.subCommand}" if options.subCommand else "tcpcomm"


def _end(options: CommandOptions, problems: Sequence[str], code: int = 1) -> NoReturn:
    finish_all()  # the log stands before the end
    for problem in problems:
        print(one_line(f"{_name(options)}: {' '.join(problem.split())}"), file=sys.stderr)
    sys.exit(code)
