"""Requests and the replies that answer them, on a link that nobody can read yet: :func:`pair_up`."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Final, Literal, TypeAlias

from attrs import evolve, frozen

from tcpcomm.tools.guess.capture import OPENER, Side

_HEADER: Final = 40
"""Bytes at the beginning of a frame in which an id is sought."""

_WIDTHS: Final = (1, 2, 4)
_FEWEST: Final = 6
_DIFFERENT: Final = 0.8
"""The share of requests whose values must differ, if they are ids."""

_REPEATED: Final = 0.9
"""The share of replies that must repeat the value of a request before them."""

_MOST_ID: Final = 8
"""Bytes of the longest id."""

_PART_OF_ID: Final = 0.3
"""The share of requests whose values must differ in a byte beside an id that belongs to it."""

_COUNTING: Final = 0.9
"""The share of requests that must follow the one before by the same step, in a number that counts."""

Pair: TypeAlias = tuple[bytes, bytes]
"""A request and its reply."""


@frozen(kw_only=True)
class PairedFrames:
    """
    The frames of a link, as requests and replies.

    Args:
        pairs: each request with its reply.
        unasked: frames of the answering side that answer no request.
        unanswered: requests without a reply.
        id_at: the place of the number that a reply repeats from its request, and its bytes; or None if
            none is found, and replies come in the order of their requests.
    """

    pairs: tuple[Pair, ...]
    unasked: tuple[bytes, ...] = ()
    unanswered: tuple[bytes, ...] = ()
    id_at: tuple[int, int] | None = None


def pair_up(frames: Sequence[tuple[Side, bytes]]) -> PairedFrames:
    """
    Return each request with its reply.

    A number that replies repeat from their requests pairs them, in any order. Without one, a reply
    answers the first request that waits.

    Args:
        frames: the frames of both sides in the order in which they passed, as the framing delivers them.
    """
    tried = [_by_value(frames, at, width) for at, width in _id_places(frames)]
    if not tried:
        return _by_order(frames)
    return _widened(max(tried, key=lambda paired: len(paired.pairs)))


def _by_order(frames: Iterable[tuple[Side, bytes]]) -> PairedFrames:
    waiting: deque[bytes] = deque()
    pairs: list[Pair] = []
    unasked: list[bytes] = []
    for side, frame in frames:
        if side == OPENER:
            waiting.append(frame)
        elif waiting:
            pairs.append((waiting.popleft(), frame))
        else:
            unasked.append(frame)
    return PairedFrames(pairs=tuple(pairs), unasked=tuple(unasked), unanswered=tuple(waiting))


def _by_value(frames: Iterable[tuple[Side, bytes]], at: int, width: int) -> PairedFrames:
    waiting: dict[bytes, bytes] = {}
    pairs: list[Pair] = []
    unasked: list[bytes] = []
    for side, frame in frames:
        value = frame[at : at + width]
        if side == OPENER:
            waiting[value] = frame
        elif value in waiting:
            pairs.append((waiting.pop(value), frame))
        else:
            unasked.append(frame)
    return PairedFrames(
        pairs=tuple(pairs), unasked=tuple(unasked), unanswered=tuple(waiting.values()), id_at=(at, width)
    )


def _id_places(frames: Sequence[tuple[Side, bytes]]) -> list[tuple[int, int]]:
    """Return the places that differ in requests, and come back in replies; the narrowest first."""
    requests = [frame for side, frame in frames if side == OPENER]
    replies = [frame for side, frame in frames if side != OPENER]
    if min(len(requests), len(replies)) < _FEWEST:
        return []
    room = min(_HEADER, *map(len, requests), *map(len, replies))
    found = []
    for width in _WIDTHS:
        for at in range(room - width + 1):
            sent = {frame[at : at + width] for frame in requests}
            if len(sent) < min(_DIFFERENT * len(requests), _DIFFERENT * 256**width):
                continue
            repeated = [frame for frame in replies if frame[at : at + width] in sent]
            different = {frame[at : at + width] for frame in repeated}
            if len(different) >= _DIFFERENT * min(len(sent), len(replies)) and len(repeated) >= (
                _REPEATED * min(len(requests), len(replies))
            ):
                found.append((at, width))
    return found


def _widened(paired: PairedFrames) -> PairedFrames:
    """Return the same pairs, with all bytes of the id."""
    assert paired.id_at is not None
    at, width = paired.id_at
    first, last = at, at + width - 1
    while last - first < _MOST_ID - 1 and _belongs(paired.pairs, first - 1, first, last):
        first -= 1
    while last - first < _MOST_ID - 1 and _belongs(paired.pairs, last + 1, first, last):
        last += 1
    frames = [each for pair in paired.pairs for each in pair]
    if last < _MOST_ID and not any(each[:first].strip(b"\0") for each in frames):
        first = 0  # the high bytes of a number that has not grown so far
    return evolve(paired, id_at=(first, last + 1 - first))


def _belongs(pairs: Sequence[Pair], place: int, first: int, last: int) -> bool:
    """Return True if a byte beside an id belongs to it: it comes back, and differs or counts with it."""
    if place < 0 or any(place >= min(map(len, pair)) for pair in pairs):
        return False
    if any(request[place] != reply[place] for request, reply in pairs):
        return False
    column = {request[place] for request, _ in pairs}
    if len(column) >= _PART_OF_ID * len(pairs):
        return True
    if len(column) < 2:
        return False
    order: Literal["big", "little"] = "big" if place < first else "little"
    wide = [request[min(place, first) : max(place, last) + 1] for request, _ in pairs]
    return counting_step([int.from_bytes(each, order) for each in wide]) is not None


def counting_step(values: Sequence[int]) -> int | None:
    """Return the step by which numbers grow nearly each time, or None if they do not count."""
    steps = Counter(second - first for first, second in pairwise(values))
    if len(values) < _FEWEST:
        return None
    [(step, count)] = steps.most_common(1)
    return step if step > 0 and count >= _COUNTING * (len(values) - 1) else None
