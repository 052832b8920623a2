"""The facts of a declaration for the forms of a page: :func:`describe`."""

from __future__ import annotations

import codecs
from collections.abc import Sequence
from enum import Enum
from functools import lru_cache
from typing import Any, Final, Literal, get_args, get_origin

from tcpcomm.codec.annotations import bare_type, fields_of, has_fields, union_members
from tcpcomm.codec.base import MISSING, Field
from tcpcomm.codec.ranges import limits_of
from tcpcomm.equipment.declaration import Declaration
from tcpcomm.tools.manual.facts import facts_of
from tcpcomm.tools.manual.values import form_text, type_name

_LABELS: Final = {
    "ascii": "utf-8", "cp949": "euc-kr", "euc_kr": "euc-kr", "iso8859-1": "windows-1252",
    "cp1252": "windows-1252", "cp932": "shift_jis", "euc_jp": "euc-jp", "gb2312": "gbk",
    "utf-16-le": "utf-16le", "utf-16-be": "utf-16be",
}  # fmt: skip
"""The names that browsers give to Python's encodings."""

_INPUTS: Final = {bool: "bool", bytes: "bytes", float: "float", int: "int", str: "text"}


@lru_cache(maxsize=64)
def describe(declaration: Declaration) -> dict[str, Any]:
    """Return the facts of :func:`facts_of`, and for each parameter the kind of its input."""
    facts = facts_of(declaration)
    encoding = codecs.lookup(declaration.encoding).name
    facts["encoding_label"] = _LABELS.get(encoding, encoding)
    for known, messages in ((declaration.commands, "commands"), (declaration.events, "events")):
        for each in facts[messages]:
            spec = known[each["name"]].spec
            for shown, field in zip(each["parameters"], spec.parameters, strict=True):
                shown.update(_input(field))
            if messages == "commands":
                each["result_fields"] = _fields(spec.result)
    return facts


def _input(field: Field) -> dict[str, Any]:
    annotation = bare_type(field.type)
    several = [each for each in union_members(annotation) if each is not type(None)]
    found: dict[str, Any] = {}
    if type(None) in union_members(annotation):
        found["optional"] = True
    if len(several) == 1:
        annotation = bare_type(several[0])
    choices = _choices(annotation)
    usual = "text" if len(several) > 1 else "json"
    found["input"] = "choice" if choices else _INPUTS.get(annotation, usual)
    if choices:
        found["choices"] = choices
    if field.default is not MISSING:
        found["text"] = form_text(field.default)
    return found


def _choices(annotation: Any) -> list[str]:
    if get_origin(annotation) is Literal:
        return [str(each) for each in get_args(annotation)]
    if isinstance(annotation, type) and issubclass(annotation, Enum):
        return list(annotation.__members__)
    return []


def _fields(annotation: Any) -> Sequence[dict[str, Any]]:
    """Return the fields of the class of a result, with their units, or none if it has no fields."""
    annotation = bare_type(annotation)
    if not has_fields(annotation):
        return []
    fields = []
    for each in fields_of(annotation):
        limits = limits_of(each.type)
        unit = {} if limits is None or not limits.unit else {"unit": limits.unit}
        fields.append({"name": each.name, "type": type_name(each.type), **unit})
    return fields
