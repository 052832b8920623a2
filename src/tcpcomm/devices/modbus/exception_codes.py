"""The exception codes of Modbus: :class:`ExceptionCode`, and their words."""

from __future__ import annotations

from enum import IntEnum
from typing import Final


class ExceptionCode(IntEnum):
    """
    The reason why a device refuses a request: ``raise Fault(ExceptionCode.SERVER_DEVICE_BUSY)``.

    Source: MODBUS Application Protocol Specification V1.1b3, 7.
    """

    ILLEGAL_FUNCTION = 1
    ILLEGAL_DATA_ADDRESS = 2
    ILLEGAL_DATA_VALUE = 3
    SERVER_DEVICE_FAILURE = 4
    ACKNOWLEDGE = 5
    SERVER_DEVICE_BUSY = 6
    NEGATIVE_ACKNOWLEDGE = 7
    """Of older editions of the standard; some devices still send it."""
    MEMORY_PARITY_ERROR = 8
    GATEWAY_PATH_UNAVAILABLE = 10
    GATEWAY_TARGET_DEVICE_FAILED_TO_RESPOND = 11


MEANINGS: Final[dict[int, str]] = {
    1: "illegal function: the device does not know this function code",
    2: "illegal data address: the device does not have all of these addresses",
    3: "illegal data value: the device does not take this value or this count",
    4: "server device failure: the device failed while it carried out the request",
    5: "acknowledge: the device has begun, and needs more time; ask later if it is done",
    6: "server device busy: ask again later",
    7: "negative acknowledge: the device cannot carry out the request",
    8: "memory parity error: the device cannot read its memory",
    10: "gateway path unavailable: the gateway has no way to this unit",
    11: "gateway target device failed to respond: nothing answers the gateway as this unit",
}
"""The standard's name of each code, and its meaning."""
