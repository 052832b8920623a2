"""Replies to frames that are not declared: a count of frames, or frames up to one that ends the reply."""

from __future__ import annotations

import re
from typing import Any, Final

from attrs import define, field

from tcpcomm.codec.base import MORE, ReplyReader, TwoRequests
from tcpcomm.errors import CodecError, ConfigurationError

MAX_RAW_FRAMES: Final = 10_000
"""
Frames of a raw reply that ends with a frame of a certain form. Then the command fails with ``BadReply``,
and the session ends.
"""


@define
class CountedFrames(ReplyReader):
    """Take so many frames as the reply, whatever they hold. The result is their list."""

    wants_frames = True

    count: int
    _frames: list[bytes] = field(factory=list, init=False)

    def take(self, body: Any) -> Any:
        self._frames.append(body)
        return MORE if len(self._frames) < self.count else self._frames


@define
class FramesUntil(ReplyReader):
    """Take frames as the reply, up to the first one that a pattern matches. The result is their list."""

    wants_frames = True

    end: re.Pattern[bytes]
    _frames: list[bytes] = field(factory=list, init=False)

    def take(self, body: Any) -> Any:
        self._frames.append(body)
        if self.end.fullmatch(body):
            return self._frames
        if len(self._frames) == MAX_RAW_FRAMES:
            raise CodecError(f"none of {MAX_RAW_FRAMES} frames fits {self.end.pattern!r}, the end")
        return MORE


class _AnyFrame(ReplyReader):
    """Take the next frame as the reply, whatever it holds."""

    wants_frames = True

    def take(self, body: Any) -> Any:
        return body


ANY_FRAME: Final = _AnyFrame()


class Phases(ReplyReader):
    """Reads the answers to two requests."""

    def __init__(self, two: TwoRequests) -> None:
        self.two = two

    def take(self, body: Any) -> Any:
        return self.two.reader.take(body)


def raw_reply_reader(frames: int | None, until: bytes | re.Pattern[bytes] | None) -> ReplyReader:
    """
    Return a new reader for the reply to a frame that is not declared.

    Args:
        frames: the number of its frames.
        until: in place of the number, a regular expression. The reply ends with the first frame that it
            matches as a whole.

    Raises:
        ConfigurationError: not exactly one of them is given, or it cannot be used.
    """
    if (frames is None) == (until is None):
        raise ConfigurationError("give either frames or until: both say where the reply ends")
    if frames is not None:
        if type(frames) is not int or frames < 1:
            raise ConfigurationError(f"frames must be a number of frames, 1 or more, not {frames!r}")
        return CountedFrames(frames)
    assert until is not None
    try:
        pattern = re.compile(until)
    except (re.error, TypeError) as error:
        raise ConfigurationError(f"until={until!r} is not a regular expression: {error}") from None
    if not isinstance(pattern.pattern, bytes):
        raise ConfigurationError(f"until must be bytes, as in rb'ok', not {until!r}")
    return FramesUntil(pattern)
