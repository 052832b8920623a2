"""
Reads and writes of devices by kind and number, by the commands that fit: :func:`read_words_at` and others.

They refuse what no controller allows before anything is sent.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from tcpcomm.devices.slmp.addresses import Address, Kind, LongAddress
from tcpcomm.devices.slmp.commands import SlmpCommands
from tcpcomm.errors import CodecError

_LARGEST_SHORT: Final = 0xFFFFFF
_LARGEST_LONG: Final = 0xFFFFFFFF


def is_long(device: SlmpCommands, kind: Kind) -> bool:
    """Return True if devices of a kind need the commands of iQ-R."""
    return device.iqr or not kind.short


def check_numbers(device: SlmpCommands, kind: Kind, start: int, count: int) -> None:
    """Raise CodecError if an address cannot have one of these numbers."""
    largest = _LARGEST_LONG if is_long(device, kind) else _LARGEST_SHORT
    is_whole = type(start) is int
    if not is_whole or start < 0 or start + count - 1 > largest:
        found = max(start, start + count - 1) if is_whole and start >= 0 else start
        raise CodecError(f"a number of {kind.name} is a whole number from 0 to {largest}, not {found!r}")


def check_count(count: int, most: int, what: str) -> None:
    """Raise CodecError if no request is about so many of something."""
    if type(count) is not int or not 1 <= count <= most:
        advice = ": make several of it" if type(count) is int and count > most else ""
        raise CodecError(f"one request is about 1 to {most} {what}, not {count!r}{advice}")


def _check_words(device: SlmpCommands, kind: Kind, start: int, count: int) -> None:
    if kind.doubles:
        raise CodecError(
            f"{kind.name} ({kind.meaning}) are read and written one by one: use read and write"
        )
    check_count(count, device.most_words, "words")
    check_numbers(device, kind, start, count)


def _check_bits(device: SlmpCommands, kind: Kind, start: int, count: int) -> None:
    if not kind.bits:
        raise CodecError(
            f"{kind.name} ({kind.meaning}) are words: read {kind.name}{max(start, 0)} and take its bits"
        )
    check_count(count, device.most_bits, "bits")
    check_numbers(device, kind, start, count)


async def read_words_at(device: SlmpCommands, kind: Kind, start: int, count: int) -> list[int]:
    """
    Read words. Of bit devices, 16 bits are a word.

    Raises:
        CodecError: no request can ask for them. Nothing was sent.
    """
    _check_words(device, kind, start, count)
    if is_long(device, kind):
        return await device.read_words_iqr(LongAddress(kind.name, start), count)
    return await device.read_words(Address(kind.name, start), count)


async def read_bits_at(device: SlmpCommands, kind: Kind, start: int, count: int) -> list[bool]:
    """
    Read bit devices.

    Raises:
        CodecError: no request can ask for them. Nothing was sent.
    """
    _check_bits(device, kind, start, count)
    if is_long(device, kind):
        return await device.read_bits_iqr(LongAddress(kind.name, start), count)
    return await device.read_bits(Address(kind.name, start), count)


async def write_words_at(device: SlmpCommands, kind: Kind, start: int, words: Sequence[int]) -> None:
    """
    Write words. Of bit devices, 16 bits are a word.

    Raises:
        CodecError: no request can write them. Nothing was sent.
    """
    _check_words(device, kind, start, len(words))
    if is_long(device, kind):
        await device.write_words_iqr(LongAddress(kind.name, start), [*words])
    else:
        await device.write_words(Address(kind.name, start), [*words])


async def write_bits_at(device: SlmpCommands, kind: Kind, start: int, bits: Sequence[bool]) -> None:
    """
    Write bit devices.

    Raises:
        CodecError: no request can write them. Nothing was sent.
    """
    _check_bits(device, kind, start, len(bits))
    if is_long(device, kind):
        await device.write_bits_iqr(LongAddress(kind.name, start), [*bits])
    else:
        await device.write_bits(Address(kind.name, start), [*bits])
