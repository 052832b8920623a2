"""Records of TLS made by hand, so that they may be older, odder or more wrong than any library allows."""

from __future__ import annotations

import struct
from collections.abc import Iterable
from typing import Final

TLS_1_0: Final = 0x0301
TLS_1_1: Final = 0x0302
TLS_1_2: Final = 0x0303
SSL_3: Final = 0x0300

HANDSHAKE: Final = 22
ALERT: Final = 21
CHANGE_CIPHER_SPEC: Final = 20
APPLICATION_DATA: Final = 23

MODERN: Final = (0xC02B, 0xC02F, 0xC02C, 0xC030, 0xCCA8, 0xCCA9)
"""AES-GCM and ChaCha20 of TLS 1.2, with forward secrecy."""

CBC: Final = (0xC009, 0xC00A, 0xC013, 0xC014, 0xC023, 0xC024, 0xC027, 0xC028)
"""AES in CBC mode with forward secrecy."""

STATIC_RSA: Final = (0x009C, 0x009D, 0x002F, 0x0035, 0x003C, 0x003D)
NULL: Final = (0x0001, 0x0002, 0x003B, 0xC006, 0xC010)
ANONYMOUS: Final = (0x0018, 0x001B, 0x0034, 0x003A, 0x006C, 0x00A6, 0xC018, 0xC019)
EXPORT: Final = (0x0003, 0x0006, 0x0008, 0x000B, 0x0014)
TRIPLE_DES: Final = (0x000A, 0x0016, 0xC008, 0xC012)


def record(kind: int, body: bytes, version: int = TLS_1_2) -> bytes:
    """Return a record with this body."""
    return struct.pack("!BHH", kind, version, len(body)) + body


def client_hello(
    version: int = TLS_1_2,
    ciphers: Iterable[int] = MODERN,
    *,
    server_name: bytes | None = b"localhost",
    compression: bytes = b"\0",
    extra: bytes = b"",
) -> bytes:
    """Return a ClientHello in one record."""
    suites = b"".join(struct.pack("!H", each) for each in ciphers)
    extensions = b""
    if server_name is not None:
        name = b"\0" + struct.pack("!H", len(server_name)) + server_name
        extensions += _extension(0, struct.pack("!H", len(name)) + name)
    extensions += _extension(10, bytes.fromhex("0006001d00170018"))  # groups
    extensions += _extension(11, bytes.fromhex("0100"))  # uncompressed points
    extensions += _extension(13, bytes.fromhex("001004030804040105030805050106010201"))  # signatures
    extensions += extra
    body = struct.pack("!H", version) + bytes(range(32)) + b"\0"
    body += struct.pack("!H", len(suites)) + suites
    body += bytes([len(compression)]) + compression
    body += struct.pack("!H", len(extensions)) + extensions
    message = b"\1" + struct.pack("!I", len(body))[1:] + body
    return record(HANDSHAKE, message, min(version, TLS_1_0))


def _extension(kind: int, body: bytes) -> bytes:
    return struct.pack("!HH", kind, len(body)) + body


def record_kinds(data: bytes) -> list[int]:
    """Return the kinds of the complete records in these bytes."""
    found = []
    while len(data) >= 5:
        kind, length = data[0], int.from_bytes(data[3:5], "big")
        if len(data) < 5 + length:
            break
        found.append(kind)
        data = data[5 + length :]
    return found
