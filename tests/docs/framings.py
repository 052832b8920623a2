"""
The tables of framings and checksums as the documentation lists them: ``python -m tests.docs.framings``.

The command writes the page from the notation and from the checksums themselves.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final

from tcpcomm import ConfigurationError
from tcpcomm.framing import CHECKSUMS, parse_framing
from tests.conftest import ROOT
from tests.docs.parts import with_part

__all__ = ["EXAMPLES", "KNOWN_AS", "PAGE", "TABLES", "checksums", "choices", "kinds"]

PAGE: Final = ROOT / "docs" / "reference" / "framing-notation.md"

EXAMPLES: Final = {
    "delimited": "delimited:;",
    "length": "length:4",
    "fixed": "fixed:4",
    "enclosed": "enclosed:$|*",
    "counted-body": "counted-body:{count} bytes",
}
"""Framings of the kinds that take values of their own form."""

KNOWN_AS: Final = {
    "xor": "BCC, XOR of all bytes",
    "sum8": "the low byte of the sum",
    "sum16": "the low two bytes of the sum",
    "lrc": "Modbus ASCII: the two's complement of the sum",
    "crc-8/smbus": "CRC-8",
    "crc-8/maxim-dow": "1-Wire",
    "crc-16/arc": "CRC-16, LHA, IBM",
    "crc-16/modbus": "Modbus RTU",
    "crc-16/kermit": "CCITT, true",
    "crc-16/ibm-sdlc": "X-25, HDLC",
    "crc-16/ibm-3740": "CCITT-FALSE",
    "crc-16/dnp": "DNP3",
    "crc-32/iso-hdlc": "CRC-32, Ethernet, zip",
    "crc-32/iscsi": "CRC-32C",
}
"""Other names of checksums, as manuals have them."""


def choices(text: str) -> list[str]:
    """
    Return the choices that the notation lists in its error for an unknown one.

    Raises:
        ValueError: the text is a framing.
    """
    try:
        parse_framing(text)
    except ConfigurationError as refusal:
        return str(refusal).partition("there are ")[2].split(", ")
    raise ValueError(f"{text!r} is a framing, so it lists no choices")


def kinds() -> str:
    """Return the table of kinds: the class of each, and the options that not all kinds have."""
    named = choices("nothing of that name")
    offered = {kind: choices(f"{EXAMPLES.get(kind, kind)},nothing-of-that-name") for kind in named}
    common = {"max=…"}.union(set.intersection(*(set(options) for options in offered.values())))
    rows = [["kind", "in Python", "options of its own"]]
    for kind, options in offered.items():
        name = type(parse_framing(EXAMPLES.get(kind, kind))).__name__
        link = f"[`{name}`](../howto/choose-a-framing.md#{name.lower()})"
        own = ", ".join(f"`{option}`" for option in options if option not in common)
        rows.append([f"`{kind}:…`" if kind in EXAMPLES else f"`{kind}`", link, own])
    return _table(rows)


def checksums() -> str:
    """Return the table of checksums, each with its result for the text that catalogues use."""
    rows = [["name", "bytes", "written", "`123456789`", "also known as"]]
    for name, each in CHECKSUMS.items():
        result = each.encode(b"123456789").hex(" ").upper()
        rows.append([f"`{name}`", str(each.width), each.form, f"`{result}`", KNOWN_AS.get(name, "")])
    return _table(rows)


def _table(rows: Iterable[list[str]]) -> str:
    head, *others = rows
    return "".join(f"| {' | '.join(row)} |\n" for row in (head, ["---"] * len(head), *others))


TABLES: Final[dict[str, Callable[[], str]]] = {"kinds": kinds, "checksums": checksums}
"""The parts of the page, and the function that returns each."""


if __name__ == "__main__":
    page = PAGE.read_text("utf-8")
    for part, table in TABLES.items():
        page = with_part(page, part, table())
    PAGE.write_text(page, "utf-8")
