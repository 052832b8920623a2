"""
The lengths of Modbus RTU frames by their function codes, for :class:`~tcpcomm.framing.HeaderFramed`.

Serial servers that pass Modbus RTU over TCP send these frames, with their checksum::

    Checked(HeaderFramed(2, modbus_rtu_request), checksum("crc-16/modbus"))

Source: MODBUS Application Protocol Specification V1.1b3, 6; MODBUS over Serial Line V1.02, 2.5.1.
"""

from __future__ import annotations

from typing import Final

from tcpcomm.framing.headers.header_framed import More

_SIZES: Final = {7: 4, 11: 4, 12: 4, 17: 4, 22: 10, 24: 6, **dict.fromkeys((1, 2, 3, 4, 5, 6, 8), 8)}
_COUNTED_AT: Final = {15: 6, 16: 6, 20: 2, 21: 2, 23: 10}
"""The position of the byte that counts what follows it, by the function code of a request."""

_REPLY_SIZES: Final = {5: 8, 6: 8, 7: 5, 8: 8, 11: 8, 15: 8, 16: 8, 22: 10}
_REPLY_COUNTED: Final = {1, 2, 3, 4, 12, 17, 20, 21, 23}  # all by the byte behind the function code
_CRC: Final = 2
_FIRST_OBJECT: Final = 8


def modbus_rtu_request(header: bytes) -> int | More:
    """Return the bytes of a request, unit and checksum included. Of function 43, MEI type 14 is known."""
    function = header[1]
    if function in _SIZES:
        return _SIZES[function]
    if function == 43:
        return 7
    if function not in _COUNTED_AT:
        raise ValueError(f"a request with function {function} has no known length")
    at = _COUNTED_AT[function]
    return at + 1 + header[at] + _CRC if len(header) > at else More(at + 1 - len(header))


def modbus_rtu_reply(header: bytes) -> int | More:
    """Return the bytes of a reply, unit and checksum included. Of function 43, MEI type 14 is known."""
    function = header[1]
    if function & 0x80:
        return 5
    if function in _REPLY_SIZES:
        return _REPLY_SIZES[function]
    if function == 24:
        return 4 + int.from_bytes(header[2:], "big") + _CRC if len(header) == 4 else More(2)
    if function == 43:
        return _identification_size(header)
    if function not in _REPLY_COUNTED:
        raise ValueError(f"a reply with function {function} has no known length")
    return 3 + header[2] + _CRC if len(header) > 2 else More(1)


def _identification_size(header: bytes) -> int | More:
    """Return the bytes of a reply that identifies a device: objects, each behind its number and length."""
    if len(header) < _FIRST_OBJECT:
        return More(_FIRST_OBJECT - len(header))
    if header[2] != 14:
        raise ValueError(f"a reply with function 43 and MEI type {header[2]} has no known length")
    end = _FIRST_OBJECT
    for _ in range(header[_FIRST_OBJECT - 1]):
        if len(header) < end + 2:
            return More(end + 2 - len(header))
        end += 2 + header[end + 1]
    return end + _CRC
