"""The cost of decoding: the memory that a decoder holds, and the processor time of a run."""

from __future__ import annotations

import gc
import sys
from collections.abc import Sequence
from math import inf
from time import thread_time
from types import BuiltinFunctionType, FrameType, FunctionType, MethodType, ModuleType, TracebackType

from tcpcomm.framing import Decoder, Framing
from tcpcomm.testing.laws.recorder import Recorder

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
