"""Drafts from captures of declarations that hypothesis draws."""

from __future__ import annotations

import re
from pathlib import Path
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tcpcomm.codec.base import Request
from tcpcomm.errors import CodecError
from tcpcomm.framing import LengthPrefixed
from tcpcomm.testing import check_equipment
from tcpcomm.tools.guess.answer import Explanation, Guess, Verdict
from tcpcomm.tools.guess.capture import Capture, CapturedChunk
from tcpcomm.tools.guess.draft.declaration import Draft, draft_declaration
from tests.codec.cases import Case
from tests.codec.drawn import Drawn
from tests.codec.template import declarations, declarations_plain, declarations_replies
from tests.tools.guess.draft.reading import drafted, read_part

FRAMING = LengthPrefixed(2)
GUESS = Guess(verdict=Verdict.CONFIDENT, best=Explanation(framings=("length:2", "length:2")))
EXCHANGES = 80
LEAST = 0.9
FIGURES = re.compile(r"It reads (\d+) of (\d+) lines of the equipment")
DRAWN = [each.DRAWN for each in (declarations_plain, declarations_replies, declarations)]


def capture_of(case: Case, random: Random) -> Capture:
    """Return a capture of strict exchanges with drawn values."""
    dialect, chunks = case.dialect, []
    commands = [each for each in case.specs if not each.is_event]
    events = [each for each in case.specs if each.is_event]
    for number in range(EXCHANGES):
        spec = random.choice(commands)
        frame = dialect.request(spec.name, dialect.draw_values(spec.name, random), number)
        asked = dialect.read_at_equipment(frame)
        assert isinstance(asked, Request)
        begun = dialect.acknowledgement(asked)
        if case.faults and dialect.can_fail(spec.name) and random.random() < 0.1:
            answers = [dialect.fault(asked, random.choice(case.faults))]
        else:
            answers = dialect.reply(asked, dialect.draw_reply(asked, random))
        if begun is not None:
            answers = [begun, *answers]
        if events and random.random() < 0.15:
            event = random.choice(events)
            answers = [*answers, dialect.event(event.name, dialect.draw_values(event.name, random))]
        chunks.append(CapturedChunk(0, FRAMING.encode(frame)))
        chunks += [CapturedChunk(1, FRAMING.encode(each)) for each in answers]
    return Capture(chunks, from_start=True)


@pytest.mark.parametrize("drawn", DRAWN, ids=lambda drawn: drawn.name)
@settings(max_examples=4, suppress_health_check=[*HealthCheck], deadline=None)
@given(data=st.data(), random=st.randoms(use_true_random=False))
def test_a_draft_reads_what_was_captured_or_says_what_it_lacks(
    drawn: Drawn, data: st.DataObject, random: Random, tmp_path_factory: pytest.TempPathFactory
) -> None:
    case: Case = data.draw(drawn.declarations)
    try:
        capture = capture_of(case, Random(random.randint(0, 2**32)))
    except CodecError:
        return  # it cannot write what was drawn
    draft = draft_declaration(capture, GUESS, name="Drafted")
    if draft.problem:
        assert draft.notes
        return
    with drafted(draft, tmp_path_factory.mktemp("draft")) as found:
        part = read_part(found, capture)
        assert part >= LEAST or lines_read(draft) == pytest.approx(part)
        check_equipment(found, max_examples=1)


def lines_read(draft: Draft) -> float:
    """Return the part of the equipment's lines that a draft says it reads. It must quote some others."""
    figures = [found for each in draft.notes if (found := FIGURES.match(each))]
    assert [] != [each for each in draft.notes if each.startswith("Not read: ")]
    return int(figures[0][1]) / int(figures[0][2])


@pytest.mark.parametrize("drawn", DRAWN, ids=lambda drawn: drawn.name)
def test_nearly_all_declarations_are_read(drawn: Drawn, tmp_path: Path) -> None:
    read = []

    @settings(
        max_examples=10,
        suppress_health_check=[*HealthCheck],
        deadline=None,
        derandomize=True,
        database=None,
    )
    @given(drawn.declarations, st.integers(0, 99))
    def draft_one(case: Case, seed: int) -> None:
        try:
            capture = capture_of(case, Random(seed))
        except CodecError:
            return  # it cannot write what was drawn
        draft = draft_declaration(capture, GUESS, name="Drafted")
        if draft.problem:
            read.append(0.0)
            return
        with drafted(draft, tmp_path) as found:
            read.append(read_part(found, capture))

    draft_one()
    assert sum(each >= LEAST for each in read) >= LEAST * len(read)
