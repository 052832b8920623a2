"""
The public names of :mod:`tcpcomm.framing`, and the module that defines each.

Type checkers and editors read the imports. At run time :mod:`tcpcomm._lazy` reads the table.
"""

# ruff: noqa: I001, PLC0414 - an alias says that a name is public, and one line for each would be long

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from tcpcomm.framing.autodetect import AutoDetect as AutoDetect
    from tcpcomm.framing.base import (
        DEFAULT_MAX_FRAME as DEFAULT_MAX_FRAME,
        LONGEST_REFUSED as LONGEST_REFUSED,
        Buffer as Buffer,
        Decoder as Decoder,
        Framing as Framing,
        decode as decode,
    )
    from tcpcomm.framing.checksums import (
        CHECKSUMS as CHECKSUMS,
        Checksum as Checksum,
        checksum as checksum,
        crc as crc,
    )
    from tcpcomm.framing.delimited import (
        Delimited as Delimited,
        Lines as Lines,
        split_ending as split_ending,
    )
    from tcpcomm.framing.documents.json_values import JsonValues as JsonValues
    from tcpcomm.framing.documents.xml_documents import XmlDocuments as XmlDocuments
    from tcpcomm.framing.enclosed import ETX as ETX, STX as STX, Enclosed as Enclosed
    from tcpcomm.framing.framing_around import FramingAround as FramingAround
    from tcpcomm.framing.ieee488 import Definite as Definite
    from tcpcomm.framing.headers.content_length import ContentLength as ContentLength
    from tcpcomm.framing.headers.counted_body import CountedBody as CountedBody
    from tcpcomm.framing.headers.header_framed import HeaderFramed as HeaderFramed, More as More
    from tcpcomm.framing.headers.modbus_rtu import (
        modbus_rtu_reply as modbus_rtu_reply,
        modbus_rtu_request as modbus_rtu_request,
    )
    from tcpcomm.framing.headers.variable_length import VariableLength as VariableLength
    from tcpcomm.framing.length import FixedSize as FixedSize, LengthPrefixed as LengthPrefixed
    from tcpcomm.framing.netstring import Netstring as Netstring
    from tcpcomm.framing.notation import format_framing as format_framing, parse_framing as parse_framing
    from tcpcomm.framing.pieces import PieceDecoder as PieceDecoder, UnusablePiece as UnusablePiece
    from tcpcomm.framing.streams.preamble import Preamble as Preamble
    from tcpcomm.framing.streams.telnet import Telnet as Telnet
    from tcpcomm.framing.stuffed import Cobs as Cobs, DleStuffed as DleStuffed, Stuffed as Stuffed
    from tcpcomm.framing.unframed import Unframed as Unframed
    from tcpcomm.framing.wrappers import (
        COTP as COTP,
        Checked as Checked,
        Fragments as Fragments,
        HexText as HexText,
        Nested as Nested,
    )

DEFINED_IN: Final = {
    "tcpcomm.framing.autodetect": ["AutoDetect"],
    "tcpcomm.framing.base": [
        "DEFAULT_MAX_FRAME",
        "LONGEST_REFUSED",
        "Buffer",
        "Decoder",
        "Framing",
        "decode",
    ],
    "tcpcomm.framing.checksums": ["CHECKSUMS", "Checksum", "checksum", "crc"],
    "tcpcomm.framing.delimited": ["Delimited", "Lines", "split_ending"],
    "tcpcomm.framing.documents.json_values": ["JsonValues"],
    "tcpcomm.framing.documents.xml_documents": ["XmlDocuments"],
    "tcpcomm.framing.enclosed": ["ETX", "STX", "Enclosed"],
    "tcpcomm.framing.framing_around": ["FramingAround"],
    "tcpcomm.framing.ieee488": ["Definite"],
    "tcpcomm.framing.headers.content_length": ["ContentLength"],
    "tcpcomm.framing.headers.counted_body": ["CountedBody"],
    "tcpcomm.framing.headers.header_framed": ["HeaderFramed", "More"],
    "tcpcomm.framing.headers.modbus_rtu": ["modbus_rtu_reply", "modbus_rtu_request"],
    "tcpcomm.framing.headers.variable_length": ["VariableLength"],
    "tcpcomm.framing.length": ["FixedSize", "LengthPrefixed"],
    "tcpcomm.framing.netstring": ["Netstring"],
    "tcpcomm.framing.notation": ["format_framing", "parse_framing"],
    "tcpcomm.framing.pieces": ["PieceDecoder", "UnusablePiece"],
    "tcpcomm.framing.streams.preamble": ["Preamble"],
    "tcpcomm.framing.streams.telnet": ["Telnet"],
    "tcpcomm.framing.stuffed": ["Cobs", "DleStuffed", "Stuffed"],
    "tcpcomm.framing.unframed": ["Unframed"],
    "tcpcomm.framing.wrappers": ["COTP", "Checked", "Fragments", "HexText", "Nested"],
}
"""The names that each module defines."""
