"""The dissectors cut streams by every framing of the notation, and verify every checksum."""

from __future__ import annotations

from typing import Annotated, Any

import pytest

from tcpcomm import Equipment, command, declaration_of, event
from tcpcomm.codec import U8, Binary, Fixed, Json, Rest, Template, Xml
from tcpcomm.framing import CHECKSUMS, parse_framing
from tests.interop.wireshark.captured import Captured, captured_talk
from tests.interop.wireshark.talk import WAYS, check


class Data(Equipment):
    """Equipment that takes and returns any bytes."""

    codec = Binary()

    @command(0x10)
    def turn(self, number: U8, data: Annotated[bytes, Rest()]) -> Annotated[bytes, Rest()]:
        """Turn bytes."""
        raise NotImplementedError

    @event(0x7E)
    def came(self, data: Annotated[bytes, Rest()]) -> None:
        """Tell that bytes came."""


class Blocks(Equipment):
    """Equipment whose messages have all the same size."""

    codec = Binary(fault_head=None)

    @command(0x10)
    def turn(self, data: Annotated[bytes, Fixed(15)]) -> Annotated[bytes, Fixed(15)]:
        """Turn bytes."""
        raise NotImplementedError


class Words(Equipment):
    """Equipment that takes numbers and words."""

    codec = Template(fault="NG {code:d}")

    @command("GO {number:d} {word}", reply="OK {length:.2f}")
    def go(self, number: int, word: str) -> float:
        """Go somewhere."""
        raise NotImplementedError

    @event("ALM {code:d}")
    def alarm(self, code: int) -> None:
        """Tell an alarm."""


class Objects(Equipment):
    """Equipment that speaks JSON."""

    codec = Json()

    @command()
    def go(self, number: int, word: str) -> float:
        """Go somewhere."""
        raise NotImplementedError


class Documents(Equipment):
    """Equipment that speaks XML."""

    codec = Xml()

    @command('<Go Number="{number:d}"><Word>{word}</Word></Go>', reply="<Done>{length:.2f}</Done>")
    def go(self, number: int, word: str) -> float:
        """Go somewhere."""
        raise NotImplementedError


OF_BYTES = (
    "length:4",
    "length:2,little",
    "length:2,adjust=-2",
    r"length:2,offset=2,sync=\xAA\x55",
    "length:4,decimal",
    "length:4,hex",
    "length:varint",
    "length:ber",
    "length:decimal",
    r"length:hex,end=\r\n",
    "content-length",
    "netstring",
    "cobs",
    "slip",
    "slip,lead",
    "dle",
    r"enclosed:\x10\x02|\x10\x03,escape=\x10,bcc=crc-16/arc",
    "tpkt",
    "cotp",
    r"stx-etx,hex-text",
    r"enclosed::|\r\n,hex-text,check=lrc",
    "length:2,check=crc-16/modbus,check-header",
    "length:2,preamble=6",
    r"length:2,preamble=\x01\x02",
    "length:2,check=sum8,check-tail=\\x16",
    *(f"length:2,check={name}" for name in CHECKSUMS),
)
OF_TEXT = (
    "lines",
    r"delimited:\r\n",
    "delimited:;",
    r"delimited:\r|\n",
    "stx-etx",
    "stx-etx,bcc=xor",
    r"enclosed:$|*,bcc=xor:hex,tail=\r\n",
    "definite",
    "definite,block-ends",
    r"delimited:\r\n,telnet",
    r"counted-body:IMG {count}",
)
FRAMINGS = (
    *((each, Data) for each in OF_BYTES),
    *((each, Words) for each in OF_TEXT),
    ("fixed:16", Blocks),
    ("json", Objects),
    (r"json,end=\n", Objects),
    ("xml", Documents),
)


def declared(number: int, notation: str, base: type[Equipment]) -> Any:
    return declaration_of(type(f"Framed{number}", (base,), {"framing": parse_framing(notation)}))


@pytest.fixture(scope="module")
def captured(tmp_path_factory: pytest.TempPathFactory) -> Captured:
    declarations = {
        f"framed{number}": declared(number, notation, base)
        for number, (notation, base) in enumerate(FRAMINGS)
    }
    return captured_talk(tmp_path_factory.mktemp("framings"), declarations, WAYS, seeds=2)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("number", range(len(FRAMINGS)), ids=[each for each, _ in FRAMINGS])
def test_a_stream_is_cut(number: int, way: str, captured: Captured) -> None:
    for said, shown in captured[f"framed{number}", way]:
        check(said, shown)
