"""Declarations of Xml that hypothesis draws: fields in attributes and texts, lists, optional elements."""

from __future__ import annotations

from typing import Any, Final

from attrs import make_class
from hypothesis import strategies as st

from tcpcomm.codec import Codec, Field, MessageSpec, Until, Xml
from tcpcomm.errors import Fault
from tests.codec.cases import Case
from tests.codec.drawn import Drawn
from tests.codec.template.declarations import RANGES, Grade
from tests.codec.template.rebuilt import RebuiltTemplates

__all__ = ["DRAWN"]

FORMS: Final[dict[Any, tuple[str, ...]]] = {
    int: ("", "d", "+d", "06d", "04X", "Xi32"),
    float: ("", ".3f", "+.2f", "012.3f", ".3E", "08d/1000"),
    str: ("",),
    bool: ("", "ON|OFF"),
    bytes: ("", "x"),
    Grade: ("",),
}
REFUSED: Final[dict[Any, tuple[str, ...]]] = {str: ("x", "<12"), Grade: ("<6",)}
"""The formats that XML cannot carry. Only wild declarations have them: most of those are refused."""
CODECS: Final[tuple[Codec, ...]] = (
    Xml(),
    Xml(declaration=True),
    Xml("cp949", '<알람 코드="{code:d}"><글>{reason}</글></알람>'),
    Xml(fault='<F C="{code:d}"/>', ignore_unknown=True),
)
FAULTS: Final = (Fault(3), Fault(17))


@st.composite
def documents(draw: st.DrawFn, name: str, *, wild: bool) -> tuple[str, dict[str, Any]]:
    """Draw a document, and the annotations of its fields."""
    attributes, elements, annotations = "", "", {}
    for field in "abcd"[: draw(st.integers(1, 4))]:
        kind = draw(st.sampled_from([*FORMS]))
        form = draw(st.sampled_from((*FORMS[kind], *(REFUSED.get(kind, ()) if wild else ()))))
        annotations[field] = draw(st.sampled_from([kind, RANGES.get(kind, kind)]))
        value = f"{{{field}:{form}}}" if form else f"{{{field}}}"
        match draw(st.sampled_from(("attribute", "element", "optional", "list"))):
            case "attribute":
                attributes += f' {field.upper()}="{value}"'
            case "element":
                elements += f"<E{field}>{value}</E{field}>"
            case "optional":
                elements += f"[<O{field}>{value}</O{field}>]"
                annotations[field] |= None
            case _:
                elements += f'<L{field} N="{{#{field}}}">{{{field}*:<I V="{{v:{form}}}"/>}}</L{field}>'
                annotations[field] = list.__class_getitem__(annotations[field])
    return f"<{name}{attributes}>{elements}</{name}>", annotations


@st.composite
def cases(draw: st.DrawFn, *, wild: bool) -> Case:
    asked, parameters = draw(documents("Ask", wild=wild))
    answer, fields = draw(documents("Got", wild=wild))
    result: Any = make_class("Result", list(fields), frozen=True)
    result.__annotations__ = fields
    reply: Any = answer
    if draw(st.booleans()):
        reply, result = Until("<End/>", answer), list.__class_getitem__(result)
    spec = MessageSpec(
        "ask",
        "Device.ask",
        asked,
        reply,
        tuple(Field(name, kind) for name, kind in parameters.items()),
        result,
    )
    return Case("drawn", draw(st.sampled_from(CODECS)), (spec,), FAULTS)


class RebuiltDocuments(RebuiltTemplates):
    """Documents by the data of ``tcpcomm describe``. A reader of XML is not written here."""

    reads = False


DRAWN: Final = Drawn("xml", cases(wild=False), cases(wild=True), RebuiltDocuments)
