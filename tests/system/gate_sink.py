"""A sink for tests of whole gateways, which opens with a file, and gives commands from a file."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

from attrs import frozen
from twisted.internet.defer import Deferred

from tcpcomm.plant import OutboxMessage, Sink, SinkConnection, SinkUnavailable
from tcpcomm.plant.sink import BrokerCommand, CarryOut


@frozen(kw_only=True)
class GateSink(Sink):
    """
    Appends the messages to ``results.jsonl`` of a folder while the file ``open`` is in it.

    It gives the commands in ``commands.jsonl``, one in a line, and appends their outcomes to
    ``outcomes.jsonl``.
    """

    kind: ClassVar[str] = "gate"

    path: str

    def open(self, name: str, reactor: Any) -> GateConnection:
        return GateConnection(Path(self.path), reactor)


class GateConnection(SinkConnection):
    def __init__(self, folder: Path, reactor: Any) -> None:
        self._folder = folder
        self._reactor = reactor
        self._given = 0

    async def deliver(self, messages: Sequence[OutboxMessage]) -> Mapping[str, str]:
        if not (self._folder / "open").exists():
            raise SinkUnavailable("the gate is closed")
        with (self._folder / "results.jsonl").open("a", encoding="utf-8") as file:
            for each in messages:
                file.write(json.dumps({"number": each.number, **each.value()}) + "\n")
        return {}

    def take_commands(self, carry_out: CarryOut) -> None:
        self._look(carry_out)

    def _look(self, carry_out: CarryOut) -> None:
        file = self._folder / "commands.jsonl"
        lines = file.read_text("utf-8").splitlines() if file.exists() else []
        for line in lines[self._given :]:
            self._given += 1
            Deferred.fromCoroutine(self._give(carry_out, json.loads(line)))
        self._reactor.callLater(0.05, self._look, carry_out)

    async def _give(self, carry_out: CarryOut, command: dict[str, Any]) -> None:
        try:
            outcome = {"result": await carry_out(BrokerCommand(**command))}
        except Exception as error:
            outcome = {"error": type(error).__name__, "reason": str(error)}
        with (self._folder / "outcomes.jsonl").open("a", encoding="utf-8") as file:
            file.write(json.dumps(outcome) + "\n")
