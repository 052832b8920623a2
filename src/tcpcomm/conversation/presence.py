"""Tell equipment that a session begins and ends: :class:`Presence`."""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import CancelledError, Deferred
from twisted.python.failure import Failure

from tcpcomm.conversation.responder import call_in_session
from tcpcomm.equipment.equipment import Equipment
from tcpcomm.errors import FramingError, SessionClosed
from tcpcomm.runtime.awaitables import as_deferred
from tcpcomm.runtime.bounded_logger import BoundedLogger
from tcpcomm.runtime.safe_text import one_line
from tcpcomm.session.protocol import FrameProtocol


class Presence:
    """The presence of one host in a session. The equipment wants to hear its begin and its end."""

    log = BoundedLogger()

    def __init__(self, equipment: Equipment, session: FrameProtocol) -> None:
        self._equipment = equipment
        self._session = session
        self._under_way: Deferred[Any] | None = None

    @classmethod
    def of(cls, equipment: Equipment, session: FrameProtocol) -> Presence | None:
        """Return the presence of a session, or None if the equipment has no hook."""
        kind = type(equipment)
        hears = (
            kind.session_began is not Equipment.session_began
            or kind.session_ended is not Equipment.session_ended
            or kind.misframed is not Equipment.misframed
        )
        return cls(equipment, session) if hears else None

    def begin(self) -> None:
        """Tell the equipment that the session is ready for commands and events."""
        later = call_in_session(self._session, self._begin)
        self._under_way = None if later is None else later.addErrback(self._failed)

    def _begin(self) -> Deferred[Any] | None:
        later = self._equipment.session_began(self._session)
        return None if later is None else as_deferred(later)

    def end(self, reason: str) -> None:
        """Tell the equipment that the session is over. What began with it is cancelled first."""
        if self._under_way is not None:
            self._under_way.cancel()
        try:
            self._equipment.session_ended(self._session, reason)
        except Exception:
            self._log_failure("session_ended", Failure())

    def misframed(self, fault: FramingError) -> None:
        """Tell the equipment that its host broke the rule of the framing."""
        try:
            self._equipment.misframed(self._session, fault)
        except SessionClosed:
            pass
        except Exception:
            self._log_failure("misframed", Failure())

    def _failed(self, failure: Failure) -> None:
        """Close the session, unless its end is the reason of the failure."""
        session = self._session
        if not session.is_open and failure.check(CancelledError, SessionClosed):
            return
        self._log_failure("session_began", failure)
        session.close(f"session_began failed: {one_line(failure.getErrorMessage())}")

    def _log_failure(self, method: str, failure: Failure) -> None:
        message = "{peer}: {kind}.{method} failed"
        kind = type(self._equipment).__name__
        self.log.failure(message, failure, peer=self._session.peer, kind=kind, method=method)
