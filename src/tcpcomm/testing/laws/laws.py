"""
The laws that every framing obeys, and :func:`check_framing_laws`, which holds a framing to them.

A law is a function of a framing, of the frames that it can send, and of Hypothesis' ``draw``. Its
docstring begins with the law in one sentence, and that is what a failure says first. The laws use
nothing but the public face of :class:`~tcpcomm.framing.Framing` and :class:`~tcpcomm.framing.Decoder`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from hypothesis.errors import Unsatisfiable
from hypothesis.strategies import DataObject, SearchStrategy

from tcpcomm.framing import Framing
from tcpcomm.testing.laws.drawing import Draw
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

_UNIVERSAL: Final[Sequence[Law]] = (encoder_refusal, progress, stickiness, bounded_memory, linear_time)
"""The laws for framings whose frames do not delimit themselves."""

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
    Hold a framing to the laws: ``check_framing_laws(LengthPrefixed(2))`` is a complete test.

    A framing that is not ``self_delimiting`` is exempt from the laws about the boundaries of frames.

    Args:
        framing: the framing.
        payloads: frames that it can send; by default those of
            :func:`~tcpcomm.testing.payloads_for`.
        laws: the laws to try.
        max_examples: how many examples to try of each law; by default as many as the Hypothesis profile
            in force says.

    Raises:
        AssertionError: the framing breaks a law. The text says which, and shows the smallest example
            that was found: bytes in hex, where they were cut, what was expected, what came.
    """
    __tracebackhide__ = True
    frames = (payloads_for(framing) if payloads is None else payloads).filter(sendable(framing))
    for law in laws:
        if framing.self_delimiting or law in _UNIVERSAL:
            _hold(law, framing, frames, max_examples or settings().max_examples)


def _hold(law: Law, framing: Framing, payloads: SearchStrategy[bytes], max_examples: int) -> None:
    __tracebackhide__ = True
    timed = law is linear_time

    @settings(
        max_examples=1 if timed else max_examples,
        phases=(Phase.generate,) if timed else (Phase.generate, Phase.shrink),
        deadline=None,
        database=None,
        print_blob=False,
        report_multiple_bugs=False,
        suppress_health_check=list(HealthCheck),
    )
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
        text = f"no frame that {framing} sends was found: pass payloads="
        raise AssertionError(text) from error
