"""The base of the subcommands of ``tcpcomm``: their options, and their errors."""

from __future__ import annotations

import getopt
import re
import sys
from collections.abc import Mapping
from typing import Any, ClassVar, Final

from twisted.python import usage

from tcpcomm.devices.catalogue import find_device
from tcpcomm.equipment.declaration import Declaration
from tcpcomm.equipment.equipment import Equipment, declaration_of
from tcpcomm.errors import ConfigurationError
from tcpcomm.runtime.load_object import Wanted, load_object, names_user_code
from tcpcomm.server.options import VersionedOptions, with_near_name

_NEGATIVE: Final = re.compile(r"-\.?[0-9]")
"""The beginning of a negative number, which is not an option."""

_DECLARATION: Final = Wanted("equipment", lambda kind: issubclass(kind, Equipment))
"""The classes of which a file that is named alone must define one."""


class Refusal(Exception):
    """The command cannot be carried out. Each problem is one line on standard error."""

    def __init__(self, *problems: str, code: int = 1) -> None:
        super().__init__(*problems)
        self.problems = problems
        self.code = code


class Subcommand(VersionedOptions):
    """The options of one subcommand, before, between and after its argument, a declaration."""

    synopsis: str

    exit_codes: ClassVar[Mapping[int, str]] = {}
    """The exit codes of the subcommand, each with its meaning. A command without any has 0 and 1."""

    def parseOptions(self, options: Any = None) -> None:
        """Parse the options, also behind arguments, where Twisted's parser does not look for them."""
        words = sys.argv[1:] if options is None else options
        words = [f"\0{word}" if _NEGATIVE.match(word) else word for word in words]
        try:
            found, arguments = getopt.gnu_getopt(words, self.shortOpt, self.longOpt)
        except getopt.GetoptError as error:
            raise usage.UsageError(with_near_name(str(error), self.longOpt)) from None
        arguments = [word.removeprefix("\0") for word in arguments]
        ordered: list[str] = []
        for name, value in ((name, value.removeprefix("\0")) for name, value in found):
            if name.startswith("--"):
                ordered.append(f"{name}={value}" if f"{name[2:]}=" in self.longOpt else name)
            else:
                ordered += [name, value] if f"{name[1:]}:" in self.shortOpt else [name]
        super().parseOptions([*ordered, "--", *arguments])

    def parseArgs(self, *args: str) -> None:
        if len(args) != 1:
            raise usage.UsageError("name one device or declaration, as in modbus or my_camera:VisionCamera")
        self.name = args[0]

    def getSynopsis(self) -> str:
        return f"Usage: tcpcomm {self.synopsis}\n"

    def getUsage(self, width: int | None = None) -> str:
        """Return the text of --help, with the exit codes at its end."""
        codes = "".join(f"  {code:>3}  {meaning}\n" for code, meaning in self.exit_codes.items())
        return super().getUsage(width) + (f"\nExit codes:\n{codes}" if codes else "")

    def run(self) -> int:
        """Carry out the subcommand. Return the exit code."""
        raise NotImplementedError


def load_declaration(name: str) -> Declaration:
    """
    Return the declaration of a device by its name, or import one by ``module:name`` or ``file.py``.

    That is a subclass of Equipment, or an object of one.

    Raises:
        Refusal: the object does not exist, or is not a declaration.
    """
    try:
        if names_user_code(name):
            return declaration_of(load_object(name, _DECLARATION))
        return declaration_of(find_device(name).load())
    except ConfigurationError as error:
        text = str(error)
        raise Refusal(text if text.startswith(f"{name}:") else f"{name}: {text}") from None


def load_simulator(name: str) -> type[Equipment] | None:
    """Return the class that simulates the device of this name, or None if random answers do."""
    return None if names_user_code(name) else find_device(name).load_simulator()


def number(option: str, text: str, *, least: float = 0.0, most: float = 1e9, above: bool = False) -> float:
    """
    Read the number of an option. If ``above`` is True, the least number itself is not allowed.

    Raises:
        Refusal: the text is not a number, or the number is not allowed.
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
