"""The text of generated C#: names, comments, and refusals that name the command and the reason."""

from __future__ import annotations

from typing import Any, ClassVar

import pytest

from tcpcomm import ConfigurationError, Equipment, command, declaration_of
from tcpcomm.codec import Binary, Codec, Scpi, Template, TwoPhases
from tcpcomm.devices.catalogue import OURS, Device
from tcpcomm.framing import Delimited, Framing, LengthPrefixed, Lines, Telnet
from tcpcomm.tools.generate.csharp.generator import csharp_classes
from tcpcomm.tools.generate.csharp.names import camel, pascal
from tcpcomm.tools.generate.csharp.source import folded, literal, string, summary
from tcpcomm.tools.generate.generator import Wanted


def text_of(kind: type[Equipment]) -> str:
    """Return the C# file of a declaration."""
    return csharp_classes(declaration_of(kind), Wanted(device="x", port=1)).text


class Nasty(Equipment):
    """A <device> & its docstring, which is longer than one line of a comment may be, so that it is wrapped.

    A second paragraph.
    """

    framing = Delimited(b"\r\n")
    codec = Template(encoding="cp949", fault="NG,{code:d},{reason}")

    @command("연결,{class_},{event},{timeout}", reply='OK "{x}"\\')
    def connect(self, class_: int, event: str, timeout: float = 1.5) -> float:
        """Go to </summary>."""
        raise NotImplementedError

    @command("DISPOSE", reply="OK")
    def dispose(self) -> None:
        """Have the name of a member that the client has."""
        raise NotImplementedError


def test_names_that_csharp_has_already_get_others() -> None:
    text = text_of(Nasty)
    assert "public double ConnectCommand(" in text
    assert "long @class, string @event, double timeoutValue = 1.5, TimeSpan? timeout = null" in " ".join(
        text.split()
    )
    assert "public void DisposeCommand(TimeSpan? timeout = null)" in text


def test_docstrings_are_escaped_and_wrapped() -> None:
    text = text_of(Nasty)
    assert "/// <summary>Go to &lt;/summary&gt;.</summary>" in text
    assert all(len(line) <= 130 for line in text.splitlines() if "Text.Line(" not in line)
    assert ["/// <summary>One.</summary>", "/// <remarks>Two.</remarks>"] == [*summary("One.\n\nTwo.")]


def test_korean_windows_has_its_encoding() -> None:
    text = " ".join(text_of(Nasty).split())
    assert "Encoding.GetEncoding(949, EncoderFallback.ExceptionFallback, DecoderFallback" in text
    assert 'Text.Line(@"OK ""(?<x>{number})""\\\\")' in text_of(Nasty)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("lamp_is_old", "LampIsOld"),
        ("MM", "Mm"),
        ("x", "X"),
        ("2nd", "_2nd"),
        ("좌표", "좌표"),
        ("_", "Value"),
    ],
)
def test_names_are_those_of_csharp(name: str, expected: str) -> None:
    assert expected == pascal(name)


def test_keywords_are_marked() -> None:
    assert ["@class", "@event", "lampIsOld"] == [*map(camel, ("class", "event", "lamp_is_old"))]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (True, "true"),
        (2**40, "1099511627776L"),
        (1e300, "1e300"),
        (float("nan"), None),
        ('a"\\\n한', '"a\\"\\\\\\n한"'),
        (None, "null"),
        ([], None),
    ],
)
def test_constants_are_those_of_csharp(value: Any, expected: str | None) -> None:
    assert expected == literal(value)


def test_long_lines_are_broken_outside_of_strings() -> None:
    line = (
        f"    return {string('a, b + c' * 12)} + Text.Whole(first) + {string('d, e')} + Text.Whole(second);"
    )
    lines = [*folded(line)]
    assert len(lines) > 1
    assert line.split() == " ".join(lines).split()
    assert all(part.count('"') % 2 == 0 for part in lines)


class Speaks(Equipment):
    framing: ClassVar[Framing] = Delimited(b"\n")
    codec: ClassVar[Codec] = Template(fault="NG,{code:d}")


class Phased(Speaks):
    @command(TwoPhases("PUT {#}", "READY", "{text}"), reply="OK")
    def put(self, text: str) -> None:
        raise NotImplementedError


class OwnFraming(Speaks):
    @command("GET", reply="{x}", reply_framing=Delimited(b"#"))
    def get(self) -> float:
        raise NotImplementedError


class OwnCodec(Speaks):
    @command("GET", reply="{x}")
    def get(self) -> float:
        raise NotImplementedError

    @command("PUT", reply="OK", codec=Template(encoding="utf-8", fault="NG,{code:d}"))
    def put(self) -> None:
        raise NotImplementedError


class OverTelnet(OwnCodec):
    framing: ClassVar[Framing] = Telnet(Delimited(b"\n"))

    @command("PUT", reply="OK")
    def put(self) -> None:
        raise NotImplementedError


class Instrument(Equipment):
    framing = Lines()
    codec = Scpi()

    @command("MEAS?", reply="{x}")
    def measure(self) -> float:
        raise NotImplementedError


class StatusLast(Equipment):
    framing = LengthPrefixed(2)
    codec = Binary(status=Binary().code, status_last=True)

    @command(1)
    def ask(self) -> None:
        raise NotImplementedError


@pytest.mark.parametrize(
    ("kind", "why"),
    [
        (OwnFraming, "OwnFraming.get: its reply has a framing of its own"),
        (OwnCodec, "OwnCodec.put: it has a codec of its own"),
        (OverTelnet, "OverTelnet: its framing is delimited:\\n,telnet, which is not there in C# yet"),
        (Instrument, "Instrument: its codec is Scpi; there are Template, Json, JsonRpc and Binary"),
        (StatusLast, "StatusLast: the status stands behind the result"),
        (Phased, "Phased: some messages that the equipment receives bring their own ends"),
    ],
)
def test_a_refusal_names_the_place_and_the_reason(kind: type[Equipment], why: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        text_of(kind)
    assert f"no C# class can be generated from {why}" == str(refused.value)


@pytest.mark.parametrize("device", OURS, ids=lambda it: it.name)
def test_each_device_is_generated_or_refused_in_words(device: Device) -> None:
    kind = device.load()
    if device.name in ("keyence", "modbus"):
        assert f"public sealed class {kind.__name__}Client : IDisposable" in text_of(kind)
    else:
        with pytest.raises(ConfigurationError, match=r"^no C# class can be generated from \w+[.\w]*: "):
            text_of(kind)
