"""Texts that a peer sent, as far as a field can repeat them: :func:`fitting_text`."""

from __future__ import annotations

from typing import Final

from tcpcomm.codec.encoding import Encoding
from tcpcomm.codec.template.fields.field_type import FieldType
from tcpcomm.codec.template.fields.format_spec import FormatSpec
from tcpcomm.errors import CodecError

_MOST_SIFTED: Final = 1000
"""Characters that are tried one by one. A peer may send a million of them."""


def fitting_text(text: str, kind: FieldType, format_spec: FormatSpec, encoding: Encoding) -> str | None:
    """
    Return the part of a text that a field can carry, or None if it can carry no character.

    A text that is wider than the field is cut at its end. Characters that the field cannot carry are left
    out, and then the text is cut after 1000 characters. Both ends get the same text, so a host can compare
    it.

    Args:
        text: the text.
        kind: the type of the field, which is a text.
        format_spec: its format.
        encoding: the encoding that the text must fit into.
    """
    kept = text if encoding.carries(text) else "".join(filter(encoding.carries, text))
    width = format_spec.width
    if width is not None:
        kept = kept[:width]  # a character has a byte or more
        while (encoding.size(kept) if format_spec.type == "b" else len(kept)) > width:
            kept = kept[:-1]
        strip = str.lstrip if format_spec.align == ">" else str.rstrip
        kept = strip(kept, format_spec.fill)  # the reader takes the filling off
    if not _carries(kind, kept):
        kept = "".join(each for each in kept[:_MOST_SIFTED] if _carries(kind, each))
    return kept if kept and _carries(kind, kept) else None


def _carries(kind: FieldType, text: str) -> bool:
    try:
        kind.write(text)
    except CodecError:
        return False
    return True
