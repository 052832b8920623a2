"""Framings as data for the Lua code: :func:`framing_rule`."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, Final

from tcpcomm.devices.cognex.framing import Answers, Orders
from tcpcomm.equipment.ended_framing import EndedFraming
from tcpcomm.framing import (
    Checked,
    Checksum,
    Cobs,
    ContentLength,
    CountedBody,
    Definite,
    Delimited,
    DleStuffed,
    Enclosed,
    FixedSize,
    Framing,
    HeaderFramed,
    HexText,
    JsonValues,
    LengthPrefixed,
    Lines,
    Nested,
    Netstring,
    Preamble,
    Stuffed,
    Telnet,
    Unframed,
    VariableLength,
    XmlDocuments,
    modbus_rtu_reply,
    modbus_rtu_request,
)

Rule = dict[str, Any]

_CRCS: Final[Mapping[str, tuple[int, int, bool, int]]] = {
    "crc-8/smbus": (0x07, 0, False, 0),
    "crc-8/maxim-dow": (0x31, 0, True, 0),
    "crc-8/sae-j1850": (0x1D, 0xFF, False, 0xFF),
    "crc-16/arc": (0x8005, 0, True, 0),
    "crc-16/modbus": (0x8005, 0xFFFF, True, 0),
    "crc-16/usb": (0x8005, 0xFFFF, True, 0xFFFF),
    "crc-16/kermit": (0x1021, 0, True, 0),
    "crc-16/ibm-sdlc": (0x1021, 0xFFFF, True, 0xFFFF),
    "crc-16/ibm-3740": (0x1021, 0xFFFF, False, 0),
    "crc-16/xmodem": (0x1021, 0, False, 0),
    "crc-16/dnp": (0x3D65, 0, True, 0xFFFF),
    "crc-32/iso-hdlc": (0x04C11DB7, 0xFFFFFFFF, True, 0xFFFFFFFF),
    "crc-32/mpeg-2": (0x04C11DB7, 0xFFFFFFFF, False, 0),
    "crc-32/iscsi": (0x1EDC6F41, 0xFFFFFFFF, True, 0xFFFFFFFF),
}
"""The polynomial, the initial value, whether bits are reflected, and what is XORed at the end."""

_SUMS: Final[Mapping[str, str]] = {"xor": "xor", "sum8": "sum", "sum16": "sum", "lrc": "lrc"}

_RTU_REQUEST: Final = {
    "sizes": {7: 4, 11: 4, 12: 4, 17: 4, 22: 10, 24: 6, 43: 7, **dict.fromkeys((1, 2, 3, 4, 5, 6, 8), 8)},
    "counted": {15: 6, 16: 6, 20: 2, 21: 2, 23: 10},
    "is_reply": False,
}
_RTU_REPLY: Final = {
    "sizes": {5: 8, 6: 8, 7: 5, 8: 8, 11: 8, 15: 8, 16: 8, 22: 10},
    "counted": dict.fromkeys((1, 2, 3, 4, 12, 17, 20, 21, 23), 2),
    "is_reply": True,
}


def framing_rule(framing: Framing, note: Callable[[str], None]) -> Rule:
    """
    Return a framing as data. One that Lua cannot cut becomes the rule that each segment is a frame.

    Args:
        framing: the framing.
        note: gets words about what the dissector cannot do.
    """
    make = _RULES.get(type(framing))
    found = None if make is None else make(framing, note)
    if found is None:
        note(
            f"the framing {framing} is code, which Lua does not have: each TCP segment is shown as one "
            "message, so cut and glued messages are not taken apart"
        )
        return {"kind": "segment"}
    return found


def checksum_rule(checksum: Checksum, note: Callable[[str], None]) -> Rule:
    """Return a checksum as data. One that is computed by a function of the user is not verified."""
    rule = {"name": checksum.name, "width": checksum.width, "size": checksum.size, "form": checksum.form}
    if checksum.name in _CRCS:
        polynomial, initial, reflected, xorout = _CRCS[checksum.name]
        bits = 8 * checksum.width
        if reflected:
            polynomial, initial = _mirrored(polynomial, bits), _mirrored(initial, bits)
        return {
            **rule,
            "kind": "crc",
            "poly": polynomial,
            "init": initial,
            "reflected": reflected,
            "xorout": xorout,
        }
    if checksum.name in _SUMS:
        return {**rule, "kind": _SUMS[checksum.name]}
    note(f"the checksum {checksum.name} is a function, which Lua does not have: it is not verified")
    return {**rule, "kind": "unknown"}


def _mirrored(value: int, bits: int) -> int:
    return int(f"{value:0{bits}b}"[::-1], 2)


def _length(it: LengthPrefixed, note: Any) -> Rule:
    return {
        "kind": "length",
        "width": it.width,
        "form": it.form,
        "offset": it.offset,
        "adjust": it.adjust,
        "sync": it.sync,
        "strip": it.strip,
        "max_frame": it.max_frame,
    }


def _variable(it: VariableLength, note: Any) -> Rule:
    return {
        "kind": "variable",
        "form": it.form,
        "end": it.end,
        "offset": it.offset,
        "adjust": it.adjust,
        "max_frame": it.max_frame,
    }


def _counted_body(it: CountedBody, note: Any) -> Rule:
    return {"kind": "counted-body", "heads": [*map(_head, it.heads)], "end": it.end, "tail": it.tail}


def _head(head: bytes) -> list[Rule]:
    parts: list[Rule] = []
    for part in re.finditer(rb"\{(?:(count)(:x)?|\w+)\}|([^{}]+)", head):
        if part[3]:
            parts.append({"text": part[3]})
        elif part[1]:
            parts.append({"count": 16 if part[2] else 10})
        else:
            parts.append({"field": True})
    return parts


def _enclosed(it: Enclosed, note: Any) -> Rule:
    return {
        "kind": "enclosed",
        "start": it.start,
        "ends": [*it.ends],
        "checksum": None if it.checksum is None else checksum_rule(it.checksum, note),
        "cover_start": it.cover_start,
        "cover_end": it.cover_end,
        "cover_escapes": it.cover_escapes,
        "tail": it.tail,
        "between": it.between,
        "keep_ends": it.keep_ends,
        "alone": [*it.alone],
        "escape": it.escape,
        "literals": {code: byte for byte, code in it.escaped.items()} if it.escape else {},
    }


def _checked(it: Checked, note: Any) -> Rule:
    return {
        "kind": "checked",
        "framing": framing_rule(it.framing, note),
        "checksum": checksum_rule(it.checksum, note),
        "at": it.at,
        "cover_from": it.cover_from,
        "cover_to": it.cover_to if it.cover_to is not None or it.at is None else it.at,
        "cover_header": it.cover_header,
        "tail": it.tail,
        "zero_ok": it.zero_is_unchecked,
    }


def _nested(it: Nested, note: Any) -> Rule:
    rule = it.fragments
    return {
        "kind": "nested",
        "outer": framing_rule(it.outer, note),
        "header": rule.header,
        "flag": rule.flag,
        "last": rule.last,
        "mark": None if rule.mark is None else [*rule.mark],
    }


def _preamble(it: Preamble, note: Any) -> Rule:
    known = isinstance(it.preamble, bytes)
    return {
        "kind": "preamble",
        "framing": framing_rule(it.framing, note),
        "size": len(it.preamble) if isinstance(it.preamble, bytes) else it.preamble,
        "bytes": it.preamble if known else None,
    }


def _header_framed(it: HeaderFramed, note: Any) -> Rule | None:
    if it.total is modbus_rtu_request:
        return {"kind": "modbus-rtu", **_RTU_REQUEST}
    if it.total is modbus_rtu_reply:
        return {"kind": "modbus-rtu", **_RTU_REPLY}
    return None


def _status_lines(it: Answers, note: Any) -> Rule:
    rule = {"kind": "status-lines", "lines": it.lines, "success": b"1", "prompts": [*it.prompts]}
    return {**rule, "file": it.file or None}


_RULES: Final[Mapping[type[Framing], Callable[[Any, Any], Rule | None]]] = {
    Answers: _status_lines,
    Checked: _checked,
    Cobs: lambda it, note: {"kind": "cobs"},
    ContentLength: lambda it, note: {"kind": "content-length", "max_header": it.max_header},
    CountedBody: _counted_body,
    Definite: lambda it, note: {"kind": "definite", "terminator": it.terminator},
    Delimited: lambda it, note: {
        "kind": "delimited",
        "delimiters": [*it.delimiters],
        "keep_ends": it.keep_ends,
    },
    DleStuffed: lambda it, note: {"kind": "dle", "escape": it.escape, "start": it.start, "end": it.end},
    Enclosed: _enclosed,
    EndedFraming: lambda it, note: framing_rule(it.framing, note),
    FixedSize: lambda it, note: {"kind": "fixed", "size": it.size},
    HeaderFramed: _header_framed,
    HexText: lambda it, note: {"kind": "hex-text", "framing": framing_rule(it.framing, note)},
    JsonValues: lambda it, note: {"kind": "json", "between": it.between},
    LengthPrefixed: _length,
    Lines: lambda it, note: {"kind": "lines"},
    Nested: _nested,
    Netstring: lambda it, note: {"kind": "netstring"},
    Orders: lambda it, note: {"kind": "order-lines"},
    Preamble: _preamble,
    Stuffed: lambda it, note: {
        "kind": "stuffed",
        "end": it.end,
        "escape": it.escape,
        "literals": {code: byte for byte, code in it.codes.items()},
    },
    Telnet: lambda it, note: {"kind": "telnet", "framing": framing_rule(it.framing, note)},
    Unframed: lambda it, note: {"kind": "segment"},
    VariableLength: _variable,
    XmlDocuments: lambda it, note: {"kind": "xml", "between": it.between},
}
