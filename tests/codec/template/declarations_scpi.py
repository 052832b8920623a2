"""Declarations of Scpi that hypothesis draws: headers in long and short forms, with parameters."""

from __future__ import annotations

from typing import Any, Final

from hypothesis import assume
from hypothesis import strategies as st

from tcpcomm.codec import Field, MessageSpec, Scpi
from tcpcomm.errors import ConfigurationError
from tests.codec.cases import Case
from tests.codec.drawn import Drawn
from tests.codec.template.declarations import Grade
from tests.codec.template.rebuilt import RebuiltTemplates

__all__ = ["DRAWN"]

FORMS: Final[dict[Any, tuple[str, ...]]] = {
    int: ("", "d", "+d"),
    float: ("", ".3f", ".3E"),
    str: ("q",),
    bool: ("", "ON|OFF"),
    bytes: ("block",),
    Grade: ("",),
}
HEADERS: Final = ("MEASure[:VOLTage][:DC]", "CURVe", "SYSTem:ERRor[:NEXT]", "*IDN", "OUTPut{n:d}:LEVel")


@st.composite
def cases(draw: st.DrawFn) -> Case:
    header = draw(st.sampled_from(HEADERS))
    parameters = [Field("n", int)] if "{n" in header else []
    texts = []
    for name in "abc"[: draw(st.integers(0, 3))]:
        kind = draw(st.sampled_from([*FORMS]))
        form = draw(st.sampled_from(FORMS[kind]))
        parameters.append(Field(name, kind))
        texts.append(f"{{{name}:{form}}}" if form else f"{{{name}}}")
    result = draw(st.sampled_from([*FORMS]))
    form = draw(st.sampled_from(FORMS[result]))
    spec = MessageSpec(
        "ask",
        "Device.ask",
        f"{header}? {','.join(texts)}".strip(),
        f"{{x:{form}}}" if form else "{x}",
        tuple(parameters),
        result,
    )
    return Case("drawn", Scpi(), (spec,), ())


@st.composite
def declarations(draw: st.DrawFn) -> Case:
    case = draw(cases())
    try:
        case.dialect.layout("ask")
    except ConfigurationError:
        assume(False)
    return case


class RebuiltCommands(RebuiltTemplates):
    """Commands by the data of ``tcpcomm describe``. A reader of blocks is not written here."""

    reads = False


DRAWN: Final = Drawn("scpi", declarations(), cases(), RebuiltCommands)
