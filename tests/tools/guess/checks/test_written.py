r"""Checksums that were found become options of a framing, which decodes its frames."""

from __future__ import annotations

from random import Random

import pytest

from tcpcomm.framing import checksum, format_framing, parse_framing
from tcpcomm.tools.guess.checks.search import find_checksums
from tcpcomm.tools.guess.checks.written import checked_like, checked_notation

DF1 = r"enclosed:\x10\x02|\x10\x03,escape=\x10"
ENDS: list[tuple[str, str]] = [
    ("stx-etx,bcc=xor", "stx-etx"),
    (r"stx-etx,no-cover-end,bcc=xor,tail=\r", r"stx-etx,tail=\r"),
    (r"stx-etx,cover-start,bcc=lrc:hex,tail=\r", "stx-etx"),
    ("stx-etx,check=xor:hex", "stx-etx"),
    (r"enclosed:$|*,no-cover-end,bcc=xor:hex,tail=\r\n", r"enclosed:$|*,tail=\r\n"),
    ("length:2,check=crc-16/modbus", "length:2"),
    ("length:2,check=crc-16/modbus,check-header", "length:2"),
    ("length:4,check=crc-32/iso-hdlc,check-from=2,check-header", "length:4"),
    (r"length:2,check=crc-16/dnp,check-tail=\x03", "length:2"),
    (r"length:1,little,sync=h,offset=1,check=sum8,check-tail=\x16", r"length:1,little,offset=1,sync=h"),
    (r"delimited:\r\n,check=xor:hex", r"delimited:\r\n"),
    (r"delimited:\r\n,check=sum8:decimal,check-from=1", r"delimited:\r\n"),
    (r"delimited:\r,check=sum16:hex,check-tail=\x03", r"delimited:\r"),
    ("cobs,check=crc-16/xmodem", "cobs"),
    ("slip,check=crc-16/xmodem:little", "slip"),
    ("dle,check=sum8", "dle"),
    ("netstring,check=sum16", "netstring"),
    ("length:varint,check=crc-32/mpeg-2", "length:varint"),
    (
        r"enclosed:\x10\x02|\x10\x03,bcc=crc-16/arc:little,escape=\x10",
        r"enclosed:\x10\x02|\x10\x03,escape=\x10",
    ),
    (
        r"enclosed:\x10\x02|\x10\x03,no-cover-end,bcc=lrc,escape=\x10",
        r"enclosed:\x10\x02|\x10\x03,escape=\x10",
    ),
    (r"enclosed:\x02|\x10\x03,bcc=xor,escape=\x10,cover-escapes", r"enclosed:\x02|\x10\x03,escape=\x10"),
    (r"enclosed:\:|\r\n,hex-text,check=lrc", r"enclosed:\:|\r\n"),
    (r"enclosed:\:|\r\n,hex-text-lower,check=lrc", r"enclosed:\:|\r\n"),
]


def payloads(notation: str, seed: int) -> list[bytes]:
    """Return payloads with a command, a counter and data. Those of escaping framings hold special bytes."""
    random, found = Random(seed), []
    for number in range(10):
        data = bytes(random.choice(b"0123456789ABCDEF ;") for _ in range(random.randrange(3, 20)))
        payload = random.choice((b"A", b"B")) + bytes([0x30 + number]) + data
        if "hex-text" in notation or notation.startswith(("slip", "dle", r"enclosed:\x")):
            payload += random.choice((b"\x10\x03", b"\xc0\xdb", b"\r\xff"))
        found.append(payload)
    return found


@pytest.mark.parametrize(("wanted", "base"), ENDS, ids=[wanted for wanted, _ in ENDS])
def test_a_checksum_is_written_as_its_framing_has_it(wanted: str, base: str) -> None:
    framing = parse_framing(wanted)
    frames = [framing.encode(payload) for payload in payloads(wanted, 1)]
    written = checked_notation(base, frames)
    assert written is not None
    assert format_framing(framing) == written.notation
    assert written.bits > 12


def header(payload: bytes, kind: int) -> bytes:
    """Return a header whose last byte is the sum of the others."""
    start = bytes([0x55, kind, 0, len(payload)])
    return start + checksum("sum8").encode(start)


def test_a_checksum_of_the_header_is_written() -> None:
    frames = [header(each, number % 3) + each for number, each in enumerate(payloads("", 2))]
    written = checked_notation("length:2,offset=2,adjust=1", frames)
    assert written is not None
    assert "length:2,offset=2,adjust=1,check=sum8,check-at=4" == written.notation


def test_checksums_of_header_and_frame_are_written() -> None:
    crc = checksum("crc-16/modbus")
    made = [header(each, number % 3) + each for number, each in enumerate(payloads("", 3))]
    frames = [frame + crc.encode(frame) for frame in made]
    written = checked_notation("length:2,offset=2,adjust=3", frames)
    assert written is not None
    assert (
        "length:2,offset=2,adjust=3,head-check=sum8,head-check-at=4,check=crc-16/modbus" == written.notation
    )


def test_a_checksum_in_front_of_what_it_counts_is_written() -> None:
    crc = checksum("crc-16/modbus")
    frames = [len(each).to_bytes(2) + b"\x01" + crc.encode(each) + each for each in payloads("", 4)]
    written = checked_notation("length:2,adjust=3", frames)
    assert written is not None
    assert written.notation.startswith(
        "length:2,adjust=3,check=crc-16/modbus,check-at=1,check-from=3,check-to="
    )


def test_a_checksum_of_a_header_that_is_stripped_keeps_the_header() -> None:
    frames = []
    for number, each in enumerate(payloads("", 5)):
        start = b"\x55\x01" + len(each).to_bytes(2) + bytes([number % 3])
        frames.append(start + checksum("crc-16/modbus").encode(start) + each)
    written = checked_notation(r"length:2,offset=2,sync=\x55\x01,adjust=3", frames)
    assert written is not None
    wanted = r"length:2,offset=2,adjust=3,sync=U\x01,strip=0,check=crc-16/modbus,check-at=5"
    assert wanted == written.notation


def test_control_bytes_that_stand_alone_carry_no_checksum() -> None:
    framing = parse_framing("stx-etx,bcc=xor")
    frames = [framing.encode(each) for each in payloads("", 8)]
    frames[2:2], frames[6:6] = [b"\x05"], [b"\x06", b"\x06"]
    written = checked_notation(r"stx-etx,alone=\x05|\x06", frames)
    assert written is not None
    assert r"stx-etx,bcc=xor,alone=\x05|\x06" == written.notation


@pytest.mark.parametrize(
    ("wanted", "base"),
    [
        (r"stx-etx,bcc=xor,tail=\r", "stx-etx"),
        ("length:2,check=crc-16/modbus,check-header", "length:2"),
        ("slip,check=sum8", "slip"),
        (r"enclosed:\:|\r\n,hex-text,check=lrc", r"enclosed:\:|\r\n"),
        (r"enclosed:\x10\x02|\x10\x03,bcc=sum8,escape=\x10", DF1),
    ],
)
def test_the_proof_of_one_side_is_tried_on_the_other(wanted: str, base: str) -> None:
    framing = parse_framing(wanted)
    mine, others = ([framing.encode(each) for each in payloads(wanted, seed)] for seed in (9, 10))
    proven = checked_notation(base, mine)
    assert proven is not None
    alike = checked_like(proven, base, others[:1])
    assert alike is not None
    assert (proven.notation, proven.reading) == (alike.notation, alike.reading)
    spoiled = others[0].replace(b"A", b"B") if b"A" in others[0] else others[0].replace(b"B", b"A")
    assert checked_like(proven, base, [*others, spoiled]) is None


def test_frames_without_a_checksum_have_no_such_notation() -> None:
    framing = parse_framing("length:2")
    assert checked_notation("length:2", [framing.encode(each) for each in payloads("", 6)]) is None
    assert checked_notation(r"delimited:\r", [each + b"\r" for each in payloads("", 6)]) is None


def test_a_checksum_that_no_option_says_is_found_and_not_written() -> None:
    frames = [each + b"*" + checksum("xor").encode(each) + b"\r" for each in payloads("", 7)]
    [found, *_] = find_checksums(frames)
    assert 1 == found.between
    assert checked_notation(r"delimited:\r", frames, [found]) is None
