"""Parameters of SCPI in all their spellings: numbers with units, words in short and long forms."""

from __future__ import annotations

from decimal import Decimal
from enum import Enum
from typing import Annotated, Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tcpcomm.codec import Field, MessageSpec, Range, Scpi, Unit
from tcpcomm.codec.base import Refusal, Request


class Slope(Enum):
    RISING = "POSitive"
    FALLING = "NEGative"


def spec(name: str, wire: str, **types: Any) -> MessageSpec:
    given = [(each, *kind) if isinstance(kind, tuple) else (each, kind) for each, kind in types.items()]
    fields = tuple(Field(*each) for each in given)
    reply, result = ("{x}", float) if wire.partition(" ")[0].endswith("?") else (None, None)
    return MessageSpec(name, f"Meter.{name}", wire, reply, fields, result)


METER = Scpi().bind(
    [
        spec("volts", "VOLTage {volts}", volts=Annotated[float, Unit("V")]),
        spec("exact", "EXACt {volts}", volts=Annotated[Decimal, Unit("V"), Range(-5, 5)]),
        spec("count", "COUNt {count:d}", count=(Annotated[int, Range(1, 1000)], 10)),
        spec("rate", "RATE {rate:d}", rate=Annotated[int, Unit("Hz")]),
        spec("ohms", "OHMS {ohms}", ohms=Annotated[float, Unit("Ω")]),
        spec("heat", "HEAT {heat}", heat=Annotated[float, Unit("°C")]),
        spec("slope", "SLOPe {slope},{mode}", slope=Slope, mode=Literal["AUTO", "FIXed", "off"]),
        spec("range", "RANGe [{volts}]", volts=(Annotated[float, Unit("V"), Range(0.1, 9)] | None, None)),
        spec("level", "LEVel? [{end}]", end=(Literal["MINimum", "MAXimum"] | None, None)),
        spec("both", "BOTH {a:d},ON,{b:d}", a=int, b=int),
    ]
)


def read(line: str) -> Any:
    """Return the values of a command, or the number of its error."""
    (found,) = METER.read_at_equipment(line.encode("latin-1")).requests
    if isinstance(found, Refusal):
        return found.fault.code if found.fault is not None else None
    assert isinstance(found, Request)
    return [*found.values.values()]


MULTIPLIERS = {"": 0, "K": 3, "MA": 6, "G": 9, "M": -3, "U": -6, "N": -9, "P": -12}


@given(
    number=st.decimals(-1000, 1000, allow_nan=False, places=3),
    exponent=st.integers(-3, 3),
    multiplier=st.sampled_from([*MULTIPLIERS]),
    blanks=st.sampled_from(["", " ", "\t"]),
    lower=st.booleans(),
)
def test_a_number_has_the_value_that_its_unit_says(
    number: Decimal, exponent: int, multiplier: str, blanks: str, lower: bool
) -> None:
    text = f"{number}E{exponent}{blanks}{multiplier}V"
    expected = float(f"{number}E{exponent + MULTIPLIERS[multiplier]}")
    assert [expected] == read(f"VOLT {text.lower() if lower else text}")


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("RATE 2 MHZ", [2_000_000]),
        ("RATE 1.5KHZ", [1500]),
        ("RATE 2.5", [3]),
        ("RATE 1E3", [1000]),
        ("RATE -0.4", [0]),
        ("OHMS 1 MOHM", [1e6]),
        ("OHMS 1 KOHM", [1e3]),
        ("HEAT 20 CEL", [20.0]),
        ("EXAC 0.1 V", [Decimal("0.1")]),
        ("EXAC MIN", [Decimal("-5")]),
        ("COUN MAX", [1000]),
        ("COUN DEF", [10]),
        ("RANG", [None]),
        ("RANG 100 MV", [0.1]),
        ("RANG max", [9.0]),
        ("SLOP pos,auto", [Slope.RISING, "AUTO"]),
        ("SLOP NEGATIVE,FIX", [Slope.FALLING, "FIXed"]),
        ("SLOP negative,FIXED", [Slope.FALLING, "FIXed"]),
        ("SLOP POS,OFF", [Slope.RISING, "off"]),
        ("BOTH 1,ON,2", [1, 2]),
        ("LEV?", [None]),
        ("LEV? max", ["MAXimum"]),
    ],
)
def test_spellings_that_instruments_read(line: str, expected: list[Any]) -> None:
    assert expected == read(line)


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("VOLT 5 A", -131),
        ("VOLT 5 XV", -131),
        ("VOLT MAX", -148),  # it has no range
        ("COUN 5 V", -138),
        ("COUN 0", -222),
        ("COUN 1E999999", -123),
        ("COUN 1E30000", -222),
        ("VOLT 1E400", -222),
        ("EXAC 5.1", -222),
        ("RANG 1,2", -108),
        ("SLOP POSI,AUTO", -224),
        ("SLOP 1,AUTO", -128),
        ("SLOP POS", -109),
        ("SLOP POS,", -224),
        ("BOTH 1,OFF,2", -220),
        ("LEV? FOO", -224),
        ("LEV? 5", -128),
        ("RANG abc", -148),
        ("RANG 5 A", -131),
        ("BOTH 1,ON", -109),
        ("RATE #HFFFFFFFFFFFFFFFFFF", -168),
    ],
)
def test_spellings_that_are_refused_have_the_error_of_the_standard(line: str, code: int) -> None:
    assert code == read(line)


def test_the_host_sends_what_every_instrument_reads() -> None:
    assert b"SLOP POSitive,AUTO" == METER.request("slope", {"slope": Slope.RISING, "mode": "AUTO"}, 0)
    assert b"LEV?" == METER.request("level", {"end": None}, 0)
    assert b"LEV? MINimum" == METER.request("level", {"end": "MINimum"}, 0)
    assert b"COUN 1000" == METER.request("count", {"count": 1000}, 0)
