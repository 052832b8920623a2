"""Units and ranges of numbers: drawn within, refused beyond, and printed, with every codec."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from random import Random
from typing import Annotated, Any

import pytest
from attrs import evolve
from hypothesis import given, settings
from hypothesis import strategies as st

from tcpcomm import Equipment, command, declaration_of
from tcpcomm.codec import (
    F32,
    U8,
    U16,
    Binary,
    Bits,
    Codec,
    Counted,
    Field,
    Json,
    JsonRpc,
    MessageSpec,
    Range,
    Template,
    Unit,
)
from tcpcomm.codec.base import MISSING, Refusal, Request
from tcpcomm.codec.random_values import draw
from tcpcomm.codec.ranges import limits_of
from tcpcomm.errors import CodecError, ConfigurationError
from tcpcomm.framing import Delimited
from tcpcomm.tools.manual.facts import facts_of
from tcpcomm.tools.manual.pages import markdown
from tcpcomm.tools.manual.values import type_name

Shift = Annotated[float, Unit("mm"), Range(-50, 50)]
Shift32 = Annotated[F32, Unit("mm"), Range(-50, 50)]
Slot = Annotated[int, Range(1, 12)]
Slot8 = Annotated[U8, Range(1, 12)]


@dataclass(frozen=True)
class Part:
    slot: Slot
    x: Shift
    tilt: Annotated[float | None, Range(high=5), Unit("°")] = None


@dataclass(frozen=True)
class Packed:
    slot: Slot8
    x: Shift32


TEXT = MessageSpec(
    "pick", "Robot.pick", "PICK {slot:d},{x:.2f}", "OK,{slot:02d},{x:.2f}[,{tilt:.1f}]",
    (Field("slot", Slot), Field("x", Shift)), Part,
)  # fmt: skip
FIELDS = (Field("slot", Slot), Field("x", Shift))
CASES: list[tuple[Codec, MessageSpec, Any]] = [
    (Template(), TEXT, Part),
    (Json(), MessageSpec("pick", "Robot.pick", parameters=FIELDS, result=Part), Part),
    (JsonRpc(), MessageSpec("pick", "Robot.pick", parameters=FIELDS, result=Part), Part),
    (
        Binary(),
        MessageSpec("pick", "Robot.pick", 1, (), (Field("slot", Slot8), Field("x", Shift32)), Packed),
        Packed,
    ),
]
each_codec = pytest.mark.parametrize(
    ("codec", "spec", "kind"), CASES, ids=["template", "json", "json-rpc", "binary"]
)
BINARY_RESULT = MessageSpec("pick", "Robot.pick", 1, parameters=CASES[3][1].parameters, result=Packed)
CASES[3] = (Binary(), BINARY_RESULT, Packed)


@each_codec
@given(seed=st.integers(0, 10_000))
@settings(max_examples=40)
def test_drawn_values_are_within_the_range_and_arrive(
    codec: Codec, spec: MessageSpec, kind: Any, seed: int
) -> None:
    dialect = codec.bind([spec])
    values = dialect.draw_values("pick", Random(seed))
    assert 1 <= values["slot"] <= 12
    assert -50 <= values["x"] <= 50
    (request,) = dialect.read_at_equipment(dialect.request("pick", values, 1)).requests
    assert values == getattr(request, "values", None)
    result = dialect.draw_result("pick", Random(seed))
    assert isinstance(result, kind)
    assert 1 <= result.slot <= 12
    assert -50 <= result.x <= 50
    assert (getattr(result, "tilt", None) or 0) <= 5


@each_codec
@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"slot": 0, "x": 1.0}, "slot: must be from 1 to 12, not 0"),
        ({"slot": 13, "x": 1.0}, "slot: must be from 1 to 12, not 13"),
        ({"slot": 1, "x": 50.5}, "x: must be from -50 to 50 mm, not 50.5"),
        ({"slot": 1, "x": -51}, "x: must be from -50 to 50 mm, not -51"),
    ],
)
def test_a_parameter_beyond_its_range_is_not_sent(
    codec: Codec, spec: MessageSpec, kind: Any, values: dict[str, Any], message: str
) -> None:
    dialect = codec.bind([spec])
    with pytest.raises(CodecError) as caught:
        dialect.request("pick", values, 1)
    assert message in str(caught.value)
    for edge in ({"slot": 1, "x": -50.0}, {"slot": 12, "x": 50.0}):
        dialect.request("pick", edge, 1)


@each_codec
def test_a_result_beyond_its_range_is_refused_at_both_ends(
    codec: Codec, spec: MessageSpec, kind: Any
) -> None:
    dialect = codec.bind([spec])
    with pytest.raises(CodecError, match="x: must be from -50 to 50 mm, not 51"):
        dialect.reply(Request("pick", {}, 1), kind(slot=1, x=51.0))


@pytest.mark.parametrize(
    ("case", "frame"),
    [
        (CASES[0], b"PICK 13,1.00"),
        (CASES[1], b'{"cmd":"pick","slot":13,"x":1}'),
        (CASES[2], b'{"jsonrpc":"2.0","method":"pick","params":{"slot":13,"x":1},"id":1}'),
        (CASES[3], bytes.fromhex("01 0D 3F800000")),
    ],
    ids=["template", "json", "json-rpc", "binary"],
)
def test_a_parameter_beyond_its_range_is_refused_by_the_equipment(
    case: tuple[Codec, MessageSpec, Any], frame: bytes
) -> None:
    codec, spec, _ = case
    (refusal,) = codec.bind([spec]).read_at_equipment(frame).requests
    assert isinstance(refusal, Refusal)
    assert "slot: must be from 1 to 12, not 13" in str(refusal.problem)


@pytest.mark.parametrize(
    ("case", "frame"),
    [
        (CASES[0], b"OK,01,1.00,6.0"),
        (CASES[1], b'{"result":{"slot":1,"x":1,"tilt":6}}'),
    ],
    ids=["template", "json"],
)
def test_a_reply_beyond_its_range_is_refused_by_the_host(
    case: tuple[Codec, MessageSpec, Any], frame: bytes
) -> None:
    codec, spec, _ = case
    dialect = codec.bind([spec])
    (answer,) = dialect.read_at_host(frame)
    reader = dialect.reply_reader("pick")
    assert reader is not None
    with pytest.raises(CodecError, match="tilt: must be at most 5 °, not 6"):
        reader.take(getattr(answer, "body", None))


def test_items_bits_and_scaled_numbers_have_ranges() -> None:
    @dataclass
    class State:
        mode: Annotated[int, Bits(4), Range(0, 9)]

    levels = list[Annotated[U16, Range(0, 1000)]]
    spec = MessageSpec("set", "Lamp.set", 1, parameters=(Field("levels", Annotated[levels, Counted(U8)]),))
    dialect = Binary().bind([spec, MessageSpec("state", "Lamp.state", 2, result=Annotated[State, U8])])
    with pytest.raises(CodecError, match=r"levels\[1\]: must be from 0 to 1000, not 1001"):
        dialect.request("set", {"levels": [1, 1001]}, 0)
    with pytest.raises(CodecError, match="mode: must be from 0 to 9, not 12"):
        dialect.reply(Request("state", {}), State(12))
    scaled = Field("x", Annotated[Decimal, Range(Decimal("-0.5"), Decimal("0.5")), Unit("mm")])
    text = Template().bind([MessageSpec("go", "Axis.go", "GO{x:+06d/1000}", "OK", (scaled,))])
    assert b"GO+00500" == text.request("go", {"x": Decimal("0.5")}, 0)
    with pytest.raises(CodecError, match=r"x: must be from -0\.5 to 0\.5 mm, not Decimal"):
        text.request("go", {"x": Decimal("0.501")}, 0)
    items = MessageSpec("all", "Axis.all", "ALL {xs*,:.1f}", "OK", (Field("xs", list[Shift]),))
    with pytest.raises(CodecError, match=r"xs\[0\]: must be from -50 to 50 mm"):
        Template().bind([items]).request("all", {"xs": [99.0]}, 0)


@given(seed=st.integers(0, 1000))
def test_a_plain_value_is_drawn_within_its_range(seed: int) -> None:
    random = Random(seed)
    assert -50 <= draw(Shift, random) <= 50
    assert draw(Annotated[int, Range(10)], random) >= 10
    assert draw(Annotated[float, Range(high=-3)], random) <= -3
    assert (draw(Annotated[int | None, Range(1, 2)], random) or 1) in (1, 2)


@pytest.mark.parametrize(
    ("annotation", "text"),
    [
        (Shift, "-50 to 50 mm"),
        (Annotated[float, Unit("V")], "V"),
        (Annotated[int, Range(0)], "at least 0"),
        (Annotated[int, Range(high=9), Unit("steps")], "at most 9 steps"),
    ],
    ids=str,
)
def test_a_range_and_a_unit_are_told_in_words(annotation: Any, text: str) -> None:
    limits = limits_of(annotation)
    assert limits is not None
    assert text == limits.text


@pytest.mark.parametrize(
    ("annotation", "message"),
    [
        (Annotated[str, Range(0, 1)], "Range and Unit belong to a number, not to str"),
        (Annotated[list[float], Unit("mm")], "not to list[float]: for a list, write list[Annotated[float"),
        (Annotated[float, Range(0, 1), Range(0, 2)], "keep one of them"),
    ],
    ids=str,
)
@pytest.mark.parametrize("codec", [Template(), Json()], ids=["template", "json"])
def test_a_range_that_belongs_to_no_number_is_refused(codec: Codec, annotation: Any, message: str) -> None:
    wire = "GO {x*,}" if "list" in str(annotation) else "GO {x}"
    form = (wire, "OK") if isinstance(codec, Template) else ("go",)
    spec = evolve(MessageSpec("go", "Axis.go", *form), parameters=(Field("x", annotation),))
    with pytest.raises(ConfigurationError) as caught:
        codec.bind([spec])
    assert message in str(caught.value)


def test_an_empty_range_is_refused() -> None:
    with pytest.raises(ConfigurationError, match=r"Range\(50, -50\) is empty: the smaller end is first"):
        Range(50, -50)


def test_a_range_that_no_format_can_carry_is_told_when_it_is_drawn() -> None:
    narrow = Field("x", Annotated[float, Range(0.2, 0.3)])
    dialect = Template().bind([MessageSpec("go", "Axis.go", "GO {x:.0f}", "OK", (narrow,))])
    with pytest.raises(ConfigurationError, match=r"no value within its range, 0\.2 to 0\.3, can be sent"):
        dialect.draw_values("go", Random(1))


class Stage(Equipment):
    """A stage that moves."""

    framing = Delimited(b"\r\n")
    codec = Template()

    @command("MOVE {x:.2f},{speed:d}", reply="{y:.2f}")
    async def move(self, x: Shift, speed: Annotated[int, Range(1, 9)] = 5) -> Annotated[float, Unit("mm")]:
        """Move to a place."""
        raise NotImplementedError


def test_the_manual_prints_units_and_ranges() -> None:
    facts = facts_of(declaration_of(Stage))
    (move,) = facts["commands"]
    x = {"name": "x", "type": "float (-50 to 50 mm)", "unit": "mm", "low": -50, "high": 50}
    speed = {"name": "speed", "type": "int (1 to 9)", "low": 1, "high": 9, "default": 5}
    assert [x, speed] == move["parameters"]
    assert "float (mm)" == move["result"]
    page = markdown(facts)
    assert "| `x` | `float (-50 to 50 mm)` |" in page
    assert "It returns `float (mm)`." in page
    assert "list[float (-50 to 50 mm)]" == type_name(list[Shift])
    assert "float (-50 to 50 mm) | None" == type_name(Shift | None)


@pytest.mark.parametrize(
    ("codec", "annotation", "wire", "given"),
    [
        (Binary(), Annotated[F32, Range(0.1, 0.3)], 1, 0.1),
        (Binary(), Annotated[F32, Range(0.1, 0.3)], 1, 0.3),
        (Binary(byte_order="little"), Annotated[F32, Range(-0.3, 0.1)], 1, 0.1),
        (Template(), Annotated[float, Range(0.1, 0.3)], "GO {x:Xf32}", 0.1),
        (Template(), Annotated[float, Range(0.1, 0.3)], "GO {x:Xf32}", 0.3),
        (Template(), Annotated[Decimal, Range(0.1, 0.3)], "GO {x}", Decimal("0.1")),
        (Template(), Annotated[float, Range(Decimal("0.1"), Decimal("0.3"))], "GO {x}", 0.3),
    ],
)
def test_both_ends_of_a_range_arrive(codec: Codec, annotation: Any, wire: Any, given: Any) -> None:
    """32 bits round 0.1 up, so that the equipment refused what the host had sent."""
    reply = MISSING if isinstance(codec, Binary) else "OK"
    dialect = codec.bind([MessageSpec("go", "Axis.go", wire, reply, (Field("x", annotation),))])
    asked = dialect.read_at_equipment(dialect.request("go", {"x": given}, 0))
    assert isinstance(asked, Request), asked
    assert pytest.approx(float(given), rel=1e-6) == float(asked.values["x"])


def test_a_value_that_its_format_rounds_beyond_the_range_is_not_sent() -> None:
    narrow = Field("x", Annotated[float, Range(0, 0.36)])
    dialect = Template().bind([MessageSpec("go", "Axis.go", "GO {x:.1f}", "OK", (narrow,))])
    assert b"GO 0.3" == dialect.request("go", {"x": 0.34}, 0)
    with pytest.raises(CodecError, match=r"x: must be from 0 to 0\.36, not 0\.4"):
        dialect.request("go", {"x": 0.36}, 0)
