"""The subcommand ``tcpcomm check``: it finds every mistake in the configuration of a gateway."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, ClassVar

from twisted.python import usage

from tcpcomm.cli.common import Refusal, Subcommand, number
from tcpcomm.cli.hosting import run_reactor
from tcpcomm.plant.gateway.configuration.mistakes import PlantMistakes, path_text
from tcpcomm.plant.gateway.configuration.plant_file import read_plant
from tcpcomm.plant.gateway.configuration.summary import summary_lines
from tcpcomm.plant.gateway.plan import Plan
from tcpcomm.plant.gateway.trial import try_all
from tcpcomm.runtime.monotonic_time import the_reactor
from tcpcomm.runtime.safe_text import one_line


class CheckOptions(Subcommand):
    """The options of ``tcpcomm check``."""

    synopsis = "check FILE [options]"

    longdesc = """Checks the configuration of a gateway, such as plant.toml, which 'twistd tcpcomm --plant
FILE' runs. It prints every mistake with its line, or else what the gateway will do. Unless --connect is
given, nothing is connected and nothing is written."""

    exit_codes: ClassVar[Mapping[int, str]] = {
        0: "there is no mistake, and all is ready with --connect",
        1: "there is a mistake, or something is not ready with --connect",
    }

    optFlags = [  # noqa: RUF012 - the name and kind are Twisted's
        ["connect", "c", "Connect to each device and sink once, try the ports, and say if all is ready."],
        ["json", "j", "Print the mistakes as JSON."],
    ]
    optParameters = [  # noqa: RUF012 - the name and kind are Twisted's
        ["timeout", "t", "5", "Seconds that each may take, with --connect."],
    ]

    def parseArgs(self, *args: str) -> None:
        if len(args) != 1:
            raise usage.UsageError("name one file, such as plant.toml")
        (self.file,) = args

    def run(self) -> int:
        deadline = number("timeout", self["timeout"], above=True)
        try:
            plan = read_plant(self.file)
        except PlantMistakes as mistakes:
            if not self["json"]:
                raise Refusal(*mistakes.lines) from None
            print(json.dumps([_facts(each) for each in mistakes.mistakes], indent=2, ensure_ascii=False))
            return 1
        if self["json"]:
            print("[]")
        else:
            for line in summary_lines(plan):
                print(one_line(line, 1000))
        return run_reactor(lambda: self._try(plan, deadline)) if self["connect"] else 0

    async def _try(self, plan: Plan, deadline: float) -> int:
        trials = await try_all(plan, deadline, the_reactor())
        for each in trials:
            print(one_line(str(each), 1000), flush=True)
        return 1 if any(each.problem for each in trials) else 0


def _facts(mistake: Any) -> dict[str, Any]:
    return {"path": path_text(mistake.path), "line": mistake.line, "text": mistake.text}
