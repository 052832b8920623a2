"""A short beginning in another framing, such as a login, is told, and the rest is guessed without it."""

from __future__ import annotations

import pytest

from tcpcomm.tools.guess.answer import Guess, Verdict
from tcpcomm.tools.guess.capture import ANSWERER, OPENER, Capture, CapturedChunk
from tcpcomm.tools.guess.changes import CHANGES
from tcpcomm.tools.guess.draft.declaration import draft_declaration
from tcpcomm.tools.guess.facts import with_facts
from tcpcomm.tools.guess.search import guess_framing
from tests.guess.cuts import CUTS, Cut
from tests.guess.families.every_family import family_named
from tests.tools.guess.talks import Said, in_pieces, one_side, records, talk, texts, turn_by_turn

PROMPTS: Said = [
    (ANSWERER, b"login: "),
    (OPENER, b"admin\r\n"),
    (ANSWERER, b"password: "),
    (OPENER, b"secret\r\n"),
    (ANSWERER, b"OK\r\n"),
]
LOGINS: dict[str, Said] = {
    "prompts": PROMPTS,
    "one prompt": PROMPTS[:2],
    "a line": [(OPENER, b"LOGIN admin secret\r\n"), (ANSWERER, b"OK\r\n")],
    "a mode": [*PROMPTS, (OPENER, b"MODE BINARY\r\n"), (ANSWERER, b"OK\r\n")],
}
BEHIND = {
    "length:2": records(200),
    "length:2,little,check=crc-16/modbus": records(80),
    "stx-etx,bcc=xor": texts(80),
    "slip": records(80),
    r"delimited:\r": texts(80),
}


def changes(guess: Guess) -> list[str]:
    """Return the doubts that tell of a change."""
    return [each for each in guess.doubts if each.startswith(CHANGES)]


def place(login: Said) -> str:
    """Return the words for the place behind a login."""
    opener, answerer = (sum(len(data) for side, data in login if side == number) for number in (0, 1))
    return f"fits from byte {opener} of > and byte {answerer} of < on: "


@pytest.mark.parametrize(
    ("name", "notation"),
    [*((name, "length:2") for name in LOGINS), *(("one prompt", each) for each in [*BEHIND][1:])],
)
def test_a_login_is_told_with_the_framing_behind_it(name: str, notation: str) -> None:
    login = LOGINS[name]

    guess = guess_framing(turn_by_turn(login + talk(notation, BEHIND[notation])))

    assert guess.best is not None
    assert (notation, notation) == guess.best.framings
    assert Verdict.LIKELY is guess.verdict
    (change,) = changes(guess)
    assert place(login) in change
    assert change.endswith("declare it as login, in a framing that reads both, or capture behind it")
    assert len(login) == guess.skipped


def test_words_of_the_opener_are_not_shown_because_they_may_be_a_password() -> None:
    said = LOGINS["a line"] + talk("length:2", records(40))

    (change,) = changes(guess_framing(turn_by_turn(said)))

    assert "it begins with text such as 'OK\\r\\n'" in change


def test_a_login_before_few_messages_is_told() -> None:
    (change,) = changes(guess_framing(turn_by_turn(PROMPTS + talk("length:2", records(14)))))

    assert place(PROMPTS) in change
    assert "it begins with text such as 'login: '" in change


def test_a_login_in_pieces_is_told() -> None:
    guess = guess_framing(in_pieces(PROMPTS + talk("length:2", records(60)), 3))

    assert guess.best is not None
    assert ("length:2", "length:2") == guess.best.framings
    assert place(PROMPTS) in changes(guess)[0]


def test_a_login_before_a_device_that_only_sends_is_told() -> None:
    stream: Said = [(ANSWERER, data) for _, data in talk("length:2", records(60))]

    guess = guess_framing(turn_by_turn(LOGINS["one prompt"] + stream))

    assert guess.best is not None
    assert (None, "length:2") == guess.best.framings
    assert "fits from byte 7 of < on: declare it as login" in changes(guess)[0]
    assert 2 == guess.skipped


def test_a_login_before_chunks_of_many_messages_is_told() -> None:
    frames = [data for _, data in talk("length:2", records(240))]
    bulk: Said = [(at // 6 % 2, b"".join(frames[at : at + 6])) for at in range(0, 240, 6)]  # type: ignore[misc]

    guess = guess_framing(turn_by_turn(PROMPTS + bulk))

    assert guess.best is not None
    assert ("length:2", "length:2") == guess.best.framings
    assert place(PROMPTS) in changes(guess)[0]


def test_a_greeting_alone_can_be_skipped() -> None:
    said: Said = [(ANSWERER, b"READY\r\n"), *talk("length:2", records(60))]

    (change,) = changes(guess_framing(turn_by_turn(said)))

    assert change.endswith("skip it with preamble=7 in the framing of <, or capture behind it")


def test_a_login_is_told_of_one_side() -> None:
    chunks = turn_by_turn(PROMPTS + talk("length:2", records(60))).chunks

    (change,) = changes(guess_framing(one_side(chunks, ANSWERER)))

    assert "fits from byte 21 of < on" in change


def test_prompts_before_lines_are_no_change() -> None:
    guess = guess_framing(turn_by_turn(PROMPTS + talk(r"delimited:\r\n", texts(60))))

    assert guess.best is not None
    assert (r"delimited:\r\n", r"delimited:\r\n") == guess.best.framings
    assert Verdict.CONFIDENT is guess.verdict


def test_the_half_of_a_message_at_the_beginning_is_no_change() -> None:
    chunks = turn_by_turn(talk("length:2", records(60))).chunks
    half = CapturedChunk(OPENER, chunks[0].data[4:], chunks[0].at)

    guess = guess_framing(Capture((half, *chunks[1:])))

    assert [] == changes(guess)


def test_missing_bytes_near_the_beginning_are_no_change() -> None:
    chunks = turn_by_turn(talk("length:2", records(60))).chunks
    for lost in (4, 5):
        for gap in (True, False):
            rest = list(chunks[lost + 1 :])
            rest[1] = CapturedChunk(rest[1].side, rest[1].data, rest[1].at, after_gap=gap)
            guess = guess_framing(Capture((*chunks[:lost], *rest), from_start=True))
            assert [] == changes(guess), lost


def test_facts_and_drafts_leave_the_login_out() -> None:
    lines = [b"TRG,%d" % n if n % 2 == 0 else b"OK,%d.5" % n for n in range(60)]
    capture = turn_by_turn(PROMPTS + talk("stx-etx", lines))
    draft = draft_declaration(capture, guess_framing(capture))
    assert not draft.problem
    assert draft.notes[0].startswith("The first 5 chunks have another framing")
    assert "It reads 30 of 30 lines of the equipment, and 30 of 30 requests." in draft.notes

    behind = talk("length:2", records(60))
    capture, alone = turn_by_turn(PROMPTS + behind), turn_by_turn(behind)
    assert with_facts(alone, guess_framing(alone)).facts
    assert (
        with_facts(alone, guess_framing(alone)).facts == with_facts(capture, guess_framing(capture)).facts
    )


@pytest.mark.parametrize("cut", [CUTS[2], CUTS[8]], ids=lambda cut: cut.name)
def test_the_login_of_the_bench_is_told(cut: Cut) -> None:
    device = family_named("login-then-binary").device(0)

    assert changes(guess_framing(cut.capture(device.talk(0, 20), 0)))


STEADY = ("two-ends", "preamble", "terminal")


@pytest.mark.parametrize("family", STEADY)
def test_families_that_do_not_change_are_not_told_to(family: str) -> None:
    device = family_named(family).device(1)
    for cut in CUTS[::4]:
        assert [] == changes(guess_framing(cut.capture(device.talk(1, 12), 1))), cut.name
