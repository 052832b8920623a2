"""
The judge of the bench: :func:`judged` compares an answer with the messages that were really sent.

An answer is right if its framings end a frame at the end of each message, and nowhere else: on the messages
of the capture, and on those of another connection with the same device. The second part finds answers that
fit by chance. The text of a notation plays no part, because several may cut alike.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from attrs import frozen

from tcpcomm.errors import BadChecksum, ConfigurationError, FramingError
from tcpcomm.framing import Checked, Decoder, Enclosed, Framing, Lines, parse_framing
from tcpcomm.framing.framing_around import FramingAround
from tcpcomm.tools.guess.answer import Guess, Verdict
from tcpcomm.tools.guess.capture import Capture
from tests.guess.talk import Device, Exchange, Message

__all__ = ["CheckRuling", "Ruling", "has_checksum", "judged", "miscut"]

_BAD_CHECKSUM: Final = "the checksum does not hold"
_FRESH: Final = 30
"""The exchanges of the other connection: so many that what fits by chance shows."""


@frozen
class CheckRuling:
    """
    The judgement on the checksum of one side.

    Attributes:
        is_there: True if the messages carry one.
        is_found: True if the answer names one, and it holds in all messages.
        is_invented: True if the answer names one that is not there, or that does not hold in messages that
            are cut right. A wrong cut is counted as such, and not here.
    """

    is_there: bool
    is_found: bool
    is_invented: bool


@frozen
class Ruling:
    """
    The judgement on one answer.

    Attributes:
        verdict: how sure the answer was.
        problem: the first message that it cuts wrong, for people; empty if it is right.
        checks: the judgement on the checksum of each side in the capture.
        seconds: the time that the guess took.
    """

    verdict: Verdict
    problem: str
    checks: tuple[CheckRuling, ...]
    seconds: float

    @property
    def is_right(self) -> bool:
        """True if the first answer cuts both sides right."""
        return not self.problem

    @property
    def is_confident(self) -> bool:
        """True if the answer was confident."""
        return self.verdict is Verdict.CONFIDENT


def judged(
    guess: Guess,
    capture: Capture,
    device: Device,
    exchanges: Sequence[Exchange],
    *,
    fresh: object,
    skip: int = 0,
) -> Ruling:
    """
    Judge an answer.

    Args:
        guess: the answer.
        capture: what it was made from.
        device: the device that spoke.
        exchanges: what was said, of which the capture may lack a part.
        fresh: the seed of another connection.
        skip: the exchanges at the beginning that the capture does not show.
    """
    talks = [exchanges[skip:], device.talk(f"fresh {fresh}", max(_FRESH, len(exchanges)))[skip:]]
    problems, checks = [], []
    for side in sorted({each.side for each in capture.chunks}):
        notation = None if guess.best is None else guess.best.framings[side]
        problem = f"no answer for side {side}"
        if notation is not None:
            problem = next(filter(None, (miscut(notation, _of_side(talk, side)) for talk in talks)), "")
            problem = problem and f"side {side}: {problem}"
        named = notation is not None and _names_checksum(notation)
        is_there = device.checked[side]
        is_wrong = problem.endswith(_BAD_CHECKSUM)
        checks.append(
            CheckRuling(
                is_there,
                is_found=is_there and named and not problem,
                is_invented=named and (not is_there or is_wrong),
            )
        )
        problems.append(problem)
    if guess.verdict is Verdict.NOTHING:
        problems.insert(0, "nothing was found")
        checks = [CheckRuling(each.is_there, is_found=False, is_invented=False) for each in checks]
    return Ruling(guess.verdict, next(filter(None, problems), ""), tuple(checks), guess.seconds)


def _of_side(exchanges: Iterable[Exchange], side: int) -> list[Message]:
    return [message for exchange in exchanges for message in exchange if message.side == side]


def miscut(notation: str, messages: Iterable[Message]) -> str:
    """Return the first message that a framing does not cut as one frame, for people, or an empty text."""
    try:
        framing = parse_framing(notation)
    except ConfigurationError as error:
        return f"the notation cannot be read: {error}"
    decoder = framing.decoder()
    for number, message in enumerate(messages):
        problem = _not_one_frame(decoder, message.data, isinstance(_inner(framing), Lines))
        if problem:
            return f"message {number}, {message.data[:24]!r}: {problem}"
    return ""


def _inner(framing: Framing) -> Framing:
    """Return the framing within Telnet and a preamble."""
    while isinstance(framing, FramingAround) and not isinstance(framing, Checked):
        framing = framing.framing
    return framing


def _not_one_frame(decoder: Decoder, data: bytes, is_lines: bool) -> str:
    """Give a message to a decoder. Return the problem if it is not one frame, which its last byte ends."""
    try:
        early = decoder.feed(data[:-1]) if len(data) > 1 else []
    except FramingError as error:
        return f"a frame ends inside: {error}"
    if early and not (is_lines and len(early) == 1 and data.endswith(b"\r\n")):  # they end at the CR
        return "a frame ends inside"
    try:
        found = len(early) + len(decoder.feed(data[-1:]))
    except BadChecksum:
        return _BAD_CHECKSUM
    except FramingError as error:
        return str(error)
    if found != 1 or decoder.buffered:
        return "no frame ends at its end" if not found else f"{found} frames"
    return ""


def _names_checksum(notation: str) -> bool:
    try:
        return has_checksum(parse_framing(notation))
    except ConfigurationError:
        return False


def has_checksum(framing: Framing) -> bool:
    """Return True if a framing verifies a checksum."""
    if isinstance(framing, Checked):
        return True
    if isinstance(framing, Enclosed):
        return framing.checksum is not None
    return isinstance(framing, FramingAround) and has_checksum(framing.framing)
