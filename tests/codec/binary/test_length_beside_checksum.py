"""A length in a header counts the frame that the codec sees, without the checksum that the framing has."""

from __future__ import annotations

import pytest

from tcpcomm.codec import ID, OPCODE, STATUS, U8, U16, Binary, Field, Length, MessageSpec, Request
from tcpcomm.framing import Checked, LengthPrefixed, checksum

SERVO = MessageSpec("servo", "Robot.servo", 0x04, parameters=(Field("on", U8),))
CRC = checksum("crc-16/modbus")
OF_DATA = bytes.fromhex("AA55 0100 0700 04 00 01")
"""A mark, the length of the data, an id, a command, zero, data; as a robot's manual shows them."""
TELEGRAM = OF_DATA + CRC.encode(OF_DATA[2:])
OF_ALL = bytes.fromhex("AA55 0700 0700 04 00 01")
"""The same with a length that counts all behind it, the checksum too."""


@pytest.mark.parametrize(
    ("framing", "head", "wire"),
    [
        (
            LengthPrefixed(2, form="little", offset=2, sync=b"\xaa\x55", adjust=6),
            (ID, OPCODE, b"\0"),
            TELEGRAM,
        ),
        (
            LengthPrefixed(2, form="little", offset=2, adjust=6, strip=0),
            (b"\xaa\x55", Length(U16, adjust=-4), ID, OPCODE, b"\0"),
            TELEGRAM,
        ),
        (
            LengthPrefixed(2, form="little", offset=2, strip=0),
            (b"\xaa\x55", Length(U16, adjust=2), ID, OPCODE, b"\0"),
            OF_ALL + CRC.encode(OF_ALL[2:]),
        ),
    ],
    ids=["the framing knows the length", "the codec knows it too", "it counts the checksum"],
)
def test_a_checksum_is_counted_by_the_framing_alone(
    framing: LengthPrefixed, head: tuple[object, ...], wire: bytes
) -> None:
    checked = Checked(framing, CRC, cover_header=framing.strip != 0, cover_from=2)
    codec = Binary(
        id=U16,
        status=U8,
        byte_order="little",
        head=head,
        reply_head=(ID, OPCODE, STATUS),
        reply_bit=0x80,
        fault_bit=0x80,
    )
    dialect = codec.bind([SERVO])
    assert wire == checked.encode(dialect.request("servo", {"on": 1}, 7))
    (frame,) = checked.decoder().feed(wire)
    asked = dialect.read_at_equipment(frame)
    assert isinstance(asked, Request)
    assert ("servo", {"on": 1}, 7) == (asked.name, asked.values, asked.id)
