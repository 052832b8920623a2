"""The limits of Modbus, and the values in its replies: :class:`Written`, :class:`DeviceIdentification`."""

from __future__ import annotations

from enum import Enum
from typing import Annotated, Final, Literal

from attrs import frozen

from tcpcomm.codec import U8, U16, Counted

LONGEST_MESSAGE: Final = 260
"""The bytes of the longest message: 7 of the header, 1 of the function code, 252 of data."""

LONGEST_RTU_MESSAGE: Final = 256
"""The bytes of the longest message of Modbus RTU, with its checksum."""

ADDRESSES: Final = 0x10000
MOST_BITS_READ: Final = 2000
MOST_BITS_WRITTEN: Final = 1968
MOST_REGISTERS_READ: Final = 125
MOST_REGISTERS_WRITTEN: Final = 123
MOST_REGISTERS_WRITTEN_AND_READ: Final = 121
"""Registers that one request can write if it reads registers, too."""


class CoilState(Enum):
    """The value of a coil in a request that writes it alone."""

    OFF = 0x0000
    ON = 0xFF00


@frozen
class CoilWritten:
    """The reply to a request that writes one coil; it repeats the request."""

    address: U16
    value: Annotated[CoilState, U16]


@frozen
class Written:
    """The reply to a request that writes: the first address, and the value or the number of values."""

    address: U16
    value: U16


@frozen
class MaskWritten:
    """The reply to a request that changes bits of a register; it repeats the request."""

    address: U16
    and_mask: U16
    or_mask: U16


@frozen
class IdentificationObject:
    """One object of the identification of a device: its number, and its value, which is usually text."""

    id: U8
    value: Annotated[bytes, Counted(U8)]


@frozen
class DeviceIdentification:
    """
    A part of the identification of a device.

    If ``more_follows`` is 255, the identification goes on with the object ``next_object``. ``conformity``
    is the level of what the device has: 1 basic, 2 regular, 3 extended, and 128 more if single objects can
    be read.
    """

    read_code: U8
    conformity: U8
    more_follows: Annotated[Literal[0, 255], U8]
    next_object: U8
    objects: Annotated[list[IdentificationObject], Counted(U8)]
