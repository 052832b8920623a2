"""The observer that records: :class:`Recorder`."""

from __future__ import annotations

import os
import weakref
from pathlib import Path
from types import TracebackType
from typing import Any, ClassVar, Final, Self

from tcpcomm.errors import ConfigurationError, FramingError
from tcpcomm.net.error_texts import peer_name
from tcpcomm.runtime.bounded_logger import BoundedLogger
from tcpcomm.session.observer import ObservedMessage, SessionObserver
from tcpcomm.tools.record.clock import RecordingClock
from tcpcomm.tools.record.file_lock import FileLock
from tcpcomm.tools.record.row_queue import What
from tcpcomm.tools.record.rows import OpenSession, seen
from tcpcomm.tools.record.schema import LOCK_SUFFIX
from tcpcomm.tools.record.store import Connect, Store, connect
from tcpcomm.tools.record.writer import Writer

KEEP_HOURS: Final = 168.0
"""Hours after which values are deleted: a week."""

KEEP_MIB: Final = 1024.0
"""MiB of the file beyond which the oldest values are deleted."""

KEEP_BEFORE_FAULT: Final = 60.0
"""Seconds before a fault whose values are kept longer."""

RECORDER_FINISH: Final = 5.0
"""Seconds at the end for the values that wait."""

HALF_FRAME: Final = "half frame"
"""The kind of a fault that is a frame which began and did not end."""

_SMALLEST_MIB: Final = 1.0


class Recorder(SessionObserver):
    """
    Records in a file all that passes on sessions, and the states of links.

    It is an observer: give it to ``serve``, ``remote`` or any tool as ``observers=[Recorder(path)]``. A
    thread writes the file. If the disk is full or slow, values are dropped, counted and told in the file,
    and the sessions go on. Read the file by :class:`~tcpcomm.Recording`, also while it is written.

    A recorder goes on with a file that an earlier one wrote, however that ended. Its last values are
    written when the program ends, or at :meth:`close`, or at the end of a ``with`` block.

    Args:
        path: the file, such as ``line.tcpcomm``.
        keep_hours: hours after which values are deleted.
        keep_mib: MiB of the file beyond which the oldest values are deleted.
        keep_before_fault: seconds before a fault. These values, and 10 seconds behind it, are kept longer
            than others, as long as they take no more than half of the file.
        opener: opens the database.

    Raises:
        ConfigurationError: the file is not a recording, is damaged, belongs to a newer version, or another
            recorder writes it; or an argument is wrong.
    """

    log: ClassVar[BoundedLogger] = BoundedLogger()

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        keep_hours: float = KEEP_HOURS,
        keep_mib: float = KEEP_MIB,
        keep_before_fault: float = KEEP_BEFORE_FAULT,
        opener: Connect = connect,
    ) -> None:
        _check("keep_hours", keep_hours, above=0)
        _check("keep_mib", keep_mib, above=0, least=_SMALLEST_MIB)
        _check("keep_before_fault", keep_before_fault)
        self.path = Path(path)
        lock_path = self.path.with_name(self.path.name + LOCK_SUFFIX)
        if not self.path.parent.is_dir():
            raise ConfigurationError(f"{self.path}: there is no folder {self.path.parent}: make it first")
        self._lock = FileLock(lock_path, str(self.path))
        try:
            store = Store(self.path, opener)
            try:
                self._last_session = store.last_session
                self._clock = RecordingClock(store.last_at + 1)
            finally:
                store.close()
        except BaseException:
            self._lock.release()
            raise
        self._writer = Writer(
            self.path,
            opener,
            self._clock,
            most_bytes=int(keep_mib * 1024 * 1024),
            most_age=int(keep_hours * 3_600_000_000),
            before_fault=int(keep_before_fault * 1_000_000),
            started=self._lock.tell_process,
        )
        self._put = self._writer.queue.put
        self._now = self._clock.now
        self._sessions: dict[int, tuple[Any, OpenSession]] = {}
        self._finish = weakref.finalize(self, _finish, self._writer, self._lock)

    @property
    def dropped(self) -> int:
        """The number of values that were not recorded, because the disk was full or slow."""
        return self._writer.queue.dropped

    def flush(self, timeout: float = RECORDER_FINISH) -> bool:
        """
        Wait until all values so far are in the file. It blocks the reactor meanwhile.

        Returns:
            False if they are not, after so many seconds.
        """
        return self._writer.flush(timeout)

    def close(self) -> None:
        """Write what waits, and end. Later values are ignored. It blocks for 5 seconds at most."""
        self._finish()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    # -- what an observer sees; the first two are the hot path

    def received(self, session: Any, data: bytes) -> None:
        known = self._sessions.get(id(session))
        found = known[1] if known is not None else self._begin(session)
        self._put((What.CHUNK, self._now(), found, False, data), len(data))

    def sent(self, session: Any, data: bytes) -> None:
        known = self._sessions.get(id(session))
        found = known[1] if known is not None else self._begin(session)
        self._put((What.CHUNK, self._now(), found, True, data), len(data))

    def opened(self, session: Any) -> None:
        found = self._begin(session)
        self._put((What.OPENED, found.opened_at, found, False, None), 0)

    def ready(self, session: Any) -> None:
        found = self._found(session)
        found.declaration, found.target = _declaration_of(session), _target_of(session)
        identity = getattr(session, "identity", None)
        self._put((What.READY, self._now(), found, False, str(identity or "")), 0)

    def closed(self, session: Any, reason: str) -> None:
        found = self._found(session)
        self._put((What.CLOSED, self._now(), found, False, reason), 0)
        del self._sessions[id(session)]

    def frame_received(self, session: Any, frame: bytes) -> None:
        if not getattr(session, "is_declared", False):  # else its message has it
            self._put((What.FRAME, self._now(), self._found(session), False, frame), len(frame))

    def frame_sent(self, session: Any, frame: bytes) -> None:
        if not getattr(session, "is_declared", False):
            self._put((What.FRAME, self._now(), self._found(session), True, frame), len(frame))

    def message(self, session: Any, message: ObservedMessage) -> None:
        entry = (What.MESSAGE, self._now(), self._found(session), message.sent, seen(message))
        self._put(entry, len(message.frame))

    def half_frame(self, session: Any, description: str, *, sent: bool = False) -> None:
        details = (HALF_FRAME, "a chunk began a frame and did not end it", description)
        self._put((What.FAULT, self._now(), self._found(session), sent, details), len(description))

    def fault(self, session: Any, fault: FramingError, *, sent: bool = False) -> None:
        details = (type(fault).__name__, str(fault), fault.details)
        self._put((What.FAULT, self._now(), self._found(session), sent, details), len(fault.details))

    def altered(self, session: Any, description: str, *, sent: bool) -> None:
        entry = (What.ALTERATION, self._now(), self._found(session), sent, description)
        self._put(entry, len(description))

    def link_state(self, link: Any, state: Any, reason: str) -> None:
        name = getattr(link, "name", None) or getattr(getattr(link, "engine", None), "name", None)
        details = (str(name or "link"), str(getattr(state, "value", state)), reason)
        self._put((What.STATE, self._now(), None, False, details), len(reason))

    def listening(self, server: Any, address: str) -> None:
        self._put((What.STATE, self._now(), None, False, (address, "listening", "")), 0)

    def _found(self, session: Any) -> OpenSession:
        known = self._sessions.get(id(session))
        return known[1] if known is not None else self._begin(session)

    def _begin(self, session: Any) -> OpenSession:
        """Give a session its number. The dictionary keeps the session, so that its id stays its own."""
        self._last_session += 1
        found = OpenSession(
            self._last_session,
            str(getattr(session, "peer", "")),
            _target_of(session),
            bool(getattr(session, "is_equipment", False)),
            _declaration_of(session),
            self._now(),
        )
        self._sessions[id(session)] = (session, found)
        return found


def _check(name: str, value: float, *, above: float = -1.0, least: float = 0.0) -> None:
    if not (isinstance(value, int | float) and least <= value < 1e9 and value > above):
        words = f"at least {least:g}" if least > above else f"above {above:g}"
        raise ConfigurationError(f"{name} must be a number of {words}, not {value!r}")


def _target_of(session: Any) -> str:
    """Return the address of this side of a session, or an empty text if it is not known."""
    target = getattr(session, "target", None)
    if target is not None:
        return str(target)
    transport = getattr(session, "transport", None)
    get_host = getattr(transport, "getHost", None)
    return "" if get_host is None else peer_name(get_host())


def _declaration_of(session: Any) -> str:
    declaration = getattr(session, "declaration", None)
    kind = getattr(declaration, "kind", None)
    return "" if kind is None else f"{kind.__module__}:{kind.__qualname__}"


def _finish(writer: Writer, lock: FileLock) -> None:
    """Write what waits, and release the file, unless the disk hangs so that the thread cannot end."""
    lost = writer.stop(RECORDER_FINISH)
    if lost:
        Recorder.log.error(
            "{path}: {lost:,} values at the end are not recorded", path=writer.path, lost=lost
        )
    if not writer.is_running:
        lock.release()
