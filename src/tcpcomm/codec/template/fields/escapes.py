"""
Texts that a document writes in other characters than their own, such as ``&lt;`` for ``<`` in XML.

The compiler of templates asks :func:`as_escaped` for every field.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from tcpcomm.codec.template.fields.field_type import FieldType

Escape = Callable[[FieldType, bool], FieldType]
"""
Returns the field type of a field in the document. True is for any text, which is written with escapes.

Raises ConfigurationError if the document cannot carry what the field writes.
"""

_escape: ContextVar[Escape | None] = ContextVar("_escape", default=None)


@contextmanager
def escaping(escape: Escape) -> Iterator[None]:
    """Let the texts of all templates that are compiled meanwhile be written with these escapes."""
    token = _escape.set(escape)
    try:
        yield
    finally:
        _escape.reset(token)


def as_escaped(kind: FieldType, *, is_text: bool) -> FieldType:
    """Return a field type as it is written in the templates that are compiled now."""
    escape = _escape.get()
    return kind if escape is None else escape(kind, is_text)
