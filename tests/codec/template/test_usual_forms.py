"""Numbers are read in every usual form where that leaves one reading, and else as they are written."""

from __future__ import annotations

import re
from typing import Any, Final

import pytest
from attrs import frozen
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from tcpcomm.codec import Field, MessageSpec, Template
from tcpcomm.codec.base import Refusal, Request
from tcpcomm.codec.template.compiler import compile_template
from tcpcomm.errors import CodecError, ConfigurationError, Fault
from tests.codec.template.templates import Position, bound, compiled_template, replied, results_of
from tests.codec.template.test_ambiguity import ways

FORMATS: Final[tuple[tuple[str, type], ...]] = (
    ("", float),
    (".3f", float),
    (".2E", float),
    ("+.1f", float),
    ("8.2f", float),
    ("<8.2f", float),
    (" =+8.2f", float),
    ("8", float),
    ("+08", float),
    ("+08.2f", float),
    ("", int),
    ("d", int),
    ("+d", int),
    ("4d", int),
    ("04d", int),
    ("x", int),
)
separators = st.sampled_from(["", ",", " ", "-", "E", "0", "mm", "\t"])
numbers = st.integers(-999, 999) | st.floats(-99, 99).map(lambda value: round(value, 2))


@frozen
class Weight:
    value: float
    unit: str


def usual_texts(value: float, kind: type, spec: str) -> list[str]:
    """Return the texts that programs write for a number, padded if the format pads."""
    forms = ["", "+", ".2f", ".6E", "g", "+.0e"] if kind is float else ["", "+", "05", "+04"]
    if spec == "x":
        forms.append(spec)
    texts = [format(value, form) for form in forms]
    if kind is float:
        texts.append(texts[0].replace("0.", "."))
    if "=" in spec:
        texts += [format(value, " =+9.3f"), format(value, " =-7.1f")]
    elif spec.startswith("<"):
        texts += [f"{each}   " for each in texts]
    elif "8" in spec or "4" in spec:
        texts += [f"{each:>9}" for each in texts]
    return texts


USUAL: Final = [each for each in FORMATS if "0" not in each[0] and each[0] != "x"]
"""The formats that read every usual form: without hexadecimal digits and zeros that fill."""


@given(form=st.sampled_from(USUAL), value=numbers, before=st.sampled_from(["", "A,"]), data=st.data())
def test_every_usual_form_of_a_number_is_read(
    form: tuple[str, type], value: float, before: str, data: st.DataObject
) -> None:
    """Reading only what is written fails here: ``{a:.2E}`` did not read ``1.25E+00``."""
    spec, kind = form
    text = data.draw(st.sampled_from(usual_texts(kind(value), kind, spec)))
    compiled = compiled_template(f"{before}{{a:{spec}}};", a=kind)
    assert {"a": kind(text.replace(" ", ""))} == compiled.read(f"{before}{text};")


@given(
    fields=st.lists(st.tuples(st.sampled_from(FORMATS), separators, numbers), min_size=1, max_size=3),
    last=separators,
    data=st.data(),
)
@settings(max_examples=200)
def test_no_template_reads_another_number_than_the_peer_wrote(
    fields: list[tuple[tuple[str, type], str, float]], last: str, data: st.DataObject
) -> None:
    """
    Draw templates with numbers of all formats side by side, and texts of all usual forms.

    Reading every usual form everywhere fails here: ``{a:.3f}{b:.3f}`` reads ``1.5002.000`` in two ways.
    """
    named = [(name, *each) for name, each in zip("abc", fields, strict=False)]
    text = "".join(f"{before}{{{name}:{spec}}}" for name, (spec, _), before, _ in named)
    try:
        template = compile_template(
            text + last, {name: Field(name, kind) for name, (_, kind), _, _ in named}
        )
    except ConfigurationError:
        assume(False)
    fits = {each.name: re.compile(each.regex).fullmatch for each in template.expected}
    message = ""
    values: dict[str, Any] = {}
    for name, (spec, kind), before, value in named:
        texts = [each for each in usual_texts(kind(value), kind, spec) if fits[name](each)]
        assume(texts)
        piece = data.draw(st.sampled_from(texts))
        message += before + piece
        values[name] = int(piece, 16) if spec == "x" else kind(piece.replace(" ", ""))
    message += last
    assert 1 == ways(template.pattern, message)
    assert values == template.read(message)


def test_a_multimeter_that_writes_fewer_digits_is_read() -> None:
    dialect = bound("MEAS:VOLT?", "{volts:.6E}", float)
    assert [b"1.250000E+00"] == replied(dialect, 1.25)
    for text in (b"1.25E+00", b"1.250000E+00", b"+1.25000000E+00", b"1.25", b"125e-2"):
        assert [1.25] == results_of(dialect, text)


def test_a_number_that_must_be_exactly_so_is_refused_in_another_form() -> None:
    dialect = bound("MEAS:VOLT?", "{volts:.6E!}", float)
    assert [1.25] == results_of(dialect, b"1.250000E+00")
    with pytest.raises(CodecError, match="does not begin with a number with 6 decimals, as in"):
        results_of(dialect, b"1.25E+00")


@pytest.mark.parametrize(
    ("reply", "frame", "weight"),
    [
        ("S S {value:>10} {unit}", b"S S  100.0012 g", Weight(100.0012, "g")),
        ("S S {value:>10} {unit}", b"S S     100.00 g", Weight(100.0, "g")),
        ("S S {value:>10} {unit}", b"S S      -3.1 kg", Weight(-3.1, "kg")),
        ("ST,NT,{value: =+8.3f}{unit}", b"ST,NT,+  1.234kg", Weight(1.234, "kg")),
        ("ST,NT,{value: =+8.3f}{unit}", b"ST,NT,- 12.500kg", Weight(-12.5, "kg")),
        ("ST,NT,{value: =+8.3f}{unit}", b"ST,NT,+ 10.000kg", Weight(10.0, "kg")),
        ("{value: =+10} {unit:<3}", b"+    12.34 g  ", Weight(12.34, "g")),
        ("ST,{value:+09}{unit:>3}", b"ST,+00123.45  g", Weight(123.45, "g")),
        ("ST,{value:+09}{unit:>3}", b"ST,-001.2345 kg", Weight(-1.2345, "kg")),
    ],
    ids=["mt-four", "mt-two", "mt-minus", "cas", "cas-minus", "cas-ten", "sartorius", "and", "and-four"],
)
def test_a_scale_is_read_as_scales_write(reply: str, frame: bytes, weight: Weight) -> None:
    """The four decimals of Mettler-Toledo, CAS, Sartorius and A&D, with blanks or zeros behind the sign."""
    dialect = bound("S", reply, Weight)
    assert [weight] == results_of(dialect, frame)
    (written,) = replied(dialect, weight)
    assert [weight] == results_of(dialect, written)


def test_numbers_side_by_side_are_read_as_they_are_written() -> None:
    compiled = compiled_template("{a:.3f}{b:.3f};{c:.1f}", a=float, b=float, c=float)
    assert {"a": 1.5, "b": -2.0, "c": 3.25} == compiled.read("1.500-2.000;+3.25")
    assert compiled.read("1.5-2.0;3.25") is None
    fixed = compiled_template("{a:4d}{b:4d}", a=int, b=int)
    assert {"a": 1, "b": 23} == fixed.read("   1  23")
    assert fixed.read("  1  23") is None


def test_two_commands_keep_apart_by_the_forms_that_they_write() -> None:
    fields = (Field("n", int),)
    dialect = Template().bind(
        [
            MessageSpec("steps", "Motor.steps", "GO{n:d}", "OK", fields),
            MessageSpec("exact", "Motor.exact", "GO{n:+d}mm", "OK", fields),
            MessageSpec("rate", "Motor.rate", "GO{n:.2f}", "OK", (Field("n", float),)),
            MessageSpec("speed", "Motor.speed", "V{n:d}", "OK", fields),
        ]
    )
    assert Request("steps", {"n": 5}) == dialect.read_at_equipment(b"GO5")
    assert Request("rate", {"n": 5.0}) == dialect.read_at_equipment(b"GO5.00")
    assert isinstance(dialect.read_at_equipment(b"GO5.0"), Refusal)
    assert Request("exact", {"n": 5}) == dialect.read_at_equipment(b"GO5mm")
    assert Request("speed", {"n": 5}) == dialect.read_at_equipment(b"V+5")


def test_a_fault_that_is_a_number_is_told_from_a_reply_that_is_one() -> None:
    spec = MessageSpec("read", "Gauge.read", "RD", "{value:.3f}", (), float)
    dialect = Template(fault="{code:d}").bind([spec])
    assert [1.5] == results_of(dialect, b"1.500", name="read")
    with pytest.raises(Fault, match="2"):
        results_of(dialect, b"-2", name="read")


def test_a_reply_of_a_camera_is_read_with_other_decimals() -> None:
    dialect = bound("TRG", "OK,{x:.3f},{y:.3f},{angle:.1f}", Position)
    assert [Position(1.0, -2.5, 1e-05)] == results_of(dialect, b"OK,1,-2.50,1e-05")
