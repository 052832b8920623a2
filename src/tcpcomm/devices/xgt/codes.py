"""The codes by which an XGT controller says no: :class:`ErrorCode`."""

from __future__ import annotations

from enum import IntEnum
from typing import Final


class ErrorCode(IntEnum):
    """The error codes of NAK responses (LS Electric, XGT FEnet I/F module, section 10.4.1)."""

    MORE_THAN_16_BLOCKS = 0x0001
    DATA_TYPE_IS_WRONG = 0x0002
    DEVICE_IS_NOT_SERVED = 0x0003
    ADDRESS_IS_OUT_OF_RANGE = 0x0004
    BLOCK_IS_LONGER_THAN_1400_BYTES = 0x0005
    BLOCKS_ARE_LONGER_THAN_1400_BYTES = 0x0006
    DEVICE_TYPE_IS_WRONG = 0x0010
    ADDRESS_FORMAT_IS_WRONG = 0x0011
    ADDRESS_DOES_NOT_FIT_THE_DATA_TYPE = 0x0012
    COMPANY_ID_IN_HEADER_IS_WRONG = 0x0075
    LENGTH_IN_HEADER_IS_WRONG = 0x0076
    CHECKSUM_IN_HEADER_IS_WRONG = 0x0077
    COMMAND_IS_WRONG = 0x0078


ERROR_CODES: Final = {
    code.value: f"{code.value:04X} hex, {code.name.replace('_', ' ').lower()}" for code in ErrorCode
}
"""The words of error codes."""
