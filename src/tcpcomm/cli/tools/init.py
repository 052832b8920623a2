"""The subcommand ``tcpcomm init``: it writes the first programs of a new device."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final, TypeVar

from twisted.python import usage

from tcpcomm.cli.common import Refusal, Subcommand
from tcpcomm.cli.tools.generate import INTERRUPTED
from tcpcomm.errors import ConfigurationError
from tcpcomm.tools.starter.answers import CONNECTS, ENDINGS, MESSAGES, PROGRAMS, USUAL, Answers
from tcpcomm.tools.starter.names import Names, checked_title, names_of
from tcpcomm.tools.starter.readme import next_commands
from tcpcomm.tools.starter.trial import Trial
from tcpcomm.tools.starter.writer import files_of, write_files

T = TypeVar("T")

USUAL_NAME: Final = "Device"
"""The name of a device if nobody gives one."""


class InitOptions(Subcommand):
    """The options of ``tcpcomm init``."""

    synopsis = "init [FOLDER] [options]"

    longdesc = """Writes the first programs of a new device into FOLDER, by default the current folder: the
declaration, the device's program, the PC's program, a test, and a page that explains them. It asks five
questions; Enter takes the answer in brackets. An option answers its question. No file is overwritten."""

    optParameters = [  # noqa: RUF012 - the name and kind are Twisted's
        ["name", None, None, f"1: The name of the device, in any language.  [default: {USUAL_NAME}]"],
        ["identifier", None, None, "The name for the code, in Latin letters.  [default: from the name]"],
        ["connects", None, None, "2: Who connects to the other: pc or device.  [default: pc]"],
        ["messages", None, None, "3: text, json or binary.  [default: text]"],
        [
            "ends",
            None,
            None,
            f"4: How a message ends: {', '.join(ENDINGS)}, or a framing such as delimited:;.  "
            "[default: crlf for text, lf for JSON, length2 for binary]",
        ],
        ["program", None, None, "5: The program that you need: device, pc or both.  [default: both]"],
        ["port", "p", "9999", "The TCP port."],
    ]

    optFlags = [  # noqa: RUF012 - the name and kind are Twisted's
        ["yes", "y", "Ask nothing: take the usual answers for all that is not given."],
    ]

    examples = """
Examples:
  tcpcomm init
  tcpcomm init camera --name "Vision camera" --messages json --yes
"""

    def parseArgs(self, *args: str) -> None:
        if len(args) > 1:
            raise usage.UsageError("name one folder, and put quotes around a name with spaces")
        self.folder = Path(args[0] if args else ".")

    def run(self) -> int:
        try:
            answers = self._answers()
            files = files_of(answers)
            write_files(self.folder, files)
        except KeyboardInterrupt:
            print(file=sys.stderr)
            raise Refusal("interrupted: nothing was written", code=INTERRUPTED) from None
        except OSError as error:
            raise Refusal(f"{error.filename or self.folder}: cannot write it: {error.strerror}") from None
        for name in files:
            print(f"wrote {self.folder / name}")
        where = "" if self.folder == Path(".") else f", in the folder {self.folder}"
        print(f"\nType next{where}:")
        for command, purpose in next_commands(answers):
            print(f"  {command}\n      {purpose}")
        return 0

    def _answers(self) -> Answers:
        port = self._port()
        names = self._names()
        connects = self._choice("connects", "Who connects to the other?", CONNECTS)
        messages = self._choice("messages", "What are the messages?", MESSAGES)
        endings = {each: ENDINGS[each].words for each in USUAL[messages]}

        def ends_of(text: str) -> str:
            ends = _chosen(text, endings, free=True)
            Trial(Answers(names, connects, messages, ends))
            return ends

        ends = self._ask(
            "ends",
            _menu("How does a message end?", endings, "a framing such as delimited:; or length:4,little"),
            next(iter(endings)),
            ends_of,
        )
        program = self._choice("program", "Which program do you need?", PROGRAMS, usual="both")
        return Answers(names, connects, messages, ends, program, port)

    def _names(self) -> Names:
        title = self._ask("name", "What is the device called?", USUAL_NAME, checked_title)
        try:
            derived = names_of(title)
        except ConfigurationError as error:
            if self["yes"] and self["identifier"] is None:
                raise Refusal(f"--name: {error}, as --identifier Camera") from None
            derived = Names(title, USUAL_NAME, USUAL_NAME.lower())
        else:
            if title.isascii() and self["identifier"] is None:
                return derived
        question = "What is it called in the code, in Latin letters?"
        return self._ask("identifier", question, derived.kind, lambda text: names_of(title, text))

    def _choice(self, option: str, question: str, choices: Mapping[str, str], *, usual: str = "") -> str:
        first = usual or next(iter(choices))
        return self._ask(option, _menu(question, choices), first, lambda text: _chosen(text, choices))

    def _ask(self, option: str, question: str, usual: str, read: Callable[[str], T]) -> T:
        """
        Return the answer: from the option, else from the user, else the usual one.

        Args:
            option: the name of the option.
            question: the text to ask.
            usual: the answer if the user gives none.
            read: returns the answer from its text, or raises ConfigurationError.
        """
        given: Any = self[option]
        if given is not None or self["yes"]:
            try:
                return read(usual if given is None else given)
            except ConfigurationError as error:
                raise Refusal(f"--{option}: {error}") from None
        *menu, prompt = question.splitlines()
        while True:
            for line in menu:
                print(line)
            try:
                text = input(f"{prompt} [{usual}] ").strip()
            except EOFError:
                print(file=sys.stderr)
                raise Refusal(f"nobody answers: give --{option}, or --yes for the usual answers") from None
            try:
                return read(text or usual)
            except ConfigurationError as error:
                print(f"  {error}")

    def _port(self) -> int:
        text = self["port"]
        if not text.isascii() or not text.isdigit() or not 0 < int(text) < 65536:
            raise Refusal(f"--port must be a number from 1 to 65535, not {text!r}")
        return int(text)


def _menu(question: str, choices: Mapping[str, str], more: str = "") -> str:
    width = max(map(len, choices))
    items = enumerate(choices.items(), 1)
    lines = [f"  {number} {name:<{width}}  {text}" for number, (name, text) in items]
    lines += [f"  or {more}"] if more else []
    return "\n".join([question, *lines, "Number or word?"])


def _chosen(text: str, choices: Mapping[str, str], *, free: bool = False) -> str:
    """
    Return the word of a choice, which is given by its word or its number.

    Raises:
        ConfigurationError: there is not such a choice, and other texts are not allowed.
    """
    words = [*choices]
    if text.isascii() and text.isdigit() and 0 < int(text) <= len(words):
        return words[int(text) - 1]
    if text.lower() in words:
        return text.lower()
    if free:
        return text
    raise ConfigurationError(f"{text!r} is no answer: choose {', '.join(words)}")
