"""
The laws that every framing obeys, and :func:`check_framing_laws`, which tests a framing with them.

A law is a function of a framing, a strategy of frames that it can send, and Hypothesis' ``draw``. The first
sentence of its docstring is the law, which a failure shows. The laws use only public methods of
:class:`~tcpcomm.framing.Framing` and :class:`~tcpcomm.framing.Decoder`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from hypothesis import given
from hypothesis import strategies as st
from hypothesis.errors import Unsatisfiable
from hypothesis.strategies import DataObject, SearchStrategy

from tcpcomm.framing import Framing
from tcpcomm.testing.laws.examples import Draw
from tcpcomm.testing.laws.fault_laws import (
    bounded_memory,
    linear_time,
    oversize_once,
    progress,
    resynchronisation,
    silence,
    stickiness,
)
from tcpcomm.testing.laws.frame_laws import (
    chunk_invariance,
    encoder_refusal,
    handover,
    prefix_safety,
    promptness,
    round_trip,
    truncation,
)
from tcpcomm.testing.laws.settings import check_settings
from tcpcomm.testing.laws.strategies import payloads_for, sendable
from tcpcomm.testing.laws.violation import Violation

__all__ = [
    "LAWS",
    "Law",
    "bounded_memory",
    "check_framing_laws",
    "chunk_invariance",
    "encoder_refusal",
    "handover",
    "linear_time",
    "oversize_once",
    "prefix_safety",
    "progress",
    "promptness",
    "resynchronisation",
    "round_trip",
    "silence",
    "stickiness",
    "truncation",
]

Law = Callable[[Framing, SearchStrategy[bytes], Draw], None]
"""A property of a framing. It raises an ``AssertionError`` for an example that breaks it."""

_UNIVERSAL: Final[Sequence[Law]] = (encoder_refusal, progress, stickiness, bounded_memory, linear_time)
"""The laws that hold for framings that are not ``self_delimiting`` too."""

LAWS: Final[Sequence[Law]] = (
    encoder_refusal,
    progress,
    round_trip,
    chunk_invariance,
    prefix_safety,
    promptness,
    truncation,
    handover,
    stickiness,
    oversize_once,
    resynchronisation,
    silence,
    bounded_memory,
    linear_time,
)
"""All laws, in the order in which they are tried."""


def check_framing_laws(
    framing: Framing,
    *,
    payloads: SearchStrategy[bytes] | None = None,
    laws: Sequence[Law] = LAWS,
    max_examples: int | None = None,
) -> None:
    """
    Test a framing with the laws: ``check_framing_laws(LengthPrefixed(2))`` is a complete test.

    The laws about the boundaries of frames do not apply to a framing that is not ``self_delimiting``.

    Args:
        framing: the framing to test.
        payloads: frames that it can send. The default is :func:`~tcpcomm.testing.payloads_for`.
        laws: the laws to test.
        max_examples: the number of examples for each law. The default is set by the active Hypothesis
            profile.

    Raises:
        AssertionError: the framing breaks a law. The text names the law and shows the smallest example
            found: its bytes in hex, the sizes of its chunks, the expected and the actual result.
    """
    __tracebackhide__ = True
    frames = (payloads_for(framing) if payloads is None else payloads).filter(sendable(framing))
    for law in laws:
        if framing.self_delimiting or law in _UNIVERSAL:
            _hold(law, framing, frames, max_examples)


def _hold(law: Law, framing: Framing, payloads: SearchStrategy[bytes], max_examples: int | None) -> None:
    __tracebackhide__ = True
    timed = law is linear_time

    @check_settings(1 if timed else max_examples, shrink=not timed)
    @given(st.data())
    def hold(data: DataObject) -> None:
        law(framing, payloads, data.draw)

    try:
        hold()
    except Violation as violation:
        sentence = (law.__doc__ or law.__name__).strip().partition("\n")[0]
        text = f"{framing} breaks the law of {law.__name__.replace('_', ' ')}\n  {sentence}\n{violation}"
        raise AssertionError(text) from None
    except Unsatisfiable as error:
        text = f"no frame was found that {framing} can send: pass a strategy as payloads="
        raise AssertionError(text) from error
