"""A simulated XGT controller: :class:`Memory`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from tcpcomm.devices.plain_hooks import check_plain
from tcpcomm.devices.xgt.addresses import UNIT_BITS, Address, address_of
from tcpcomm.devices.xgt.codes import ErrorCode
from tcpcomm.devices.xgt.commands import COMPANY, MOST_BLOCKS, MOST_BYTES, OLD_COMPANY
from tcpcomm.devices.xgt.declaration import Xgt, check_value
from tcpcomm.errors import CodecError, Fault

WORDS: Final[Mapping[str, int]] = {
    "P": 2048,
    "M": 2048,
    "K": 2048,
    "F": 2048,
    "L": 11264,
    "D": 32768,
    "N": 21504,
    "R": 32768,
    "T": 2048,
    "C": 2048,
    "Z": 128,
}
"""The words of each device of an XGK-CPUH."""

CONTACTS: Final = ("T", "C")
"""The devices whose bits are contacts of their own, beside their words."""


class Memory(Xgt):
    """
    A simulated XGK controller with all its devices: ``memory["D100"] = 7``, ``memory["M172.C"]``.

    Subclass it, and override :meth:`on_write` to act upon what a host writes.

    Args:
        words: the number of words of each device, where it differs from that of an XGK-CPUH.
    """

    def __init__(self, words: Mapping[str, int] | None = None) -> None:
        check_plain(self.on_write)
        sizes = {**WORDS, **(words or {})}
        self._bytes = {device: bytearray(2 * size) for device, size in sizes.items()}
        self._contacts: dict[str, bytearray] = {each: bytearray(-(-sizes[each] // 8)) for each in CONTACTS}

    def on_write(self, address: Address, value: int | bytes) -> None:
        """
        Note that a host writes a value, or bytes side by side. They are stored after it.

        Override it. It is called for each value of a request. Raise ``Fault(ErrorCode.…)`` to refuse: then
        nothing of the whole request is stored.
        """

    def __getitem__(self, address: str) -> int:
        place = self._known(address)
        return self._value(place)

    def __setitem__(self, address: str, values: int | Sequence[int]) -> None:
        place = self._known(address)
        given = list(values) if isinstance(values, Iterable) else [values]
        places = [self._known(str(place.behind(more))) for more in range(len(given))]
        for each, value in zip(places, given, strict=True):
            check_value(each, value)
        for each, value in zip(places, given, strict=True):
            self._store(each, value)

    def _known(self, text: str) -> Address:
        """Return an address in this memory. Raises CodecError."""
        place = address_of(text)
        if place.type:
            raise CodecError(f"{text}: the memory of a simulated controller has no types: leave it out")
        try:
            self._check(place)
        except Fault:
            raise CodecError(f"{text}: this memory has no such place") from None
        return place

    # -- the places ---------------------------------------------------------------------------------------

    def _place(self, name: str, unit: str) -> Address:
        """Return the address that a request names. Raises Fault."""
        if self.company.value not in (COMPANY, OLD_COMPANY):
            raise Fault(ErrorCode.COMPANY_ID_IN_HEADER_IS_WRONG)
        try:
            place = address_of(name)
        except CodecError:
            raise Fault(ErrorCode.ADDRESS_FORMAT_IS_WRONG) from None
        if not name.startswith("%") or place.type:
            raise Fault(ErrorCode.ADDRESS_FORMAT_IS_WRONG)
        if place.unit != unit:
            raise Fault(ErrorCode.ADDRESS_DOES_NOT_FIT_THE_DATA_TYPE)
        self._check(place)
        return place

    def _check(self, place: Address, size: int = 0) -> None:
        """Raise Fault if the memory does not have a place, or so many bytes from a place on."""
        if place.device not in self._bytes:
            raise Fault(ErrorCode.DEVICE_IS_NOT_SERVED)
        if "." in place.number:
            raise Fault(ErrorCode.ADDRESS_FORMAT_IS_WRONG)
        room = 8 * len(self._bits_of(place))
        if place.first_bit + max(UNIT_BITS[place.unit], 8 * size) > room:
            raise Fault(ErrorCode.ADDRESS_IS_OUT_OF_RANGE)

    def _bits_of(self, place: Address) -> bytearray:
        """Return the bytes that hold a place."""
        is_contact = place.unit == "X" and place.device in self._contacts
        return (self._contacts if is_contact else self._bytes)[place.device]

    def _value(self, place: Address) -> int:
        store, bit, bits = self._bits_of(place), place.first_bit, UNIT_BITS[place.unit]
        if bits == 1:
            return store[bit >> 3] >> (bit & 7) & 1 == 1
        return int.from_bytes(store[bit >> 3 : (bit + bits) >> 3], "little")

    def _store(self, place: Address, value: int) -> None:
        store, bit, bits = self._bits_of(place), place.first_bit, UNIT_BITS[place.unit]
        if bits == 1:
            mask = 1 << (bit & 7)
            store[bit >> 3] = store[bit >> 3] | mask if value else store[bit >> 3] & ~mask
        else:
            store[bit >> 3 : (bit + bits) >> 3] = value.to_bytes(bits // 8, "little")

    # -- the commands -------------------------------------------------------------------------------------

    def _read(self, names: Sequence[str], unit: str) -> list[Any]:
        if not 1 <= len(names) <= MOST_BLOCKS:
            raise Fault(ErrorCode.MORE_THAN_16_BLOCKS)
        return [self._value(self._place(each, unit)) for each in names]

    def _write(self, names: Sequence[str], values: Sequence[int], unit: str) -> int:
        if not 1 <= len(names) <= MOST_BLOCKS:
            raise Fault(ErrorCode.MORE_THAN_16_BLOCKS)
        if len(names) != len(values):
            raise Fault(ErrorCode.LENGTH_IN_HEADER_IS_WRONG)
        places = [self._place(each, unit) for each in names]
        for place, value in zip(places, values, strict=True):
            self._check_writable(place)
            self.on_write(place, value)
        for place, value in zip(places, values, strict=True):
            self._store(place, value)
        return len(names)

    def _check_writable(self, place: Address) -> None:
        if place.device == "F":  # flags of the system
            raise Fault(ErrorCode.DEVICE_IS_NOT_SERVED)

    async def read_bits(self, names: list[str]) -> list[bool]:
        return self._read(names, "X")

    async def read_bytes(self, names: list[str]) -> list[int]:
        return self._read(names, "B")

    async def read_words(self, names: list[str]) -> list[int]:
        return self._read(names, "W")

    async def read_dwords(self, names: list[str]) -> list[int]:
        return self._read(names, "D")

    async def read_lwords(self, names: list[str]) -> list[int]:
        return self._read(names, "L")

    async def read_continuously(self, name: str, count: int) -> bytes:
        if count > MOST_BYTES:
            raise Fault(ErrorCode.BLOCK_IS_LONGER_THAN_1400_BYTES)
        place = self._place(name, "B")
        self._check(place, count)
        start = int(place.number)
        return bytes(self._bytes[place.device][start : start + count])

    async def write_bits(self, names: list[str], values: list[bool]) -> int:
        return self._write(names, values, "X")

    async def write_bytes(self, names: list[str], values: list[int]) -> int:
        return self._write(names, values, "B")

    async def write_words(self, names: list[str], values: list[int]) -> int:
        return self._write(names, values, "W")

    async def write_dwords(self, names: list[str], values: list[int]) -> int:
        return self._write(names, values, "D")

    async def write_lwords(self, names: list[str], values: list[int]) -> int:
        return self._write(names, values, "L")

    async def write_continuously(self, name: str, data: bytes) -> int:
        if len(data) > MOST_BYTES:
            raise Fault(ErrorCode.BLOCK_IS_LONGER_THAN_1400_BYTES)
        place = self._place(name, "B")
        self._check(place, len(data))
        self._check_writable(place)
        self.on_write(place, data)
        start = int(place.number)
        self._bytes[place.device][start : start + len(data)] = data
        return 1
