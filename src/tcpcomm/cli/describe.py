"""The subcommand ``tcpcomm describe``: it prints the manual of a piece of equipment."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from twisted.python import usage

from tcpcomm.cli.common import Refusal, Subcommand, load_declaration
from tcpcomm.conversation.answering_loop import code_for
from tcpcomm.tools.manual.facts import facts_of
from tcpcomm.tools.manual.pages import markdown


class DescribeOptions(Subcommand):
    """The options of ``tcpcomm describe``."""

    synopsis = "describe DEVICE [options]"

    longdesc = """Prints the manual of a piece of equipment: its framing, each command and event with its
bytes and an example, types, timeouts and faults. All of it comes from the declaration; the values in the
examples are random."""

    optParameters = [  # noqa: RUF012 - the name and kind are Twisted's
        ["format", "f", "markdown", "markdown for people, or json: the same facts for machines."],
        ["seed", "s", "0", "A number; another seed gives other values in the examples."],
        ["output", "o", None, "The file for the manual, in UTF-8.  [default: standard output]"],
    ]

    optFlags = [  # noqa: RUF012
        ["code", "c", "Print the Python functions that are generated for its commands, instead."],
    ]

    def postOptions(self) -> None:
        if self["format"] not in ("markdown", "json"):
            raise usage.UsageError(f"--format must be markdown or json, not {self['format']!r}")

    def run(self) -> int:
        text = self._text()
        if self["output"] is None:
            self._print(text)
            return 0
        try:
            Path(self["output"]).write_text(text, encoding="utf-8", newline="\n")
        except OSError as error:
            raise Refusal(f"--output {self['output']}: cannot write it: {error.strerror}") from None
        return 0

    def _text(self) -> str:
        declaration = load_declaration(self.name)
        if self["code"]:
            return code_for(declaration)
        facts = facts_of(declaration, seed=self["seed"])
        if self["format"] == "markdown":
            return markdown(facts)
        return f"{json.dumps(facts, indent=2, ensure_ascii=False)}\n"

    @staticmethod
    def _print(text: str) -> None:
        """Print the manual. Say so if the console's encoding lacks some of its characters."""
        print(text, end="")
        encoding = sys.stdout.encoding or "utf-8"
        try:
            text.encode(encoding)
        except UnicodeEncodeError as error:
            lost = error.object[error.start]
            print(
                f"tcpcomm describe: standard output is in {encoding}, which has no {lost!r}: --output "
                "manual.md writes the manual in UTF-8",
                file=sys.stderr,
            )
