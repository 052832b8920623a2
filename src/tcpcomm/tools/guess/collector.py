"""The last chunks of each session, for a guess while a program runs: :class:`ChunkCollector`."""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Callable, Iterable
from typing import Any, Final

from attrs import evolve

from tcpcomm.session.observer import MaskedBytes, SessionObserver
from tcpcomm.tools.guess.capture import ANSWERER, OPENER, Capture, CapturedChunk, Side

COLLECTED_BYTES: Final = 262_144
"""Bytes of one session that are kept for a guess of its framing. The oldest are dropped."""

COLLECTED_SESSIONS: Final = 16
"""Sessions whose bytes are kept for a guess. The one that was silent for the longest time is forgotten."""

CHUNK_COST: Final = 128
"""Bytes that a kept chunk counts beside its data, so that many small chunks take no more memory."""

ENOUGH_CHUNKS: Final = 40
"""Chunks of one session from which a guess needs no other session."""

SECRETS_LEFT_OUT: Final = "Bytes that are secret, such as a login, were left out."
OLDER_LEFT_OUT: Final = "Only the last bytes were kept; older ones were left out."


class ChunkRing:
    """
    The last chunks of one session.

    Args:
        name: the session for people.
        size: the most bytes to keep, with :data:`CHUNK_COST` for each chunk.
    """

    def __init__(self, name: str, size: int = COLLECTED_BYTES) -> None:
        self._name = name
        self._size = size
        self._chunks: deque[CapturedChunk] = deque()
        self._cost = 0
        self._has_gap = {OPENER: False, ANSWERER: False}
        self.is_cut = False
        """True if older bytes were left out."""
        self.has_secrets = False
        """True if bytes were masked, because they are secret."""

    def __len__(self) -> int:
        return len(self._chunks)

    def add(self, side: Side, data: bytes, at: float | None) -> None:
        """Keep a chunk, and drop the oldest ones beyond the limit. Masked bytes leave a gap."""
        if isinstance(data, MaskedBytes):
            self.has_secrets = self._has_gap[side] = True
            return
        if not data:
            return
        after_gap, self._has_gap[side] = self._has_gap[side], False
        if len(data) > self._size:
            data, after_gap, self.is_cut = data[-self._size :], True, True
        self._chunks.append(CapturedChunk(side, data, at, after_gap))
        self._cost += len(data) + CHUNK_COST
        while self._cost > self._size and len(self._chunks) > 1:
            self._cost -= len(self._chunks.popleft().data) + CHUNK_COST
            self.is_cut = True

    def capture(self) -> Capture:
        """Return the kept chunks."""
        notes = [SECRETS_LEFT_OUT] * self.has_secrets + [OLDER_LEFT_OUT] * self.is_cut
        return Capture(
            tuple(self._chunks),
            name=self._name,
            from_start=not (self.is_cut or self.has_secrets),
            notes=tuple(notes),
        )


class ChunkCollector(SessionObserver):
    """
    Keeps the last chunks of sessions.

    Args:
        seconds: returns the time in seconds.
        sender_opens: True if the sender of the bytes that are reported as sent opened the connections.
        size: the most bytes of a session.
        most: the most sessions. Beyond, the one that was silent for the longest time is forgotten.
    """

    def __init__(
        self,
        seconds: Callable[[], float],
        *,
        sender_opens: bool = False,
        size: int = COLLECTED_BYTES,
        most: int = COLLECTED_SESSIONS,
    ) -> None:
        self._seconds = seconds
        self._sender: Side = OPENER if sender_opens else ANSWERER
        self._receiver: Side = ANSWERER if sender_opens else OPENER
        self._size = size
        self._most = most
        self._rings: OrderedDict[int, tuple[Any, ChunkRing]] = OrderedDict()  # by the id of the session
        self.chunks = 0
        """The chunks that have passed."""

    def received(self, session: Any, data: bytes) -> None:
        self.add(session, data, sent=False, at=self._seconds())

    def sent(self, session: Any, data: bytes) -> None:
        self.add(session, data, sent=True, at=self._seconds())

    def add(self, session: Any, data: bytes, *, sent: bool, at: float) -> None:
        """Take a chunk that passed at a time."""
        self.chunks += 1
        key = id(session)
        if key in self._rings:
            self._rings.move_to_end(key)
        else:
            target = getattr(session, "target", "")
            name = f"{session.peer} > {target}" if target else session.peer
            self._rings[key] = (
                session,
                ChunkRing(name, self._size),
            )  # the session, so that its id stays its own
            if len(self._rings) > self._most:
                self._rings.popitem(last=False)
        self._rings[key][1].add(self._sender if sent else self._receiver, data, at)

    @property
    def has_secrets(self) -> bool:
        """True if bytes of a session that is kept were masked, because they are secret."""
        return any(ring.has_secrets for _, ring in self._rings.values())

    def capture(self) -> Capture | None:
        """
        Return what a guess needs: the session with the most chunks or, if that has few, all sessions.

        It is None if nothing has passed.
        """
        rings = [ring for _, ring in self._rings.values() if len(ring)]
        if not rings:
            return None
        largest = max(rings, key=len)
        if len(rings) == 1 or len(largest) >= ENOUGH_CHUNKS:
            return largest.capture()
        return joined(ring.capture() for ring in rings)


def joined(captures: Iterable[Capture]) -> Capture:
    """
    Return several streams as one.

    Each begins another connection, so that no frame reaches from one into the next. A stream that was not
    captured from its beginning begins behind a gap.
    """
    streams = [*captures]
    chunks: list[CapturedChunk] = []
    for stream in streams:
        begun = {OPENER, ANSWERER} if stream.from_start else set()
        for chunk in stream.chunks:
            after_gap = chunk.after_gap or chunk.side not in begun
            is_first = bool(chunks) and chunk is stream.chunks[0]
            chunks.append(evolve(chunk, after_gap=after_gap, begins=is_first or chunk.begins))
            begun.add(chunk.side)
    return Capture(
        tuple(chunks),
        name=f"{len(streams)} sessions",
        from_start=bool(streams) and streams[0].from_start,
        notes=tuple(dict.fromkeys(note for stream in streams for note in stream.notes)),
    )
