"""Drafts from captures of declared equipment: they import, hold the laws, and read what was captured."""

from __future__ import annotations

from pathlib import Path
from random import Random

import pytest

from tcpcomm import Equipment, declaration_of
from tcpcomm.testing import check_equipment
from tcpcomm.tools.guess.answer import Explanation, Guess, Verdict
from tcpcomm.tools.guess.capture import Capture, CapturedChunk
from tcpcomm.tools.guess.draft.declaration import Draft, draft_declaration
from tests.tools.guess.draft.devices import DEVICES, Several
from tests.tools.guess.draft.reading import drafted, read_part
from tests.tools.guess.draft.talks import captured, guess_of, talk_of

LEAST = 0.9
LINES = Guess(verdict=Verdict.LIKELY, best=Explanation(framings=(r"delimited:\r\n", r"delimited:\r\n")))


@pytest.mark.parametrize("kind", DEVICES.values(), ids=DEVICES)
def test_a_draft_holds_the_laws_and_reads_what_was_captured(kind: type[Equipment], tmp_path: Path) -> None:
    capture = captured(kind)
    draft = draft_declaration(capture, guess_of(kind), name="Drafted")
    with drafted(draft, tmp_path) as found:
        assert read_part(found, capture) >= LEAST
        check_equipment(found, max_examples=5)


def test_a_draft_reads_another_capture_of_the_same_equipment(tmp_path: Path) -> None:
    draft = draft_declaration(captured(Several, seed=1), guess_of(Several), name="Drafted")
    with drafted(draft, tmp_path) as found:
        assert read_part(found, captured(Several, seed=2)) >= LEAST
        assert {"temp", "state", "speed"} == set(declaration_of(found).commands)
        assert {"button"} == set(declaration_of(found).events)


ASKED = {"GET": "0.5", "STATE": "RUN", "POS": "1.0,2.0"}


@pytest.mark.parametrize("most", [2, 5])
def test_a_pipelined_capture_is_refused_with_what_to_do(most: int) -> None:
    random, lines = Random(most), []
    for _ in range(40):
        words = [random.choice([*ASKED]) for _ in range(random.randint(1, most))]
        lines += [*(f"> {each}" for each in words), *(f"< {ASKED[each]}" for each in words)]
    draft = draft_declaration(talk_of(lines), LINES)
    assert not draft.text
    assert "Capture again with one command at a time." in draft.problem


def test_a_host_that_always_sends_two_requests_at_once_is_pipelined() -> None:
    lines = ["> GET", "> STATE", "< 0.5", "< RUN"] * 20
    assert "Capture again" in draft_declaration(talk_of(lines), LINES).problem


def test_a_command_that_nothing_answers_is_not_pipelining(tmp_path: Path) -> None:
    lines = ["> GET", "< 0.5", "> LAMP", "> STATE", "< RUN", "> GET", "< 0.25"] * 20
    with drafted(draft_declaration(talk_of(lines), LINES, name="Drafted"), tmp_path) as found:
        commands = declaration_of(found).commands
    assert {"get": True, "lamp": False, "state": True} == {
        name: each.has_reply for name, each in commands.items()
    }


@pytest.mark.parametrize(
    ("capture", "guess"),
    [
        (Capture(()), Guess(verdict=Verdict.NOTHING)),
        (Capture(()), LINES),
        (Capture([CapturedChunk(0, b"\x00\x01\r\n"), CapturedChunk(1, b"\xff\x00\r\n")]), LINES),
    ],
    ids=["nothing", "empty", "binary"],
)
def test_a_capture_that_cannot_be_drafted_says_why(capture: Capture, guess: Guess) -> None:
    draft = draft_declaration(capture, guess)
    assert Draft(notes=draft.notes, problem=draft.problem) == draft
    assert draft.problem
