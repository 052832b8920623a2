"""Samples of the bench, and what is counted in them: :class:`Sample`, :func:`measured`, :class:`Tally`."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Iterable, Iterator, Sequence
from math import comb
from typing import Final

from attrs import define, frozen

from tcpcomm.runtime.load_object import load_object
from tcpcomm.tools.guess.answer import Guess, Verdict
from tcpcomm.tools.guess.capture import Capture
from tests.guess.cuts import CUTS, Cut
from tests.guess.families.every_family import FAMILIES, family_named
from tests.guess.judge import Ruling, judged
from tests.guess.talk import Family

__all__ = ["GUESSER", "SIZES", "Judged", "Sample", "Tally", "judge_sample", "measured", "upper_bound"]

GUESSER: Final = "tcpcomm.tools.guess.search:guess_framing"
"""The place of the guesser. Another one of the same form can be measured too."""

SIZES: Final = (2, 3, 5, 10, 20, 40)
"""The exchanges of which the fewest are sought that make an answer right and confident."""

_SURE: Final = 0.95


@frozen
class Sample:
    """
    One capture to be made: of a device of a family, in a way, from a seed.

    Attributes:
        exchanges: the exchanges in it.
    """

    family: str
    cut: str
    seed: int
    exchanges: int

    @property
    def way(self) -> Cut:
        """The way in which it is cut."""
        return next(each for each in CUTS if each.name == self.cut)

    def __str__(self) -> str:
        return f"{self.family}, {self.cut}, seed {self.seed}, {self.exchanges} exchanges"


@frozen
class Judged:
    """
    A sample, the judgement on its answer, and both for people.

    Attributes:
        answer: the framings of the answer.
        truth: the framings of the device, if they are written down.
        raised: the exception, if the guesser raised one.
    """

    sample: Sample
    ruling: Ruling
    answer: str
    truth: str
    raised: str = ""

    @property
    def family(self) -> Family:
        """The family of the sample."""
        return family_named(self.sample.family)

    @property
    def is_wrong_though_confident(self) -> bool:
        """True if the answer was confident, and cuts wrong, or nothing can cut the stream."""
        return self.ruling.is_confident and not (self.family.cuts and self.ruling.is_right)


def capture_of(sample: Sample) -> Capture:
    """Return the capture of a sample."""
    device = family_named(sample.family).device(sample.seed)
    return sample.way.capture(device.talk(sample.seed, sample.exchanges), sample.seed)


def judge_sample(sample: Sample, guesser: str = GUESSER) -> Judged:
    """Let the guesser answer, and judge it."""
    guess_framing: Callable[[Capture], Guess] = load_object(guesser)
    device = family_named(sample.family).device(sample.seed)
    exchanges = device.talk(sample.seed, sample.exchanges)
    capture = sample.way.capture(exchanges, sample.seed)
    guess = guess_framing(capture)
    ruling = judged(guess, capture, device, exchanges, fresh=sample.seed, skip=sample.way.skips)
    answer = "nothing" if guess.best is None else " and ".join(str(each) for each in guess.best.framings)
    return Judged(sample, ruling, answer, " and ".join(device.framings))


def _judge(job: tuple[Sample, str]) -> Judged:
    """Judge a sample. A guesser that raises is judged, too: the other samples go on."""
    sample, guesser = job
    try:
        return judge_sample(sample, guesser)
    except Exception as error:
        raised = f"{type(error).__name__}: {error}"
        return Judged(sample, Ruling(Verdict.NOTHING, raised, (), 0.0), "raised", "", raised=raised)


def measured(samples: Sequence[Sample], guesser: str = GUESSER, processes: int = 1) -> Iterator[Judged]:
    """Judge samples, in so many processes. The order is that of the samples."""
    jobs = [(each, guesser) for each in samples]
    if processes < 2:
        yield from map(_judge, jobs)
        return
    with multiprocessing.get_context("spawn").Pool(processes) as pool:
        yield from pool.imap(_judge, jobs, chunksize=8)


def samples_of(
    seeds: Iterable[int],
    cuts: Sequence[Cut] = CUTS,
    families: Sequence[Family] = FAMILIES,
    exchanges: int | None = None,
) -> list[Sample]:
    """Return a sample for each family, way and seed."""
    return [
        Sample(family.name, cut.name, seed, cut.exchanges if exchanges is None else exchanges)
        for seed in seeds
        for family in families
        for cut in cuts
    ]


@define
class Tally:
    """
    The counts of one row.

    Attributes:
        count: the captures.
        right: those whose first answer is right.
        confident: those whose answer is confident.
        wrong: those whose answer is confident and wrong.
        checks: the sides that carry a checksum.
        found: those of them whose checksum was found.
        plain: the other sides, and those whose checksum was taken for another one.
        invented: those of them for which the answer names a checksum.
    """

    count: int = 0
    right: int = 0
    confident: int = 0
    wrong: int = 0
    checks: int = 0
    found: int = 0
    plain: int = 0
    invented: int = 0

    def add(self, each: Judged) -> None:
        """Count one capture."""
        ruling = each.ruling
        self.count += 1
        self.right += each.family.cuts and ruling.is_right
        self.confident += ruling.is_confident
        self.wrong += each.is_wrong_though_confident
        for check in ruling.checks if each.family.cuts else ():
            self.checks += check.is_there
            self.found += check.is_found
            self.plain += not check.is_there or check.is_invented
            self.invented += check.is_invented


def tally(several: Iterable[Judged]) -> Tally:
    """Count captures."""
    found = Tally()
    for each in several:
        found.add(each)
    return found


def upper_bound(hits: int, count: int, sure: float = _SURE) -> float:
    """
    Return the largest share that still gives at most so many hits with a probability of 1 - ``sure``.

    It is the one-sided bound of Clopper and Pearson: exact, also for no hit at all.
    """
    if hits >= count:
        return 1.0
    low, high = 0.0, 1.0
    for _ in range(50):
        middle = (low + high) / 2
        chance = sum(comb(count, k) * middle**k * (1 - middle) ** (count - k) for k in range(hits + 1))
        low, high = (middle, high) if chance > 1 - sure else (low, middle)
    return high
