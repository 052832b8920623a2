"""Replies to the requests of one frame that are carried out one after the other: :class:`JoinedReplies`."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from attrs import define, field
from twisted.internet.defer import Deferred

from tcpcomm.codec.base import MORE, Batch, Refusal, Request
from tcpcomm.conversation.observed import ObservedCommand

_Send = Callable[["Request | Refusal", list[bytes], Any], object]


@define(eq=False)
class JoinedReplies:
    """
    Replies that leave in one frame when all of them are there.

    Args:
        join: returns one frame for several replies.
        send: sends that frame.
        seconds: the clock.
        await_handler: counts a request that waits.
    """

    _join: Callable[[list[bytes]], bytes]
    _send: _Send
    _seconds: Callable[[], float]
    _await_handler: Callable[[Deferred[None]], object]
    _left: int = field(default=0, init=False)
    _frames: list[bytes] = field(factory=list, init=False)

    def take(
        self,
        batch: Batch,
        frame: bytes,
        observe: Callable[[Request | Refusal, bytes], ObservedCommand | None],
        take: Callable[[Request | Refusal, bytes, _Send], Deferred[None] | None],
    ) -> Deferred[None] | None:
        """Take all requests of a frame, in order. Return the Deferred of the last one if it waits."""
        self._left = len(batch.requests)
        last = None
        for request in batch.requests:
            if last is not None:
                self._await_handler(last)
            last = take(request, frame, partial(self._add, observe(request, frame)))
        return last

    def _add(
        self, command: ObservedCommand | None, request: Request | Refusal, frames: list[bytes], outcome: Any
    ) -> None:
        """Keep the reply to one request. Send all of them if it is the last one."""
        self._frames += frames
        if command is not None:
            command.answered(frames, outcome, self._seconds())
        if outcome is MORE:
            return
        self._left -= 1
        if not self._left and self._frames:
            self._send(request, [self._join(self._frames)], outcome)
