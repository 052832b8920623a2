"""Frames of made-up devices, with checksums and without, for tests."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

Body = Callable[[Random, int], bytes]
"""Returns the body of a frame, from its number."""


def random_body(random: Random, number: int) -> bytes:
    """Return a command, a counter and random data."""
    return bytes([0x50, random.choice((1, 2, 3)), number & 0xFF]) + random.randbytes(
        random.randrange(2, 20)
    )


def text_body(random: Random, number: int) -> bytes:
    """Return a line of text with a number in it."""
    return b"%s,%d,%.2f" % (random.choice((b"RD", b"WR", b"ST")), number, random.uniform(-99, 99))


def counting_body(random: Random, number: int) -> bytes:
    """Return a counter, a time in milliseconds, and a value that changes slowly."""
    time, value = 1_000_000 + 100 * number + random.randrange(3), 2000 + number // 3
    return b"\x10\x01" + number.to_bytes(2) + time.to_bytes(4) + value.to_bytes(2) + bytes(6)


def polling_body(random: Random, number: int) -> bytes:
    """Return a request to read some of few registers, of one size, as Modbus has it."""
    address, count = random.choice(((0, 2), (16, 4), (100, 1), (200, 10), (301, 3)))
    return bytes([1, 3]) + address.to_bytes(2) + count.to_bytes(2)


def float_body(random: Random, number: int) -> bytes:
    """Return a header with the length in it, and numbers of 16 bits near each other."""
    values = b"".join(random.randrange(500, 530).to_bytes(2) for _ in range(random.randrange(1, 6)))
    return bytes([0xAA, 0x55, len(values), number & 0xFF]) + values


BODIES: dict[str, Body] = {
    "random": random_body,
    "text": text_body,
    "counting": counting_body,
    "polling": polling_body,
    "values": float_body,
}


def bodies(kind: str, count: int, seed: int) -> list[bytes]:
    """Return the bodies of some frames of one kind."""
    random = Random(f"{kind} {seed}")
    return [BODIES[kind](random, number) for number in range(count)]
