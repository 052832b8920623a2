"""
An event that is any text that nothing else is, such as the code that a barcode reader sends.

An event with a template of one text field alone, such as ``{code}``, takes every text that is not another
event, a reply or a fault. So all of these must begin with literal text. A text that can be a reply is a
reply while a command waits for one, and otherwise the event.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from random import Random
from typing import Any

from tcpcomm.codec.annotations import bare_type
from tcpcomm.codec.base import Answer, Event, MessageSpec, Notation
from tcpcomm.codec.encoding import Encoding
from tcpcomm.codec.problems import brief_repr
from tcpcomm.codec.template.dialect import TextDialect
from tcpcomm.codec.template.faults import Faults
from tcpcomm.codec.template.parser import ValuePiece, parse
from tcpcomm.errors import CodecError, ConfigurationError


def catches_all(spec: MessageSpec) -> bool:
    """Return True for an event with a template of one text field and nothing else."""
    if not spec.is_event or not isinstance(spec.wire, str) or len(spec.parameters) != 1:
        return False
    (parameter,) = spec.parameters
    if bare_type(parameter.type) is not str or "{" not in spec.wire:
        return False
    try:
        return parse(spec.wire) == (ValuePiece(parameter.name),)
    except ConfigurationError:
        return False  # the compiler reports the error


class CatchAllDialect(TextDialect):
    """
    Templates, with one event that is any text that nothing else is.

    Raises:
        ConfigurationError: as for :class:`TextDialect`. Or there are two such events, or a reply or the
            fault does not begin with literal text.
    """

    def __init__(self, specs: Sequence[MessageSpec], encoding: Encoding, faults: Faults) -> None:
        caught, *more = (spec for spec in specs if catches_all(spec))
        if more:
            raise ConfigurationError(
                f"{more[0].where}: it can be any text, and so can {caught.where}: "
                "put a literal text in front of one of them"
            )
        super().__init__([spec for spec in specs if spec is not caught], encoding, faults)
        self._caught = caught
        self._caught_dialect = TextDialect([caught], encoding, Faults((), encoding, {}))
        """The event alone: it reads any text."""
        self._reply_templates = []
        for message in self._commands:
            for template in message.reply_templates:
                self._check(f"the reply {template.text!r} of {message.spec.where}", template.leading)
                self._reply_templates.append(template)
        own = [fault for message in self._commands for fault in message.own_faults]
        for fault in (*faults.templates, *own):
            self._check(f"the fault {fault.text!r}", fault.template("").leading)

    def _check(self, what: str, leading: str) -> None:
        if not leading:
            raise ConfigurationError(
                f"{self._caught.where}: {self._caught.wire!r} can be any text, and {what} does not begin "
                "with a literal text: put one in front of either"
            )

    def read_at_host(self, frame: bytes) -> Sequence[Event | Answer]:
        (found,) = super().read_at_host(frame)
        if isinstance(found, Event) or self._may_answer(found.body):
            return (found,)
        return self._caught_dialect.read_at_host(frame)

    def unmatched_event(self, frame: bytes) -> Event | None:
        (event,) = self._caught_dialect.read_at_host(frame)
        assert isinstance(event, Event)
        return event

    def _may_answer(self, text: str) -> bool:
        return self._is_event_or_fault(text) or any(each.matches(text) for each in self._reply_templates)

    def event(self, name: str, values: Mapping[str, Any]) -> bytes:
        if name != self._caught.name:
            return super().event(name, values)
        frame = self._caught_dialect.event(name, values)
        (found,) = super().read_at_host(frame)
        if isinstance(found, Event):
            raise CodecError(f"{brief_repr(frame)} would be read as the event {found.name}")
        return frame

    def draw_values(self, name: str, random: Random) -> dict[str, Any]:
        if name != self._caught.name:
            return super().draw_values(name, random)
        while True:
            values = self._caught_dialect.draw_values(name, random)
            (found,) = super().read_at_host(self._caught_dialect.event(name, values))
            if isinstance(found, Answer) and not self._may_answer(found.body):
                return values

    def layout(self, name: str) -> dict[str, Any] | None:
        if name != self._caught.name:
            return super().layout(name)
        return self._caught_dialect.layout(name)

    def notation(self, name: str) -> Notation:
        if name != self._caught.name:
            return super().notation(name)
        return self._caught_dialect.notation(name)
