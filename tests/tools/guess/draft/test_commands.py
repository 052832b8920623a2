"""Requests that differ in one number: they are one command, unless their replies have several forms."""

from __future__ import annotations

import pytest

from tcpcomm.tools.guess.answer import Explanation, Guess, Verdict
from tcpcomm.tools.guess.draft.declaration import draft_declaration
from tests.tools.guess.draft.talks import talk_of

LINES = Guess(verdict=Verdict.CONFIDENT, best=Explanation(framings=(r"delimited:\r\n", r"delimited:\r\n")))
REPLIES = ["POS,12.500,-3.25", "POS,-7.000,0.12", "POS,0.125,30.00", "POS,1.000,2.00", "POS,9.500,4.25"]


def draft_of_jobs(*replies: str) -> str:
    """Return the draft of a talk in which each job has the same reply each time."""
    lines = [line for job, reply in enumerate(replies, start=1) for line in (f"> JOB,{job}", f"< {reply}")]
    return draft_declaration(talk_of(lines * 6), LINES).text


@pytest.mark.parametrize("count", [2, 3, 5])
def test_jobs_with_a_position_each_are_one_command(count: int) -> None:
    text = draft_of_jobs(*REPLIES[:count])
    assert '@command("JOB,{value}", reply="POS,{value1:.3f},{value2:.2f}", timeout=1.0)' in text
    assert 1 == text.count("@command")


def test_few_numbers_are_unsure_also_those_that_were_refused() -> None:
    assert "    # unsure: value was 1, 2 or 3 only\n    @command" in draft_of_jobs(*REPLIES[:2], "NG,3")
    assert "# unsure: value was" not in draft_of_jobs(*REPLIES)


def test_numbers_with_replies_of_several_forms_are_several_commands() -> None:
    text = draft_of_jobs("TEMP 21.5", "STATE RUN")
    assert '@command("JOB,1", reply="TEMP 21.5"' in text
    assert '@command("JOB,2", reply="STATE RUN"' in text
