"""Judge the best explanation: :func:`judged`. Evidence and doubts are sentences with figures."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Final

from attrs import frozen

from tcpcomm.tools.guess.answer import Explanation, Guess, Notations, Verdict
from tcpcomm.tools.guess.candidates.base import CONTROL, is_binary
from tcpcomm.tools.guess.candidates.delimited import DelimitedCandidate
from tcpcomm.tools.guess.candidates.fixed import FixedCandidate, RawCandidate
from tcpcomm.tools.guess.candidates.length import LengthCandidate
from tcpcomm.tools.guess.cutting import cut_side
from tcpcomm.tools.guess.known import recognised
from tcpcomm.tools.guess.ranking import Pair, Proposal, Ranked, notations_of
from tcpcomm.tools.guess.side import Side
from tcpcomm.tools.guess.verify import Verified, verified
from tcpcomm.tools.guess.wrappers.hex_text import in_hex_text

TOO_FEW: Final = "too few to be sure"
"""The words of the doubt that more of the same can remove."""

FEW_END: Final = "of the frames end a chunk"
"""The words of the doubt about frames that may be parts of messages."""

_CONSTANT_LENGTH: Final = "all frames have one size, so the length field may be a constant"

_RIVALS: Final = "another framing explains the bytes as well, and few messages end a chunk"
_PARTS: Final = "these may be parts of messages"
_REPEATED: Final = "the messages repeat"

FEWEST_MESSAGES: Final = 10
"""Messages of both sides that a confident guess needs. With fewer it is likely at most, and says so."""

FEWEST_DIFFERENT: Final = 5
"""
Different messages of both sides that a confident guess needs. With fewer it is likely at most, and says
so.
"""

_CONFIDENT_BITS: Final = 40.0
_CONFIDENT_HIT: Final = 0.85
_CONFIDENT_MARGIN: Final = 12.0
_LEAST_MARGIN: Final = 8.0  # if few frames end a chunk
_LIKELY_BITS: Final = 15.0
_LIKELY_HIT: Final = 0.6
_MOST_WRONG: Final = 0.25
_PRECISE: Final = 0.4  # of the frames that end a chunk; with fewer the bytes alone must speak
_FEW_DIFFERENT: Final = 4
_SHARE_DIFFERENT: Final = 0.05  # of the frames
_OTHERS: Final = 3
_VARIANTS: Final = 3
_TRIED: Final = 8  # variants that are given to the decoders
_SHOWN_COLUMNS: Final = 32
_BY_SIZE: Final = (LengthCandidate, FixedCandidate)
_LINE_ENDS: Final = (b"\r\n", b"\n", b"\r")


@frozen
class _Best:
    """The best answer, with the variant that decodes without a fault."""

    answer: Ranked
    pair: Pair
    results: tuple[Verified | None, Verified | None]

    frames: tuple[Sequence[bytes], Sequence[bytes]]
    """The frames of each side that are known to be whole."""

    @property
    def parts(self) -> list[tuple[Proposal, Verified]]:
        pairs = zip(self.pair, self.results, strict=True)
        return [(part, result) for part, result in pairs if part is not None and result is not None]


def judged(answers: Sequence[Ranked], sides: Sequence[Side]) -> Guess:
    """Return the guess, with its verdict."""
    known = next((found for side in sides if (found := recognised(side)) is not None), None)
    if known is not None:
        return Guess(verdict=Verdict.NOTHING, doubts=(f"this looks like {known.name}: {known.advice}",))
    if not answers:
        return Guess(verdict=Verdict.NOTHING, doubts=("there are too few bytes to cut",))
    return _judge(answers, sides)


def _judge(answers: Sequence[Ranked], sides: Sequence[Side]) -> Guess:
    best = _verified(answers[0], sides)
    margin = answers[0].gain - answers[1].gain if len(answers) > 1 else answers[0].gain
    doubts = [*_doubts(best, sides), *_unsupported(best, sides, margin)]
    verdict = _verdict(best, margin, doubts)
    if verdict is Verdict.NOTHING and not doubts:
        doubts.append("no framing explains where the chunks end")
    notations = notations_of(best.pair)
    variants = [each for each in answers[0].plain if each != notations]
    evidence = _evidence(best, sides)
    digits = _in_hex_text(best, sides)
    if digits != notations:
        variants.insert(0, digits)
        evidence.append("all messages may be bytes in hexadecimal digits, of which no checksum tells")
    explanation = Explanation(
        framings=notations, variants=tuple(variants[:_VARIANTS]), evidence=tuple(evidence)
    )
    others = tuple(
        Explanation(framings=each.notations[0], behind=answers[0].gain - each.gain)
        for each in answers[1 : 1 + _OTHERS]
    )
    return Guess(
        verdict=verdict,
        best=explanation,
        others=others,
        doubts=tuple(doubts),
        unexplained=_unexplained(best),
    )


def _in_hex_text(best: _Best, sides: Sequence[Side]) -> Notations:
    """Return the notations of a pair, with ``hex-text`` where messages without a checksum may be that."""
    found: list[str | None] = []
    for number, part in enumerate(best.pair):
        notation = None if part is None else part.notation
        if part is not None and not part.is_checked:
            side, cut = sides[number], part.scored.cut
            digits = in_hex_text(part.notation, best.frames[number])
            if digits is not None and not verified(digits, side, cut).faults:
                notation = digits
        found.append(notation)
    return found[0], found[1]


def _verified(answer: Ranked, sides: Sequence[Side]) -> _Best:
    """Return the plainest pair of an answer that the decoders accept, or else the plainest."""
    first: tuple[Pair, tuple[Verified | None, Verified | None]] | None = None
    results: dict[tuple[int, str], Verified] = {}
    for pair in answer.pairs[:_TRIED]:
        found: list[Verified | None] = []
        for number, part in enumerate(pair):
            if part is None:
                found.append(None)
                continue
            key = number, part.notation
            if key not in results:
                results[key] = _decoded(part, sides[number])
            found.append(results[key])
        decoded = found[0], found[1]
        if not any(each.faults for each in found if each is not None):
            return _Best(answer, pair, decoded, _whole_frames(pair, sides))
        first = first or (pair, decoded)
    assert first is not None
    return _Best(answer, *first, _whole_frames(first[0], sides))


def _whole_frames(pair: Pair, sides: Sequence[Side]) -> tuple[Sequence[bytes], Sequence[bytes]]:
    first, second = (
        () if part is None else part.scored.cut.sure_frames(side.data)
        for part, side in zip(pair, sides, strict=True)
    )
    return first, second


def _decoded(part: Proposal, side: Side) -> Verified:
    if isinstance(part.scored.candidate, RawCandidate):
        return Verified(part.scored.cut.count, ())
    cut = part.scored.cut
    if cut.runs[-1].stop < len(side.data):
        cut = cut_side(part.scored.candidate, side) or cut
    return verified(part.notation, side, cut)


def _verdict(best: _Best, margin: float, doubts: list[str]) -> Verdict:
    parts = [part for part, _ in best.parts]
    faults = sum(len(result.faults) for _, result in best.parts)
    raw = [part for part in parts if isinstance(part.scored.candidate, RawCandidate)]
    fixed = all(isinstance(part.scored.candidate, FixedCandidate) for part in parts)
    gain = sum(part.scored.ends_gain for part in parts)
    hit = min(part.scored.hit for part in parts)
    checked = all(part.check is not None for part in parts)
    if any(part.check is None for part in raw) or faults > 2:
        return Verdict.NOTHING
    if any(result.share_of_wrong > _MOST_WRONG for _, result in best.parts):
        return Verdict.NOTHING
    if raw or faults:
        return Verdict.LIKELY
    if gain > _CONFIDENT_BITS and hit >= _CONFIDENT_HIT and margin > _CONFIDENT_MARGIN and not doubts:
        return Verdict.CONFIDENT
    if checked:
        return Verdict.LIKELY
    against = (_REPEATED, *((TOO_FEW, _PARTS) if fixed else ()))
    if any(words in doubt for words in against for doubt in doubts):
        return Verdict.NOTHING
    if gain > _LIKELY_BITS and hit >= _LIKELY_HIT:
        return Verdict.LIKELY
    if best.answer.gain > 2 * _LIKELY_BITS and not {_CONSTANT_LENGTH, _RIVALS} & {*doubts}:
        return Verdict.LIKELY
    return Verdict.NOTHING


def _unsupported(best: _Best, sides: Sequence[Side], margin: float) -> list[str]:
    """Return the doubts about frames of which few end a chunk, so that the bytes alone speak for them."""
    ends = hits = 0
    different: set[bytes] = set()
    for number, part in enumerate(best.pair):
        if part is not None:
            cut, side = part.scored.cut, sides[number]
            ends += len(cut.ends)
            hits += sum(len(cut.ends & each) for each in side.ends)
            different.update(cut.frames(side.data))
    if hits >= _PRECISE * ends:
        return []
    doubts = [_RIVALS] if margin < _LEAST_MARGIN else []
    if len(different) < max(_FEW_DIFFERENT, _SHARE_DIFFERENT * ends):
        doubts.append(f"{_REPEATED}: {len(different)} of {ends} differ, and few end a chunk")
    return doubts


def _doubts(best: _Best, sides: Sequence[Side]) -> list[str]:
    doubts: list[str] = []
    messages = sum(result.frames for _, result in best.parts)
    if messages < FEWEST_MESSAGES:
        seen = messages or sum(len(part.scored.cut.ends) for part, _ in best.parts)  # also the halves
        some = "1 message is" if seen == 1 else f"{seen} messages are"
        doubts.append(f"{some} {TOO_FEW}: capture at least {FEWEST_MESSAGES}")
    different = 0
    for number, part in enumerate(best.pair):
        if part is not None:
            doubts += _doubts_of(part, sides[number], best.frames[number])
            different += len({*best.frames[number]})
    if different < min(messages, FEWEST_DIFFERENT):
        doubts.append(f"only {different} different messages were seen: send other commands, too")
    for _, result in best.parts:
        if result.faults:
            doubts.append(f"the decoder finds faults, the first: {result.faults[0]}")
        if result.wrong:
            count = result.frames + len(result.wrong)
            doubts.append(
                f"the checksum is wrong in {len(result.wrong)} of {count} messages, the first: "
                f"{result.wrong[0]}"
            )
    parts = [part for part, _ in best.parts]
    if all(isinstance(part.scored.candidate, FixedCandidate) and part.check is None for part in parts):
        doubts.append("all messages have one size: any header may stand in them")
    if _has_constant_length(best):
        doubts.append(_CONSTANT_LENGTH)
    repeats_one = any(len({*frames}) == 1 for frames in best.frames)
    if repeats_one and len({part.scored.candidate for part in parts}) == 2:
        doubts.append("one side repeats one message: its framing may be another one")
    return list(dict.fromkeys(doubts))


def _has_constant_length(best: _Best) -> bool:
    """Return True if frames have so few sizes that a constant byte may fit them by chance."""
    sizes: set[int] = set()
    is_usual = True
    for number, part in enumerate(best.pair):
        if part is None:
            continue
        candidate = part.scored.candidate
        if part.known is not None or not isinstance(candidate, LengthCandidate):
            return False
        sizes.update(map(len, best.frames[number]))
        is_usual = is_usual and _is_usual(candidate)
    return len(sizes) <= 2 - is_usual


def _is_usual(candidate: LengthCandidate) -> bool:
    """Return True if a length field counts the bytes behind it, those behind the header, or all."""
    return candidate.adjust in (0, -candidate.header, -candidate.width)


def _doubts_of(part: Proposal, side: Side, frames: Sequence[bytes]) -> list[str]:
    doubts = []
    candidate, cut = part.scored.candidate, part.scored.cut
    for place in cut.losses:
        doubts.append(f"bytes seem to be missing behind byte {place}")
    if cut.failed_at is not None:
        doubts.append(f"from byte {cut.failed_at} on nothing fits: another protocol may begin there")
    ends = set().union(*side.ends)
    precise = 1.0 if side.is_bare else len(ends & cut.ends) / max(1, len(cut.ends))
    if candidate.holds_binary(frames):
        doubts.append("the frames hold binary data, in which the mark that ends them may stand too")
    if isinstance(candidate, DelimitedCandidate):
        ending = candidate.delimiters[0]
        doubts += _mixed_ends(candidate.delimiters, frames)
        if not (set(ending) <= CONTROL | set(b"*&#;>")):
            doubts.append(f"the end {ending!r} may be what the data end with by chance")
        if precise < 0.5 and part.check is None:
            doubts.append(f"only {precise:.0%} {FEW_END}: several lines may be one message")
        if ending not in _LINE_ENDS and len({*map(len, frames)}) == 1 and len({*frames}) > 1:
            doubts.append(f"all frames have one size: {ending!r} may only be what they end with")
    elif isinstance(candidate, _BY_SIZE) and part.check is None and precise < _PRECISE:
        doubts.append(f"only {precise:.0%} {FEW_END}: {_PARTS}")
    if isinstance(candidate, FixedCandidate) and part.check is None:
        count = len(cut.ends)
        stopped = len(cut.ends & (side.turns | side.pauses))
        if stopped < 0.5 * count:
            doubts.append(f"{count - stopped} of {count} pieces of one size may have been cut by TCP")
    if isinstance(candidate, LengthCandidate) and part.check is None:
        if abs(candidate.adjust) > 32:
            doubts.append(f"an adjustment of {candidate.adjust} is unusual")
        one_size = len({*map(len, frames)}) == 1
        if one_size and not _is_usual(candidate):
            doubts.append(_CONSTANT_LENGTH)
    return doubts


def _mixed_ends(ends: Sequence[bytes], frames: Sequence[bytes]) -> list[str]:
    """Return a doubt for each of several ends that binary data end with, so that it may be chance."""
    if len(ends) < 2:
        return []
    doubts = []
    for end in ends:
        ended = [frame for frame in frames if frame.endswith(end)]
        has_start_mark = len({frame[:1] for frame in ended}) == 1
        if is_binary(frame[has_start_mark : -len(end)] for frame in ended):
            doubts.append(f"what ends with {end!r} holds binary data: it may be of another protocol")
    return doubts


def _evidence(best: _Best, sides: Sequence[Side]) -> list[str]:
    ends = hits = 0
    halves = False
    for number, part in enumerate(best.pair):
        if part is not None:
            marks = sides[number].marks
            stop = part.scored.cut.runs[-1].stop
            within = [mark for mark in marks if mark <= stop]
            ends += len(within)
            hits += len(part.scored.cut.ends.intersection(within))
            halves = halves or part.scored.cut.runs[0].doubtful
    messages = sum(result.frames for _, result in best.parts)
    faults = sum(len(result.faults + result.wrong) for _, result in best.parts)
    sentences = [
        f"{hits} of {ends} ends of chunks are ends of messages",
        f"the decoder finds {messages} messages and {faults} faults"
        + ", behind the first one of each side, which may be a half" * halves,
    ]
    for part, _ in best.parts:
        if part.check is not None:
            sentences += [str(each) for each in part.check.found]
        if part.known is not None:
            sentences.append(f"this is the header of {part.known.name}")
    return list(dict.fromkeys(sentences))


def _unexplained(best: _Best) -> tuple[str, ...]:
    """Return the places in frames that vary, though neither the framing nor a checksum tells them."""
    columns: Counter[int] = Counter()
    shortest = _SHOWN_COLUMNS
    binary = False
    for part, frames in zip(best.pair, best.frames, strict=True):
        if part is None or not frames:
            continue
        shortest = min(shortest, *map(len, frames))
        binary = binary or isinstance(part.scored.candidate, _BY_SIZE)
        told = {*part.scored.candidate.told}
        for column in range(min(map(len, frames))):
            if column not in told and len({frame[column] for frame in frames}) > 1:
                columns[column] += 1
    if not binary:
        return ()
    return tuple(_ranges([column for column in sorted(columns) if column < shortest]))


def _ranges(columns: Sequence[int]) -> list[str]:
    texts: list[str] = []
    start = previous = None
    for column in (*columns, None):
        if start is not None and previous is not None and (column is None or column != previous + 1):
            texts.append(f"byte {start}" if start == previous else f"bytes {start} to {previous}")
            start = column
        elif start is None:
            start = column
        previous = column
    return texts
