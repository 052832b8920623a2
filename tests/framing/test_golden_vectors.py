"""
Real messages of real equipment: each protocol as one framing, its bytes on the wire, and its frame.

The table is also documentation: it shows how a protocol's header is declared. Where a row gives no frame,
the header holds what the application must see (transaction numbers, sessions), so it stays in the frame and
the frame is the wire itself.
"""

from __future__ import annotations

import pytest
from attrs import frozen

from tcpcomm.errors import BadChecksum, EncodeError, UnexpectedBytes
from tcpcomm.framing import (
    ETX,
    STX,
    Checked,
    Cobs,
    ContentLength,
    Definite,
    Delimited,
    DleStuffed,
    Enclosed,
    FixedSize,
    Framing,
    HeaderFramed,
    HexText,
    LengthPrefixed,
    Lines,
    Nested,
    Netstring,
    Preamble,
    Stuffed,
    Telnet,
    VariableLength,
    XmlDocuments,
    checksum,
    modbus_rtu_reply,
    modbus_rtu_request,
)
from tests.framing.reading import Fault, feed, outcome_of, read

MODBUS_TCP = LengthPrefixed(2, offset=4)
HSMS = LengthPrefixed(4)
SLMP_3E = LengthPrefixed(2, form="little", offset=7, sync=b"\x50\x00")
SLMP_3E_REPLY = LengthPrefixed(2, form="little", offset=7, sync=b"\xd0\x00")
SLMP_4E = LengthPrefixed(2, form="little", offset=11, sync=b"\x54\x00")
SLMP_4E_REPLY = LengthPrefixed(2, form="little", offset=11, sync=b"\xd4\x00")
SLMP_ASCII = LengthPrefixed(4, form="hex", offset=14, sync=b"5000")
SLMP_ASCII_REPLY = LengthPrefixed(4, form="hex", offset=14, sync=b"D000")
FINS_TCP = LengthPrefixed(4, offset=4, sync=b"FINS")
S7 = Nested(LengthPrefixed(2, offset=2, sync=b"\x03\x00", adjust=-4))
S7_FRAGMENTED = Nested(LengthPrefixed(2, offset=2, sync=b"\x03\x00", adjust=-4), max_fragment=19)
ETHERNET_IP = LengthPrefixed(2, form="little", offset=2, adjust=20)
XGT_FENET = Checked(
    LengthPrefixed(2, form="little", offset=16, adjust=2, sync=b"LSIS-XGT\0\0"),
    checksum("sum8"),
    at=19,
    zero_is_unchecked=True,
)
RTDE = LengthPrefixed(2, adjust=-2)
UR_DASHBOARD = Delimited(b"\n")
SIMPLE_MESSAGE = LengthPrefixed(4)
SIMPLE_MESSAGE_LITTLE = LengthPrefixed(4, form="little")
IN_SIGHT = Lines()
CV_X = Delimited(b"\r")
EKI_XML = XmlDocuments()
LX200 = Enclosed(b":", b"#", alone=b"\x06")
LX200_REPLY = Delimited(b"#")
LX200_BARE_REPLY = FixedSize(1)
BINARY_WRITER = VariableLength()
LSP = ContentLength()
RTU_REQUEST = Checked(HeaderFramed(2, modbus_rtu_request), checksum("crc-16/modbus"))
MOXA = Preamble(LengthPrefixed(2, offset=4), 6)
PUTTY = Telnet(Lines())
EKI_END_STRING = Delimited(b"\r\n")
EKI_FIXED = FixedSize(8)
FANUC_RMI = Delimited(b"\r\n")
SCPI = Definite()
ADS = LengthPrefixed(4, form="little", offset=2, sync=b"\0\0")
DICOM = LengthPrefixed(4, offset=2)
NMEA = Enclosed(b"$", b"*", checksum=checksum("xor").written("hex"), cover_end=False, tail=b"\r\n")
MDT = Enclosed(b"\x01", ETX, checksum=checksum("xor").written("hex"), tail=b"\r")
BCC_FROM_STX = Enclosed(STX, ETX, checksum=checksum("xor"), cover_start=True)
TSIP = DleStuffed(start=b"")
DF1_ACKS = (b"\x10\x05", b"\x10\x06", b"\x10\x15")
DF1_BCC = Enclosed(
    b"\x10\x02", b"\x10\x03", escape=b"\x10", checksum=checksum("lrc"), cover_end=False, alone=DF1_ACKS
)
DF1_CRC = Enclosed(
    b"\x10\x02",
    b"\x10\x03",
    escape=b"\x10",
    checksum=checksum("crc-16/arc").written("little"),
    alone=DF1_ACKS,
)
SIEMENS_3964R = Enclosed(
    STX, b"\x10\x03", escape=b"\x10", checksum=checksum("xor"), cover_escapes=True, alone=(b"\x10", b"\x15")
)
ESCAPED_MARKS = Enclosed(escape=b"\x1b", checksum=checksum("xor"))
MAPPED_MARKS = Enclosed(escape=b"\x1b", codes={0x02: 0xE7, 0x03: 0xE8, 0x1B: 0x00})
ASTM = Enclosed(
    STX,
    (ETX, b"\x17"),
    checksum=checksum("sum8").written("hex"),
    tail=b"\r\n",
    keep_ends=True,
    alone=(b"\x04", b"\x05", b"\x06", b"\x15"),
)
M_BUS = Checked(
    LengthPrefixed(1, offset=1, sync=b"\x68", adjust=4, strip=0),
    checksum("sum8"),
    cover_from=4,
    tail=b"\x16",
)
LENGTH_AND_CRC = Checked(
    LengthPrefixed(1, offset=1, sync=STX),
    checksum("crc-16/modbus"),
    cover_header=True,
    cover_from=1,
    tail=ETX,
)
LENGTH_AND_BCC = Checked(LengthPrefixed(2, form="decimal"), checksum("xor").written("hex"), tail=b"\r")
DNP3 = Checked(
    Checked(
        LengthPrefixed(1, offset=2, sync=b"\x05\x64", adjust=4, strip=0),
        checksum("crc-16/dnp").written("little"),
        at=8,
    ),
    checksum("crc-16/dnp").written("little"),
    cover_from=10,
)
MODBUS_ASCII = Checked(HexText(Enclosed(b":", b"\r\n")), checksum("lrc"))
MODBUS_RTU = Checked(
    HeaderFramed(2, modbus_rtu_reply, max_frame=256), checksum("crc-16/modbus"), resync=True
)
GALIL = Delimited((b":", b"?"), keep_ends=True)
KUKA = Delimited(b"</Robot>", keep_ends=True)


@frozen
class Vector:
    """A message: its bytes on the wire in hex, and its frame."""

    name: str
    framing: Framing
    hex: str
    frame: bytes

    @property
    def wire(self) -> bytes:
        return bytes.fromhex(self.hex)


def binary(name: str, framing: Framing, wire: str, frame: str | None = None) -> Vector:
    """Return a message in hex. Without ``frame`` the header is kept."""
    return Vector(name, framing, wire, bytes.fromhex(wire if frame is None else frame))


def text(name: str, framing: Framing, wire: bytes, frame: bytes | None = None) -> Vector:
    """Return a message in ASCII. Without ``frame`` the header is kept."""
    return Vector(name, framing, wire.hex(), wire if frame is None else frame)


VECTORS = [
    # Modbus Messaging on TCP/IP: transaction, protocol 0, length of the rest, unit, PDU.
    binary("Modbus/TCP read holding registers", MODBUS_TCP, "0001 0000 0006 11 03 006B 0003"),
    binary("Modbus/TCP three registers", MODBUS_TCP, "0001 0000 0009 11 03 06 022B 0000 0064"),
    binary("Modbus/TCP exception", MODBUS_TCP, "0002 0000 0003 11 83 02"),
    # SEMI E37: length, then session, stream with W-bit, function, PType, SType, system bytes.
    binary(
        "HSMS Linktest.req",
        HSMS,
        "0000000A FFFF 00 00 00 05 00000002",
        "FFFF 00 00 00 05 00000002",
    ),
    binary("HSMS Select.rsp", HSMS, "0000000A FFFF 00 00 00 02 00000001", "FFFF 00 00 00 02 00000001"),
    binary("HSMS S1F1 W", HSMS, "0000000A 0000 81 01 00 00 00000007", "0000 81 01 00 00 00000007"),
    # SLMP: subheader, network, station, module, multidrop, length, timer or end code, ...
    binary(
        "SLMP 3E read D100",
        SLMP_3E,
        "5000 00 FF FF03 00 0C00 1000 0104 0000 640000 A8 0100",
    ),
    binary("SLMP 3E reply", SLMP_3E_REPLY, "D000 00 FF FF03 00 0400 0000 3412"),
    binary("SLMP 3E error C059", SLMP_3E_REPLY, "D000 00 FF FF03 00 0B00 59C0 00 FF FF03 00 0104 0000"),
    binary(
        "SLMP 4E read D100",
        SLMP_4E,
        "5400 3412 0000 00 FF FF03 00 0C00 1000 0104 0000 640000 A8 0100",
    ),
    binary("SLMP 4E reply", SLMP_4E_REPLY, "D400 3412 0000 00 FF FF03 00 0400 0000 3412"),
    text("SLMP 3E ASCII read D100", SLMP_ASCII, b"500000FF03FF000018001004010000D*0001000001"),
    text("SLMP 3E ASCII reply", SLMP_ASCII_REPLY, b"D00000FF03FF00000800001234"),
    # FINS/TCP: magic, length, command, error; 0 and 1 hand out node addresses, 2 carries a FINS frame.
    binary(
        "FINS/TCP node address request",
        FINS_TCP,
        "46494E53 0000000C 00000000 00000000 00000000",
        "00000000 00000000 00000000",
    ),
    binary(
        "FINS/TCP node address reply",
        FINS_TCP,
        "46494E53 00000010 00000001 00000000 000000EF 00000001",
        "00000001 00000000 000000EF 00000001",
    ),
    binary(
        "FINS/TCP read DM 100",
        FINS_TCP,
        "46494E53 0000001A 00000002 00000000 80000200010000EF0000 0101 82 0064 00 0001",
        "00000002 00000000 80000200010000EF0000 0101 82 0064 00 0001",
    ),
    # RFC 1006 around ISO 8073: the length counts its own four bytes; F0 80 is data, the last piece.
    binary(
        "S7 connection request",
        S7,
        "03000016 11 E0 0000 0001 00 C1020100 C2020102 C0010A",
        "11 E0 0000 0001 00 C1020100 C2020102 C0010A",
    ),
    binary(
        "S7 setup communication",
        S7,
        "03000019 02F080 32010000040000080000 F0000001000101E0",
        "02F080 32010000040000080000 F0000001000101E0",
    ),
    binary(
        "S7 setup communication in two fragments",
        S7_FRAGMENTED,
        "03000017 02F000 32010000040000080000 F0000001000103000009 02F080 01E0",
        "02F080 32010000040000080000 F0000001000101E0",
    ),
    # ODVA CIP volume 2: command, length of the data after the 24-byte header, session, ...
    binary(
        "EtherNet/IP RegisterSession",
        ETHERNET_IP,
        "6500 0400 00000000 00000000 0000000000000000 00000000 0100 0000",
    ),
    binary(
        "EtherNet/IP ListIdentity, which has no data",
        ETHERNET_IP,
        "6300 0000 00000000 00000000 0000000000000000 00000000",
    ),
    # LS Electric: company id, PLC and CPU info, source, invoke id, length, position, sum of bytes 0 to 18.
    binary(
        "XGT FEnet read %DW100",
        XGT_FENET,
        "4C5349532D58475400000000 A0 33 0100 1000 00 3F 5400 0200 0000 0100 0600 254457313030",
    ),
    binary(
        "XGT FEnet from a client that sends bcc 0",
        XGT_FENET,
        "4C5349532D58475400000000 A0 33 0100 1000 00 00 5400 0200 0000 0100 0600 254457313030",
    ),
    # Universal Robots RTDE: the length counts the three bytes of the header.
    binary("RTDE protocol version 2?", RTDE, "0005 56 0002", "56 0002"),
    binary("RTDE accepted", RTDE, "0004 56 01", "56 01"),
    text(
        "UR dashboard greeting",
        UR_DASHBOARD,
        b"Connected: Universal Robots Dashboard Server\n",
        b"Connected: Universal Robots Dashboard Server",
    ),
    text("UR dashboard reply", UR_DASHBOARD, b"Robotmode: RUNNING\n", b"Robotmode: RUNNING"),
    # ROS-Industrial: length, message type, communication type, reply code, data.
    binary(
        "simple_message ping",
        SIMPLE_MESSAGE,
        "0000000C 00000001 00000002 00000000",
        "00000001 00000002 00000000",
    ),
    binary(
        "simple_message ping, little endian",
        SIMPLE_MESSAGE_LITTLE,
        "0C000000 01000000 02000000 00000000",
        "01000000 02000000 00000000",
    ),
    text("In-Sight command", IN_SIGHT, b"GVB005\r\n", b"GVB005"),
    text("In-Sight status line", IN_SIGHT, b"-2\r\n", b"-2"),
    text("CV-X trigger", CV_X, b"TA\r", b"TA"),
    text("CV-X mode", CV_X, b"RM,1\r", b"RM,1"),
    text("CV-X error", CV_X, b"ER,RM,02\r", b"ER,RM,02"),
    # KUKA EKI sends XML without a length: the close of the root element ends a document.
    text(
        "EKI XML document",
        EKI_XML,
        b'<Sensor><Position X="12.5" Y="-3.0"/></Sensor>',
    ),
    text("EKI XML document of one tag", EKI_XML, b'<Robot Alive="1"/>'),
    # Meade LX200: commands in colon and hash, a probe of one byte; some replies have no end at all.
    text("LX200 probe", LX200, b"\x06"),
    text("LX200 get right ascension", LX200, b":GR#", b"GR"),
    text("LX200 right ascension", LX200_REPLY, b"12:00:00#", b"12:00:00"),
    text("LX200 alignment, bare", LX200_BARE_REPLY, b"P"),
    text("LX200 slew accepted, bare", LX200_BARE_REPLY, b"0"),
    binary("C# BinaryWriter, empty string", BINARY_WRITER, "00", ""),
    binary("C# BinaryWriter, string of 256 bytes", BINARY_WRITER, "8002" + "41" * 256, "41" * 256),
    text("LSP message", LSP, b'Content-Length: 8\r\n\r\n{"id":1}', b'{"id":1}'),
    binary(
        "Modbus RTU over TCP write registers",
        RTU_REQUEST,
        "11 10 0001 0002 04 000A 0102 C6F0",
        "11 10 0001 0002 04 000A 0102",
    ),
    text("EKI end string 13,10", EKI_END_STRING, b"POS 12.5 -3.0\r\n", b"POS 12.5 -3.0"),
    binary("EKI fixed size", EKI_FIXED, "00 01 02 03 0D 0A 06 07"),
    text(
        "FANUC RMI connect",
        FANUC_RMI,
        b'{"Communication" : "FRC_Connect"}\r\n',
        b'{"Communication" : "FRC_Connect"}',
    ),
    text("SCPI query", SCPI, b"*IDN?\n", b"*IDN?"),
    text("SCPI block that holds the terminator", SCPI, b"#16\n\0\xff\n#1\n", b"#16\n\0\xff\n#1"),
    text("SCPI block behind a header", SCPI, b"CURV #212ab\ncd\nef\ngh\n\n", b"CURV #212ab\ncd\nef\ngh\n"),
    text("SCPI block without a length", SCPI, b"#0\x01\x02\x03\n", b"#0\x01\x02\x03"),
    # Beckhoff: AMS/TCP header, then target and source NetId and port, command, flags, length, error, id.
    binary(
        "ADS ReadDeviceInfo",
        ADS,
        "0000 20000000 C0A8000A0101 5303 C0A800140101 0080 0100 0400 00000000 00000000 01000000",
        "C0A8000A0101 5303 C0A800140101 0080 0100 0400 00000000 00000000 01000000",
    ),
    # DICOM PS3.8: type, reserved, length of the rest.
    binary("DICOM A-RELEASE-RQ", DICOM, "05 00 00000004 00000000"),
    binary(
        "DICOM C-ECHO-RQ",
        DICOM,
        "04 00 0000004A 00000046 01 03"
        "0000 0000 04000000 38000000 0000 0200 12000000 312E322E3834302E31303030382E312E3100"
        "0000 0001 02000000 3000 0000 1001 02000000 0100 0000 0008 02000000 0101",
    ),
    # NMEA 0183: the XOR covers neither the dollar sign nor the asterisk.
    text(
        "NMEA GGA",
        NMEA,
        b"$GPGGA,123519,4807.038,N,01131.000,E,1,08,0.9,545.4,M,46.9,M,,*47\r\n",
        b"GPGGA,123519,4807.038,N,01131.000,E,1,08,0.9,545.4,M,46.9,M,,",
    ),
    # Mitsubishi display terminal: the XOR leaves SOH out and takes ETX in.
    binary(
        "MDT write",
        MDT,
        "01 30 41 30 45 30 41 02 30 30 31 30 30 30 36 34 03 37 37 0D",
        "30 41 30 45 30 41 02 30 30 31 30 30 30 36 34",
    ),
    binary("STX and ETX, BCC from STX", BCC_FROM_STX, "02 52 31 03 62", "52 31"),
    # Allen-Bradley 1770-6.5.16: the BCC counts the data, the CRC the data and ETX; a DLE counts once.
    binary("DF1 with BCC", DF1_BCC, "10 02 08 09 06 00 02 04 03 10 03 E0", "08 09 06 00 02 04 03"),
    binary(
        "DF1 with BCC and a DLE", DF1_BCC, "10 02 08 09 06 00 10 10 04 03 10 03 D2", "08 09 06 00 10 04 03"
    ),
    binary(
        "DF1 with CRC",
        DF1_CRC,
        "10 02 07 11 41 00 53 B9 00000000 00000000 00000000 10 03 6B 4C",
        "07 11 41 00 53 B9 00000000 00000000 00000000",
    ),
    binary("DF1 acknowledgement", DF1_BCC, "10 06"),
    # Siemens 3964R: the BCC counts all bytes behind STX as they are sent, DLE and ETX included.
    binary("3964R", SIEMENS_3964R, "02 00 00 41 44 01 10 10 03 10 03 14", "00 00 41 44 01 10 03"),
    binary("3964R acknowledgement", SIEMENS_3964R, "10"),
    binary("marks escaped by themselves", ESCAPED_MARKS, "02 1B 02 41 1B 1B 1B 03 03 58", "02 41 1B 03"),
    binary("marks escaped by codes", MAPPED_MARKS, "02 1B E7 41 1B 00 1B E8 03", "02 41 1B 03"),
    # ASTM E1381: ETB ends a frame that goes on in the next one, ETX the last; single bytes beside frames.
    text(
        "ASTM header record",
        ASTM,
        b"\x021H|\\^&|||ACCESS^511550|||||LIS||P|1|20161028161600\r\x0321\r\n",
        b"1H|\\^&|||ACCESS^511550|||||LIS||P|1|20161028161600\r\x03",
    ),
    binary("ASTM enquiry", ASTM, "05"),
    # EN 13757-2: the length twice, the sum of what it counts, and a constant last byte.
    binary("M-Bus set baud rate", M_BUS, "68 03 03 68 53 FE BD 0E 16", "68 03 03 68 53 FE BD"),
    binary("length, CRC of it and the data, ETX", LENGTH_AND_CRC, "02 06 61 62 63 38 3B 03", "61 62 63"),
    text("decimal length, BCC in hex, CR", LENGTH_AND_BCC, b"06abc60\r", b"abc"),
    # IEEE 1815: a CRC of the header, and one of each 16 bytes behind it.
    binary(
        "DNP3 class poll",
        DNP3,
        "05 64 14 F3 01 00 00 04 0A 3B C0 C3 01 3C 02 06 3C 03 06 3C 04 06 3C 01 06 9A 12",
        "05 64 14 F3 01 00 00 04 0A 3B C0 C3 01 3C 02 06 3C 03 06 3C 04 06 3C 01 06",
    ),
    # The sum counts the bytes, not the digits that are sent.
    text("Modbus ASCII", MODBUS_ASCII, b":010300000001FB\r\n", b"\x01\x03\0\0\0\x01"),
    text(
        "Intel HEX record",
        MODBUS_ASCII,
        b":10010000214601360121470136007EFE09D2190140\r\n",
        bytes.fromhex("10010000214601360121470136007EFE09D21901"),
    ),
    binary("Modbus RTU reply", MODBUS_RTU, "01 04 02 03 28 B9 DE", "01 04 02 03 28"),
    text("Galil says yes", GALIL, b" 1.0000\r\n:"),
    text("Galil says no", GALIL, b"?"),
    text("KUKA EKI", KUKA, b'<Robot><Pos X="12.5"/></Robot>'),
    # Trimble: DLE, id, data with DLE doubled, DLE ETX.
    binary("TSIP I/O options", TSIP, "10 35 12 10 10 00 00 10 03", "35 12 10 00 00"),
    binary("TSIP data that looks like the end", TSIP, "10 8E 4A 10 10 03 10 03", "8E 4A 10 03"),
    binary("SLIP", Stuffed(), "01 DB DC DB DD 02 C0", "01 C0 DB 02"),
    binary("COBS", Cobs(), "03 11 22 02 33 00", "11 22 00 33"),
    text("netstring", Netstring(), b"12:hello world!,", b"hello world!"),
    text("netstring, empty", Netstring(), b"0:,", b""),
]

each_vector = pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector.name)


@each_vector
def test_the_wire_is_one_frame_however_it_is_cut(vector: Vector) -> None:
    assert [vector.frame] == read(vector.framing, vector.wire)


@each_vector
def test_two_merged_messages_are_two_frames(vector: Vector) -> None:
    assert [vector.frame, vector.frame] == read(vector.framing, vector.wire * 2)


@each_vector
def test_the_frame_is_sent_as_the_wire(vector: Vector) -> None:
    assert vector.wire == vector.framing.encode(vector.frame)


@each_vector
def test_nothing_is_left_over(vector: Vector) -> None:
    decoder = vector.framing.decoder()
    decoder.feed(vector.wire)
    assert (0, b"", []) == (decoder.buffered, decoder.trailing, outcome_of(decoder.close))


def test_a_serial_server_begins_a_connection_with_its_mac_address() -> None:
    frame = bytes.fromhex("0001 0000 0005 01 03 02 0328")
    assert [frame, frame] == read(MOXA, bytes.fromhex("0090E8123456") + frame + frame)


def test_putty_offers_its_options_before_the_first_line() -> None:
    assert [b"WHO"] == read(PUTTY, bytes.fromhex("FFFB1F FFFD01 FFFD03") + b"WHO\r\n")


def test_the_in_sight_prompt_that_has_no_line_end_is_ended_by_silence() -> None:
    decoder = IN_SIGHT.decoder()
    assert [b"Welcome to In-Sight(tm)  7802 Session 0"] == feed(
        decoder, b"Welcome to In-Sight(tm)  7802 Session 0\r\nUser: "
    )
    assert [b"User: "] == decoder.flush()
    assert [b"User Logged In"] == feed(decoder, b"User Logged In\r\n")


def test_a_keyence_trigger_and_its_result_are_two_lines() -> None:
    assert [b"TA", b"00012.345,+0001"] == read(CV_X, b"TA\r00012.345,+0001\r")


def test_a_wrong_mdt_checksum_costs_one_message() -> None:
    good = b"\x010A\x0200\x0370\r"
    wrong = b"\x010A\x0200\x0371\r"
    assert [
        Fault(BadChecksum, "10 bytes came whose xor over bytes 1 to 6 is 71, not 70"),
        b"0A\x0200",
    ] == read(MDT, wrong + good)


def test_a_wrong_xgt_checksum_costs_one_message() -> None:
    good = next(each for each in VECTORS if each.name == "XGT FEnet read %DW100").wire
    wrong = good[:19] + b"\x99" + good[20:]
    reason = f"{len(good)} bytes came whose sum8 over bytes 0 to 18 is 99, not 3F"
    fault = Fault(BadChecksum, reason, offset=len(good))
    assert [good, fault, good] == read(XGT_FENET, good + wrong + good)


def test_a_wrong_xgt_checksum_is_not_sent() -> None:
    good = next(each for each in VECTORS if each.name == "XGT FEnet read %DW100").wire
    with pytest.raises(EncodeError, match=r"sum8 checksum in the frame, at byte 19, is b'\\x99'"):
        XGT_FENET.encode(good[:19] + b"\x99" + good[20:])


def test_fins_goes_on_at_the_next_magic_after_garbage() -> None:
    frame = bytes.fromhex("00000003 00000001")
    wire = b"FINS\0\0\0\x08" + frame
    assert [
        Fault(UnexpectedBytes, "a frame must begin with b'FINS', not with b'\\x00\\xff F'"),
        frame,
    ] == read(FINS_TCP, b"\0\xff F" + wire)
