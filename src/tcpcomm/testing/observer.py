"""An observer for tests that keeps an ordered log: :class:`RecordingObserver`."""

from __future__ import annotations

from typing import Any, Final

from tcpcomm.errors import FramingError
from tcpcomm.session.observer import ObservedMessage, SessionObserver

_SENT: Final = ("sent",)


class RecordingObserver(SessionObserver):
    """
    Keeps an ordered log of all that happens on the sessions and links that it watches.

    Each entry is a tuple of the name of the method and its values, without the session::

        ("opened",), ("ready",), ("received", b"a;"), ("frame_received", b"a"), ("frame_sent", b"b"),
        ("sent", b"b;"), ("fault", FrameTooLong), ("closed", "the peer closed the connection")

    A fault is logged as its class, and ``link_state`` with the state and the reason. Of traffic that is
    overheard, a fault, a half frame or an alteration in the direction to the host ends with ``"sent"``.
    """

    def __init__(self) -> None:
        self.log: list[tuple[Any, ...]] = []
        """The entries, oldest first."""
        self.sessions: list[Any] = []
        """The sessions that were opened, oldest first."""

    def only(self, *methods: str) -> list[tuple[Any, ...]]:
        """Return the entries of these methods."""
        return [entry for entry in self.log if entry[0] in methods]

    def take(self) -> list[tuple[Any, ...]]:
        """Return all entries, and forget them."""
        entries, self.log = self.log, []
        return entries

    def opened(self, session: Any) -> None:
        self.sessions.append(session)
        self.log.append(("opened",))

    def ready(self, session: Any) -> None:
        self.log.append(("ready",))

    def received(self, session: Any, data: bytes) -> None:
        self.log.append(("received", data))

    def sent(self, session: Any, data: bytes) -> None:
        self.log.append(("sent", data))

    def frame_received(self, session: Any, frame: bytes) -> None:
        self.log.append(("frame_received", frame))

    def frame_sent(self, session: Any, frame: bytes) -> None:
        self.log.append(("frame_sent", frame))

    def half_frame(self, session: Any, description: str, *, sent: bool = False) -> None:
        self.log.append(("half_frame", description, *_SENT[:sent]))

    def frame_stalled(self, session: Any, description: str, *, sent: bool = False) -> None:
        self.log.append(("frame_stalled", description, *_SENT[:sent]))

    def fault(self, session: Any, fault: FramingError, *, sent: bool = False) -> None:
        self.log.append(("fault", type(fault), *_SENT[:sent]))

    def altered(self, session: Any, description: str, *, sent: bool) -> None:
        self.log.append(("altered", description, *_SENT[:sent]))

    def message(self, session: Any, message: ObservedMessage) -> None:
        self.log.append(("message", message))

    def closed(self, session: Any, reason: str) -> None:
        self.log.append(("closed", reason))

    def link_state(self, link: Any, state: Any, reason: str) -> None:
        self.log.append(("link_state", state, reason))

    def listening(self, server: Any, address: str) -> None:
        self.log.append(("listening",))
