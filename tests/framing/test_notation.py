"""Framings as text, for command lines and configuration files."""

from __future__ import annotations

import re

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from tcpcomm.errors import ConfigurationError
from tcpcomm.framing import (
    COTP,
    ETX,
    STX,
    Checked,
    Checksum,
    Cobs,
    ContentLength,
    CountedBody,
    Definite,
    Delimited,
    DleStuffed,
    Enclosed,
    FixedSize,
    Fragments,
    Framing,
    HeaderFramed,
    HexText,
    JsonValues,
    LengthPrefixed,
    Lines,
    Nested,
    Netstring,
    Stuffed,
    Unframed,
    VariableLength,
    XmlDocuments,
    checksum,
    format_framing,
    modbus_rtu_reply,
    modbus_rtu_request,
    parse_framing,
)
from tcpcomm.testing import framings

XOR = checksum("xor")
XOR_HEX = XOR.written("hex")
TPKT = LengthPrefixed(2, offset=2, sync=b"\x03\x00", adjust=-4)

TEXT_FORMS: list[tuple[str, Framing]] = [
    ("lines", Lines()),
    (r"lines,send=\n", Lines(send=b"\n")),
    ("lines,keep-ends,max=100", Lines(keep_ends=True, max_frame=100)),
    ("raw", Unframed()),
    ("raw,join", Unframed(join=True)),
    (r"delimited:\r\n", Delimited(b"\r\n")),
    (r"delimited:\r\n|;", Delimited([b"\r\n", b";"])),
    (r"delimited:\,|\||\\|\:|\=", Delimited([b",", b"|", b"\\", b":", b"="])),
    (r"delimited:\0|\t|\xff|\x20", Delimited([b"\0", b"\t", b"\xff", b" "])),
    ("delimited:</Sensor>,max=65536", Delimited(b"</Sensor>", max_frame=65536)),
    ("length:4", LengthPrefixed(4)),
    ("length:2,little,adjust=-3", LengthPrefixed(2, form="little", adjust=-3)),
    ("length:4,hex,offset=14,sync=5000", LengthPrefixed(4, form="hex", offset=14, sync=b"5000")),
    ("length:2,strip=0", LengthPrefixed(2, strip=0)),
    ("length:varint", VariableLength()),
    ("length:varint,offset=1,max=268435455", VariableLength(offset=1, max_frame=268435455)),
    ("length:ber,offset=1,adjust=2", VariableLength("ber", offset=1, adjust=2)),
    ("length:decimal", VariableLength("decimal")),
    (r"length:decimal,end=\,", VariableLength("decimal", end=b",")),
    (r"length:hex,end=\r\n,offset=4,max=100", VariableLength("hex", end=b"\r\n", offset=4, max_frame=100)),
    ("content-length", ContentLength()),
    ("content-length,max-header=500,max=65536", ContentLength(max_header=500, max_frame=65536)),
    ("modbus-rtu-request", HeaderFramed(2, modbus_rtu_request)),
    (
        "modbus-rtu-reply,check=crc-16/modbus",
        Checked(HeaderFramed(2, modbus_rtu_reply), checksum("crc-16/modbus")),
    ),
    (r"counted-body:IMG\x20{count}", CountedBody(b"IMG {count}")),
    (
        r"counted-body:I\,{w}\,{count}|R\:{count\:x},end=\n,tail=\r\n",
        CountedBody((b"I,{w},{count}", b"R:{count:x}"), end=b"\n", tail=b"\r\n"),
    ),
    ("json", JsonValues()),
    (r"json,end=\n,between=\r\n\,,max=100", JsonValues(end=b"\n", between=b"\r\n,", max_frame=100)),
    ("xml", XmlDocuments()),
    (r"xml,end=\0,between=\0", XmlDocuments(between=b"\0", end=b"\0")),
    ("tpkt", TPKT),
    ("tpkt,max=100", evolve(TPKT, max_frame=100)),
    ("fixed:16", FixedSize(16)),
    ("stx-etx", Enclosed()),
    ("stx-etx,bcc=xor", Enclosed(checksum=XOR)),
    ("stx-etx,cover-start,bcc=crc-16/arc", Enclosed(checksum=checksum("crc-16/arc"), cover_start=True)),
    (
        r"enclosed:$|*,no-cover-end,bcc=xor:hex,tail=\r\n",
        Enclosed(b"$", b"*", checksum=XOR_HEX, cover_end=False, tail=b"\r\n"),
    ),
    (r"enclosed:\:|\r\n,hex-text,check=lrc", Checked(HexText(Enclosed(b":", b"\r\n")), checksum("lrc"))),
    ("lines,hex-text-lower", HexText(Lines(), lower=True)),
    (
        r"length:1,offset=1,adjust=4,sync=h,strip=0,check=sum8,check-from=4,check-tail=\x16",
        Checked(
            LengthPrefixed(1, offset=1, adjust=4, sync=b"h", strip=0),
            checksum("sum8"),
            cover_from=4,
            tail=b"\x16",
        ),
    ),
    (
        r"length:1,offset=1,sync=\x02,check=crc-16/modbus,check-from=1,check-tail=\x03,check-header",
        Checked(
            LengthPrefixed(1, offset=1, sync=STX),
            checksum("crc-16/modbus"),
            cover_from=1,
            tail=ETX,
            cover_header=True,
        ),
    ),
    (
        "length:1,offset=2,head-check=xor,head-check-at=3,check=sum8,check-from=4",
        Checked(Checked(LengthPrefixed(1, offset=2, strip=0), XOR, at=3), checksum("sum8"), cover_from=4),
    ),
    (
        "modbus-rtu-reply,max=256,check=crc-16/modbus,check-resync",
        Checked(HeaderFramed(2, modbus_rtu_reply, max_frame=256), checksum("crc-16/modbus"), resync=True),
    ),
    (r"enclosed:\||\,,between=\r\n", Enclosed(b"|", b",", between=b"\r\n")),
    ("netstring", Netstring()),
    ("cobs,max=50", Cobs(max_frame=50)),
    ("slip", Stuffed()),
    ("slip,lead", Stuffed(lead=True)),
    ("dle", DleStuffed()),
    ("dle,start=", DleStuffed(start=b"")),
    ("dle,start=<,end=>,escape=/", DleStuffed(start=b"<", end=b">", escape=b"/")),
    ("definite", Definite()),
    (r"definite,block-ends,terminator=\r\n", Definite(terminator=b"\r\n", block_ends=True)),
    ("cotp", Nested(TPKT)),
    ("cotp,max-fragment=1024,max=65536", Nested(TPKT, max_fragment=1024, max_frame=65536)),
    ("lines,check=crc-16/modbus:hex", Checked(Lines(), checksum("crc-16/modbus").written("hex"))),
    (
        "length:2,little,offset=16,adjust=2,sync=LSIS-XGT\\0\\0,check-zero-ok,check=sum8,check-at=19",
        Checked(
            LengthPrefixed(2, form="little", offset=16, adjust=2, sync=b"LSIS-XGT\0\0"),
            checksum("sum8"),
            at=19,
            zero_is_unchecked=True,
        ),
    ),
    (
        "fixed:8,check=xor,check-from=1,check-to=4",
        Checked(FixedSize(8), XOR, cover_from=1, cover_to=4),
    ),
]

each_text_form = pytest.mark.parametrize(
    ("text", "framing"), TEXT_FORMS, ids=[text for text, _ in TEXT_FORMS]
)


@each_text_form
def test_a_text_is_read_as_a_framing(text: str, framing: Framing) -> None:
    assert framing == parse_framing(text)


@each_text_form
def test_a_framing_is_written_as_text(text: str, framing: Framing) -> None:
    assert text == format_framing(framing)


@pytest.mark.parametrize(
    ("text", "framing"),
    [
        ("length:4,big", LengthPrefixed(4)),
        ("delimited:=", Delimited(b"=")),
        ("delimited::", Delimited(b":")),
        ("counted-body:IMG {count}", CountedBody(b"IMG {count}")),
        ("counted-body:{count:x}", CountedBody(b"{count:x}")),
        ("delimited:é", Delimited("é".encode())),
        ("delimited:\udcff", Delimited(b"\xff")),
        (r"delimited:\x0D\x0a", Delimited(b"\r\n")),
        ("enclosed:\\x02|\\x03", Enclosed(STX, ETX)),
        (r"delimited::|?,keep-ends", Delimited((b":", b"?"), keep_ends=True)),
        (r"enclosed:\x02|\x03|\x17,keep-ends", Enclosed(STX, (ETX, b"\x17"), keep_ends=True)),
        (r"stx-etx,alone=\x06|\x15", Enclosed(alone=(b"\x06", b"\x15"))),
        (
            r"stx-etx,escape=\x1b,codes=\x02\xe7|\x03\xe8|\x1b\0",
            Enclosed(escape=b"\x1b", codes={2: 0xE7, 3: 0xE8, 0x1B: 0}),
        ),
        (
            r"enclosed:\x10\x02|\x10\x03,bcc=lrc,no-cover-end,escape=\x10",
            Enclosed(b"\x10\x02", b"\x10\x03", escape=b"\x10", checksum=checksum("lrc"), cover_end=False),
        ),
        (
            r"enclosed:\x02|\x10\x03,bcc=xor,escape=\x10,cover-escapes",
            Enclosed(STX, b"\x10\x03", escape=b"\x10", checksum=checksum("xor"), cover_escapes=True),
        ),
        ("stx-etx,bcc=XOR", Enclosed(checksum=XOR)),
        ("stx-etx,bcc=xor:big", Enclosed(checksum=XOR)),
        ("dle,start=\\x02,max=00010", DleStuffed(max_frame=10)),
        ("lines,check=xor,max=10", Checked(Lines(max_frame=10), XOR)),
    ],
)
def test_other_spellings_are_understood(text: str, framing: Framing) -> None:
    assert framing == parse_framing(text)


def has_text_form(framing: Framing, checks: int = 0) -> bool:
    """Return True if this framing is of a kind that the notation names."""
    match framing:
        case Checked(framing=inner):
            head = not (framing.tail or framing.cover_header or framing.resync)
            return checks < (2 if head else 1) and has_text_form(inner, checks + 1)
        case HexText(framing=inner):
            return not isinstance(inner, Checked | HexText) and has_text_form(inner)
        case Nested():
            return (framing.outer, framing.fragments) == (TPKT, COTP)
        case Stuffed():
            return framing == Stuffed(lead=framing.lead, max_frame=framing.max_frame)
        case _:
            return not isinstance(framing, HeaderFramed)


@given(framings())
def test_reading_what_was_written_gives_an_equal_framing(framing: Framing) -> None:
    if has_text_form(framing):
        assert framing == parse_framing(format_framing(framing))
    else:
        with pytest.raises(ConfigurationError, match=r"has no text form$"):
            format_framing(framing)


@given(st.lists(st.binary(min_size=1, max_size=3), min_size=1, max_size=3))
def test_any_bytes_can_be_written(values: list[bytes]) -> None:
    for value in values:
        assert Enclosed(tail=value) == parse_framing(format_framing(Enclosed(tail=value)))


@given(
    st.builds(
        evolve,
        st.just(TPKT),
        adjust=st.sampled_from([-4, 0]),
        form=st.sampled_from(["big", "little"]),
        strip=st.sampled_from([0, 2, 4]),
        max_frame=st.integers(4, 65531),
    )
)
def test_a_framing_that_is_nearly_a_preset_is_written_in_full(framing: LengthPrefixed) -> None:
    assert framing == parse_framing(format_framing(framing))


OWN = Checksum("xor", lambda data: 0)


@pytest.mark.parametrize(
    "framing",
    [
        HeaderFramed(1, lambda header: header[0]),
        Stuffed(codes={0xC0: 1, 0xDB: 2}),
        Stuffed(end=b"\x7e", escape=b"\x7d", codes={0x7E: 0x5E, 0x7D: 0x5D}),
        Nested(TPKT, Fragments(header=1, flag=0, last=1)),
        Nested(LengthPrefixed(2)),
        Checked(Checked(Checked(Lines(), XOR), XOR), XOR),
        Checked(Checked(Lines(), XOR, tail=b"a"), XOR),
        HexText(Checked(Lines(), XOR)),
        Checked(HeaderFramed(1, lambda header: header[0]), XOR),
    ],
    ids=lambda framing: type(framing).__name__,
)
def test_a_framing_with_values_that_text_cannot_express_has_no_text_form(framing: Framing) -> None:
    with pytest.raises(ConfigurationError, match=r"^[A-Z][A-Za-z]+.* has no text form$"):
        format_framing(framing)


def test_a_checksum_of_a_user_has_no_text_form() -> None:
    with pytest.raises(ConfigurationError, match=r"^the checksum 'xor' differs from the catalogue"):
        format_framing(Enclosed(checksum=OWN))
    with pytest.raises(ConfigurationError, match=r"^no checksum is called 'mine'"):
        format_framing(Checked(Lines(), evolve(OWN, name="mine")))


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "no framing is called ''; there are lines, raw, delimited, tpkt, length, "),
        ("line", "no framing is called 'line'; there are lines, "),
        ("Lines", "no framing is called 'Lines'; there are lines, "),
        ("length", "framing 'length': length needs a value, as in length:4"),
        ("delimited,max=3", r"framing 'delimited,max=3': delimited needs a value, as in delimited:\r\n"),
        ("fixed", "framing 'fixed': fixed needs a value, as in fixed:16"),
        ("enclosed", "framing 'enclosed': enclosed needs a value, as in enclosed:$|*"),
        ("lines:3", "framing 'lines:3': lines takes no value"),
        ("length:x", "framing 'length:x': 'x' is not a whole number"),
        ("length:", "framing 'length:': '' is not a whole number"),
        ("length:4.0", "framing 'length:4.0': '4.0' is not a whole number"),
        ("length:٤", "framing 'length:٤': '٤' is not a whole number"),
        ("length:leb", "framing 'length:leb': 'leb' is not a whole number"),
        ("length:decimal,end=", "framing 'length:decimal,end=': the digits of decimal need an end, such"),
        ("length:varint:3", "framing 'length:varint:3': 'varint:3' is not a whole number"),
        ("length:9", "framing 'length:9': width must be 1 to 8 bytes, not 9"),
        ("length:999999999999999", "framing 'length:999999999999999': width must be 1 to 8 bytes, not "),
        ("length:4,max=1" + "0" * 99, "framing 'length:4,max=1000"),
        ("length:4,max=0", "framing 'length:4,max=0': max_frame must be at least 1 byte, not 0"),
        ("length:4,middle", "framing 'length:4,middle': no option 'middle'; there are offset=…, "),
        ("length:4,big,little", "framing 'length:4,big,little': 'little' comes after another option for"),
        ("lines,max=1,max=2", "framing 'lines,max=1,max=2': 'max=2' comes after another option for the"),
        ("lines,max", "framing 'lines,max': no option 'max'; there are send=…, max=…, "),
        ("lines,keep-ends=1", "framing 'lines,keep-ends=1': no option 'keep-ends=1'; there are "),
        ("lines,", "framing 'lines,': no option ''; there are "),
        ("lines, max=1", "framing 'lines, max=1': no option ' max=1'; there are "),
        ("lines,send=x", r"framing 'lines,send=x': a line ends with \r\n, \n or \r, not with b'x'"),
        ("delimited:", "framing 'delimited:': a delimiter must have at least one byte, not (b'',)"),
        ("delimited:a|", "framing 'delimited:a|': a delimiter must have at least one byte, not "),
        (r"delimited:\q", r"framing 'delimited:\\q': a backslash before 'q' means nothing; there are \r"),
        (r"delimited:\x4", r"framing 'delimited:\\x4': a backslash before 'x' means nothing; there are "),
        ("delimited:a\\", r"framing 'delimited:a\\': a backslash before the end means nothing; there are "),
        ("delimited:\\\n", r"framing 'delimited:\\\n': a backslash before '\n' means nothing; there are "),
        ("enclosed:$", "framing 'enclosed:$': needs a start and an end, as in enclosed:$|*"),
        ("stx-etx,codes=ab|c", "framing 'stx-etx,codes=ab|c': codes are pairs of a byte and its code, as "),
        ("stx-etx,codes=ab", "framing 'stx-etx,codes=ab': codes and cover_escapes need an escape byte"),
        ("enclosed:a|ab", "framing 'enclosed:a|ab': start b'a' and end b'ab' hold each other"),
        ("stx-etx,bcc=crc", "framing 'stx-etx,bcc=crc': no checksum is called 'crc'; there are xor, "),
        ("stx-etx,bcc=xor:octal", "framing 'stx-etx,bcc=xor:octal': a checksum is written as big, "),
        ("stx-etx,bcc=", "framing 'stx-etx,bcc=': no checksum is called ''; there are xor, "),
        ("lines,check-at=3", "framing 'lines,check-at=3': check-… options need check=…"),
        (
            "lines,head-check-at=3",
            "framing 'lines,head-check-at=3': head-check-… options need head-check=…",
        ),
        (
            "lines,hex-text,hex-text-lower",
            "framing 'lines,hex-text,hex-text-lower': 'hex-text-lower' comes ",
        ),
        ("lines,check=xor,check-resync", "framing 'lines,check=xor,check-resync': resync needs a Length"),
        ("lines,check-zero-ok", "framing 'lines,check-zero-ok': check-… options need check=…"),
        ("fixed:1,check=xor", "framing 'fixed:1,check=xor': the inner framing's max_frame=1 leaves no"),
    ],
)
def test_an_error_is_one_line_that_names_the_text(text: str, reason: str) -> None:
    with pytest.raises(ConfigurationError, match=f"^{re.escape(reason)}") as caught:
        parse_framing(text)
    assert 1 == len(str(caught.value).splitlines())


def read_text(text: str) -> Framing | str:
    try:
        return parse_framing(text)
    except ConfigurationError as error:
        return str(error)


@given(st.one_of(st.text(), st.from_regex(r"(lines|length:|delimited:|stx-etx|cotp)[a-z0-9,=:|\\]*")))
def test_any_text_is_a_framing_or_one_clear_error(text: str) -> None:
    found = read_text(text)
    if isinstance(found, str):
        assert 1 == len(found.splitlines())
    else:
        assert found == parse_framing(format_framing(found))


def test_a_byte_of_the_shell_behind_a_backslash_is_told_as_a_byte() -> None:
    with pytest.raises(ConfigurationError) as caught:
        parse_framing("delimited:\\\udcff")  # $'delimited:\\\xff' of a shell
    assert (
        "framing 'delimited:\\\\\\udcff': a backslash before the byte FF, which is written \\xFF, means "
        "nothing; there are \\r \\n \\t \\0 \\xHH \\\\ \\, \\| \\: \\="
    ) == str(caught.value)
