"""
The codes by which an S7 CPU says no, and their words.

Siemens does not publish them. The source is the dissector "s7comm" of Wireshark.
"""

from __future__ import annotations

from enum import IntEnum
from typing import Final


class ReturnCode(IntEnum):
    """The code of one variable in the reply to a read or a write."""

    HARDWARE_ERROR = 0x01
    ACCESS_TO_THE_OBJECT_NOT_ALLOWED = 0x03
    INVALID_ADDRESS = 0x05
    DATA_TYPE_NOT_SUPPORTED = 0x06
    DATA_TYPE_INCONSISTENT = 0x07
    OBJECT_DOES_NOT_EXIST = 0x0A
    SUCCESS = 0xFF


class ErrorCode(IntEnum):
    """The code of a whole reply: an error class in the higher byte, and a code in the lower one."""

    INVALID_BLOCK_NUMBER = 0x0110
    INVALID_REQUEST_LENGTH = 0x0111
    INVALID_PARAMETER = 0x0112
    INVALID_BLOCK_TYPE = 0x0113
    BLOCK_NOT_FOUND = 0x0114
    BLOCK_IS_WRITE_PROTECTED = 0x0116
    PASSWORD_IS_WRONG = 0x0119
    TOO_FEW_RESOURCES = 0x0141
    SERVICE_NOT_POSSIBLE_IN_THE_STATE_OF_THE_BLOCK = 0x8001
    SERVICE_NOT_KNOWN = 0x8100
    SERVICE_NOT_IMPLEMENTED_OR_FRAME_ERROR = 0x8104
    TYPE_OF_THE_OBJECT_IS_INCONSISTENT = 0x8204
    TOO_LITTLE_MEMORY = 0x8301
    RESOURCES_ARE_OCCUPIED = 0x8302
    FUNCTION_NOT_AVAILABLE = 0x8305
    INVALID_SEQUENCE_OF_SERVICES = 0x8401
    SERVICE_NOT_POSSIBLE_IN_THE_STATE_OF_THE_OBJECT = 0x8402
    FUNCTION_CANNOT_BE_PERFORMED = 0x8404
    REMOTE_BLOCK_IS_DISABLED = 0x8405
    WRONG_FRAME_OR_PDU_SIZE = 0x8500
    SERVICE_WAS_CANCELLED_BY_THE_MODULE = 0x8503
    ADDRESS_OR_LENGTH_IS_WRONG = 0x8701
    SERVICE_NOT_SUPPORTED = 0x8702
    ACCESS_REFUSED = 0x8703
    OBJECT_IS_DAMAGED = 0x8704
    FUNCTION_NOT_ALLOWED_IN_THIS_OPERATING_MODE = 0xD081
    FUNCTION_NOT_ALLOWED_AT_THIS_PROTECTION_LEVEL = 0xD241
    INFORMATION_NOT_AVAILABLE = 0xD401
    PASSWORD_NEEDED = 0xD602


def _words(member: IntEnum) -> str:
    return member.name.replace("_", " ").lower()


ERRORS: Final = {
    each.value: f"{_words(each)} (error class {each >> 8:02X}, code {each & 0xFF:02X})"
    for each in ErrorCode
}
ERRORS[ErrorCode.SERVICE_NOT_IMPLEMENTED_OR_FRAME_ERROR] += (
    "; an S7-1200 or 1500 says so, too, if access with PUT/GET is not allowed"
)
"""The words of the codes of whole replies."""

RETURNS: Final = {each.value: _words(each) for each in ReturnCode}
"""The words of the codes of variables."""

DISCONNECTS: Final = {
    0: "the CPU does not say why",
    1: "the CPU has no free connection",
    2: "nothing listens at this TSAP: check rack, slot and connection type",
    3: "this TSAP is unknown: check rack, slot and connection type",
    128: "it was disconnected as usual",
    129: "the CPU has no free connection",
    130: "the negotiation failed: check rack, slot and connection type",
    131: "the reference is in use",
    133: "protocol error",
    136: "the CPU refuses connections from here",
    138: "the connection request has a wrong length",
}
"""The words of the reasons in a disconnect request of COTP. Source: ITU-T X.224, 13.5.3."""
