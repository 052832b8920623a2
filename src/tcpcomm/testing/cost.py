"""What decoding costs: the memory that a decoder holds, the processor time that a run takes."""

from __future__ import annotations

import gc
import sys
from collections import deque
from collections.abc import Callable
from time import perf_counter_ns, thread_time_ns
from types import BuiltinFunctionType, FrameType, FunctionType, MethodType, ModuleType, TracebackType

from tcpcomm.framing import Decoder, Framing

__all__ = ["held_bytes", "seconds"]

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
"""What a decoder refers to, but does not hold for its stream."""


def held_bytes(decoder: Decoder) -> int:
    """Bytes of memory of all that the decoder holds: buffers, lists, whatever hangs on it."""
    seen: set[int] = set()
    waiting: deque[object] = deque([decoder])
    total = 0
    while waiting:
        each = waiting.popleft()
        if id(each) in seen or isinstance(each, _FOREIGN):
            continue
        seen.add(id(each))
        total += sys.getsizeof(each)
        waiting.extend(gc.get_referents(each))
    return total
