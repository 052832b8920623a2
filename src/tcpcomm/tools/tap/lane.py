"""One direction of a tapped connection: :class:`Lane` disturbs its frames, and passes all else."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from math import isinf
from typing import Final

from attrs import frozen
from twisted.internet.interfaces import IDelayedCall

from tcpcomm.framing import Framing
from tcpcomm.session.observer import MaskedBytes, ObservedMessage
from tcpcomm.tools.tap.cutter import FrameCutter, Part
from tcpcomm.tools.tap.direction import Piece
from tcpcomm.tools.tap.disturbances import Cut, Glue, OnConnections, OnFrames
from tcpcomm.tools.tap.disturber import Disturber, Rule
from tcpcomm.tools.tap.relay import Connection
from tcpcomm.tools.tap.which import PassingFrame

HELD_BUFFER: Final = 1024 * 1024
"""
Bytes that a disturbance of frames may hold back in one direction of a connection. Then they pass
unchanged, and the log says so.
"""

_BEFORE_END: Final = 0.05
"""Seconds for the bytes before the end of a connection to leave, because a reset drops what is unsent."""


@frozen
class ToldFrame:
    """A frame as the dissector told it."""

    frame: bytes
    message: ObservedMessage | None = None


class Lane:
    """
    Finds frames, and lets the disturbances change those that they are meant for.

    Args:
        connection: the connection.
        to_host: True if the equipment sends here.
        framing: the framing of the direction.
        disturber: the disturbances.
        tell: gets words for what happened.
        send: lets pieces go on later.
    """

    def __init__(
        self,
        connection: Connection,
        *,
        to_host: bool,
        framing: Framing,
        disturber: Disturber,
        tell: Callable[[str], object],
        send: Callable[[list[Piece]], object],
    ) -> None:
        self._connection = connection
        self._to_host = to_host
        self._framing = framing
        self._disturber = disturber
        self._tell = tell
        self._send = send
        self._cutter = FrameCutter(framing)
        self._half = b""  # the held bytes of a frame that has begun
        self._is_secret = False
        self._has_passed = False  # the first bytes of the frame that has begun have gone on
        self._glue: Rule | None = None
        self._glued: list[bytes] = []
        self._missing = 0  # frames until the glued ones are sent
        self._timer: IDelayedCall | None = None
        self.is_late = False
        """True if a frame waits until the other side speaks."""

    def take(self, data: bytes, told: Sequence[ToldFrame], *, is_secret: bool = False) -> list[Piece]:
        """
        Take a chunk. Return the pieces that go on.

        Args:
            data: the chunk.
            told: its frames, as the dissector told them.
            is_secret: True if its bytes must not be shown.
        """
        self._is_secret = is_secret
        is_free = not self._half and self._glue is None
        if is_free and not self._disturber.waiting(self._connection.number, to_host=self._to_host):
            self._cutter.feed(data, apart=False)
            self._has_passed = self._cutter.mid_frame
            return [(0.0, data)]
        pieces: list[Piece] = []
        parts = self._cutter.feed(data)
        known = list(told) if sum(len(part.frames) for part in parts) == len(told) else []
        for part in parts:
            if part.is_half:
                self._take_half(part.data, pieces)
            elif part.frames:
                self._take_frame(part, known[: len(part.frames)], pieces)
                del known[: len(part.frames)]
            else:
                wire, self._half, self._has_passed = self._half + part.data, b"", False
                self._emit(wire, pieces)
        return pieces

    def _take_half(self, data: bytes, pieces: list[Piece]) -> None:
        if not self._has_passed and self._may_be_meant():
            self._half += data
            if self._held > HELD_BUFFER:
                self._give_up(pieces)
        else:
            self._has_passed = True
            self._emit(data, pieces)

    def _may_be_meant(self) -> bool:
        rules = self._disturber.waiting(self._connection.number, to_host=self._to_host)
        return any(rule.which is not None and rule.which.may_be_next(rule.counted) for rule in rules)

    @property
    def _held(self) -> int:
        return len(self._half) + sum(map(len, self._glued))

    def _give_up(self, pieces: list[Piece]) -> None:
        self._tell(f"nothing more is held back: {self._held:,} bytes wait, and {HELD_BUFFER:,} may")
        self._unglue(pieces)
        self._pass_half(pieces)

    def _pass_half(self, pieces: list[Piece]) -> None:
        half, self._half = self._half, b""
        if half:
            self._has_passed = self._cutter.mid_frame
            self._emit(half, pieces)

    def _take_frame(self, part: Part, told: Sequence[ToldFrame], pieces: list[Piece]) -> None:
        wire, self._half = self._half + part.data, b""
        has_passed, self._has_passed = self._has_passed, False
        one = told[0] if len(told) == 1 else ToldFrame(part.frames[0])
        frame = PassingFrame(
            wire,
            self._to_host,
            self._connection.number,
            one.frame,
            one.message,
            is_secret=self._is_secret or isinstance(one.frame, MaskedBytes),
        )
        rules = self._disturber.hits(frame, has_passed=has_passed)
        self._change(wire, frame, rules, pieces)
        if self._glue is not None:
            self._missing -= 1
            if self._missing <= 0 or self._held > HELD_BUFFER:
                self._unglue(pieces)

    def _change(self, wire: bytes, frame: PassingFrame, rules: list[Rule], pieces: list[Piece]) -> None:
        changed = [(0.0, wire)]
        for rule in rules:
            disturbance = rule.disturbance
            if isinstance(disturbance, OnConnections):
                act = partial(self._disturber.happen_to, self._connection, disturbance, f" ({rule})")
                self._unglue(pieces)
                pieces.append((_BEFORE_END, act))
                return
            if isinstance(disturbance, Glue):
                self._begin_glue(rule, disturbance)
                continue
            assert isinstance(disturbance, OnFrames)
            random = self._connection.relay.random
            made: list[tuple[float, bytes]] = []
            words = ""
            for delay, data in changed:
                more, words = disturbance.change(data, frame, self._framing, random)
                made += [(delay + later, piece) for later, piece in more]
            if changed:
                self._tell(f"{words} ({rule})")
            changed = made
            if any(isinf(delay) for delay, _ in changed):
                self.is_late = not isinstance(disturbance, Cut)
        for delay, data in changed:
            if delay:
                self._unglue(pieces)
                pieces.append((delay, data))
            else:
                self._emit(data, pieces)

    def _begin_glue(self, rule: Rule, disturbance: Glue) -> None:
        if self._glue is None:
            self._glue, self._missing = rule, disturbance.frames
            self._timer = self._connection.relay.clock.callLater(disturbance.wait, self._glue_expired)

    def _glue_expired(self) -> None:
        pieces: list[Piece] = []
        self._unglue(pieces)
        self._send(pieces)

    def _unglue(self, pieces: list[Piece]) -> None:
        """Let the glued frames go on in one piece."""
        rule, self._glue = self._glue, None
        if self._timer is not None and self._timer.active():
            self._timer.cancel()
        self._timer = None
        if rule is None:
            return
        assert isinstance(rule.disturbance, Glue)
        glued, self._glued = b"".join(self._glued), []
        count = rule.disturbance.frames - max(0, self._missing)
        words = (
            f"{count} frames sent in one chunk"
            if self._missing <= 0
            else (f"glued {count} of {rule.disturbance.frames} frames: no other came in time")
        )
        self._tell(f"{words} ({rule})")
        if glued:
            pieces.append((0.0, glued))

    def _emit(self, data: bytes, pieces: list[Piece]) -> None:
        """Let bytes go on: with the glued frames, or in one piece with those before them."""
        if not data:
            return
        if self._glue is not None:
            self._glued.append(data)
            return
        if pieces:
            delay, before = pieces[-1]
            if not delay and isinstance(before, bytes):
                pieces[-1] = (0.0, before + data)
                return
        pieces.append((0.0, data))

    def settle(self) -> list[Piece]:
        """Return the held bytes of a frame for which no disturbance waits any more."""
        pieces: list[Piece] = []
        if self._half and not self._may_be_meant():
            self._pass_half(pieces)
        return pieces

    def end(self) -> list[Piece]:
        """Return all bytes that are held back, because the stream has ended."""
        pieces: list[Piece] = []
        self._pass_half(pieces)
        self._unglue(pieces)
        return pieces

    def stop(self) -> None:
        """Cancel the timer."""
        if self._timer is not None and self._timer.active():
            self._timer.cancel()
