"""Families of the kinds that have no mark and no plain length: documents, stuffing, varying lengths."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from random import Random
from typing import Final

from tcpcomm.framing import parse_framing
from tcpcomm.tools.guess.capture import Side
from tests.guess.families import bytes as raw
from tests.guess.families import texts
from tests.guess.families.lines import framed
from tests.guess.talk import BOTH, NEITHER, Content, Device, Exchange, Family, Message, dialogue

__all__ = ["OTHER_KINDS"]

MIXED: Final = (raw.registers, raw.packed, raw.records, raw.opcodes)
"""Contents of bytes, without those that are random."""


def some(setup: Random) -> Content:
    """Return one of the contents of bytes."""
    return setup.choice(MIXED)(setup)


def _in(
    made: Callable[[Random], Content], notation: str, checked: tuple[bool, bool] = NEITHER
) -> Callable[[Random], Device]:
    return lambda setup: framed(made(setup), notation, checked=checked)


def _fixed(setup: Random) -> Device:
    """Return a device that sends blocks of one size, and that is asked in blocks of another size."""
    size = setup.choice((8, 16, 20, 32))

    def content(random: Random) -> texts.Said:
        tick = 0
        while True:
            tick += 1
            values = [random.randrange(4000).to_bytes(2, "little") for _ in range(size // 2 - 2)]
            answer = tick.to_bytes(2, "little") + b"".join(values) + bytes([random.randrange(4), 0xA5])
            yield bytes([0x55, random.randrange(6), 0, 0]), [answer]

    return framed(content, "fixed:4", f"fixed:{size}")


def _blocks(setup: Random) -> Device:
    """Return an oscilloscope: lines, and blocks of IEEE 488.2."""
    words = texts.meter(setup)

    def content(random: Random) -> texts.Said:
        said = words(random)
        while True:
            if random.random() < 0.4:
                data = random.randbytes(random.choice((40, 120, 400)))
                digits = str(len(data))
                yield b"CURV?", [f"#{len(digits)}{digits}".encode() + data]
            else:
                yield next(said)

    return framed(content, r"delimited:\n", "definite")


def _counted_body(setup: Random) -> Device:
    """Return a camera of lines, some of which announce a picture."""
    words = texts.camera(setup)

    def content(random: Random) -> texts.Said:
        said = words(random)
        while True:
            if random.random() < 0.4:
                data = random.randbytes(random.choice((50, 200, 500)))
                yield b"IMAGE", [b"IMG %d\r\n" % len(data) + data]
            else:
                yield next(said)

    return framed(content, r"delimited:\r\n", "counted-body:IMG {count}")


def _binary_answers(setup: Random) -> Device:
    """Return a device that is asked in lines, and answers behind a length."""
    ask, answer = (
        parse_framing(r"delimited:\r\n"),
        parse_framing(setup.choice(("length:4", "length:2,little"))),
    )
    words, data = texts.robot(setup), raw.packed(setup)

    def content(random: Random) -> texts.Said:
        for (asked, _), (_, answers) in zip(words(random), data(random), strict=False):
            yield asked, answers

    return dialogue(content, lambda side, body: (ask, answer)[side].encode(body))


def _opened(plain: Device, openings: tuple[bytes, bytes], framings: tuple[str, str]) -> Device:
    """Return a device of which each side sends some bytes of its own before its first message."""

    def exchanges(random: Random) -> Iterator[Exchange]:
        left = [*openings]
        for exchange in plain.exchanges(random):
            made = []
            for each in exchange:
                made.append(Message(each.side, left[each.side] + each.data))
                left[each.side] = b""
            yield made

    return Device(exchanges, plain.checked, framings)


def _telnet(setup: Random) -> Device:
    """Return a device of lines that negotiates options of Telnet first, and escapes nothing later."""
    plain = framed(texts.camera(setup), r"delimited:\r\n")
    offers = b"".join(bytes([255, setup.choice((251, 253)), each]) for each in (1, 3))
    return _opened(plain, (b"", offers), (r"delimited:\r\n", r"delimited:\r\n,telnet"))


def _telnet_of_both(setup: Random) -> Device:
    """Return a device of lines whose options of Telnet the host refuses."""
    plain = framed(texts.gauge(setup), r"delimited:\n")
    offers, refusals = b"\xff\xfd\x18\xff\xfb\x01", b"\xff\xfc\x18\xff\xfe\x01"
    return _opened(plain, (refusals, offers), (r"delimited:\n,telnet",) * 2)


def _preamble(setup: Random) -> Device:
    """Return a device that sends some bytes of its own when a connection begins."""
    plain = framed(texts.robot(setup), r"delimited:\r\n")
    hello = setup.choice((b"\x01\x00\x07\x00\x2a\x00", bytes(8), b"\xaa\x55\x01\x02"))
    return _opened(plain, (b"", hello), (r"delimited:\r\n", rf"delimited:\r\n,preamble={len(hello)}"))


def _preamble_of_frames(setup: Random) -> Device:
    """Return a device behind a serial server, which sends its address first."""
    notation = setup.choice(("length:2", "length:2,little", "stx-etx,bcc=xor"))
    text = notation.startswith("stx")
    body = texts.scale(setup) if text else raw.registers(setup)
    plain = framed(body, notation, checked=BOTH if text else NEITHER)
    address = bytes.fromhex("0090e8") + setup.randbytes(3)
    return _opened(plain, (b"", address), (notation, f"{notation},preamble=6"))


def _with_sides(notation: str) -> Callable[[Random], Device]:
    def make(setup: Random) -> Device:
        framing, content = parse_framing(notation), some(setup)

        def wrap(side: Side, body: bytes) -> bytes:
            return framing.encode(body)

        return dialogue(content, wrap, framings=(notation, notation))

    return make


OTHER_KINDS: Final = (
    Family("json-lines", "documents", _in(texts.json_status, r"delimited:\n")),
    Family("json", "documents", _in(texts.json_status, "json")),
    Family("json-length", "documents", _in(texts.json_rpc, "length:4")),
    Family("content-length", "documents", _in(texts.json_rpc, "content-length")),
    Family("xml", "documents", _in(texts.xml_status, "xml")),
    Family("xml-tag", "documents", _in(lambda setup: texts.xml_status(setup, "Robot"), "xml")),
    Family("xml-length", "documents", _in(texts.xml_status, "length:4,little")),
    Family("netstring", "varying lengths", _in(texts.robot, "netstring")),
    Family("varint", "varying lengths", _with_sides("length:varint")),
    Family("ber", "varying lengths", _with_sides("length:ber")),
    Family("ber-pictures", "varying lengths", _in(raw.pictures, "length:ber")),
    Family("decimal", "varying lengths", _in(texts.camera, "length:decimal,end= ")),
    Family("hex", "varying lengths", _in(texts.xml_status, r"length:hex,end=\r\n")),
    Family("counted-body", "varying lengths", _counted_body),
    Family("blocks", "varying lengths", _blocks),
    Family("fixed", "stuffed or of one size", _fixed),
    Family("cobs", "stuffed or of one size", _with_sides("cobs")),
    Family("slip", "stuffed or of one size", _with_sides("slip")),
    Family("slip-lead", "stuffed or of one size", _with_sides("slip,lead")),
    Family("slip-crc", "stuffed or of one size", _in(some, "slip,check=crc-16/kermit", BOTH)),
    Family("dle", "stuffed or of one size", _with_sides("dle")),
    Family("dle-crc", "stuffed or of one size", _in(some, "dle,check=crc-16/xmodem", BOTH)),
    Family("binary-answers", "two framings", _binary_answers),
    Family("telnet", "around the stream", _telnet),
    Family("telnet-both", "around the stream", _telnet_of_both),
    Family("preamble", "around the stream", _preamble),
    Family("preamble-frames", "around the stream", _preamble_of_frames),
)
