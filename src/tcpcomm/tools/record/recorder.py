"""The observer that records: :class:`Recorder`."""

from __future__ import annotations

import os
import weakref
from pathlib import Path
from types import TracebackType
from typing import Any, ClassVar, Final, Self, TypeAlias

from tcpcomm.errors import ConfigurationError, FramingError
from tcpcomm.net.error_texts import peer_name
from tcpcomm.runtime.bounded_logger import BoundedLogger
from tcpcomm.runtime.file_lock import FileLock
from tcpcomm.session.observer import MaskedBytes, ObservedMessage, SessionObserver
from tcpcomm.tools.record.clock import RecordingClock
from tcpcomm.tools.record.row_queue import What
from tcpcomm.tools.record.rows import HALF_FRAME, seen
from tcpcomm.tools.record.schema import FRAME, LOCK_SUFFIX, MASKED, OWNER_FLAGS, SENT
from tcpcomm.tools.record.store import Connect, Store, connect
from tcpcomm.tools.record.writer import Writer

KEEP_HOURS: Final = 168.0
"""
Hours for which values are kept. Then they are deleted, except the newest. Change it with
``--keep-hours``.
"""

KEEP_MIB: Final = 1024.0
"""MiB of values in a recording. The oldest values are deleted. Change it with ``--keep-mib``."""

KEEP_BEFORE_FAULT: Final = 60.0
"""
Seconds before a fault whose values are kept longer than others. Earlier values are deleted as usual.
Change it with ``--keep-before-fault``.
"""

RECORDER_FINISH: Final = 5.0
"""Seconds at the end of the program for the last values. Then they are lost, and the log says so."""

_SMALLEST_MIB: Final = 1.0

_TAKEN: Final = "{what} is being recorded already{owner}: end that recorder, or name another file"

_Known: TypeAlias = tuple[int, int, Any, bool]
"""The number of a session, the owner of its bytes without flags, the session, and if it is declared."""


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
        self.path = Path(path).absolute()  # a daemon goes to another folder
        lock_path = self.path.with_name(self.path.name + LOCK_SUFFIX)
        if not self.path.parent.is_dir():
            raise ConfigurationError(f"{self.path}: there is no folder {self.path.parent}: make it first")
        self._lock = FileLock(lock_path, str(self.path), _TAKEN)
        try:
            store = Store(self.path, opener)
            try:
                self._last_session = store.last_session
                last_row, self._clock = store.last_number, RecordingClock(store.last_at + 1)
            finally:
                store.close()
        except BaseException:
            self._lock.release()
            raise
        self._writer = Writer(
            self.path,
            opener,
            self._clock,
            last_row,
            most_bytes=int(keep_mib * 1024 * 1024),
            most_age=int(keep_hours * 3_600_000_000),
            before_fault=int(keep_before_fault * 1_000_000),
            started=self._lock.tell_process,
        )
        self._queue = self._writer.queue
        self._now, self._put_bytes = self._clock.now, self._queue.put_bytes
        self._sessions: dict[int, _Known] = {}
        self._finish = weakref.finalize(self, _finish, self._writer, self._lock)

    @property
    def dropped(self) -> int:
        """The number of values that were not recorded, because the disk was full, slow or damaged."""
        return self._queue.dropped

    def flush(self, timeout: float = RECORDER_FINISH) -> bool:
        """
        Wait until all values so far are in the file. It blocks the reactor meanwhile.

        Returns:
            False if they are not, after so many seconds, or because nothing can be recorded any more.
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

    # -- what an observer sees; the first four are the hot path

    def received(self, session: Any, data: bytes) -> None:
        known = self._sessions.get(id(session)) or self._begin(session)
        flags = MASKED if type(data) is MaskedBytes else 0
        self._put_bytes(self._now(), known[1] | flags, data)

    def sent(self, session: Any, data: bytes) -> None:
        known = self._sessions.get(id(session)) or self._begin(session)
        flags = SENT | MASKED if type(data) is MaskedBytes else SENT
        self._put_bytes(self._now(), known[1] | flags, data)

    def frame_received(self, session: Any, frame: bytes) -> None:
        known = self._sessions.get(id(session)) or self._begin(session)
        if not known[3]:  # else its message has it
            flags = FRAME | MASKED if type(frame) is MaskedBytes else FRAME
            self._put_bytes(self._now(), known[1] | flags, frame)

    def frame_sent(self, session: Any, frame: bytes) -> None:
        known = self._sessions.get(id(session)) or self._begin(session)
        if not known[3]:
            flags = SENT | FRAME | MASKED if type(frame) is MaskedBytes else SENT | FRAME
            self._put_bytes(self._now(), known[1] | flags, frame)

    def message(self, session: Any, message: ObservedMessage) -> None:
        self._put(What.MESSAGE, session, message.sent, seen(message))

    def opened(self, session: Any) -> None:
        self._begin(session)

    def ready(self, session: Any) -> None:
        identity = str(getattr(session, "identity", None) or "")
        self._put(What.READY, session, False, (identity, _target_of(session), _declaration_of(session)))

    def closed(self, session: Any, reason: str) -> None:
        self._put(What.CLOSED, session, False, reason)
        del self._sessions[id(session)]

    def half_frame(self, session: Any, description: str, *, sent: bool = False) -> None:
        details = (HALF_FRAME, "a chunk began a frame and did not end it", description)
        self._put(What.FAULT, session, sent, details)

    def fault(self, session: Any, fault: FramingError, *, sent: bool = False) -> None:
        details = (type(fault).__name__, str(fault), fault.details)
        self._put(What.FAULT, session, sent, details)

    def altered(self, session: Any, description: str, *, sent: bool) -> None:
        self._put(What.ALTERATION, session, sent, description)

    def link_state(self, link: Any, state: Any, reason: str) -> None:
        name = getattr(link, "name", None) or getattr(getattr(link, "engine", None), "name", None)
        details = (str(name or "link"), str(getattr(state, "value", state)), reason)
        self._queue.put(What.STATE, self._now(), None, False, details)

    def listening(self, server: Any, address: str) -> None:
        self._queue.put(What.STATE, self._now(), None, False, (address, "listening", ""))

    def _put(self, what: What, session: Any, sent: bool, details: Any) -> None:
        known = self._sessions.get(id(session)) or self._begin(session)
        self._queue.put(what, self._now(), known[0], sent, details)

    def _begin(self, session: Any) -> _Known:
        """Give a session its number. The dictionary keeps the session, so that its id stays its own."""
        self._last_session += 1
        owner = self._last_session << OWNER_FLAGS
        is_declared = bool(getattr(session, "is_declared", False))
        known = self._sessions[id(session)] = (self._last_session, owner, session, is_declared)
        details = (
            str(getattr(session, "peer", "")),
            _target_of(session),
            bool(getattr(session, "is_equipment", False)),
            _declaration_of(session),
        )
        self._queue.put(What.OPENED, self._now(), known[0], False, details)
        return known


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
