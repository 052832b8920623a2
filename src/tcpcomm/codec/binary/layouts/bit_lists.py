"""Lists of bits: ``list[Annotated[bool, Bits(1)]]`` has eight items in a byte, or four in a digit."""

from __future__ import annotations

from binascii import unhexlify
from random import Random
from typing import Any, Final

from attrs import evolve

from tcpcomm.codec.binary.layouts.fixed_size import FixedLayout
from tcpcomm.codec.binary.layouts.forms import sized
from tcpcomm.codec.binary.layouts.layout import VariableLayout, cut
from tcpcomm.codec.numpy_values import list_of, native_list
from tcpcomm.codec.problems import inside, wrong
from tcpcomm.errors import CodecError, ConfigurationError

_BITS: Final = frozenset("01")


def bit_list(item: FixedLayout, width: int, *, highest_first: bool, in_bytes: bool) -> VariableLayout:
    """
    Return the layout of a list of bits. Bits that are left over in the last byte are zero, and skipped.

    Args:
        item: the layout of one item, in a number of so many bits.
        width: the bits of one item.
        highest_first: True if the first item has the highest bits of the first byte.
        in_bytes: True if its length counts bytes.
    """

    is_bool = width == 1 and item.form["type"] == "bool"
    # In SLMP each half byte is a bit device, so that its hexadecimal digits are the bits.
    is_half_byte = width == 4 and item.form["type"] == "bool" and highest_first and not in_bytes

    def read(data: bytes, at: int, length: int | None) -> tuple[list[Any], int]:
        if length is None:
            length = len(data) - at if in_bytes else 8 * (len(data) - at) // width
        if length < 0:
            raise CodecError(f"has a length of {length}")
        number = 8 * length // width if in_bytes else length
        part, end = cut(data, at, length if in_bytes else -(-number * width // 8))
        if is_half_byte and _BITS.issuperset(digits := part.hex()):
            return [digit == "1" for digit in digits[:number]], end
        bits = f"{int.from_bytes(part, 'big' if highest_first else 'little'):0{8 * len(part)}b}"
        if not part:
            bits = ""
        if not highest_first:
            bits = bits[::-1]
        if is_bool:
            return [bit == "1" for bit in bits[:number]], end
        found = []
        for start in range(0, number * width, width):
            each = bits[start : start + width]
            try:
                found.append(item.from_items((int(each if highest_first else each[::-1], 2),), 0))
            except CodecError as error:
                raise inside(f"[{len(found)}]", error) from None
        return found, end

    def write(value: Any) -> tuple[bytes, int]:
        if type(value) is not list:
            value = native_list(value, "a list")
        if is_bool and {bool}.issuperset(map(type, value)):
            return _joined(["01"[each] for each in value], len(value))
        if is_half_byte and {bool}.issuperset(map(type, value)):
            digits = "".join(["01"[each] for each in value])
            return bytes.fromhex(digits.ljust(len(digits) + len(digits) % 2, "0")), len(value)
        texts: list[str] = []
        for each in value:
            items: list[Any] = []
            try:
                item.to_items(each, items)
            except CodecError as error:
                raise inside(f"[{len(texts)}]", error) from None
            text = f"{items[0]:0{width}b}"
            texts.append(text if highest_first else text[::-1])
        return _joined(texts, len(value))

    def _joined(texts: list[str], count: int) -> tuple[bytes, int]:
        bits = "".join(texts)
        size = -(-len(bits) // 8)
        if in_bytes and 8 * size // width != count:
            raise CodecError(
                f"has {count} items of {width} bits, which would arrive as {8 * size // width}"
            )
        bits = bits.ljust(8 * size, "0")
        number = int((bits if highest_first else bits[::-1]) or "0", 2)
        content = number.to_bytes(size, "big" if highest_first else "little")
        return content, size if in_bytes else count

    def draw(random: Random, length: int | None) -> list[Any]:
        if length is None:
            length = random.randint(0, 3) if in_bytes else random.randint(0, 20)
        number = 8 * length // width if in_bytes else length
        return [item.draw(random) for _ in range(number)]

    form = {
        "type": "bit list",
        "item": item.form,
        "bits": width,
        "first": "highest" if highest_first else "lowest",
    }
    return VariableLayout(read, write, draw, form, "bytes" if in_bytes else "items")


def digit_list(item: FixedLayout, width: int, *, highest_first: bool, in_bytes: bool) -> VariableLayout:
    """
    Return the layout of a list of bits in hexadecimal digits. The first item has the highest bits.

    Bits that are left over in the last digit are zero, and skipped.

    Raises:
        ConfigurationError: the lowest bits come first, or bytes are counted.
    """
    if not highest_first or in_bytes:
        raise ConfigurationError(
            "bits in hexadecimal digits are counted in items, the highest first: add HighestFirst()"
        )
    whole = bit_list(item, width, highest_first=True, in_bytes=False)

    def read(data: bytes, at: int, length: int | None) -> tuple[list[Any], int]:
        if length is None:
            length = 4 * (len(data) - at) // width
        if length < 0:
            raise CodecError(f"has a length of {length}")
        digits, end = cut(data, at, -(-length * width // 4))
        try:
            content = unhexlify(digits + b"0" * (len(digits) % 2))
        except ValueError:
            raise wrong("hexadecimal digits", digits) from None
        return whole.read(content, 0, length)[0], end

    def write(value: Any) -> tuple[bytes, int]:
        content, length = whole.write(value)
        return content.hex().upper().encode()[: -(-length * width // 4)], length

    return evolve(whole, read=read, write=write, form={**whole.form, "order": "hex"})


def fixed_bits(content: VariableLayout, number: int, width: int, order: Any) -> FixedLayout:
    """Return the layout of a list of so many items."""
    size = -(-number * width // (4 if "order" in content.form else 8))
    checked = list_of(number)

    def to_items(value: Any, items: list[Any]) -> None:
        items.append(content.write(checked(value))[0])

    return FixedLayout(
        order,
        f"{size}s",
        1,
        lambda items, at: content.read(items[at], 0, number)[0],
        to_items,
        lambda random: content.draw(random, number),
        sized(content.form, {"fixed": number}),
    )
