"""What the codecs on JSON have in common about faults: their codes for troubles, and the checks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from tcpcomm.codec.base import ProtocolErrorKind
from tcpcomm.codec.json.value_types import LEAVES
from tcpcomm.codec.problems import inside, wrong
from tcpcomm.errors import CodecError

__all__ = ["TROUBLE_CODES", "code_of", "data_of", "reason_of"]

TROUBLE_CODES: Final[Mapping[ProtocolErrorKind, int]] = {
    ProtocolErrorKind.UNREADABLE: -32700,
    ProtocolErrorKind.MALFORMED: -32600,
    ProtocolErrorKind.UNKNOWN_COMMAND: -32601,
    ProtocolErrorKind.BAD_PARAMETERS: -32602,
    ProtocolErrorKind.INTERNAL: -32603,
}
"""The codes that JSON-RPC 2.0 reserves, section 5.1."""


def code_of(value: Any, key: str) -> int | str:
    """A fault's code: a whole number or a word. Raises CodecError."""
    if type(value) not in (int, str):
        raise inside(key, wrong("a whole number or text", value))
    return LEAVES[type(value)].read(value)  # type: ignore[no-any-return]


def reason_of(value: Any, key: str) -> str:
    """A fault's reason. Raises CodecError."""
    try:
        return LEAVES[str].read(value)  # type: ignore[no-any-return]
    except CodecError as error:
        raise inside(key, error) from None


def data_of(value: Any, key: str) -> Any:
    """A fault's data: whatever JSON has. Raises CodecError."""
    try:
        return LEAVES[Any].read(value)
    except CodecError as error:
        raise inside(key, error) from None
