"""The answer to a guess, for programs and people: :class:`Guess`."""

from __future__ import annotations

from enum import Enum
from typing import TypeAlias

from attrs import frozen

Notations: TypeAlias = tuple[str | None, str | None]
"""The framing of each side in the notation; None for a side that sent nothing."""


class Verdict(Enum):
    """The certainty of a guess."""

    CONFIDENT = "confident"
    LIKELY = "likely"
    NOTHING = "nothing"


@frozen(kw_only=True)
class Explanation:
    """
    One way to cut both sides.

    Attributes:
        framings: the framing of each side.
        behind: the bits by which it explains less than the best one; 0 for the best.
        variants: other framings that cut this capture alike, and are nearly as plain.
        evidence: the reasons, each as a sentence with its figures.
    """

    framings: Notations
    behind: float = 0.0
    variants: tuple[Notations, ...] = ()
    evidence: tuple[str, ...] = ()


@frozen(kw_only=True)
class Guess:
    """
    The explanation of a capture, and its certainty.

    Attributes:
        verdict: how sure it is. If it is NOTHING, ``best`` is None, or a hint that proves nothing.
        best: the best explanation.
        others: the next best ones, the best first.
        doubts: what speaks against it, and what keeps it from being confident, each as a sentence.
        unexplained: bytes that nothing explains, as places in a frame, such as ``bytes 2 to 15``.
        facts: what stands in the frames of a binary protocol, each with its count.
        device: the name of the ready device that reads the messages, as ``--as`` takes it; or empty.
        notes: what was left out of the capture, and why.
        skipped: the chunks at the beginning of the capture that have another framing, such as a login.
        seconds: the time that it took.
    """

    verdict: Verdict
    best: Explanation | None = None
    others: tuple[Explanation, ...] = ()
    doubts: tuple[str, ...] = ()
    unexplained: tuple[str, ...] = ()
    facts: tuple[str, ...] = ()
    device: str = ""
    notes: tuple[str, ...] = ()
    skipped: int = 0
    seconds: float = 0.0
