"""
An event that is whatever nothing else is: :class:`CatchAllDialect`.

A barcode reader sends what it read, and a scale what it weighs, with nothing before it that says so. Beside
commands that has to be told from their replies. The rule: an event whose template is one text and nothing
else, ``{code}``, takes what is neither another event nor, by its text, a reply or a fault. So each of these
must begin with literal text. What can be a reply is one while a command waits for its reply, and the event
while none does.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from random import Random
from typing import Any

from tcpcomm.codec.annotations import bare_type
from tcpcomm.codec.base import Answer, Event, MessageSpec, Notation
from tcpcomm.codec.encoding import Encoding
from tcpcomm.codec.template.dialect import TextDialect
from tcpcomm.codec.template.faults import FaultForm, NoFaults
from tcpcomm.codec.template.field_type import shown
from tcpcomm.codec.template.parser import Slot, parse
from tcpcomm.errors import CodecError, ConfigurationError

__all__ = ["CatchAllDialect", "catches_all"]


def catches_all(form: MessageSpec) -> bool:
    """Whether it is an event whose template is one text and nothing else."""
    if not form.is_event or not isinstance(form.wire, str) or len(form.parameters) != 1:
        return False
    (parameter,) = form.parameters
    if bare_type(parameter.type) is not str or "{" not in form.wire:
        return False
    try:
        return parse(form.wire) == (Slot(parameter.name),)
    except ConfigurationError:
        return False  # it is told where templates are compiled


class CatchAllDialect(TextDialect):
    """
    Templates, with one event that is whatever nothing else is.

    Args:
        forms: the declaration.
        encoding: of the text.
        faults: the form of faults.

    Raises:
        ConfigurationError: as for :class:`TextDialect`; or there are two such events, or a reply or a
            fault that does not begin with literal text.
    """

    def __init__(self, forms: Sequence[MessageSpec], encoding: Encoding, faults: FaultForm | NoFaults) -> None:
        caught, *more = (form for form in forms if catches_all(form))
        if more:
            raise ConfigurationError(
                f"{more[0].where}: it takes whatever is nothing else, as {caught.where} does already: "
                "put a literal text in front of one of them"
            )
        super().__init__([form for form in forms if form is not caught], encoding, faults)
        self._caught = caught
        self._alone = TextDialect([caught], encoding, NoFaults())
        """The event by itself: it reads whatever comes."""
        self._answers = []
        for form in forms:
            reply = None if form is caught else self._messages[form.name].reply
            for line in reply.all_lines if reply else ():
                self._check(f"the reply {line.text!r} of {form.where}", line.leading)
                self._answers.append(line)
        if faults.text:
            self._check(f"the fault {faults.text!r}", faults.line("").leading)

    def _check(self, what: str, leading: str) -> None:
        if not leading:
            raise ConfigurationError(
                f"{self._caught.where}: {self._caught.wire!r} takes whatever is nothing else, but {what} "
                "has no literal text in front by which it could be told: put one in front of either"
            )

    def read_at_host(self, frame: bytes) -> Sequence[Event | Answer]:
        (arrival,) = super().read_at_host(frame)
        if isinstance(arrival, Event) or self._may_answer(arrival.body):
            return (arrival,)
        return self._alone.read_at_host(frame)

    def unmatched_event(self, frame: bytes) -> Event | None:
        (event,) = self._alone.read_at_host(frame)
        assert isinstance(event, Event)
        return event

    def _may_answer(self, text: str) -> bool:
        return self._faults.matches(text) or any(line.matches(text) for line in self._answers)

    def event(self, name: str, values: Mapping[str, Any]) -> bytes:
        if name != self._caught.name:
            return super().event(name, values)
        frame = self._alone.event(name, values)
        (arrival,) = super().read_at_host(frame)
        if isinstance(arrival, Event):
            raise CodecError(f"{shown(frame)} would be read as the event {arrival.name}")
        return frame

    def draw_values(self, name: str, random: Random) -> dict[str, Any]:
        if name != self._caught.name:
            return super().draw_values(name, random)
        while True:
            values = self._alone.draw_values(name, random)
            (arrival,) = super().read_at_host(self._alone.event(name, values))
            if isinstance(arrival, Answer) and not self._may_answer(arrival.body):
                return values

    def notation(self, name: str) -> Notation:
        return self._alone.notation(name) if name == self._caught.name else super().notation(name)
