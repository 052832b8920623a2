"""
Templates as data, for programs of other languages: :func:`template_form`.

The data say what stands in a message, piece by piece, so that their reader needs no parser of templates.
``docs/reference/manual-json.md`` describes them.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any, Final

from tcpcomm.codec.annotations import bare_type
from tcpcomm.codec.base import Field
from tcpcomm.codec.template.fields.field_types import (
    absent_value,
    item_of,
    names_of_lists,
    value_fields,
    without_none,
)
from tcpcomm.codec.template.fields.format_spec import parse_format_spec
from tcpcomm.codec.template.fields.ieee488_fields import BLOCK_FORMAT
from tcpcomm.codec.template.fields.raw_bytes import RAW_FORMAT, RAW_KINDS
from tcpcomm.codec.template.parser import (
    CountPiece,
    ListPiece,
    OptionalPiece,
    Piece,
    TextPiece,
    ValuePiece,
    parse,
    value_names,
)
from tcpcomm.codec.value_forms import Form, default_form, form_of, plain

FRAMES: Final = "#"
"""The name of a field that counts the frames behind its own."""

_SIDES: Final = {"<": "left", ">": "right", "=": "behind the sign"}
_KINDS: Final = {"i": "signed", "u": "unsigned", "f": "float"}


def template_form(
    text: str, fields: Mapping[str, Field], *, of_request: Collection[str] = (), id: str | None = None
) -> Form:
    """
    Return a template as data: its text, and its parts.

    Args:
        text: the template.
        fields: its fields by their names.
        of_request: the fields whose values are those of the request.
        id: the field that is the id of the request, or None.
    """
    forms = _Parts(fields, of_request, id)
    return {"template": text, "parts": [forms.part(piece) for piece in parse(text)]}


class _Parts:
    """Returns the pieces of one template as data."""

    def __init__(self, fields: Mapping[str, Field], of_request: Collection[str], id: str | None) -> None:
        self._fields = fields
        self._of_request = of_request
        self._id = id

    def part(self, piece: Piece) -> Form:
        match piece:
            case TextPiece():
                return {"text": piece.text}
            case ValuePiece():
                return self._value(piece)
            case CountPiece():
                return {**self._count(piece), **_format(int, piece.format_spec)}
            case ListPiece():
                return self._list(piece)
        return self._optional(piece)

    def _value(self, piece: ValuePiece) -> Form:
        kind, _ = without_none(self._fields[piece.name].type)
        origin: Form = {}
        if piece.name == self._id:
            origin = {"is": "id"}
        elif piece.name in self._of_request:
            origin = {"of": "request"}
        form = form_of(kind)
        default = default_form(self._fields[piece.name])
        return {"field": piece.name, **origin, "form": form, **default, **_format(kind, piece.format_spec)}

    def _count(self, piece: CountPiece) -> Form:
        if piece.in_bytes:
            return {"count": "written bytes", "of": piece.name or "all behind it"}
        lists = names_of_lists(self._fields)
        if not piece.name and (FRAMES in self._fields or len(lists) != 1):
            return {"count": "frames"}
        name = piece.name or lists[0]
        kind = without_none(self._fields[name].type)[0]
        units = {str: "characters", bytes: "bytes", memoryview: "bytes"}
        return {"count": units.get(kind, "items"), "of": name}

    def _list(self, piece: ListPiece) -> Form:
        kind = item_of(without_none(self._fields[piece.name].type)[0])
        if isinstance(piece.item, str):
            item = {"form": form_of(kind), **_format(kind, piece.item)}
        else:
            inner = value_fields(kind, tuple(value_names(piece.item))).fields
            parts = _Parts(inner, (), None)
            item = {"form": form_of(kind), "parts": [parts.part(each) for each in piece.item]}
        return {"list": piece.name, "separator": piece.separator, "item": item}

    def _optional(self, piece: OptionalPiece) -> Form:
        absent = {name: plain(absent_value(self._fields[name])()) for name in value_names(piece.pieces)}
        return {"optional": [self.part(each) for each in piece.pieces], "absent": absent}


def _format(kind: Any, text: str) -> Form:
    """Return a format specification as data; empty if there is none."""
    kind = bare_type(kind)
    if kind is bool:
        return {"format": {"words": (text or "1|0").split("|")}}
    if not text:
        return {}
    if text in (RAW_FORMAT, BLOCK_FORMAT) and kind in RAW_KINDS:
        return {"format": {"letter": text}}
    return {"format": dict(_format_parts(text))}


def _format_parts(text: str) -> Iterator[tuple[str, Any]]:
    spec = parse_format_spec(text)
    if spec.align:
        yield from (("align", _SIDES[spec.align]), ("fill", spec.fill))
    if spec.sign:
        yield "sign", spec.sign
    if spec.zero:
        yield "zeros", True
    if spec.width is not None:
        yield "width", spec.width
        yield "unit", "bytes" if spec.type == "b" else "characters"
    if spec.precision is not None:
        yield "decimals", spec.precision
    if spec.type and spec.type != "b":
        yield "letter", spec.type
    if spec.machine:
        yield "computer", _KINDS[spec.machine[0]]
        yield "bits", spec.bits
        yield "order", "little" if spec.is_little_endian else "big"
    if spec.scale is not None:
        yield "scale", spec.scale
    if spec.exact:
        yield "exact", True
