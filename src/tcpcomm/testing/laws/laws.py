"""
The laws that every framing obeys, and :func:`check_framing_laws`, which tests a framing with them.

A law is a function of a framing, a strategy of frames that it can send, and Hypothesis' ``draw``. The first
sentence of its docstring is the law, which a failure shows. The laws use only public methods of
:class:`~tcpcomm.framing.Framing` and :class:`~tcpcomm.framing.Decoder`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Final

from hypothesis.errors import Unsatisfiable
from hypothesis.strategies import SearchStrategy

from tcpcomm.framing import Framing
from tcpcomm.testing.laws import fault_laws, frame_laws
from tcpcomm.testing.laws.examples import Draw
from tcpcomm.testing.laws.settings import try_examples
from tcpcomm.testing.laws.strategies import payloads_for, sendable
from tcpcomm.testing.laws.violation import Violation

Law = Callable[[Framing, SearchStrategy[bytes], Draw], None]
"""A property of a framing. It raises an ``AssertionError`` for an example that breaks it."""

LAWS: Final[Sequence[Law]] = (
    frame_laws.encoder_refusal,
    fault_laws.progress,
    frame_laws.round_trip,
    frame_laws.chunk_invariance,
    frame_laws.prefix_safety,
    frame_laws.promptness,
    frame_laws.truncation,
    frame_laws.handover,
    fault_laws.stickiness,
    fault_laws.oversize_once,
    fault_laws.resynchronisation,
    fault_laws.silence,
    fault_laws.bounded_memory,
    fault_laws.linear_time,
)
"""All laws, in the order in which they are tried."""

_UNIVERSAL: Final[Sequence[Law]] = (
    frame_laws.encoder_refusal,
    fault_laws.progress,
    fault_laws.stickiness,
    fault_laws.bounded_memory,
    fault_laws.linear_time,
)
"""The laws that hold for framings that are not ``self_delimiting`` too."""


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
    timed = law is fault_laws.linear_time
    try:
        try_examples(partial(law, framing, payloads), 1 if timed else max_examples, shrink=not timed)
    except Violation as violation:
        sentence = (law.__doc__ or law.__name__).strip().partition("\n")[0]
        text = f"{framing} breaks the law of {law.__name__.replace('_', ' ')}\n  {sentence}\n{violation}"
        raise AssertionError(text) from None
    except Unsatisfiable as error:
        text = f"no frame was found that {framing} can send: pass a strategy as payloads="
        raise AssertionError(text) from error
