"""The subcommand ``tcpcomm describe``: it prints the manual of a piece of equipment."""

from __future__ import annotations

import json

from twisted.python import usage

from tcpcomm.cli.common import Subcommand, load_declaration
from tcpcomm.cli.manual import facts_of
from tcpcomm.cli.pages import markdown


class DescribeOptions(Subcommand):
    """The options of ``tcpcomm describe``."""

    synopsis = "describe MODULE:NAME [options]"

    longdesc = """Prints the manual of a piece of equipment: its framing, each command and event with its
bytes and an example, types, timeouts and faults. All of it comes from the declaration; the values in the
examples are random."""

    optParameters = [  # noqa: RUF012 - the name and kind are Twisted's
        ["format", "f", "markdown", "markdown, or json: the same facts for machines."],
        ["seed", "s", "0", "Another seed gives other values in the examples."],
    ]

    def postOptions(self) -> None:
        if self["format"] not in ("markdown", "json"):
            raise usage.UsageError(f"--format must be markdown or json, not {self['format']!r}")

    def run(self) -> int:
        facts = facts_of(load_declaration(self.name), seed=self["seed"])
        if self["format"] == "json":
            print(json.dumps(facts, indent=2, ensure_ascii=False))
        else:
            print(markdown(facts), end="")
        return 0
