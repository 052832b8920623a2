"""Drafts from talks whose words mean something in Python, in templates, or in quotes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

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
    "a quote that does not end": ["> ASK", "< S,0.827,T,{,39", "> ASK", '< S,0.370,0.5,a"b,11'] * 10,
    "an empty line for a refusal": [
        line
        for n in range(30)
        for line in (f"> ASK {n}", *(["< "] if n % 9 == 4 else ["< E  }", "< E  }", "< END"]))
    ],
    "an empty line in place of a value": [
        line for n in range(30) for line in ("> ASK", "< " if n % 10 == 4 else f"< VALUE {n * 7}")
    ],
    "a number of lines behind a letter of refusal": [
        line
        for n in range(30)
        for line in ("> ASK", f"< N {n % 4}", *[f"< {n / 7:.3f}"] * (n % 4), "> GET", "< 1")
    ],
    "blanks in front of one more column": [
        line
        for row in ("OK   -7.803 1 61", "OK list 47 18 43", "OK 30 46 24") * 10
        for line in ("> ASK", f"< {row}")
    ],
    "a wide parameter in a narrow reply": [
        line for n in range(60) for line in (f"> ASK {n * 0.017:.3f}", f"<  {n * 0.017:.3f}")
    ],
}

OBJECTS: dict[str, list[Any]] = {
    "self": [{"self": 1}, {"self": 2}],
    "a key that is no name": [{"1 a": 1}, {"1 a": 2}],
    "a key that Python reads as another": [{"\ufb01": 2}, {"\ufb01": 3}],
    "a type as an optional key": [{"str": "a", "text": "b"}, {"text": "c"}],
    "keys of cattrs": [{"attrs": 1, "converter": 2}] * 2,
}
"""Results that cannot be written as a class of Python, or hardly."""

UNREADABLE = {
    "a parameter self": ['> {"cmd":"GET","self":1}', '< {"result":null}'],
    "a list for a word": ['> {"cmd":"GET"}', '< {"cmd":[{}],"a":1}', '> {"cmd":"GET"}', '< {"b":1}'],
}


@pytest.mark.parametrize("name", TALKS)
def test_a_draft_of_hard_words_is_a_declaration_that_reads_them(name: str, tmp_path: Path) -> None:
    capture = talk_of(TALKS[name])
    with drafted(draft_declaration(capture, LINES, name="Drafted"), tmp_path) as found:
        assert read_part(found, capture) >= LEAST
        check_equipment(found, max_examples=2)


@pytest.mark.parametrize("name", OBJECTS)
def test_objects_that_are_hard_to_declare_are_read(name: str, tmp_path: Path) -> None:
    lines = []
    for value in OBJECTS[name] * 10:
        lines += ['> {"cmd": "GET"}', f"< {json.dumps({'result': {'value': value, 'x': 1}})}"]
    capture = talk_of(lines)
    with drafted(draft_declaration(capture, LINES, name="Drafted"), tmp_path) as found:
        assert read_part(found, capture) >= LEAST


@pytest.mark.parametrize("name", UNREADABLE)
def test_objects_that_cannot_be_declared_are_refused_in_words(name: str) -> None:
    draft = draft_declaration(talk_of(UNREADABLE[name] * 10), LINES)
    assert draft.problem.startswith("The messages are JSON objects, and no options")


@pytest.mark.parametrize(("end", "result"), [(";x", "None"), ("", "None"), (" x", "str")])
def test_a_reply_repeats_a_text_only_where_it_can_hold_every_text(end: str, result: str) -> None:
    words = ["bolt", "nut", "ring", "cover", "plate", "screw", "gear", "arm"] * 2
    lines = [line for word in words for line in (f"> PICK;{word};x", f"< DONE {word}{end}")]
    text = draft_declaration(talk_of(lines), LINES).text
    assert f"async def pick_x(self, value: str) -> {result}:" in text
