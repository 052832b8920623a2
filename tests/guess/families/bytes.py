"""The contents of devices that speak bytes: registers, measured values, records, and pictures."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from random import Random

from tcpcomm.framing import CHECKSUMS
from tests.guess.talk import Content

__all__ = ["blocks", "m_bus_frame", "opcodes", "packed", "pictures", "records", "registers"]

Said = Iterator[tuple[bytes | None, Sequence[bytes]]]


def registers(setup: Random) -> Content:
    """Return requests to read and to write words, as controllers have them."""
    order = setup.choice("<>")
    read, write = setup.choice(((1, 2), (3, 16), (0x41, 0x42)))

    def talk(random: Random) -> Said:
        values = [random.randrange(2000) for _ in range(64)]
        while True:
            at, count = random.randrange(40), random.choice((1, 1, 2, 4, 8, 20))
            for _ in range(4):
                values[random.randrange(64)] = random.randrange(2000)
            words = struct.pack(f"{order}{count}H", *values[at : at + count])
            head = struct.pack(f"{order}BHH", read, at, count)
            if random.random() < 0.3:
                yield struct.pack(f"{order}BHH", write, at, count) + words, [bytes([write, 0])]
            elif random.random() < 0.05:
                yield head, [bytes([read | 0x80, random.randint(1, 4)])]
            else:
                yield head, [bytes([read]) + words]

    return talk


def packed(setup: Random) -> Content:
    """Return measured values as floating point numbers with their unit, their time and their state."""
    order, count = setup.choice("<>"), setup.randint(1, 6)

    def talk(random: Random) -> Said:
        tick = random.randrange(10**6)
        while True:
            tick += random.randint(5, 50)
            values = [random.gauss(20.0, 5.0) for _ in range(random.choice((1, count)))]
            asked = struct.pack(f"{order}BB", 0x10, random.randrange(8))
            yield asked, [struct.pack(f"{order}IB{len(values)}f", tick, random.randrange(4), *values)]

    return talk


def records(setup: Random) -> Content:
    """Return records with texts of different lengths, as databases of parts have them."""
    kinds = setup.sample(range(1, 200), 3)

    def talk(random: Random) -> Said:
        number = random.randrange(5000)
        while True:
            number += 1
            name = random.choice((b"LOT-%05d" % number, b"OPERATOR KIM", b"A7", b"housing, left, black"))
            kind = random.choice(kinds)
            asked = bytes([kind]) + struct.pack("<I", number) + bytes([len(name)]) + name
            answer = bytes([kind, random.choice((0, 0, 0, 7))]) + struct.pack(
                "<Id", number, random.random()
            )
            yield asked, [answer + b"OK" if random.random() < 0.5 else answer]

    return talk


def opcodes(setup: Random) -> Content:
    """Return short orders of two to six bytes, as servo drives take them."""
    base = setup.randrange(0x20, 0xB0)

    def talk(random: Random) -> Said:
        while True:
            place = random.randrange(-(10**6), 10**6)
            match random.randrange(4):
                case 0:
                    yield bytes([base, 1]), [bytes([base, 1, random.randrange(256), random.randrange(16)])]
                case 1:
                    yield bytes([base + 1]) + struct.pack(">i", place), [bytes([base + 1, 6])]
                case _:
                    yield (
                        bytes([base + 2, 0]),
                        [bytes([base + 2]) + struct.pack(">iH", place, random.randrange(99))],
                    )

    return talk


def blocks(setup: Random) -> Content:
    """Return blocks of random bytes, as firmware and waveforms are."""
    most = setup.choice((24, 60, 200))

    def talk(random: Random) -> Said:
        number = 0
        while True:
            number += 1
            asked = b"\x57" + struct.pack(">H", number) + random.randbytes(random.randint(1, most))
            yield asked, [b"\x57" + struct.pack(">HB", number, 0)]

    return talk


def pictures(setup: Random) -> Content:
    """Return pictures of some hundred bytes, which are asked for in a few bytes."""
    most = setup.choice((300, 900))

    def talk(random: Random) -> Said:
        while True:
            size = random.randint(100, most)
            picture = b"BM" + struct.pack("<IHHI", size, 0, 0, 54) + random.randbytes(size)
            yield bytes([7, random.randrange(4)]), [picture]

    return talk


def m_bus_frame(body: bytes) -> bytes:
    """Return a frame of M-Bus: a short one around two bytes, and a long one around more."""
    end = CHECKSUMS["sum8"].encode(body) + b"\x16"
    size = bytes([len(body)])
    return b"\x10" + body + end if len(body) == 2 else b"\x68" + size + size + b"\x68" + body + end
