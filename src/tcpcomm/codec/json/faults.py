"""The faults of Json and JsonRpc: codes for protocol errors, and checks of code, reason and data."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from tcpcomm.codec.base import ProtocolErrorKind
from tcpcomm.codec.json.value_types import LEAVES
from tcpcomm.codec.problems import inside, wrong
from tcpcomm.errors import CodecError

ERROR_CODES: Final[Mapping[ProtocolErrorKind, int]] = {
    ProtocolErrorKind.UNREADABLE: -32700,
    ProtocolErrorKind.MALFORMED: -32600,
    ProtocolErrorKind.UNKNOWN_COMMAND: -32601,
    ProtocolErrorKind.BAD_PARAMETERS: -32602,
    ProtocolErrorKind.INTERNAL: -32603,
}
"""The codes that JSON-RPC 2.0 reserves, section 5.1."""


def code_of(value: Any, key: str) -> int | str:
    """Return a fault's code, a whole number or text. Raises CodecError if it is not one."""
    if type(value) not in (int, str):
        raise inside(key, wrong("a whole number or text", value))
    return LEAVES[type(value)].read(value)  # type: ignore[no-any-return]


def leaf_of(kind: Any, value: Any, key: str) -> Any:
    """Return a fault's reason, which is ``str``, or its data, which are ``Any``. Raises CodecError."""
    try:
        return LEAVES[kind].read(value)
    except CodecError as error:
        raise inside(key, error) from None
