"""Drafts from captures of declared equipment: they import, hold the laws, and read what was captured."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

import pytest
from attrs import evolve

from tcpcomm import declaration_of
from tcpcomm.framing import LengthPrefixed
from tcpcomm.testing import check_equipment
from tcpcomm.tools.guess.answer import Explanation, Guess, Verdict
from tcpcomm.tools.guess.capture import ANSWERER, OPENER, Capture, CapturedChunk
from tcpcomm.tools.guess.collector import joined
from tcpcomm.tools.guess.draft.declaration import Draft, draft_declaration
from tcpcomm.tools.guess.search import guess_framing
from tests.tools.guess.draft.devices import DEVICES, Several
from tests.tools.guess.draft.reading import drafted, read_part
from tests.tools.guess.draft.talks import captured, guess_of, talk_of

LEAST = 0.9
LINES = Guess(verdict=Verdict.LIKELY, best=Explanation(framings=(r"delimited:\r\n", r"delimited:\r\n")))


@cache
def draft_of(name: str) -> tuple[Capture, Draft]:
    """Return a capture of a device, and its draft. They are made once, because tests only read them."""
    capture = captured(DEVICES[name])
    return capture, draft_declaration(capture, guess_of(DEVICES[name]), name="Drafted")


@pytest.mark.parametrize("name", DEVICES)
def test_a_draft_holds_the_laws_and_reads_what_was_captured(name: str, tmp_path: Path) -> None:
    capture, draft = draft_of(name)
    with drafted(draft, tmp_path) as found:
        assert read_part(found, capture) >= LEAST
        check_equipment(found, max_examples=2)


@pytest.mark.parametrize("name", ["asymmetric", "nmea", "xml"])
def test_from_bytes_to_a_draft_without_any_knowledge(name: str, tmp_path: Path) -> None:
    capture, _ = draft_of(name)
    draft = draft_declaration(capture, guess_framing(capture), name="Drafted")
    with drafted(draft, tmp_path) as found:
        assert read_part(found, capture) >= LEAST


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


BEATS = {
    "one side": (
        ["> TRG {}", "> PING", "< PONG", "< OK {}.5"],
        ["> TRG {}", "< OK {}.5", "> PING", "< PONG"],
        {"trg", "ping"},
        set[str](),
    ),
    "both sides": (
        ["> TRG {}", "> PING", "< PONG", "< PING", "> PONG", "< OK {}.5"],
        ["> TRG {}", "< OK {}.5", "< PING", "> PING", "< PONG", "> PONG"],
        {"trg", "ping", "pong"},
        {"ping_2"},
    ),
}


@pytest.mark.parametrize("name", BEATS)
def test_a_heartbeat_that_overlaps_a_command_is_not_pipelining(name: str, tmp_path: Path) -> None:
    overlapping, apart, commands, events = BEATS[name]
    rounds = [overlapping if number % 3 == 1 else apart for number in range(20)]
    capture = talk_of([line.format(number) for number, lines in enumerate(rounds) for line in lines])
    with drafted(draft_declaration(capture, LINES, name="Drafted"), tmp_path) as found:
        declaration = declaration_of(found)
        assert (commands, events) == (set(declaration.commands), set(declaration.events))
        assert 1.0 == read_part(found, capture)


def test_one_request_that_was_sent_too_early_is_told_in_the_singular() -> None:
    lines = [line for at in range(9) for line in (f"> GET {at}", f"< {at}.5")]
    lines += ["> GET 9", "> GET 10", "< 9.5", "< 10.5"]
    assert draft_declaration(talk_of(lines), LINES).problem.startswith("1 request was sent before")


@pytest.mark.parametrize("each", [1, 3, 10])
def test_json_events_are_none_however_often_they_come_with_a_reply(each: int, tmp_path: Path) -> None:
    lines = []
    for job in range(20):
        told = [f'< {{"event":"ready","step":{job}}}'] * (job % each == 0)
        lines += [f'> {{"cmd":"start","job":{job % 7}}}', *told, f'< {{"result":{{"x":{job * 1.5}}}}}']
    capture = talk_of(lines)
    draft = draft_declaration(capture, LINES, name="Drafted")
    assert "    codec = Json()\n" in draft.text
    with drafted(draft, tmp_path) as found:
        assert {"ready"} == set(declaration_of(found).events)
        assert 1.0 == read_part(found, capture)


def test_json_results_and_faults_may_have_keys_of_their_own(tmp_path: Path) -> None:
    lines = []
    for job in range(12):
        answer = '{"NG":{"code":3,"reason":"no part"}}' if job % 3 == 0 else f'{{"places":{{"x":{job}.5}}}}'
        lines += [
            f'> {{"cmd":"start","job":{job}}}',
            f"< {answer}",
            '> {"cmd":"stop"}',
            '< {"result":null}',
        ]
    capture = talk_of(lines)
    draft = draft_declaration(capture, LINES, name="Drafted")
    assert '    codec = Json(fault="NG")\n' in draft.text
    assert '@command(reply="places"' in draft.text
    with drafted(draft, tmp_path) as found:
        assert 1.0 == read_part(found, capture)


def test_a_field_that_takes_a_whole_message_is_told_as_unsure() -> None:
    random = Random(1)
    words = ["".join(random.choices("abcdefghij -:/", k=random.randint(3, 30))) for _ in range(60)]
    lines = [line for word in words for line in ("> READ", f"< {word}")]
    draft = draft_declaration(talk_of(lines), LINES)
    assert "    # unsure: the reply is not understood: all of it is one text\n    @command" in draft.text
    assert "the request is not understood" not in draft.text


def test_a_command_that_nothing_answers_is_not_pipelining(tmp_path: Path) -> None:
    lines = ["> GET", "< 0.5", "> LAMP", "> STATE", "< RUN", "> GET", "< 0.25"] * 20
    with drafted(draft_declaration(talk_of(lines), LINES, name="Drafted"), tmp_path) as found:
        commands = declaration_of(found).commands
    assert {"get": True, "lamp": False, "state": True} == {
        name: each.has_reply for name, each in commands.items()
    }


def words_with_blanks(seed: int) -> list[str]:
    """Return a talk whose replies have any text, some of which looks like a number, or like two words."""
    random, lines = Random(seed), []
    for _ in range(60):
        text = random.choice("0123456789abcdXYZ")
        text += "".join(random.choices("abXYZ019 -._", k=random.randrange(9)))
        lines += ["> ASK", f"< R {text}"]
    return lines


HARD = {
    "words with blanks": words_with_blanks(13),
    "a form that repeats a parameter": [
        line
        for n in range(60)
        for line in (
            f"> ASK {n * 7 - 90}",
            (f"< A {n * 7 - 90} {n / 8:.2f}", f"< B {n * 7 - 90}", f"< ST{n:02d}")[n % 3],
        )
    ],
    "numbers behind blanks": [
        line for n in range(60) for line in (f"> ASK {n}", f"< GOT;{n * 37} ; {n / (1 + n % 3):.3g}")
    ],
    "quoted words": [
        line
        for n in range(60)
        for line in (
            f"> ASK {n}",
            ('< GOT "a, b";1', '< GOT "a ""quoted"" word";2', '< GOT "c; #3";4')[n % 3],
        )
    ],
}
"""Talks whose replies several templates explain, of which most contradict each other."""


@pytest.mark.parametrize("name", HARD)
def test_replies_that_are_hard_to_read_are_read(name: str, tmp_path: Path) -> None:
    capture = talk_of(HARD[name])
    with drafted(draft_declaration(capture, LINES, name="Drafted"), tmp_path) as found:
        assert read_part(found, capture) >= LEAST
        check_equipment(found, max_examples=2)


CODECS = {
    "json": "Json()",
    "json-status": 'Json(result=None, fault=None, success={"result": "OK"}, failure={"result": "NG"})',
    "json-ids": 'Json(parameters="params", id="id")',
    "json-numbers": (
        'Json("Command", result=None, fault=None, code="ErrorID", reason=None, success={"ErrorID": 0}, '
        "echo=True)"
    ),
    "json-pascal": (
        'Json("Type", parameters="Data", result="Data", fault="Error", event="Type", echo=True)'
    ),
    "json-rpc": "JsonRpc()",
    "xml": """Xml(fault='<Fault Code="{code:d}">{reason}</Fault>')""",
    "scpi": "Scpi()",
    "cp949": 'Template("cp949", fault="NG,{code:d},{reason}")',
    "keyence": 'Template(fault="ER,{command},{code:02d}")',
    "asymmetric": 'Template(fault="?")',
    "two-lines": 'Template(fault="-{code:d}")',
}


@pytest.mark.parametrize("name", CODECS)
def test_the_codec_of_a_draft(name: str) -> None:
    draft = draft_of(name)[1]
    assert f"    codec = {CODECS[name]}\n" in draft.text


def reply_of(draft: Draft, request: str) -> str:
    """Return what is drafted behind a request."""
    found = re.search(rf"@command\(.{re.escape(request)}.(.*)\)\n", draft.text)
    assert found is not None, draft.text
    return found[1]


@pytest.mark.parametrize(
    ("name", "request_text", "reply"),
    [
        ("keyence", "TA", 'reply=Acknowledged("TA", "{value:+.3f}")'),
        ("grbl", "$$", 'reply=Until("ok", "${value1}={value2}")'),
        ("two-lines", "GV {value}", 'reply=("1", "{value:.3f}")'),
        ("several", "STATE?", 'reply=OneOf("IDLE", "RUN {value:.1f}")'),
        ("counted", "LIGHT {value:ON|OFF}", "reply=Silence("),
        ("scale", "@", "reply=None"),
        ("scale", "TA {value:.2f} g", 'reply="TA A {value:10.2f} g"'),
        ("stx-bcc", "R{value:04d}", 'reply="R{value1:04X}"'),
    ],
)
def test_the_reply_of_a_command(name: str, request_text: str, reply: str) -> None:
    draft = draft_of(name)[1]
    assert reply in reply_of(draft, request_text).replace("{value:04X}", "{value1:04X}")


def test_a_slow_reply_has_a_timeout_with_a_margin_and_few_samples_are_unsure() -> None:
    lines = ["> MOVE 1.5", "< DONE", "> POS", "< 1.25"] * 3
    capture = talk_of(lines)
    late = [
        evolve(each, at=each.at + 2.0) if each.side == 1 and each.at is not None else each
        for each in capture.chunks
    ]
    draft = draft_declaration(Capture(late), LINES)
    assert "timeout=10.0" in draft.text
    assert "    # unsure: seen 3 times only\n    @command" in draft.text


def test_what_the_equipment_says_to_each_connection_first_is_no_reply(tmp_path: Path) -> None:
    one = talk_of(["< READY", "> GET", "< 0.5"])
    draft = draft_declaration(joined([evolve(one, from_start=True)] * 12), LINES, name="Drafted")
    with drafted(draft, tmp_path) as found:
        declaration = declaration_of(found)
        assert ({"get"}, {"ready"}) == (set(declaration.commands), set(declaration.events))


def test_the_side_that_was_connected_to_may_be_the_host(tmp_path: Path) -> None:
    capture = captured(Several)
    turned = Capture(
        [CapturedChunk(OPENER if each.side else ANSWERER, each.data, each.at) for each in capture.chunks]
    )
    draft = draft_declaration(turned, guess_of(Several), name="Drafted")
    with drafted(draft, tmp_path) as found:
        assert read_part(found, turned, host=1) >= LEAST


def test_a_long_capture_is_drafted_from_its_beginning() -> None:
    draft = draft_declaration(talk_of(["> A 1", "< B 2"] * 2100), LINES)
    assert "Only the first 4,000 messages are read." == draft.notes[0]


def test_the_facts_about_binary_messages_are_a_module() -> None:
    framing = LengthPrefixed(2)
    chunks = []
    for number in range(40):
        request = bytes([0, number, 3, 0, number * 7 % 256])
        chunks.append(CapturedChunk(0, framing.encode(request)))
        chunks.append(CapturedChunk(1, framing.encode(request[:3] + bytes(range(number % 7)))))
    guess = Guess(verdict=Verdict.CONFIDENT, best=Explanation(framings=("length:2", "length:2")))
    draft = draft_declaration(Capture(chunks), guess)
    names: dict[str, Any] = {}
    exec(draft.text, names)
    assert framing == names["framing"]
    assert "# - bytes 2 to 3 repeat from request to reply in 40 of 40" in draft.text
    assert draft.notes[0].startswith("The messages are binary")


def test_a_codec_with_a_length_in_a_byte_order_of_its_own_is_a_module() -> None:
    chunks = []
    for number in range(60):
        for side in (OPENER, ANSWERER):
            body = bytes(range(number * (side + 1) % 7))
            head = number.to_bytes(2, "big") + len(body).to_bytes(2, "little") + bytes([3 + number % 3])
            chunks.append(CapturedChunk(side, LengthPrefixed(4).encode(head + body)))
    guess = Guess(verdict=Verdict.CONFIDENT, best=Explanation(framings=("length:4", "length:4")))
    draft = draft_declaration(Capture(chunks), guess)
    assert "from typing import Annotated" in draft.text, draft.text
    exec(draft.text, {})


def test_texts_of_the_capture_are_no_code(tmp_path: Path) -> None:
    evil = '"""\\"); raise SystemExit #'
    lines = [line for at in range(12) for line in (f"> SAY {evil}{at}", f"< {evil}", f"> {evil}", "< ok")]
    capture = evolve(talk_of(lines), name=f"{evil}\n{evil}")
    draft = draft_declaration(capture, LINES, name="Drafted")
    with drafted(draft, tmp_path) as found:
        assert 1.0 == read_part(found, capture)


def test_the_name_of_the_class_must_be_a_name() -> None:
    assert "cannot be the name" in draft_declaration(talk_of(["> A", "< B"]), LINES, name="1x").problem


@pytest.mark.parametrize(
    ("capture", "guess"),
    [
        (Capture(()), Guess(verdict=Verdict.NOTHING)),
        (Capture(()), LINES),
        (Capture([CapturedChunk(0, b"A\r\n")] * 20), LINES),
        (talk_of(['> {"a":[1]}', '< {"b":{"c":[]}}'] * 20), LINES),
    ],
    ids=["nothing", "empty", "one-side", "other-json"],
)
def test_a_capture_that_cannot_be_drafted_says_why(capture: Capture, guess: Guess) -> None:
    draft = draft_declaration(capture, guess)
    assert Draft(notes=draft.notes, problem=draft.problem) == draft
    assert draft.problem
