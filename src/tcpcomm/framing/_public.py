"""What :mod:`tcpcomm.framing` offers: it takes each name from where this says, when it is used."""


from tcpcomm.framing.base import (
    DEFAULT_MAX_FRAME,
    Buffer,
    Decoder,
    Framing,
    Step,
    Unusable,
    decode,
)
from tcpcomm.framing.checksums import CHECKSUMS, Checksum, checksum, crc
from tcpcomm.framing.delimited import Delimited, Lines, split_ending
from tcpcomm.framing.enclosed import ETX, STX, Enclosed
from tcpcomm.framing.ieee488 import Definite
from tcpcomm.framing.length import FixedSize, HeaderFramed, LengthPrefixed
from tcpcomm.framing.netstring import Netstring
from tcpcomm.framing.notation import format_framing, parse_framing
from tcpcomm.framing.stuffed import Cobs, DleStuffed, Stuffed
from tcpcomm.framing.unframed import Unframed
from tcpcomm.framing.wrappers import COTP, Checked, Fragments, Nested

__all__ = [
    "CHECKSUMS",
    "COTP",
    "DEFAULT_MAX_FRAME",
    "ETX",
    "STX",
    "Buffer",
    "Checked",
    "Checksum",
    "Cobs",
    "Decoder",
    "Definite",
    "Delimited",
    "DleStuffed",
    "Enclosed",
    "FixedSize",
    "Fragments",
    "Framing",
    "HeaderFramed",
    "LengthPrefixed",
    "Lines",
    "Nested",
    "Netstring",
    "Step",
    "Stuffed",
    "Unframed",
    "Unusable",
    "checksum",
    "crc",
    "decode",
    "format_framing",
    "parse_framing",
    "split_ending",
]
