"""A guess names the framings of both sides, is honest about its doubts, and never raises."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from random import Random

import pytest
from attrs import evolve
from hypothesis import given, settings
from hypothesis import strategies as st

from tcpcomm.errors import FramingError
from tcpcomm.framing import decode, parse_framing
from tcpcomm.tools.guess.answer import Guess, Verdict
from tcpcomm.tools.guess.candidates.delimited import DelimitedCandidate
from tcpcomm.tools.guess.candidates.headers import CountedBodyCandidate
from tcpcomm.tools.guess.capture import ANSWERER, OPENER, Capture, CapturedChunk, Side
from tcpcomm.tools.guess.search import SAMPLE, guess_framing
from tcpcomm.tools.guess.verdict import FEWEST_MESSAGES
from tests.tools.guess.talks import blocks, one_side, records, talk, texts, turn_by_turn

NOTATIONS = ["length:2", r"delimited:\r", "stx-etx,bcc=xor", "length:1,offset=2"]
WHOLE = [b"\0\x02ab", b"OK\r\n", b"\x02a\x03", b"{}", b"5:hello,", b"#15hello\n"]
CHUNKS = st.lists(
    st.builds(
        CapturedChunk,
        st.sampled_from([OPENER, ANSWERER]),
        st.one_of(
            st.binary(min_size=1, max_size=24),
            st.sampled_from([b"\0\x02ab", b"OK\r\n", b"\x02a\x03", b"{}"]),
        ),
        st.one_of(st.none(), st.floats(0, 10)),
        st.booleans(),
        st.booleans(),
    ),
    max_size=14,
)


@settings(max_examples=20)
@given(CHUNKS, st.booleans())
def test_any_bytes_are_answered_and_twice_alike(chunks: list[CapturedChunk], from_start: bool) -> None:
    capture = Capture(tuple(chunks), from_start=from_start)

    guess, again = guess_framing(capture), guess_framing(capture)

    assert evolve(guess, seconds=0) == evolve(again, seconds=0)
    if guess.verdict is Verdict.CONFIDENT:
        assert faults(capture, guess) == []


def faults(capture: Capture, guess: Guess) -> list[FramingError]:
    """Return the faults that the decoders of an answer find in a capture."""
    found: list[FramingError] = []
    for side, notation in enumerate(guess.best.framings if guess.best else ()):
        if notation is not None:
            decoder = parse_framing(notation).decoder()
            for chunk in capture.chunks:
                if chunk.side == side:
                    found += [each for each in decode(decoder, chunk.data) if not isinstance(each, list)]
    return found


@settings(max_examples=6)
@given(
    st.integers(0, 10_000),
    st.sampled_from(["length:2", r"delimited:\r", "stx-etx,bcc=xor", "length:1,offset=2"]),
)
def test_a_confident_answer_decodes_the_capture_without_a_fault(seed: int, notation: str) -> None:
    frames = texts(24, seed)
    if "offset" in notation:
        frames = [b"\x01\x02" + bytes([len(frame)]) + frame for frame in frames]
    capture = turn_by_turn(talk(notation, frames))

    guess = guess_framing(capture)

    assert guess.verdict is Verdict.CONFIDENT
    assert faults(capture, guess) == []


def test_one_message_is_told_in_the_singular_though_it_may_be_half_of_one() -> None:
    (one, *_), (two, *_) = (
        guess_framing(Capture([CapturedChunk(OPENER, b"TRG,1\r"), *more])).doubts
        for more in ([], [CapturedChunk(ANSWERER, b"OK,1\r")])
    )
    assert one.startswith("1 message is too few to be sure")
    assert two.startswith("2 messages are too few to be sure")


def test_only_framings_that_are_nearly_as_plain_are_told_beside_the_best() -> None:
    chunks = []
    for number in range(30):
        chunks.append(CapturedChunk(OPENER, b"M%d\r" % (number % 4), number * 0.1))
        chunks.append(CapturedChunk(ANSWERER, b"M%d,%+.3f\r" % (number % 4, number), number * 0.1))
    best = guess_framing(Capture(chunks, from_start=True)).best
    assert best is not None
    assert ((r"delimited:\r", r"delimited:\r"), ()) == (best.framings, best.variants)


def test_lines_that_announce_no_body_are_no_heads_of_bodies() -> None:
    candidate = CountedBodyCandidate((rb"\,{count}",), b"\r\n")
    plain = DelimitedCandidate((b"\r\n",))
    lines, bodies = [b"A,7\r\n"] * 4, [b"A,3\r\nxyz"] * 4
    assert candidate.surprise(lines) > plain.surprise(lines) + 8
    assert candidate.surprise(bodies) < candidate.prior


def test_nothing_is_answered_to_nothing() -> None:
    guess = guess_framing(Capture(()))

    assert Verdict.NOTHING is guess.verdict
    assert guess.best is None
    assert guess.doubts


def test_the_sides_may_have_different_framings() -> None:
    guess = guess_framing(turn_by_turn(talk("length:2", texts(40), answer=r"delimited:\r\n")))

    assert guess.best is not None
    assert ("length:2", r"delimited:\r\n") == guess.best.framings
    assert Verdict.CONFIDENT is guess.verdict


def test_one_side_is_enough() -> None:
    chunks = turn_by_turn(talk("length:4", records(60))).chunks

    guess = guess_framing(one_side(chunks, ANSWERER))

    assert guess.best is not None
    assert (None, "length:4") == guess.best.framings
    assert Verdict.CONFIDENT is guess.verdict


def test_few_messages_are_never_confident() -> None:
    said = talk("length:4", records(FEWEST_MESSAGES - 1))

    guess = guess_framing(turn_by_turn(said))

    assert guess.best is not None
    assert ("length:4", "length:4") == guess.best.framings
    assert Verdict.LIKELY is guess.verdict
    assert any(f"capture at least {FEWEST_MESSAGES}" in doubt for doubt in guess.doubts)


@pytest.mark.parametrize("notation", ["length:4", r"delimited:\r"])
def test_the_same_messages_again_and_again_are_never_confident(notation: str) -> None:
    """What is constant in them may be anything: a length, a mark, or data."""
    said = talk(notation, [b"PING", b"PONG,1"] * 30)

    guess = guess_framing(turn_by_turn(said))

    assert Verdict.LIKELY is guess.verdict
    assert any("only 2 different messages" in doubt for doubt in guess.doubts)


@pytest.mark.parametrize("head", [b"\x01\x06", b"06", b"\x08"])
def test_a_constant_is_not_surely_a_length(head: bytes) -> None:
    said = talk("raw", [head + each for each in blocks(40, size=8 - len(head))])

    guess = guess_framing(turn_by_turn(said))

    assert Verdict.CONFIDENT is not guess.verdict
    assert any("all frames have one size" in each or "one size:" in each for each in guess.doubts)


@pytest.mark.parametrize("size", [512, 1448, 4096])
def test_the_segments_of_a_long_answer_are_not_surely_messages(size: int) -> None:
    """The capture begins within an answer, which TCP cuts into segments of one size."""
    stream = b"".join(b'{"x":%d,"label":"part %d"}' % (n * 37 % 997, n) for n in range(20_000))
    chunks = []
    for number in range(150):
        asked: Side = OPENER if number % 10 == 0 else ANSWERER
        data = b"NEXT %d\r\n" % number if asked == OPENER else stream[number * size + 7 :][:size]
        chunks.append(CapturedChunk(asked, data, number * 0.0003 + 0.05 * (number // 10)))

    guess = guess_framing(Capture(tuple(chunks)))

    assert Verdict.CONFIDENT is not guess.verdict


def test_a_side_that_repeats_one_message_is_not_surely_cut() -> None:
    answers = talk("raw", [part for each in texts(30) for part in (b"\x01\0\x01\x04", each + b"\r\n")])

    guess = guess_framing(turn_by_turn(answers))

    assert Verdict.LIKELY is guess.verdict
    assert any("one side repeats one message" in each for each in guess.doubts)


@pytest.mark.parametrize("count", [1, 8])
@pytest.mark.parametrize(
    "notation",
    [
        "length:2,check=crc-16/modbus",
        r"delimited:\r,check=sum8:hex",
        "stx-etx,bcc=xor",
        "stx-etx,bcc=sum8",
        "slip,check=crc-16/modbus",
    ],
)
def test_wrong_checksums_of_a_few_messages_do_not_hide_the_framing(notation: str, count: int) -> None:
    """They are what somebody in trouble captures."""
    said = talk(notation, texts(100))
    for number in Random(f"{notation} {count}").sample(range(1, 100, 2), count):
        side, data = said[number]
        said[number] = side, data.replace(b",", b";", 1)  # within the bytes that are counted

    guess = guess_framing(turn_by_turn(said))

    assert guess.best is not None
    assert (notation, notation) == guess.best.framings
    assert Verdict.LIKELY is guess.verdict
    assert any(f"the checksum is wrong in {count} of" in doubt for doubt in guess.doubts)


def test_the_evidence_has_figures() -> None:
    guess = guess_framing(turn_by_turn(talk("length:2,check=crc-16/modbus", records(40))))

    assert guess.best is not None
    assert any("40 of 40" in each for each in guess.best.evidence), guess.best.evidence
    assert any("40 messages and 0 faults" in each for each in guess.best.evidence)
    assert any("crc-16/modbus" in each for each in guess.best.evidence)
    assert guess.others
    assert all(other.behind > 0 for other in guess.others)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("make", ["random", "compressed"])
def test_nothing_is_claimed_of_bytes_without_a_framing(make: str, seed: int) -> None:
    random = Random(seed)
    chunks = []
    for number in range(40):
        data = random.randbytes(random.randrange(4, 40))
        if make == "compressed":
            data = zlib.compress(bytes(random.choices(b"etaoin shr", k=random.randrange(60, 300))))
        chunks.append(CapturedChunk(number % 2, data, number * 0.1))  # type: ignore[arg-type]

    assert guess_framing(Capture(tuple(chunks))).verdict is not Verdict.CONFIDENT


FLOODS: dict[str, Callable[[int], bytes]] = {
    "one byte": lambda size: b"G" * size,
    "two bytes": lambda size: (b"AB" * size)[:size],
    "three bytes": lambda size: (b"\0\0\xff" * size)[:size],
    "zeros and ones": lambda size: bytes(Random(size).choices(b"\0\1", k=size)),
    "four letters": lambda size: bytes(Random(size).choices(b"abcd", k=size)),
    "all bytes": lambda size: Random(size).randbytes(size),
}


@pytest.mark.parametrize("sizes", [(34,), (1000,), (1460, 1460, 1460), (100, 37, 150, 61)], ids=str)
@pytest.mark.parametrize("flood", FLOODS)
def test_a_flood_is_no_evidence_for_messages(flood: str, sizes: tuple[int, ...]) -> None:
    chunks = [CapturedChunk(OPENER, FLOODS[flood](size), 0.1 * n) for n, size in enumerate(sizes)]

    assert Verdict.NOTHING is guess_framing(Capture(tuple(chunks))).verdict


def test_lines_that_come_in_one_chunk_are_likely() -> None:
    data = b"".join(each + b"\r\n" for each in texts(20))

    guess = guess_framing(Capture((CapturedChunk(OPENER, data, 0.0),)))

    assert Verdict.LIKELY is guess.verdict
    assert guess.best is not None
    assert r"delimited:\r\n" == guess.best.framings[0]


def test_a_large_capture_is_sampled_and_says_so() -> None:
    body = b"".join(records(1500))
    frames = [body] * (2 * SAMPLE // len(body))

    guess = guess_framing(
        turn_by_turn(talk("length:4", [frame for each in frames for frame in (each, b"ok")]))
    )

    assert any("were looked at" in note for note in guess.notes)
    assert guess.best is not None
    assert ("length:4", "length:4") == guess.best.framings


def test_encrypted_bytes_are_told_and_not_guessed() -> None:
    random = Random(5)
    records_of_tls = [
        b"\x17\x03\x03" + len(body).to_bytes(2, "big") + body
        for body in (random.randbytes(random.randrange(20, 90)) for _ in range(30))
    ]

    guess = guess_framing(turn_by_turn([(0, each) for each in records_of_tls]))

    assert Verdict.NOTHING is guess.verdict
    assert any("TLS" in doubt for doubt in guess.doubts)


def test_a_stream_that_changes_is_told_and_not_guessed() -> None:
    said = talk(r"delimited:\r\n", texts(16)) + talk("length:4", records(40))

    guess = guess_framing(turn_by_turn(said))

    assert Verdict.NOTHING is guess.verdict
    sizes = [sum(len(data) for side, data in said[:16] if side == number) for number in (0, 1)]
    assert guess.doubts[0] == (
        r"the stream changes: it begins as delimited:\r\n, and "
        f"from byte {sizes[0]} of > and byte {sizes[1]} of < on it is length:4: capture the parts alone"
    )


def test_lines_with_braces_are_no_heads_of_bodies() -> None:
    said = talk(
        r"delimited:\r\n", [b'{"id": %d, "size": %d}' % (number, number % 7) for number in range(40)]
    )

    assert guess_framing(turn_by_turn(said)).verdict is Verdict.CONFIDENT
