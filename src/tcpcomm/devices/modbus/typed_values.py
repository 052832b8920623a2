"""
Numbers and texts in registers of 16 bits: :func:`from_registers` and :func:`to_registers`.

The standard defines registers only. A value of 32 or 64 bits lies in two or four of them, and a text has
two bytes in each. Manufacturers differ in the order of the registers, and of the bytes in each.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import Any, Final, Literal

from tcpcomm.errors import CodecError

WholeKind = Literal["u16", "i16", "u32", "i32", "u64", "i64"]
FloatKind = Literal["f32", "f64"]
Kind = Literal["u16", "i16", "u32", "i32", "u64", "i64", "f32", "f64", "text"]
Order = Literal["big", "little"]

_FORMS: Final = {
    "u16": "H",
    "i16": "h",
    "u32": "I",
    "i32": "i",
    "u64": "Q",
    "i64": "q",
    "f32": "f",
    "f64": "d",
}
_KINDS: Final = ", ".join((*_FORMS, "text"))


def register_count(kind: str, count: int | None) -> int:
    """
    Return the number of registers for ``count`` values, for one value, or for a text of ``count`` bytes.

    Raises:
        CodecError: the kind is unknown, or the count does not fit it.
    """
    if count is not None and (type(count) is not int or count < 1):
        raise CodecError(f"count must be at least 1, not {count!r}")
    if kind == "text":
        if count is None:
            raise CodecError("a text needs count, the number of its bytes: two are in each register")
        return (count + 1) // 2
    return struct.calcsize(_form_of(kind)) // 2 * (1 if count is None else count)


def from_registers(
    kind: str,
    registers: Sequence[int],
    *,
    one: bool,
    size: int | None = None,
    word_order: str = "big",
    byte_order: str = "big",
    encoding: str = "ascii",
) -> Any:
    """
    Convert registers to a value, or to a list of values.

    Args:
        kind: the type of the values.
        registers: their registers, and no others.
        one: True to return one value and not a list.
        size: the bytes of a text.
        word_order: ``big`` if the register with the highest bits is the first one.
        byte_order: ``big``, as the standard says, or ``little`` if the bytes of each register are swapped.
        encoding: of a text. It ends before the first zero byte.

    Raises:
        CodecError: the text is not of this encoding, or the kind or an order is unknown.
    """
    if kind == "text":
        _check_order("word_order", word_order)
        data = _packed(registers, byte_order)[:size].partition(b"\0")[0]
        try:
            return data.decode(encoding)
        except UnicodeDecodeError:
            raise CodecError(
                f"{data!r} is not a text in {encoding}: give its encoding=, or read u16"
            ) from None
        except LookupError:
            raise CodecError(f"there is no encoding {encoding!r}") from None
    form = _form_of(kind)
    words = struct.calcsize(form) // 2
    data = _packed(_in_order(registers, words, word_order), byte_order)
    values = struct.unpack(f">{len(registers) // words}{form}", data)
    return values[0] if one else list(values)


def to_registers(
    kind: str,
    value: Any,
    *,
    word_order: str = "big",
    byte_order: str = "big",
    encoding: str = "ascii",
) -> list[int]:
    """
    Convert a value, or a list of values, to registers. :func:`from_registers` reads them.

    Raises:
        CodecError: the value does not fit the kind, or the kind or an order is unknown.
    """
    if kind == "text":
        _check_order("word_order", word_order)
        return _unpacked(_text_bytes(value, encoding), byte_order)
    form = _form_of(kind)
    values = value if isinstance(value, list) else [value]
    if not values:
        raise CodecError("an empty list cannot be written")
    data = b"".join(_number_bytes(kind, form, each) for each in values)
    words = struct.calcsize(form) // 2
    return _in_order(_unpacked(data, byte_order), words, word_order)


def _form_of(kind: str) -> str:
    form = _FORMS.get(kind)
    if form is None:
        raise CodecError(f"there is no kind {kind!r} of values: the kinds are {_KINDS}")
    return form


def _check_order(name: str, order: str) -> None:
    if order not in ("big", "little"):
        raise CodecError(f"{name} must be big or little, not {order!r}")


def _in_order(registers: Sequence[int], words: int, word_order: str) -> list[int]:
    """Return registers with those of each value turned round, if the lowest bits are in the first one."""
    _check_order("word_order", word_order)
    if word_order == "big" or words == 1:
        return list(registers)
    groups = (registers[at : at + words] for at in range(0, len(registers), words))
    return [register for group in groups for register in reversed(group)]


def _packed(registers: Sequence[int], byte_order: str) -> bytes:
    _check_order("byte_order", byte_order)
    return struct.pack(f"{'>' if byte_order == 'big' else '<'}{len(registers)}H", *registers)


def _unpacked(data: bytes, byte_order: str) -> list[int]:
    _check_order("byte_order", byte_order)
    return list(struct.unpack(f"{'>' if byte_order == 'big' else '<'}{len(data) // 2}H", data))


def _number_bytes(kind: str, form: str, value: Any) -> bytes:
    is_float = kind[0] == "f"
    if isinstance(value, bool) or not isinstance(value, (int, float) if is_float else int):
        raise CodecError(f"{value!r} is not a {'number' if is_float else 'whole number'}, as {kind} is")
    try:
        return struct.pack(f">{form}", value)
    except (struct.error, OverflowError):
        bits = int(kind[1:])
        low, high = (0, 2**bits - 1) if kind[0] == "u" else (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)
        limits = "" if is_float else f": it must be from {low} to {high}"
        raise CodecError(f"{value} does not fit into {kind}{limits}") from None


def _text_bytes(value: Any, encoding: str) -> bytes:
    if not isinstance(value, str) or not value:
        raise CodecError(f"a text of at least one character is written as text, not {value!r}")
    try:
        data = value.encode(encoding)
    except UnicodeEncodeError:
        raise CodecError(f"{value!r} cannot be written in {encoding}: give another encoding=") from None
    except LookupError:
        raise CodecError(f"there is no encoding {encoding!r}") from None
    if b"\0" in data:
        raise CodecError(f"{value!r} holds a zero byte, which would end it when it is read")
    return data + bytes(len(data) % 2)
