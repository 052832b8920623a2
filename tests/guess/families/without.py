"""Streams that no notation cuts: random bytes, archives, TLS, HTTP, prose, and two protocols at once."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable, Iterator
from random import Random
from typing import Final

from tests.guess.families import bytes as raw
from tests.guess.families import texts
from tests.guess.families.lines import framed
from tests.guess.talk import Device, Exchange, Family, Message

__all__ = ["WITHOUT"]

_GROUP: Final = "no notation"
_PROSE: Final = (
    "the line stops when a part is missing and the operator must reset the press before the next cycle "
    "begins because the guard was open while the robot held the housing which is why both lamps are red"
)
_WORDS: Final = _PROSE.split()


def _chunks(made: Callable[[Random], Iterator[tuple[bytes, bytes]]]) -> Callable[[Random], Device]:
    def make(_: Random) -> Device:
        def exchanges(random: Random) -> Iterator[Exchange]:
            for asked, answer in made(random):
                yield [*([Message(0, asked)] if asked else []), *([Message(1, answer)] if answer else [])]

        return Device(exchanges)

    return make


def _random(random: Random) -> Iterator[tuple[bytes, bytes]]:
    while True:
        yield random.randbytes(random.randint(1, 40)), random.randbytes(random.randint(1, 300))


def _compressed(random: Random) -> Iterator[tuple[bytes, bytes]]:
    pack = zlib.compressobj(), zlib.compressobj()
    while True:
        made = []
        for each in pack:
            text = " ".join(random.choices(_WORDS, k=random.randint(10, 80))).encode()
            made.append(each.compress(text) + each.flush(zlib.Z_SYNC_FLUSH)[:-4])
        yield made[0], made[1]


def _archive(random: Random) -> Iterator[tuple[bytes, bytes]]:
    data = zlib.compress(random.randbytes(3000) + " ".join(random.choices(_WORDS, k=9000)).encode())
    yield b"", data[:512]
    at = 512
    while True:
        size = random.choice((512, 512, 512, 300))
        yield b"", data[at : at + size] or random.randbytes(size)
        at += size


def _tls(random: Random) -> Iterator[tuple[bytes, bytes]]:
    def record(kind: int, size: int) -> bytes:
        return struct.pack(">BHH", kind, 0x0303, size) + random.randbytes(size)

    hello = b"\1\0\0\xfc\3\3" + random.randbytes(246)
    yield (
        struct.pack(">BHH", 22, 0x0301, len(hello)) + hello,
        record(22, 122) + record(20, 1) + record(23, 900),
    )
    yield record(20, 1) + record(23, 53), record(23, 250) + record(23, 250)
    while True:
        yield (
            record(23, random.randint(20, 90)),
            b"".join(record(23, random.randint(20, 300)) for _ in range(random.randint(1, 2))),
        )


def _http(random: Random) -> Iterator[tuple[bytes, bytes]]:
    while True:
        path = random.choice((b"/", b"/status", b"/api/parts?id=7", b"/img/logo.png"))
        asked = b"GET " + path + b" HTTP/1.1\r\nHost: 10.0.0.7\r\nUser-Agent: curl/8\r\nAccept: */*\r\n\r\n"
        if random.random() < 0.3:
            body = b'{"part": %d}' % random.randrange(10**6)
            asked = b"POST /api HTTP/1.1\r\nHost: plc\r\nContent-Length: %d\r\n\r\n" % len(body) + body
        answer = b"HTTP/1.1 200 OK\r\nServer: lighttpd\r\nContent-Type: text/html\r\n"
        body = " ".join(random.choices(_WORDS, k=random.randint(3, 60))).encode()
        if random.random() < 0.4:
            answer += b"Transfer-Encoding: chunked\r\n\r\n%x\r\n" % len(body) + body + b"\r\n0\r\n\r\n"
        else:
            answer += b"Content-Length: %d\r\n\r\n" % len(body) + body
        yield asked, answer


def _prose(random: Random) -> Iterator[tuple[bytes, bytes]]:
    while True:
        texts_of = [" ".join(random.choices(_WORDS, k=random.randint(3, 25))) for _ in "12"]
        ends = random.choice((". ", " ", ", ")), random.choice((". ", "", "\n"))
        yield (texts_of[0] + ends[0]).encode(), (texts_of[1].capitalize() + ends[1]).encode()


def _typed(random: Random) -> Iterator[tuple[bytes, bytes]]:
    """Yield the keys of a terminal, each echoed, and what programs print on it."""
    while True:
        for key in random.choice(_WORDS):
            yield key.encode(), key.encode()
        shown = " ".join(random.choices(_WORDS, k=random.randint(2, 12)))
        yield b"\r", b"\r\n\x1b[32m" + shown.encode() + b"\x1b[0m\r\n$ "


def _no_end(random: Random) -> Iterator[tuple[bytes, bytes]]:
    """Yield messages that nothing ends: what programs send that trust each chunk to be one message."""
    said = texts.camera(Random(random.random()))(random)
    for asked, answers in said:
        yield asked or b"", b"".join(answers)


def _both_protocols(setup: Random) -> Device:
    """Return two protocols on one connection, of which each message may be either."""
    lines = framed(texts.camera(setup), r"delimited:\r\n")
    packets = framed(raw.registers(setup), "length:2")

    def exchanges(random: Random) -> Iterator[Exchange]:
        both = lines.exchanges(random), packets.exchanges(random)
        while True:
            yield next(random.choice(both))

    return Device(exchanges)


def _login_then_binary(setup: Random) -> Device:
    """Return a device that asks for a name and a password in text, and then speaks bytes."""
    packets = framed(raw.registers(setup), setup.choice(("length:2", "length:4,little")))

    def exchanges(random: Random) -> Iterator[Exchange]:
        yield [Message(1, b"User: ")]
        yield [Message(0, b"admin\r\n"), Message(1, b"Password: ")]
        yield [
            Message(0, b"secret%d\r\n" % random.randrange(99)),
            Message(1, b"Welcome\r\nbinary mode\r\n"),
        ]
        yield from packets.exchanges(random)

    return Device(exchanges)


def _m_bus(random: Random) -> Iterator[tuple[bytes, bytes]]:
    """Yield short and long frames of M-Bus, which select meters and read them; E5 acknowledges."""
    while True:
        meter = random.randrange(1, 250)
        if random.random() < 0.4:
            yield (
                raw.m_bus_frame(bytes([0x53, meter, 0x51]) + random.randbytes(random.randrange(9))),
                b"\xe5",
            )
        yield (
            raw.m_bus_frame(bytes([0x5B, meter])),
            raw.m_bus_frame(bytes([8, meter, 0x72]) + random.randbytes(random.randrange(12, 40))),
        )


def _family(name: str, make: Callable[[Random], Device]) -> Family:
    return Family(name, _GROUP, make, cuts=False)


WITHOUT: Final = (
    _family("random", _chunks(_random)),
    _family("compressed", _chunks(_compressed)),
    _family("archive", _chunks(_archive)),
    _family("tls", _chunks(_tls)),
    _family("http", _chunks(_http)),
    _family("prose", _chunks(_prose)),
    _family("terminal", _chunks(_typed)),
    _family("no-end", _chunks(_no_end)),
    _family("m-bus-mixed", _chunks(_m_bus)),
    _family("both-protocols", _both_protocols),
    _family("login-then-binary", _login_then_binary),
)
