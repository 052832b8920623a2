"""Families whose messages end with a mark, or stand between two: text, with and without a checksum."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from random import Random
from typing import Final

from tcpcomm.framing import CHECKSUMS, parse_framing
from tcpcomm.tools.guess.capture import Side
from tests.guess.families import bytes as raw
from tests.guess.families import texts
from tests.guess.talk import BOTH, NEITHER, Content, Device, Family, dialogue

__all__ = ["ENCLOSED", "LINES"]

SMALL_CHECKS: Final = ("xor", "sum8", "lrc", "crc-8/smbus")
WIDE_CHECKS: Final = ("crc-16/modbus", "crc-16/xmodem", "crc-16/arc", "crc-16/ibm-3740", "sum16")


def framed(content: Content, *notations: str, checked: tuple[bool, bool] = NEITHER) -> Device:
    """Return a device in these notations: one for both sides, or one for each."""
    first, last = notations[0], notations[-1]
    ends = parse_framing(first), parse_framing(last)

    def wrap(side: Side, body: bytes) -> bytes:
        return ends[side].encode(body)

    return dialogue(content, wrap, checked, (first, last))


def _ends(made: Callable[[Random], Content], *notations: str) -> Callable[[Random], Device]:
    """Return a maker of devices whose messages end by one of these notations, on both sides."""
    return lambda setup: framed(made(setup), setup.choice(notations))


def _two_ends(made: Callable[[Random], Content], ask: str, answer: str) -> Callable[[Random], Device]:
    return lambda setup: framed(made(setup), ask, answer)


def _nmea(setup: Random) -> Device:
    return framed(
        texts.sensor_events(setup), r"enclosed:$|*,bcc=xor:hex,no-cover-end,tail=\r\n", checked=BOTH
    )


def _checked_lines(setup: Random) -> Device:
    """Return a device whose lines end with a checksum in hexadecimal digits, or in raw bytes."""
    made = setup.choice((texts.camera, texts.gauge, texts.scale))
    name = setup.choice((*SMALL_CHECKS, "sum16", "crc-16/modbus"))
    return framed(made(setup), rf"delimited:\r\n,check={name}:hex", checked=BOTH)


def _host_link(setup: Random) -> Device:
    content = texts.host_link(setup)
    check = CHECKSUMS["xor"].written("hex")

    def wrap(side: Side, body: bytes) -> bytes:
        return b"@" + body + check.encode(b"@" + body) + b"*\r"

    notation = r"delimited:*\r,check=xor:hex"
    return dialogue(content, wrap, BOTH, (notation, notation))


def _mewtocol(setup: Random) -> Device:
    content = texts.host_link(setup)
    check = CHECKSUMS["xor"].written("hex")

    def wrap(side: Side, body: bytes) -> bytes:
        text = (b"%01#" if side == 0 else b"%01$") + body
        return text + check.encode(text) + b"\r"

    notation = r"delimited:\r,check=xor:hex"
    return dialogue(content, wrap, BOTH, (notation, notation))


def _modbus_ascii(setup: Random) -> Device:
    unit = setup.randint(1, 9)

    def content(random: Random) -> texts.Said:
        while True:
            count = random.randint(1, 10)
            words = b"".join(random.randrange(3000).to_bytes(2, "big") for _ in range(count))
            asked = bytes([unit, 3, 0, random.randrange(100), 0, count])
            yield asked, [bytes([unit, 3, 2 * count]) + words]

    return framed(content, r"enclosed:\:|\r\n,hex-text,check=lrc", checked=BOTH)


def _hex_lines(setup: Random) -> Device:
    """Return a device whose lines are bytes in hexadecimal digits, without a checksum."""
    return framed(raw.registers(setup), r"delimited:\r\n,hex-text")


def _stx(tail: str, check: str | None, *, wide: bool = False) -> Callable[[Random], Device]:
    """Return a maker of devices whose messages stand between STX and ETX."""

    def make(setup: Random) -> Device:
        made = setup.choice((texts.camera, texts.scale, texts.gauge, texts.robot))
        notation = "stx-etx"
        if check is not None:
            name = setup.choice(WIDE_CHECKS if wide else SMALL_CHECKS)
            cover = setup.choice(("", "", ",cover-start", ",no-cover-end"))
            notation += f",bcc={name}{check}{cover}"
        return framed(made(setup), notation + tail, checked=BOTH if check is not None else NEITHER)

    return make


def _marks(start: str, end: str, tail: str = "") -> Callable[[Random], Device]:
    def make(setup: Random) -> Device:
        made = setup.choice((texts.camera, texts.robot, texts.gauge))
        return framed(made(setup), f"enclosed:{start}|{end}{tail}")

    return make


_CP949: Final = partial(texts.korean, encoding="cp949")
_UTF_8: Final = partial(texts.korean, encoding="utf-8")

LINES: Final = (
    Family("camera-cr-lf", "text lines", _ends(texts.camera, r"delimited:\r\n")),
    Family(
        "camera-other-ends",
        "text lines",
        _ends(texts.camera, r"delimited:\r", r"delimited:\n", r"delimited:\0"),
    ),
    Family("camera-semicolon", "text lines", _ends(texts.robot, "delimited:;")),
    Family("camera-etx", "text lines", _ends(texts.camera, r"delimited:\x03")),
    Family("scale", "text lines", _ends(texts.scale, r"delimited:\r\n")),
    Family("readings", "text lines", _ends(texts.readings, r"delimited:\r")),
    Family("gauge", "text lines", _ends(texts.gauge, r"delimited:\r\n", r"delimited:\n")),
    Family("korean-cp949", "text lines", _ends(_CP949, r"delimited:\r\n", r"delimited:\n")),
    Family("korean-utf-8", "text lines", _ends(_UTF_8, r"delimited:\r\n", r"delimited:\n")),
    Family("two-ends", "text lines", _two_ends(texts.robot, r"delimited:\r", r"delimited:\r\n")),
    Family("meter", "text lines", _ends(texts.meter, r"delimited:\n", r"delimited:\r\n")),
    Family("hex-lines", "text lines", _hex_lines),
    Family("checked-lines", "text with a check", _checked_lines),
    Family("nmea", "text with a check", _nmea),
    Family("host-link", "text with a check", _host_link),
    Family("mewtocol", "text with a check", _mewtocol),
    Family("modbus-ascii", "text with a check", _modbus_ascii),
)

ENCLOSED: Final = (
    Family("stx-etx", "start and end marks", _stx("", None)),
    Family("stx-etx-cr-lf", "start and end marks", _stx(r",tail=\r\n", None)),
    Family("stx-etx-bcc", "text with a check", _stx("", "")),
    Family("stx-etx-bcc-hex", "text with a check", _stx("", ":hex")),
    Family("stx-etx-bcc-tail", "text with a check", _stx(r",tail=\r", ":hex")),
    Family("stx-etx-crc", "text with a check", _stx("", "", wide=True)),
    Family("angles", "start and end marks", _marks("<", ">")),
    Family("brackets", "start and end marks", _marks("[", "]")),
    Family("dollar-hash", "start and end marks", _marks("$", "#", r",tail=\r")),
    Family("mllp", "start and end marks", _marks(r"\x0b", r"\x1c", r",tail=\r")),
)
