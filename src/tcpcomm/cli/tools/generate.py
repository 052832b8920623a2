"""The subcommand ``tcpcomm generate``: it makes a file for another program from a declaration."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any, ClassVar, Final

from twisted.python import usage

from tcpcomm.cli.common import Refusal, Subcommand, load_declaration
from tcpcomm.devices.catalogue import find_device
from tcpcomm.runtime.load_object import names_user_code
from tcpcomm.runtime.safe_text import one_line
from tcpcomm.runtime.whole_file import write_whole_file
from tcpcomm.tools.generate.catalogue import GENERATORS, generator
from tcpcomm.tools.generate.generator import Generator, Wanted

USUAL_PORT: Final = 9999
"""The port of a device that has no usual one: that of ``tcpcomm simulate``."""

INTERRUPTED: Final = 130
"""The exit code after Ctrl-C, as shells have it."""


class GenerateOptions(Subcommand):
    """The options of ``tcpcomm generate``."""

    synopsis = f"generate {'|'.join(each.name for each in GENERATORS)} DEVICE [options]"

    longdesc = """Makes a file for another program from the declaration of a device. Standard error
says what was written, what the file cannot express, and the next step. DEVICE is a name that
'tcpcomm devices' lists, or MODULE:NAME."""

    exit_codes: ClassVar[Mapping[int, str]] = {
        0: "the file is written",
        1: "the command line has a mistake, or the file cannot express the declaration",
        INTERRUPTED: "Ctrl-C ended it, and the old file is unchanged",
    }

    optParameters = [  # noqa: RUF012 - the name and kind are Twisted's
        ["output", "o", None, "The file, in UTF-8, replaced as a whole.  [default: standard output]"],
        ["port", "p", None, "The TCP port.  [default: the usual one of the device, or 9999]"],
    ]

    examples = "\nWhat it makes:\n" + "".join(f"  {each.name:<10} {each.summary}\n" for each in GENERATORS)

    def parseArgs(self, *args: str) -> None:
        names = ", ".join(each.name for each in GENERATORS)
        if len(args) != 2:
            raise usage.UsageError(f"name what to make ({names}), and one device or declaration")
        found = generator(args[0])
        if found is None:
            raise usage.UsageError(f"there is no generator {args[0]!r}; there are {names}")
        self.generator = found
        self.name = args[1]

    def run(self) -> int:
        maker: Generator = self.generator
        declaration = load_declaration(self.name)
        wanted = Wanted(device=self.name, port=self._port())
        target = self["output"]
        try:
            made = maker.generate(declaration, wanted)
            if target is None:
                print(made.text, end="")
            else:
                write_whole_file(target, made.text)
        except OSError as error:
            raise Refusal(f"--output {target}: cannot write it: {error.strerror}") from None
        except KeyboardInterrupt:
            left = "" if target is None else f": {target} is as it was"
            raise Refusal(f"interrupted{left}", code=INTERRUPTED) from None
        for note in made.notes:
            _tell(f"note: {note}")
        if target is not None:
            lines = made.text.count("\n")
            _tell(f"wrote {target}: {maker.summary}, for {declaration.name}, {lines:,} lines")
            _tell(f"next: {maker.next_step.format(file=target)}")
        return 0

    def _port(self) -> int:
        text = self["port"]
        if text is None:
            usual: Any = None if names_user_code(self.name) else find_device(self.name).port
            return USUAL_PORT if usual is None else int(usual)
        if not text.isascii() or not text.isdigit() or not 0 < int(text) < 65536:
            raise Refusal(f"--port must be a number from 1 to 65535, not {text!r}")
        return int(text)


def _tell(text: str) -> None:
    print(one_line(f"tcpcomm generate: {text}"), file=sys.stderr)
