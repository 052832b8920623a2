"""Rules of binary replies as data, for generators: good statuses, and the opcodes of faults."""

from __future__ import annotations

import re
from collections.abc import Mapping
from random import Random
from typing import Any, Final

from attrs import frozen

from tcpcomm.codec.base import Request
from tcpcomm.equipment.declaration import Declaration
from tcpcomm.equipment.samples import SAMPLE_ID, Samples

Form = Mapping[str, Any]

_MASKED: Final = re.compile(r"&([0-9A-F]+)=([0-9A-F]+)")
_RANGE: Final = re.compile(r"(-?[0-9]+)\.\.(-?[0-9]+)")


@frozen
class GoodStatus:
    """
    The statuses that are no fault: some values, a range of them, or those with some bits.

    Attributes:
        values: the good values, if they are few.
        low: the least good value of a range.
        high: the largest good value of a range.
        mask: the bits that tell it.
        equals: what these bits must be.
    """

    values: tuple[int, ...] = ()
    low: int | None = None
    high: int | None = None
    mask: int = 0
    equals: int = 0


def good_status(label: str) -> GoodStatus | None:
    """Return the good statuses that a fault's layout names, or None if a function in Python decides it."""
    if found := _MASKED.fullmatch(label):
        return GoodStatus(mask=int(found[1], 16), equals=int(found[2], 16))
    if found := _RANGE.fullmatch(label):
        return GoodStatus(low=int(found[1]), high=int(found[2]))
    if re.fullmatch(r"-?[0-9]+(\|-?[0-9]+)*", label):
        return GoodStatus(tuple(map(int, label.split("|"))))
    return None


def size_of_header(header: list[Any]) -> int:
    """Return the bytes of a header."""
    return sum(map(size_of, header))


def size_of(item: Form) -> int:
    """Return the bytes of one item of a header. All of them have a fixed size."""
    form = item.get("form", item)
    match form["type"]:
        case "int" | "float":
            return int(form["bytes"]) * (2 if form.get("order") == "hex" else 1)
        case "constant":
            return len(bytes.fromhex(form["hex"]))
        case "skip":
            return int(form["bytes"])
        case "side by side":
            return sum(map(size_of, form["parts"]))
        case "record" | "around":
            return sum(map(size_of, form["fields"]))
        case "text" | "bytes":
            return int(form["sizes"][0]["fixed"])
        case "list":
            return int(form["sizes"][0]["fixed"]) * size_of(form["item"])
    return size_of(form["in"])


def place_of(header: list[Any], name: str) -> int | None:
    """Return the place of the item with this name in a header, or None if it has none."""
    at = 0
    for item in header:
        if item.get("name") == name:
            return at
        at += size_of(item)
    return None


def fault_opcodes(declaration: Declaration) -> dict[str, str]:
    """
    Return the bytes of the opcodes of the faults, in hex, by the names of the commands they answer.

    The opcodes are read from faults that the dialect writes, because a function may decide them.
    """
    dialect = declaration.dialect
    layout = dialect.fault_layout()
    if layout is None or "header" not in layout:
        return {}
    at = place_of(layout["header"], "opcode")
    if at is None:
        return {}
    size = next(size_of(each) for each in layout["header"] if each.get("name") == "opcode")
    found: dict[str, str] = {}
    for name, command in declaration.commands.items():
        own = dialect.layout(name)
        if not command.has_reply or not dialect.can_fail(name) or own is None or "rules" in own:
            continue
        fault = Samples(declaration).fault(name, Random(name))
        frame = dialect.fault(Request(name, {}, SAMPLE_ID), fault)
        found[name] = frame[at : at + size].hex(" ").upper()
    return found
