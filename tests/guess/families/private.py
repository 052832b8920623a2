"""Families of private protocols: headers, checks and trailers that Hypothesis draws."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from functools import cache
from random import Random
from typing import Any, Final, Literal

from attrs import evolve, frozen
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn

from tcpcomm.framing import CHECKSUMS
from tcpcomm.framing.checksums import Checksum, ChecksumForm
from tcpcomm.tools.guess.capture import Side
from tests.guess.families import bytes as raw
from tests.guess.families import texts
from tests.guess.talk import Content, Device, Exchange, Family, Message

__all__ = ["PRIVATE", "Header", "drawn_headers", "private_device", "private_headers"]

Order = Literal["<", ">"]
_DRAWN: Final = 300
"""The headers that are drawn; a device takes one of them."""

_CONTENTS: Final[tuple[Callable[[Random], Content], ...]] = (
    raw.registers,
    raw.registers,
    raw.packed,
    raw.records,
    raw.opcodes,
    raw.pictures,
    texts.camera,
    texts.json_status,
)


@frozen
class Part:
    """
    A part of a header.

    Attributes:
        kind: ``sync``, ``length``, ``id``, ``counter``, ``unit``, ``flags``, ``zero`` or ``check``.
        width: its bytes.
        order: the order of its bytes.
        data: the bytes of ``sync``.
    """

    kind: str
    width: int
    order: Order = ">"
    data: bytes = b""


@frozen
class Header:
    """
    A private protocol.

    Attributes:
        parts: the header.
        form: the way in which the length is written.
        counts: the bytes that the length counts: ``body``, ``rest``: all behind it, ``whole``, or ``odd``:
            the body and a constant number more.
        odd: that constant number.
        checksum: the checksum, or None.
        covers: the first byte that it covers. Up to the checksum, all is covered. None: it covers what is
            behind it, because it stands in the header.
        tail: constant bytes at the end.
        content: the number of the content.
    """

    parts: tuple[Part, ...]
    form: str
    counts: str
    odd: int
    checksum: Checksum | None
    covers: int | None
    tail: bytes
    content: int

    @property
    def size(self) -> int:
        """The bytes of the header."""
        return sum(each.width for each in self.parts)

    @property
    def most(self) -> int:
        """The largest value of the length field."""
        width = next(each.width for each in self.parts if each.kind == "length")
        base = {"decimal": 10, "hex": 16}.get(self.form, 256)
        return int(base**width) - 1

    def whole(self, body: bytes, values: dict[str, int]) -> bytes:
        """Return a message: the header, the body, the checksum and the tail."""
        at_end = self.checksum is not None and all(each.kind != "check" for each in self.parts)
        behind = (self.checksum.size if at_end and self.checksum else 0) + len(self.tail)  # bytes
        length_end = self._at("length") + next(each.width for each in self.parts if each.kind == "length")
        value = {
            "body": len(body),
            "rest": self.size - length_end + len(body) + behind,
            "whole": self.size + len(body) + behind,
            "odd": len(body) + self.odd,
        }[self.counts]
        head = b"".join(self._part(each, value, values) for each in self.parts)
        message = head + body
        if self.checksum is None:
            return message + self.tail
        if at_end:
            return message + self.checksum.encode(message[self.covers or 0 :]) + self.tail
        at = self._at("check")
        front, rest = message[:at], message[at + self.checksum.size :] + self.tail
        covered = rest if self.covers is None else front[self.covers :]
        return front + self.checksum.encode(covered) + rest

    def _at(self, kind: str) -> int:
        at = 0
        for each in self.parts:
            if each.kind == kind:
                break
            at += each.width
        return at

    def _part(self, part: Part, length: int, values: dict[str, int]) -> bytes:
        if part.kind == "sync":
            return part.data
        if part.kind == "length":
            match self.form:
                case "decimal":
                    return b"%0*d" % (part.width, length)
                case "hex":
                    return b"%0*X" % (part.width, length)
            return length.to_bytes(part.width, "little" if part.order == "<" else "big")
        value = values.get(part.kind, 0) & (1 << 8 * part.width) - 1
        return value.to_bytes(part.width, "little" if part.order == "<" else "big")


_SYNCS: Final = (b"", b"", b"\xaa\x55", b"\x02", b"\x7e", b"ACME", b"\x01\x00", b"\xeb\x90")
_TAILS: Final = (b"", b"", b"", b"\x03", b"\x16", b"\r\n", b"\r", b"\r\n\0")
_WIDTHS: Final = {"binary": (1, 2, 2, 2, 3, 4, 4), "decimal": (3, 4, 5), "hex": (4,)}
_COUNTS: Final = ("body", "body", "body", "rest", "rest", "whole", "whole", "odd")
_FORMS: Final[tuple[ChecksumForm, ...]] = ("big", "little", "big", "little", "hex")
_OTHERS: Final = [
    *(Part(kind, width) for kind in ("id", "counter") for width in (1, 2, 4)),
    *(Part(kind, width) for kind in ("unit", "flags", "zero") for width in (1, 2)),
]


@st.composite
def private_headers(draw: DrawFn) -> Header:
    """Draw a private protocol: a few parts in front, perhaps a checksum, perhaps a tail."""
    values: dict[str, Any] = draw(_VALUES)
    order: Order = values["order"]
    parts = [evolve(each, order=order) for each in values["others"]]
    form, sync = values["form"], values["sync"]
    width = _WIDTHS[form][values["width"] % len(_WIDTHS[form])]
    parts.insert(values["at"] % (len(parts) + 1), Part("length", width, order))
    name, check_at = values["checksum"], values["check_at"]
    checksum = CHECKSUMS[name].written(values["check_form"]) if name else None
    in_header = checksum is not None and check_at < 4
    if in_header and checksum is not None:
        parts.insert(check_at % (len(parts) + 1), Part("check", checksum.size))
    if sync:
        parts.insert(0, Part("sync", len(sync), data=sync))
    covers: int | None = min(values["covers"], sum(each.width for each in parts))
    if in_header:
        kinds = [each.kind for each in parts]
        front = kinds[: kinds.index("check")]
        # A checksum of constant bytes alone is constant, so nobody could tell it from a sync word.
        covers = 0 if len({"id", "counter", "length"} & {*front}) > 1 else None
    return Header(
        tuple(parts),
        form,
        values["counts"],
        odd=values["odd"],
        checksum=checksum,
        covers=covers,
        tail=b"" if in_header else values["tail"],
        content=values["content"],
    )


_VALUES: Final = st.fixed_dictionaries(
    {
        "order": st.sampled_from(("<", ">")),
        "form": st.sampled_from((*["binary"] * 6, "decimal", "hex")),
        "width": st.integers(0, 11),
        "others": st.lists(st.sampled_from(_OTHERS), max_size=4),
        "at": st.integers(0, 11),
        "checksum": st.sampled_from((*[""] * 9, *CHECKSUMS)),
        "check_form": st.sampled_from(_FORMS),
        "check_at": st.integers(0, 15),
        "sync": st.sampled_from(_SYNCS),
        "tail": st.sampled_from(_TAILS),
        "counts": st.sampled_from(_COUNTS),
        "odd": st.integers(1, 6),
        "covers": st.sampled_from((0, 0, 0, 1, 2, 4)),
        "content": st.integers(0, len(_CONTENTS) - 1),
    }
)


def private_device(header: Header, setup: Random) -> Device:
    """Return a device that speaks a private protocol. Replies repeat the id of their request."""
    content = _CONTENTS[header.content](setup)
    unit, shift = setup.randrange(1, 30), setup.choice((0, 0x80))

    def exchanges(random: Random) -> Iterator[Exchange]:
        number, counters = random.randrange(200), [0, random.randrange(200)]
        for asked, answers in content(random):
            number += 1

            def message(side: Side, body: bytes, number: int = number) -> Message:
                counters[side] += 1
                values = {"id": number, "counter": counters[side], "unit": unit, "flags": side * shift}
                return Message(side, header.whole(body, values))

            bodies: list[tuple[Side, bytes]] = [] if asked is None else [(0, asked)]
            bodies += [(1, each) for each in answers]
            if all(len(body) + 60 < header.most for _, body in bodies):
                yield [message(side, body) for side, body in bodies]

    checked = header.checksum is not None
    return Device(exchanges, (checked, checked))


@cache
def drawn_headers(number: int = _DRAWN, begin: int = 14) -> tuple[Header, ...]:
    """Return headers that Hypothesis draws, always the same ones."""
    found: dict[Header, None] = {}

    @seed(begin)
    @settings(
        max_examples=2 * number,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=[*HealthCheck],
    )
    @given(private_headers())
    def collect(header: Header) -> None:
        found[header] = None

    collect()
    return tuple(found)[:number]


def _private(chosen: Callable[[Header], bool]) -> Callable[[Random], Device]:
    def make(setup: Random) -> Device:
        return private_device(setup.choice([each for each in drawn_headers() if chosen(each)]), setup)

    return make


def _in_header(header: Header) -> bool:
    return any(each.kind == "check" for each in header.parts)


def _small(setup: Random) -> Device:
    """Return a device whose length counts words of two bytes: no plain length field, but a common habit."""
    check, unit = CHECKSUMS["crc-16/modbus"], setup.randrange(1, 30)

    def exchanges(random: Random) -> Iterator[Exchange]:
        def message(side: Side, words: int) -> Message:
            values = struct.pack(f">{words}H", *(random.randrange(4000) for _ in range(words)))
            body = bytes([0x5A, unit, words]) + values
            return Message(side, body + check.encode(body))

        while True:
            yield [message(0, random.randint(1, 3)), message(1, random.randint(1, 20))]

    return Device(exchanges, (True, True))


PRIVATE: Final = (
    Family("private-plain", "private headers", _private(lambda header: header.checksum is None)),
    Family(
        "private-check-at-end",
        "private headers",
        _private(lambda header: header.checksum is not None and not _in_header(header) and not header.tail),
    ),
    Family(
        "private-check-and-tail",
        "private headers",
        _private(lambda header: header.checksum is not None and bool(header.tail)),
    ),
    Family("private-check-in-header", "private headers", _private(_in_header)),
    Family("words-counted", "no notation", _small, cuts=False),
)
