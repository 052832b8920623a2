"""
Raw bytes behind the text of a template: the format ``raw``, as in ``IMG {#image}\\r\\n{image:raw}``.

The text of a frame with such bytes is a :class:`WithBody`: the decoded line, with RAW in the place of the
bytes. So they are not decoded, and the rules of texts hold for the line.
"""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import Any, Final

from tcpcomm.codec.problems import wrong
from tcpcomm.codec.template.fields.field_type import FieldType
from tcpcomm.codec.template.parser import ListPiece, OptionalPiece, Piece, TextPiece, ValuePiece
from tcpcomm.codec.template.regex_tree import literal
from tcpcomm.errors import ConfigurationError

RAW: Final = "\udcff"
"""The character in the place of raw bytes. No encoding decodes to it, so no peer can send it."""

RAW_FORMAT: Final = "raw"

RAW_KINDS: Final = (bytes, memoryview)
"""The types of raw bytes. A memoryview is not copied out of its frame."""

_LINE_ENDS: Final = ("\r\n", "\n", "\r")


class WithBody(str):
    """The text of a frame. Its last character RAW stands for raw bytes."""

    __slots__ = ("body",)

    body: bytes | bytearray | memoryview

    def __new__(cls, text: str, body: bytes | bytearray | memoryview) -> WithBody:
        self = str.__new__(cls, text)
        self.body = body
        return self


def count_bytes(value: Any) -> int:
    """Return the number of bytes; raise CodecError for another value."""
    if not isinstance(value, bytes | bytearray | memoryview):
        raise wrong("bytes", value)
    return len(value)


def raw_type(kind: type[Any]) -> FieldType:
    """Return the field type of ``bytes``, or of a ``memoryview``, that are sent as they are."""

    def write(value: Any) -> str:
        count_bytes(value)
        return RAW

    def draw(random: Random) -> Any:
        return kind(random.randbytes(random.randrange(30)) + random.choice((b"", b"\r\nOK\r\n")))

    return FieldType("raw bytes behind a line end", literal(RAW), write, str, draw)


def raw_field(pieces: Sequence[Piece], template: str) -> str:
    """
    Return the name of the field of raw bytes in a template, or an empty text if it has none.

    Raises:
        ConfigurationError: it is not the last field, behind a line end.
    """
    names = list(_raw_names(pieces))
    if not names:
        return ""
    before = pieces[-2] if len(pieces) > 1 else None
    at_end = isinstance(before, TextPiece) and before.text.endswith(_LINE_ENDS)
    if not at_end or len(names) > 1 or pieces[-1] != ValuePiece(names[0], RAW_FORMAT):
        raise ConfigurationError(
            f"{template!r}: raw bytes must be the last field and follow a line end, as in "
            "'IMG {#image}\\r\\n{image:raw}'"
        )
    return names[0]


def line_end_of(template: str) -> str:
    """Return the line end before the raw bytes of a template."""
    line = template.rpartition("{")[0]
    return next(each for each in _LINE_ENDS if line.endswith(each))


def _raw_names(pieces: Sequence[Piece]) -> list[str]:
    names = []
    for piece in pieces:
        if isinstance(piece, OptionalPiece):
            names += _raw_names(piece.pieces)
        elif isinstance(piece, ListPiece) and not isinstance(piece.item, str):
            names += _raw_names(piece.item)
        elif (isinstance(piece, ValuePiece) and piece.format_spec == RAW_FORMAT) or (
            isinstance(piece, ListPiece) and piece.item == RAW_FORMAT
        ):
            names.append(piece.name)
    return names
