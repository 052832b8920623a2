"""Declarations of Template that hypothesis draws, so plain that their texts alone say the bytes."""

from __future__ import annotations

import re
from typing import Any, Final

from hypothesis import strategies as st

from tcpcomm.codec import Dialect, Field, MessageSpec, Template
from tcpcomm.errors import Fault
from tests.codec.cases import Case
from tests.codec.drawn import Drawn, Rebuilt

__all__ = ["DRAWN"]

FORMS: Final = {
    int: ("", "d", "04d", "+d", "3d"),
    float: ("", ".2f", "08.3f", "+.1f"),
    str: ("",),
}
fields = st.sampled_from([*FORMS]).flatmap(
    lambda kind: st.tuples(st.just(kind), st.sampled_from(FORMS[kind]))
)
literals = st.sampled_from(["", ",", ";", " ", "=", "A", "B2", "-", "."])


def templated(
    word: str, name: str, parts: list[tuple[Any, str]], joints: list[str]
) -> tuple[str, list[Field]]:
    """Return a template and its fields."""
    text, found = word, []
    for index, ((kind, form), joint) in enumerate(zip(parts, joints, strict=False)):
        field = f"{name}{index}"
        text += joint + (f"{{{field}:{form}}}" if form else f"{{{field}}}")
        found.append(Field(field, kind))
    return text, found


@st.composite
def declarations(draw: st.DrawFn) -> Case:
    """Draw commands and an event whose fields have commas between them."""
    commas = [","] * 4
    asked, parameters = templated("ASK", "p", draw(st.lists(fields, max_size=3)), commas)
    kind, form = draw(fields)
    told, values = templated("!T", "t", draw(st.lists(fields, max_size=2)), commas)
    specs = (
        MessageSpec(
            "ask", "Device.ask", asked, f"R {{x:{form}}}" if form else "R {x}", tuple(parameters), kind
        ),
        MessageSpec("tell", "Device.tell", told, parameters=tuple(values), is_event=True),
    )
    return Case("drawn", Template(fault="ERR {code}"), specs, (Fault(3),))


@st.composite
def wild(draw: st.DrawFn) -> Case:
    """Draw a command whose fields have any text between them, or none."""
    joints = draw(st.lists(literals, min_size=4, max_size=4))
    word = draw(st.sampled_from(["", "A", "ASK ", "1"]))
    asked, parameters = templated(word, "p", draw(st.lists(fields, min_size=1, max_size=3)), joints)
    spec = MessageSpec("ask", "Device.ask", asked, "OK", tuple(parameters))
    return Case("wild", Template(fault="ERR {code}"), (spec,), (Fault(3),))


class RebuiltTemplate(Rebuilt):
    """Messages by the templates of ``tcpcomm describe``, and the types of their fields."""

    def __init__(self, dialect: Dialect, spec: MessageSpec) -> None:
        notation = dialect.notation(spec.name)
        self._request, self._replies = notation.request, notation.replies
        self._kinds = {field.name: field.type for field in spec.parameters}

    @staticmethod
    def _filled(template: str, values: dict[str, Any]) -> bytes:
        def text_of(match: re.Match[str]) -> str:
            name, form = match.groups()
            value = values[name]
            return repr(value) if type(value) is float and not form else format(value, form or "")

        return re.sub(r"\{(\w+)(?::([^}]*))?\}", text_of, template).encode()

    def request(self, values: dict[str, Any], id: int) -> bytes:
        return self._filled(self._request, values)

    def read_request(self, frame: bytes) -> Any:
        parts = frame.decode().split(",")[1:]
        return {name: kind(part) for (name, kind), part in zip(self._kinds.items(), parts, strict=True)}

    def reply(self, values: dict[str, Any], result: Any, id: int) -> list[bytes]:
        return [self._filled(each, {"x": result}) for each in self._replies]

    def plain(self, values: dict[str, Any]) -> Any:
        return values


DRAWN: Final = Drawn("template-plain", declarations(), wild(), RebuiltTemplate)
