"""Checksums are found where they are, and nowhere else."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tcpcomm.framing import CHECKSUMS, checksum
from tcpcomm.tools.guess.checks.found import holds
from tcpcomm.tools.guess.checks.search import find_checksums
from tests.tools.guess.checks.frames import BODIES, bodies

FORMS = [
    (name, form)
    for name, each in CHECKSUMS.items()
    for form in ("big", "little", "hex", "decimal")
    if each.width > 1 or form != "little"
]


@pytest.mark.parametrize(("name", "form"), FORMS)
def test_a_checksum_before_a_trailer_is_found_in_every_form(name: str, form: str) -> None:
    wanted = checksum(name).written(form)  # type: ignore[arg-type]
    frames = [body + wanted.encode(body[1:]) + b"\x03" for body in bodies("random", 10, 1)]
    best = find_checksums(frames)[0]
    assert (wanted, -1 - wanted.size, 1, -1 - wanted.size) == (
        best.checksum,
        best.at,
        best.cover_from,
        best.cover_to,
    )
    assert (10, 10) == (best.frames, best.distinct)


@given(
    st.sampled_from([*CHECKSUMS.values()]),
    st.integers(0, 8),
    st.sampled_from([b"", b"\r", b"\x03", b"\r\n", b"\x16", b"*\r\n"]),
    st.integers(0, 1000),
)
def test_a_range_that_begins_later_is_found(each: object, start: int, trailer: bytes, seed: int) -> None:
    wanted = checksum(each.name)  # type: ignore[attr-defined]
    made = [bytes(range(0xA0, 0xA0 + start)) + body for body in bodies("random", 12, seed)]
    frames = [frame + wanted.encode(frame[start:]) + trailer for frame in made]
    best = find_checksums(frames)[0]
    assert all(map(best.matches, frames))
    assert (wanted, -len(trailer) - wanted.width) == (best.checksum, best.at)


def test_a_checksum_in_a_header_that_counts_what_follows_is_found() -> None:
    wanted = checksum("crc-16/ibm-3740")
    frames = [b"\x55" + wanted.encode(body) + body for body in bodies("random", 8, 2)]
    best = find_checksums(frames)[0]
    assert (wanted, 1, 3, None) == (best.checksum, best.at, best.cover_from, best.cover_to)


def test_checksums_of_the_header_and_of_the_frame_are_both_found() -> None:
    sums, crc = checksum("sum8"), checksum("crc-16/modbus")
    frames = []
    for body in bodies("random", 12, 3):
        header = bytes([0x55, body[1], len(body)])
        frame = header + sums.encode(header) + body
        frames.append(frame + crc.encode(frame))
    places = {(each.name, each.at, each.cover_to) for each in find_checksums(frames)}
    assert {("crc-16/modbus", -2, -2), ("sum8", 3, 3)} == places


def test_an_end_mark_that_is_not_counted_is_skipped() -> None:
    wanted = checksum("xor").written("hex")
    frames = [b"$" + body + b"*" + wanted.encode(body) + b"\r\n" for body in bodies("text", 10, 4)]
    best = find_checksums(frames)[0]
    assert (wanted, -4, 1, -5) == (best.checksum, best.at, best.cover_from, best.cover_to)
    assert 1 == best.between


def test_hexadecimal_digits_may_be_in_lower_case() -> None:
    wanted = checksum("crc-16/xmodem").written("hex")
    frames = [body + wanted.encode(body).lower() for body in bodies("text", 6, 5)]
    assert wanted == find_checksums(frames)[0].checksum


@pytest.mark.parametrize("kind", BODIES)
def test_a_checksum_is_found_in_frames_of_every_kind(kind: str) -> None:
    missed = []
    for seed in range(6):
        for name in ("xor", "sum8", "lrc", "sum16", "crc-8/smbus", "crc-16/modbus", "crc-32/iso-hdlc"):
            wanted = checksum(name)
            frames = [b"\x02" + body + wanted.encode(body) for body in bodies(kind, 10, seed)]
            found = find_checksums(frames)
            if not found or (wanted, -wanted.size) != (found[0].checksum, found[0].at):
                missed.append((name, seed))
    assert not missed


@pytest.mark.parametrize("kind", BODIES)
def test_frames_without_a_checksum_have_none(kind: str) -> None:
    invented = []
    for seed in range(25):
        for count in (4, 10, 60):
            found = find_checksums(bodies(kind, count, seed))
            if found:
                invented.append((seed, count, str(found[0])))
    assert not invented


def test_copies_and_complements_of_a_byte_are_no_checksums() -> None:
    random = Random(6)
    numbers = [random.randrange(256) for _ in range(40)]
    assert not find_checksums([bytes([0, 0, each, 0, each]) for each in numbers])
    assert not find_checksums([bytes([1, 2, each, 3, 255 - each]) for each in numbers])
    assert not find_checksums([bytes([len(bytes(each)), 0, 0]) + bytes(each) for each in range(40)])


def test_few_or_short_frames_prove_nothing() -> None:
    assert () == find_checksums([])
    assert () == find_checksums([b"\x01\x02\x03\x00"] * 5)
    assert () == find_checksums([b"", b"\x01", b"\x02\x02"])


def test_one_of_a_few_frames_that_disagrees_is_enough() -> None:
    wanted = checksum("crc-16/modbus")
    frames = [body + wanted.encode(body) for body in bodies("random", 6, 7)]
    assert find_checksums(frames)
    assert not find_checksums([*frames, b"\x01\x02\x03\x04\x05\x06\x07"])


@pytest.mark.parametrize("name", ["sum8", "xor", "crc-16/modbus"])
@pytest.mark.parametrize("spoilt", [[0], [5, 19], [0, 1, 7, 30]], ids=["one", "two", "four"])
def test_a_few_of_many_frames_may_be_wrong(name: str, spoilt: list[int]) -> None:
    wanted = checksum(name)
    frames = [body + wanted.encode(body) + b"\x03" for body in bodies("random", 40, 7)]
    frames.sort(key=len)  # the shortest ones propose
    for at in spoilt:
        frames[at] = frames[at][:2] + bytes([frames[at][2] ^ 0x41]) + frames[at][3:]
    best = find_checksums(frames)[0]
    assert (wanted, len(frames) - len(spoilt), len(spoilt)) == (best.checksum, best.frames, best.wrong)
    assert f"agrees in {len(frames) - len(spoilt)} of {len(frames)} distinct frames" in str(best)


def test_more_than_a_fifth_may_not() -> None:
    wanted = checksum("crc-16/modbus")
    frames = [body + wanted.encode(body) for body in bodies("random", 40, 7)]
    assert not find_checksums([*frames[:30], *(b"!" + each for each in frames[30:])])


def test_the_proof_of_one_side_is_tried_on_the_other() -> None:
    wanted = checksum("xor")
    asked, answered = (
        [body + wanted.encode(body) for body in bodies("random", 10, seed)] for seed in (8, 9)
    )
    [found] = find_checksums(asked)
    other = holds(found, answered[:1])
    assert other is not None
    assert (found, 1, 1) == (other, other.frames, other.distinct)
    assert holds(found, [b"\x01\x02\x03\x04"]) is None
    assert holds(found, []) is None


def test_a_checksum_is_told_in_words() -> None:
    wanted = checksum("crc-16/modbus")
    frames = [body + wanted.encode(body) for body in bodies("random", 13, 10)]
    assert "crc-16/modbus in the last 2 bytes agrees in 13 of 13 distinct frames" == str(
        find_checksums(frames)[0]
    )
    framed = [frame + b"\x16" for frame in frames]
    assert "crc-16/modbus before the last byte agrees in 13 of 13 distinct frames" == str(
        find_checksums(framed)[0]
    )
