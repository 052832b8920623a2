"""Declarations of Template that hypothesis draws, with fields of every type and format in every place."""

from __future__ import annotations

from decimal import Decimal
from enum import Enum
from types import GenericAlias
from typing import Annotated, Any, Final, Literal

from attrs import make_class
from hypothesis import strategies as st

from tcpcomm.codec import Field, MessageSpec, Range, Template, Unit
from tests.codec.cases import Case
from tests.codec.drawn import Drawn
from tests.codec.template.rebuilt import RebuiltTemplates

__all__ = ["DRAWN"]


class Grade(Enum):
    GOOD = "OK"
    BAD = "NG"
    WORN = "WORN"


NUMBERS: Final[dict[Any, tuple[str, ...]]] = {
    int: ("", "d", "+d", " d", "6d", "<6d", " =+6d", "06d", "X", "08X", "Xi32", "04Xi16", "xu16le", "d!"),
    float: (
        *("", ".3f", "+.2f", "10.2f", "<10.2f", " =+10.2f", "012.3f", "12", "+012", "<12", ".3E", ".6g"),
        *("08d/1000", "d/10", "10d/100", "Xf32", "Xf64le", ".2f!"),
    ),
    Decimal: ("", ".3f", "12.2f", "12", "07d/100"),
}
OTHERS: Final[dict[Any, tuple[str, ...]]] = {
    bool: ("", "ON|OFF"),
    bytes: ("", "x", "8"),
    str: ("", "<12", ">12", "12b", ">12b", "_<12b", "q"),
    Grade: ("", "<6", "6b"),
    Literal["X", "Y"]: ("",),
}
RANGES: Final = {
    int: Annotated[int, Range(0, 99)],
    float: Annotated[float, Range(-9, 9), Unit("mm")],
    Decimal: Annotated[Decimal, Range(0, 5)],
}
ENCODINGS: Final = ("ascii", "cp949", "euc-kr", "shift_jis", "utf-8")
APART: Final = (";", " ; ", "\t", "=;")
"""Texts that keep all fields apart that do not hold any character."""
ANYWHERE: Final = ("", "", ",", ";", " ", "-", "0", "E", "mm", "가")


@st.composite
def values(draw: st.DrawFn, name: str, *, wild: bool) -> tuple[str, Any]:
    """Draw the template and the annotation of a field, which may be counted, a list, or optional."""
    formats = {**NUMBERS, **OTHERS}
    kind = draw(st.sampled_from([*formats]))
    spec = draw(st.sampled_from(formats[kind]))
    if kind in RANGES and draw(st.booleans()):
        kind = RANGES[kind]
    text = f"{{{name}:{spec}}}" if spec else f"{{{name}}}"
    shape = draw(st.sampled_from(("one", "one", "one", "list", "optional", "counted")))
    if shape == "list" and (wild or (kind not in (str, bytes) and spec not in ("q", "x"))):
        item = f":{spec}" if spec else ""
        return f"{{#{name}:02d}},{{{name}*,{item}}}", GenericAlias(list, (kind,))
    if shape == "optional":
        return f"[,{text}]", kind | None
    if shape == "counted" and draw(st.booleans()):
        return f"{{##{name}:03d}},{text}", kind
    return text, kind


@st.composite
def templates(draw: st.DrawFn, word: str, *, wild: bool) -> tuple[str, dict[str, Any]]:
    """Draw a template that begins with a word, and the annotations of its fields."""
    text = word + draw(st.sampled_from(("", ",{##:05d}")))
    annotations: dict[str, Any] = {}
    for name in "abcd"[: draw(st.integers(1, 4))]:
        between = draw(st.sampled_from(ANYWHERE if wild else APART))
        part, annotations[name] = draw(values(name, wild=wild))
        text += between + part
    return text + draw(st.sampled_from(ANYWHERE if wild else APART)), annotations


@st.composite
def cases(draw: st.DrawFn, *, wild: bool) -> Case:
    asked, parameters = draw(templates("ASK", wild=wild))
    reply, fields = draw(templates("GOT", wild=wild))
    result = make_class("Result", list(fields), frozen=True)
    result.__annotations__ = fields
    spec = MessageSpec(
        "ask",
        "Device.ask",
        asked,
        reply,
        tuple(Field(name, kind) for name, kind in parameters.items()),
        result,
    )
    return Case("drawn", Template(draw(st.sampled_from(ENCODINGS)), "ER,{code:d}"), (spec,))


DRAWN: Final = Drawn("template", cases(wild=False), cases(wild=True), RebuiltTemplates)
