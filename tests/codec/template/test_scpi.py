"""Scpi: headers in all spellings, several commands in one line, strings, blocks, and words."""

from __future__ import annotations

from enum import Enum
from random import Random
from typing import Any, Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tcpcomm import Equipment, command, declaration_of
from tcpcomm.codec import Dialect, Field, MessageSpec, Scpi
from tcpcomm.codec.base import Answer, Batch, Refusal, Request
from tcpcomm.codec.template.scpi.headers import parse_header
from tcpcomm.codec.template.scpi.messages import split
from tcpcomm.errors import CodecError, ConfigurationError
from tcpcomm.framing import Definite
from tcpcomm.testing import check_equipment


class Source(Enum):
    INTERNAL = "INT"
    EXTERNAL = "EXT"


def spec(name_: str, wire: str, reply: Any = None, result: Any = None, **types: Any) -> MessageSpec:
    fields = tuple(Field(each, kind) for each, kind in types.items())
    return MessageSpec(name_, f"Meter.{name_}", wire, reply, fields, result)


SPECS = [
    spec("identity", "*IDN?", "{text}", str),
    spec("reset", "*RST"),
    spec("volts", "MEASure[:VOLTage][:DC]?", "{volts:.6E}", float),
    spec("amps", "MEASure:CURRent[:DC]?", "{amps:.6E}", float),
    spec("set_volts", "[SOURce:]VOLTage[:LEVel] {volts:.3f}", volts=float),
    spec("get_volts", "[SOURce:]VOLTage[:LEVel]?", "{volts:.3f}", float),
    spec("output", "OUTPut{channel:d}[:STATe] {on}", channel=int, on=bool),
    spec("trigger", "TRIGger:SOURce {source},{edge}", source=Source, edge=Literal["POS", "NEG"]),
    spec("show", "DISPlay[:WINDow]:TEXT[:DATA] {text:q}", text=str),
    spec("load", "DATA:ARBitrary {name},{data:block}", name=str, data=bytes),
    spec("curve", "CURVe?", "{data:block}", bytes),
    spec("error", "SYSTem:ERRor[:NEXT]?", "{code:d},{text:q}", None),
    spec("mask", "STATus:ENABle {mask:d}", mask=int),
    spec("range", "CONFigure:RANGe[:UPPer] {low:.1f}[,{high:.1f}]", low=float, high=float | None),
]
SPECS[11] = spec("error", "SYSTem:ERRor[:NEXT]?", "{text:q}", str)


@pytest.fixture(scope="module")
def meter() -> Dialect:
    return Scpi().bind(SPECS)


def asked(dialect: Dialect, line: bytes) -> list[Any]:
    return [
        (each.name, each.values) if isinstance(each, Request) else str(each.problem)
        for each in dialect.read_at_equipment(line).requests
    ]


@pytest.mark.parametrize(
    "line",
    [
        b"MEAS?",
        b"meas:volt?",
        b"MEASURE:VOLTAGE?",
        b"MEASure:VOLTage:DC?",
        b":MEAS:DC?",
        b"Measure:Volt:DC?\r",
        b"  MEAS? ",
    ],
)
def test_a_header_is_read_in_every_spelling(meter: Dialect, line: bytes) -> None:
    """Only the spelling of the declaration was read, so pyvisa's users met silence."""
    assert [("volts", {})] == asked(meter, line)


@pytest.mark.parametrize(
    "line", [b"MEASU?", b"MEAS:VOLTS?", b"MEAS", b"MEAS:CURR:VOLT?", b"VOLTAG 1", b"OUTP0X ON"]
)
def test_another_header_is_refused_without_a_reply(meter: Dialect, line: bytes) -> None:
    (refusal,) = meter.read_at_equipment(line).requests
    assert isinstance(refusal, Refusal)
    assert not refusal.wants_reply
    assert "there is no command" in str(refusal.problem)


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (b"*idn?", [("identity", {})]),
        (b"*RST;*IDN?", [("reset", {}), ("identity", {})]),
        (b"*RST; *IDN?;\r", [("reset", {}), ("identity", {})]),
        (b"VOLT 5", [("set_volts", {"volts": 5.0})]),
        (b"SOUR:VOLT:LEV 5.0E0", [("set_volts", {"volts": 5.0})]),
        (b"source:voltage\t+5.;VOLT?", [("set_volts", {"volts": 5.0}), ("get_volts", {})]),
        (b"MEAS:VOLT?;CURR?", [("volts", {}), ("amps", {})]),
        (b"MEAS:VOLT?;*RST;CURR:DC?", [("volts", {}), ("reset", {}), ("amps", {})]),
        (b"MEAS:VOLT?;:MEAS:CURR?", [("volts", {}), ("amps", {})]),
        (b"OUTP ON", [("output", {"channel": 1, "on": True})]),
        (b"OUTP2 off", [("output", {"channel": 2, "on": False})]),
        (b"output12:state 1", [("output", {"channel": 12, "on": True})]),
        (b"TRIG:SOUR ext , pos", [("trigger", {"source": Source.EXTERNAL, "edge": "POS"})]),
        (b'DISP:TEXT "a;b, ""c"" #15"', [("show", {"text": 'a;b, "c" #15'})]),
        (b"disp:wind:text:data 'it''s; so'", [("show", {"text": "it's; so"})]),
        (b"DATA:ARB wave,#14a;b,;MEAS?", [("load", {"name": "wave", "data": b"a;b,"}), "x"]),
        (b"DATA:ARB wave,#15\n\r;, \r", [("load", {"name": "wave", "data": b"\n\r;, "})]),
        (b"DATA:ARB wave,#0anything;", [("load", {"name": "wave", "data": b"anything;"})]),
        (b"STAT:ENAB #HFF", [("mask", {"mask": 255})]),
        (b"STAT:ENAB #b101;ENAB #q17", [("mask", {"mask": 5}), ("mask", {"mask": 15})]),
        (b"CONF:RANG 1,2.5", [("range", {"low": 1.0, "high": 2.5})]),
        (b"CONF:RANG 1", [("range", {"low": 1.0, "high": None})]),
    ],
    ids=lambda each: each.decode("latin-1") if isinstance(each, bytes) else "",
)
def test_a_line_is_read_as_instruments_read_it(meter: Dialect, line: bytes, expected: list[Any]) -> None:
    found = asked(meter, line)
    if expected[-1] == "x":
        expected = [*expected[:-1], ("volts", {})]
    assert expected == found
    assert isinstance(meter.read_at_equipment(line), Batch) == (len(expected) > 1)


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        (b'DISP:TEXT "open', "the string '\"open' does not end"),
        (b"DATA:ARB w,#19ab", "the block says 9 bytes, but there are 2"),
        (b"DATA:ARB w,#1xab", "has no length"),
        (b"VOLT abc", "volts: 'abc' does not begin with a number"),
        (b"VOLT", "volts"),
        (b"", "the line is empty"),
        (b" ; ;", "the line is empty"),
        (b"*RST;" * 1001, "the line has 1002 commands, and may have 1000"),
    ],
    ids=lambda each: each[:20].decode("latin-1") if isinstance(each, bytes) else "",
)
def test_a_wrong_line_is_refused_without_a_reply(meter: Dialect, line: bytes, problem: str) -> None:
    (refusal,) = meter.read_at_equipment(line).requests
    assert isinstance(refusal, Refusal)
    assert problem in str(refusal.problem)


def test_the_host_sends_short_forms_and_reads_replies(meter: Dialect) -> None:
    assert b"MEAS?" == meter.request("volts", {}, 0)
    assert b"OUTP3 1" == meter.request("output", {"channel": 3, "on": True}, 0)
    assert b'DISP:TEXT "say ""hi"""' == meter.request("show", {"text": 'say "hi"'}, 0)
    assert b"DATA:ARB w,#13\n;\x80" == meter.request("load", {"name": "w", "data": b"\n;\x80"}, 0)
    for name, frame, result in (
        ("volts", b"1.25E+00\r", 1.25),
        ("error", b'"No error"', "No error"),
        ("error", b"'it''s'", "it's"),
        ("curve", b"#14\x00\xff\r\n", b"\0\xff\r\n"),
        ("curve", b"#14abcd\r", b"abcd"),
    ):
        (answer,) = meter.read_at_host(frame)
        reader = meter.reply_reader(name)
        assert reader is not None
        assert result == reader.take(getattr(answer, "body", None))
    assert b"1;2" == meter.join([b"1", b"2"])


@pytest.mark.parametrize("name", ["a;*RST", " a", "a ", 'a"b', "it's", "#14", "a\n"])
def test_a_text_without_quotes_that_would_be_read_as_something_else_is_not_sent(
    meter: Dialect, name: str
) -> None:
    with pytest.raises(CodecError):
        meter.request("load", {"name": name, "data": b""}, 0)


@given(seed=st.integers(0, 10_000))
@settings(max_examples=60)
def test_drawn_commands_and_replies_arrive(meter: Dialect, seed: int) -> None:
    random = Random(seed)
    for each in SPECS:
        values = meter.draw_values(each.name, random)
        line = meter.request(each.name, values, 0)
        assert [(each.name, values)] == asked(meter, line)
        if each.reply is not None:
            result = meter.draw_result(each.name, random)
            (frame,) = meter.reply(Request(each.name, {}), result)
            (answer,) = meter.read_at_host(frame)
            reader = meter.reply_reader(each.name)
            assert reader is not None
            assert result == reader.take(getattr(answer, "body", None))


@given(
    units=st.lists(
        st.lists(
            st.sampled_from(["a", ";", ",", '"";"', "'it''s, #14'", "#13;,;", "#0"[:1] + "12;;", " "]),
            max_size=4,
        ).map("".join),
        min_size=1,
        max_size=4,
    )
)
def test_splitting_never_cuts_a_string_or_a_block(units: list[str]) -> None:
    whole = [
        each.replace(";", "") if not ('"' in each or "'" in each or "#" in each) else "#14;;,,"
        for each in units
    ]
    assert [each.strip() for each in whole] == split(";".join(whole), ";")


@pytest.mark.parametrize(
    ("header", "text", "some"),
    [
        ("*IDN?", "*IDN?", {"*IDN?"}),
        ("MEASure[:VOLTage][:DC]?", "MEAS?", {"MEAS:VOLTAGE:DC?", "MEASURE:DC?", "MEAS?"}),
        ("[SENSe:]FRESistance:NPLCycles", "FRES:NPLC", {"SENS:FRES:NPLC", "FRESISTANCE:NPLCYCLES"}),
        ("CALCulate{n:d}:MARKer{m:d}?", "CALC{n:d}:MARK{m:d}?", {"CALC#:MARK?", "CALCULATE:MARKER#?"}),
        ("P25V[:LEVel]", "P25V", {"P25V", "P25V:LEVEL"}),
    ],
)
def test_the_spellings_of_a_header(header: str, text: str, some: set[str]) -> None:
    found = parse_header(header)
    assert text == found.text
    assert some <= found.forms.keys()


def test_the_manual_shows_the_header_as_it_is_declared(meter: Dialect) -> None:
    assert "MEASure[:VOLTage][:DC]?" == meter.notation("volts").request
    assert "OUTPut{channel:d}[:STATe] {on}" == meter.notation("output").request


class Supply(Equipment):
    """A power supply."""

    framing = Definite()
    codec = Scpi()

    @command("*IDN?", reply="{text}")
    async def identity(self) -> str:
        """Return the maker and the model."""
        return "SEED"

    @command("VOLTage {volts:.3f}")
    async def set_voltage(self, volts: float) -> None:
        """Set the voltage."""


def test_a_command_without_a_question_mark_has_no_reply_at_either_end() -> None:
    declaration = declaration_of(Supply)
    assert [True, False] == [each.has_reply for each in declaration.commands.values()]
    check_equipment(Supply)


def test_each_number_of_a_header_is_its_own() -> None:
    dialect = Scpi().bind([spec("y", "CALCulate{n:d}:MARKer{m:d}:Y?", "{y}", float, n=int, m=int)])
    for line, n, m in ((b"CALC:MARK:Y?", 1, 1), (b"CALC2:MARK:Y?", 2, 1), (b"calc:marker3:y?", 1, 3)):
        assert [("y", {"n": n, "m": m})] == asked(dialect, line)


@pytest.mark.parametrize(
    ("specs", "message"),
    [
        ([spec("a", "MEAS:VOLT?", "{x}", float), spec("b", "MEASure[:CURRent]:VOLTage?", "{x}", float)],
         "the headers of a and b can both be 'MEAS:VOLT?'"),
        ([spec("a", "CH1:ON"), spec("b", "CH{n:d}:ON", n=int)], "can both be"),
        ([spec("a", "measure:volt?", "{x}", float)], "Meter.a: 'measure' in the header 'measure:"),
        ([spec("a", "MEAS?", None, float)], "it returns float, but with reply=None no reply is sent"),
        ([MessageSpec("a", "Meter.a", 5)], "Meter.a: its header cannot be 5"),
        ([spec("a", ":".join(["ABcd[:EFgh]"] * 7))], "has more than 4096 spellings"),
    ],
    ids=range(6),
)  # fmt: skip
def test_headers_that_nobody_can_tell_apart_are_refused(specs: list[MessageSpec], message: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        Scpi().bind(specs)
    assert message in str(caught.value)


def test_a_block_needs_an_encoding_that_leaves_bytes_as_they_are() -> None:
    with pytest.raises(ConfigurationError, match="a block needs an encoding that leaves bytes as they are"):
        Scpi("utf-8").bind([spec("curve", "CURVe?", "{data:block}", bytes)])


def test_a_block_with_a_wrong_length_is_refused(meter: Dialect) -> None:
    (answer,) = meter.read_at_host(b"#15abcd")
    reader = meter.reply_reader("curve")
    assert reader is not None
    with pytest.raises(CodecError, match="the block says 5 bytes, but there are 4"):
        reader.take(getattr(answer, "body", None))


def test_raw_bytes_change_nothing_of_how_a_line_is_read() -> None:
    specs = [
        spec("picture", "HCOPy:DATA?", "{#image}\r\n{image:raw}", bytes),
        spec("load", "DATA:LOAD {name},{#data}\r\n{data:raw}", name=str, data=bytes),
        spec("output", "OUTPut {on}", on=bool),
        spec("reset", "*RST"),
    ]
    dialect = Scpi().bind(specs)
    assert [("picture", {})] == asked(dialect, b"hcopy:data?")
    assert [("output", {"on": True}), ("reset", {})] == asked(dialect, b":OUTP on;*RST")
    assert ["there is no command OUTPU"] == asked(dialect, b"OUTPU ON")
    (problem,) = asked(dialect, b"\r\n\x01")
    assert problem.isascii()
    assert b"DATA:LOAD w,2\r\n;\r" == dialect.request("load", {"name": "w", "data": b";\r"}, 0)
    load = ("load", {"name": "w", "data": b";\r"})
    assert [("reset", {}), load] == asked(dialect, b"*rst;data:load w,2\r\n;\r")
    reader = dialect.reply_reader("picture")
    assert reader is not None
    for image in (b"", b"a;b", b"ab\r"):
        (frame,) = dialect.reply(Request("picture", {}), image)
        (answer,) = dialect.read_at_host(frame)
        assert isinstance(answer, Answer)
        assert image == reader.take(answer.body)
