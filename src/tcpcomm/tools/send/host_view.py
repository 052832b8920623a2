"""The session of a host as its observers see it: :class:`HostView`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from attrs import define, evolve

from tcpcomm.errors import FramingError
from tcpcomm.session.observer import ObservedMessage, Observers, SessionObserver
from tcpcomm.tools.dissect.session import OverheardSession


@define(eq=False, kw_only=True)
class HostSession(OverheardSession):
    """A connection to equipment, as the observers of a host see it."""

    is_equipment = False


class HostView(SessionObserver):
    """
    Passes on what a dissector reports of the equipment's side, as the host's side sees it.

    What the equipment sends is received here.

    Args:
        session: the session that the observers get.
        observers: the observers.
    """

    def __init__(self, session: HostSession, observers: Sequence[SessionObserver]) -> None:
        self._session = session
        session.observers = self._observers = Observers(observers)

    def opened(self, session: Any) -> None:
        self._call("opened")

    def ready(self, session: Any) -> None:
        self._call("ready")

    def received(self, session: Any, data: bytes) -> None:
        self._call("sent", data)

    def sent(self, session: Any, data: bytes) -> None:
        self._call("received", data)

    def frame_received(self, session: Any, frame: bytes) -> None:
        self._call("frame_sent", frame)

    def frame_sent(self, session: Any, frame: bytes) -> None:
        self._call("frame_received", frame)

    def half_frame(self, session: Any, description: str, *, sent: bool = False) -> None:
        self._call("half_frame", description, sent=not sent)

    def frame_stalled(self, session: Any, description: str, *, sent: bool = False) -> None:
        self._call("frame_stalled", description, sent=not sent)

    def fault(self, session: Any, fault: FramingError, *, sent: bool = False) -> None:
        self._call("fault", fault, sent=not sent)

    def message(self, session: Any, message: ObservedMessage) -> None:
        answers = message.answers
        swapped = None if answers is None else evolve(answers, sent=not answers.sent)
        self._call("message", evolve(message, sent=not message.sent, answers=swapped))

    def closed(self, session: Any, reason: str) -> None:
        self._session.is_open, self._session.reason = False, reason
        self._call("closed", reason)

    def _call(self, hook: str, *details: object, **more: object) -> None:
        method = getattr(self._observers, hook)
        if method is not None:
            method(self._session, *details, **more)
