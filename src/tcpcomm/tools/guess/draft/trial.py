"""A trial of a draft: :func:`declared` makes its class, :func:`read_capture` reads the capture by it."""

from __future__ import annotations

import re
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any, Final

from attrs import define, field, frozen

from tcpcomm.equipment.declaration import Declaration
from tcpcomm.equipment.equipment import declaration_of
from tcpcomm.errors import ConfigurationError
from tcpcomm.session.observer import MessageKind, ObservedMessage, Observers, SessionObserver
from tcpcomm.tools.dissect.dissector import Dissector
from tcpcomm.tools.dissect.session import OverheardSession
from tcpcomm.tools.dissect.speech import Speech
from tcpcomm.tools.guess.capture import Capture, Side

_MODULE: Final = "tcpcomm_draft"


@frozen(kw_only=True)
class Trial:
    """
    The figures of a trial.

    Attributes:
        answers: the lines of the equipment.
        read: those that the declaration reads: replies, faults and events.
        requests: the lines of the host.
        requests_read: those that the declaration reads.
        unread: some lines that it does not read, with the reason.
    """

    answers: int
    read: int
    requests: int
    requests_read: int
    unread: tuple[tuple[bytes, str], ...]

    @property
    def part(self) -> float:
        """The part of the lines of both sides that is read."""
        return (self.read + self.requests_read) / max(1, self.answers + self.requests)


@define
class _Counting(SessionObserver):
    """Counts the messages that are read."""

    seen: Counter[tuple[bool, bool]] = field(factory=Counter)
    unread: dict[tuple[str, str], tuple[bytes, str]] = field(factory=dict)

    def message(self, session: Any, message: ObservedMessage) -> None:
        is_read = message.kind is not MessageKind.UNREADABLE and not message.problem
        self.seen[message.sent, is_read] += 1
        if not is_read:
            self.unread.setdefault((message.name, message.problem), (message.frame, message.problem))


@contextmanager
def declared(source: str, name: str) -> Iterator[Declaration]:
    """
    Make the class of a draft, for as long as the context lasts.

    Raises:
        ConfigurationError: the source is not a declaration.
    """
    module = ModuleType(_MODULE)
    sys.modules[_MODULE] = module  # annotations are looked up there, also late
    try:
        code = compile(source, "<draft>", "exec", dont_inherit=True)  # its reader imports it without ours
        exec(code, vars(module))  # the drafter quoted all that it read
        yield declaration_of(vars(module)[name])
    finally:
        del sys.modules[_MODULE]


def read_capture(capture: Capture, declaration: Declaration, host: Side) -> Trial:
    """Read a capture by a declaration."""
    observer = _Counting()
    now = 0.0

    def opened(*, from_start: bool) -> Dissector:
        session = OverheardSession(peer="host", speech=Speech.declared(declaration))
        dissector = Dissector(session, Observers([observer]), lambda: now)
        dissector.open(from_beginning=from_start)
        return dissector

    dissector = opened(from_start=capture.from_start)
    for chunk in capture.chunks:
        now = now if chunk.at is None else chunk.at
        if chunk.begins:
            dissector = opened(from_start=not chunk.after_gap)
        dissector.feed(chunk.data, to_host=chunk.side != host)
    seen = observer.seen
    return Trial(
        answers=seen[True, True] + seen[True, False],
        read=seen[True, True],
        requests=seen[False, True] + seen[False, False],
        requests_read=seen[False, True],
        unread=tuple(observer.unread.values()),
    )


def member_in(error: ConfigurationError, name: str) -> str:
    """Return the name of the command or event that an error is about; empty if it names none."""
    found = re.match(rf"{name}\.(\w+)", str(error))
    return found[1] if found is not None else ""
