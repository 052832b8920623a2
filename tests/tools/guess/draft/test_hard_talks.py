"""Drafts from talks whose words mean something in Python, in templates, or in quotes."""

from __future__ import annotations

from pathlib import Path

import pytest

from tcpcomm.testing import check_equipment
from tcpcomm.tools.guess.answer import Explanation, Guess, Verdict
from tcpcomm.tools.guess.draft.declaration import draft_declaration
from tests.tools.guess.draft.reading import drafted, read_part
from tests.tools.guess.draft.talks import talk_of

LEAST = 0.9
LINES = Guess(verdict=Verdict.LIKELY, best=Explanation(framings=(r"delimited:\r\n", r"delimited:\r\n")))

TALKS = {
    "commands with the names of types": [
        line
        for n in range(30)
        for line in ("> STR", "< OK", "> INT", "< OK", f"> NAME {chr(97 + n)}", f"< {n}")
    ],
}


@pytest.mark.parametrize("name", TALKS)
def test_a_draft_of_hard_words_is_a_declaration_that_reads_them(name: str, tmp_path: Path) -> None:
    capture = talk_of(TALKS[name])
    with drafted(draft_declaration(capture, LINES, name="Drafted"), tmp_path) as found:
        assert read_part(found, capture) >= LEAST
        check_equipment(found, max_examples=2)
