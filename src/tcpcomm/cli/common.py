"""What the subcommands of ``tcpcomm`` have in common: how their words are read, and what they refuse."""

from __future__ import annotations

import getopt
import sys
from typing import Any

from twisted.python import usage

from tcpcomm.equipment.declaration import Declaration
from tcpcomm.equipment.equipment import declaration_of
from tcpcomm.errors import ConfigurationError
from tcpcomm.runtime.load import load_object
from tcpcomm.server.options import Options

__all__ = ["Refusal", "Subcommand", "load_declaration", "number"]


class Refusal(Exception):
    """What the user asked for cannot be done. Each problem is one line on standard error."""

    def __init__(self, *problems: str, code: int = 1) -> None:
        super().__init__(*problems)
        self.problems = problems
        self.code = code


class Subcommand(Options):
    """The options of one subcommand, which may stand before, between and behind its arguments."""

    synopsis: str

    def parseOptions(self, options: Any = None) -> None:
        """Parse; getopt, which Twisted uses, would end the options at the first argument."""
        words = sys.argv[1:] if options is None else options
        try:
            found, arguments = getopt.gnu_getopt(words, self.shortOpt, self.longOpt)
        except getopt.GetoptError as error:
            raise usage.UsageError(str(error)) from None
        ordered: list[str] = []
        for name, value in found:
            if name.startswith("--"):
                ordered.append(f"{name}={value}" if f"{name[2:]}=" in self.longOpt else name)
            else:
                ordered += [name, value] if f"{name[1:]}:" in self.shortOpt else [name]
        super().parseOptions([*ordered, "--", *arguments])  # type: ignore[no-untyped-call]

    def getSynopsis(self) -> str:
        """The first line of --help, without that of the parent."""
        return f"Usage: tcpcomm {self.synopsis}\n"

    def run(self) -> int:
        """Do it; return the exit code."""
        raise NotImplementedError


def load_declaration(name: str) -> Declaration:
    """
    The declaration that ``module:name`` names: a subclass of Equipment, or an object of one.

    Raises:
        Refusal: there is no such thing, or it is no declaration.
    """
    try:
        found = load_object(name)
        return declaration_of(found)
    except ConfigurationError as error:
        text = str(error)
        raise Refusal(text if text.startswith(f"{name}:") else f"{name}: {text}") from None


def number(option: str, text: str, *, least: float = 0.0, most: float = 1e9, above: bool = False) -> float:
    """
    Read the number that an option was given.

    Args:
        option: its name, for the refusal.
        text: what was given.
        least: the smallest number that makes sense.
        most: the largest.
        above: whether it must be above the smallest.

    Raises:
        Refusal: it is none, or none that makes sense.
    """
    try:
        value = float(text)
    except ValueError:
        value = float("nan")
    if least < value <= most or (value == least and not above):
        return value
    words = f"above {least:g}" if above else f"of at least {least:g}"
    limit = f" and at most {most:g}" if most < 1e9 else ""
    raise Refusal(f"--{option} must be a number {words}{limit}, not {text!r}")
