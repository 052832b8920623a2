"""Recorded conversations for tests, and a peer that takes part in their replay."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from attrs import define, field
from hypothesis import strategies as st

from tcpcomm.tools.dissect.speech import Speech
from tcpcomm.tools.replay.replayer import Ended, Replayer, ReplayRules, Send, Verdict
from tcpcomm.tools.replay.script import Chunk, steps_of

__all__ = ["SECOND", "Peer", "cuts", "played", "recorded", "replayer_of"]

SECOND = 1_000_000

Line = tuple[bool, bytes]
"""True if the host sent it, and its bytes."""

HOST, EQUIPMENT = True, False


def recorded(lines: Iterable[Line], every: float = 0.5) -> list[Chunk]:
    """Return a recording of chunks, so many seconds from one to the next."""
    return [
        Chunk(round(number * every * SECOND), from_host, data)
        for number, (from_host, data) in enumerate(lines, 1)
    ]


def replayer_of(
    lines: Iterable[Line], speech: Speech, *, plays_host: bool, rules: ReplayRules | None = None
) -> Replayer:
    """Return the replayer of a recording that has begun."""
    steps = steps_of(recorded(lines), speech, 0)
    replayer = Replayer(steps, speech, plays_host=plays_host, rules=rules)
    replayer.begin(0.0)
    return replayer


def cuts(data: bytes, sizes: Sequence[int]) -> list[bytes]:
    """Cut bytes into pieces of these sizes, and the rest."""
    pieces, at = [], 0
    for size in sizes:
        if at + size < len(data):
            pieces.append(data[at : at + size])
            at += size
    return [*pieces, data[at:]]


some_sizes = st.lists(st.integers(1, 4), max_size=6)


@define
class Peer:
    """
    The other side of a replay, in virtual time.

    It says its lines of a conversation, each when it has heard all lines of the replayer that come before.
    """

    replayer: Replayer
    now: float = 0.0
    heard: bytearray = field(factory=bytearray)
    ended: Ended | None = None

    def hear(self, size: int) -> None:
        """Let the replayer go on until it has sent so many bytes in all, or has ended."""
        while len(self.heard) < size and self.ended is None:
            self._step()

    def say(self, data: bytes, sizes: Sequence[int] = ()) -> None:
        """Send bytes, in pieces."""
        for piece in cuts(data, sizes):
            self.replayer.received(piece, self.now)

    def finish(self) -> Ended:
        """Let the replayer go on until it has ended."""
        while self.ended is None:
            self._step()
        return self.ended

    def _step(self) -> None:
        action = self.replayer.next(self.now)
        if isinstance(action, Send):
            self.heard += action.data
        elif isinstance(action, Ended):
            self.ended = action
        else:
            assert action.until > self.now, "it waits for a time that has passed"
            self.now = action.until


def played(
    lines: Sequence[Line],
    speech: Speech,
    *,
    plays_host: bool,
    rules: ReplayRules | None = None,
    says: Callable[[int, bytes], bytes | None] = lambda _, data: data,
    sizes: Sequence[int] = (),
) -> Peer:
    """
    Replay a recording against a peer that says what is recorded, or what ``says`` makes of it.

    Args:
        lines: the recorded conversation.
        speech: the language.
        plays_host: the side that is played.
        rules: the rules.
        says: gets the number of the line and its bytes. It returns what the peer says; None: nothing.
        sizes: the pieces of each line of the peer.
    """
    peer = Peer(replayer_of(lines, speech, plays_host=plays_host, rules=rules))
    size = 0
    for number, (from_host, data) in enumerate(lines):
        if from_host == plays_host:
            size += len(data)
            peer.hear(size)
        else:
            said = says(number, data)
            if said is not None:
                peer.say(said, sizes)
    peer.finish()
    return peer


def same(peer: Peer) -> bool:
    """Return True if nothing differed."""
    return peer.ended is not None and peer.ended.verdict is Verdict.SAME
