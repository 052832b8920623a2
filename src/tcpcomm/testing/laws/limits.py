"""The limits and the cost of decoding: small framings, the memory of a decoder, the time of a run."""

from __future__ import annotations

import gc
import sys
from collections.abc import Sequence
from math import inf
from time import thread_time
from types import BuiltinFunctionType, FrameType, FunctionType, MethodType, ModuleType, TracebackType
from typing import Any, Final

from attrs import evolve, fields

from tcpcomm.errors import ConfigurationError
from tcpcomm.framing import Decoder, Framing
from tcpcomm.testing.laws.recorder import Recorder

_SMALL: Final = 600
_LARGE: Final = 4096

_FOREIGN = (
    type,
    ModuleType,
    FunctionType,
    BuiltinFunctionType,
    MethodType,
    FrameType,
    TracebackType,
    BaseException,
    Framing,
)
"""The types of objects that a decoder refers to, but does not hold for its stream."""


def _parts(framing: Framing) -> dict[str, Framing]:
    """Return the framings inside this one, by the names of its arguments."""
    values = {each.alias: getattr(framing, each.name) for each in fields(type(framing))}
    return {name: value for name, value in values.items() if isinstance(value, Framing)}


def resized(framing: Framing, max_frame: int) -> Framing | None:
    """
    Return this framing with another limit, or None if its values do not allow that limit.

    If ``max_frame`` depends on the framing inside, as with ``Checked``, the framing inside is resized.
    """
    changes: dict[str, Any] = {}
    if fields(type(framing)).max_frame.init:
        changes["max_frame"] = max_frame
    else:
        for name, part in _parts(framing).items():
            changes[name] = resized(part, part.max_frame + max_frame - framing.max_frame)
    if not changes or None in changes.values():
        return None
    try:
        return evolve(framing, **changes)
    except (ConfigurationError, TypeError):  # TypeError: a plain subclass with an __init__ of its own
        return None


def smaller(framing: Framing) -> Framing:
    """Return this framing with a small limit, if its own is large and can be changed."""
    if framing.max_frame <= _LARGE:
        return framing
    return resized(framing, _SMALL) or framing


def held_limit(framing: Framing) -> int:
    """Return the bytes that a decoder may hold: two longest frames, a header, the framings inside."""
    inside = sum(held_limit(part) for part in _parts(framing).values())
    header: int = getattr(framing, "max_header", 0)
    return 2 * framing.max_frame + 256 + header + inside


def held_bytes(decoder: Decoder) -> int:
    """Return the memory, in bytes, of all objects that the decoder holds, such as buffers and lists."""
    seen: set[int] = set()
    waiting: list[object] = [decoder]
    total = 0
    while waiting:
        each = waiting.pop()
        if id(each) in seen or isinstance(each, _FOREIGN):
            continue
        seen.add(id(each))
        total += sys.getsizeof(each)
        waiting.extend(gc.get_referents(each))
    return total


def seconds(framing: Framing, chunks: Sequence[bytes], *, at_most: float = inf) -> float:
    """Return the processor seconds that a new decoder needs for chunks. Stop after ``at_most`` seconds."""
    recorder = Recorder(framing)
    collecting = gc.isenabled()
    gc.disable()
    try:
        begin = thread_time()
        for start in range(0, len(chunks), 64):
            recorder.feed(*chunks[start : start + 64])
            if thread_time() - begin > at_most:
                break
        return thread_time() - begin
    finally:
        if collecting:
            gc.enable()
