"""
XML documents as text of one certain form, so that templates can read and write them.

In this form attributes stand in the order of their names, blanks around texts are gone, and comments,
processing instructions and the XML declaration too. An element without content has an end tag of its own.
Two documents that mean the same have the same text.
"""

from __future__ import annotations

import re
from collections.abc import Set
from contextlib import suppress
from random import Random
from typing import Any, Final
from xml.parsers import expat

from attrs import evolve, field, frozen

from tcpcomm.codec.encoding import Encoding
from tcpcomm.codec.problems import brief_repr
from tcpcomm.codec.template.ambiguity import common_text
from tcpcomm.codec.template.fields.field_type import FieldType
from tcpcomm.codec.template.regex_tree import ANY, Choice, Run, Seq, chars
from tcpcomm.errors import CodecError, ConfigurationError

_ESCAPES: Final = {
    "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "\t": "&#9;", "\n": "&#10;", "\r": "&#13;",
}  # fmt: skip
_CHARACTERS: Final = {escape: character for character, escape in _ESCAPES.items()}
_SPECIAL: Final = re.compile('[&<>"\t\n\r]')
_ESCAPE: Final = re.compile("|".join(_CHARACTERS))
_ILLEGAL: Final = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_EMPTY: Final = re.compile(r'<([^\s<>/"]+)((?: [^\s="<>]+="[^"]*")*)></\1>')
_BOM: Final = b"\xef\xbb\xbf"

_REST: Final = Run(ANY, 0, None)
_BLANK: Final = Run(chars(each for each in map(chr, range(0x3001)) if each.isspace()), 1, 1)
_MARKUP: Final = Seq((_REST, Run(chars(_ESCAPES), 1, 1), _REST))
"""The texts that would have to be written with escapes."""
_CHANGED: Final = Choice((Seq((_BLANK, _REST)), Seq((_REST, _BLANK)), _MARKUP))
"""The texts that would arrive changed, or not at all."""


def has_markup(text: str) -> bool:
    """Return True if a text has characters that a document cannot have as they are."""
    return _SPECIAL.search(text) is not None


def escaped(text: str) -> str:
    """Return a text as it stands in a document."""
    return _SPECIAL.sub(lambda match: _ESCAPES[match[0]], text)


def unescaped(text: str) -> str:
    """Return the text that stands so in a document."""
    return _ESCAPE.sub(lambda match: _CHARACTERS[match[0]], text) if "&" in text else text


def escaped_type(kind: FieldType, is_text: bool) -> FieldType:
    """
    Return the field type of a field as it stands in XML.

    Args:
        kind: the field type.
        is_text: True if its values are any texts.

    Raises:
        ConfigurationError: it writes blanks at an end, which a reader of XML drops, or characters that
            have a meaning there.
    """
    if is_text:
        _check_filling(kind)
        return _escaped_text_type(kind)
    changed = _CHANGED if kind.written is None else _MARKUP  # a number is read without its blanks too
    found = common_text(kind.written or kind.pattern, changed)
    if found is not None:
        raise _not_carried(found)
    return kind


def _check_filling(kind: FieldType) -> None:
    """Raise ConfigurationError if a format adds blanks or quotes to a text."""
    for value in ("x", ""):
        with suppress(CodecError):  # it must not be empty
            text = kind.write(value)
            if text != escaped(text.strip()):
                raise _not_carried(text)


def _not_carried(text: str) -> ConfigurationError:
    return ConfigurationError(
        f"it would be written as {text!r}, but XML drops blanks at an end, and gives & < > and quotes a "
        "meaning: choose another format, or other words"
    )


def _escaped_text_type(kind: FieldType) -> FieldType:
    def write(value: Any) -> str:
        if isinstance(value, str):
            illegal = _ILLEGAL.search(value)
            if illegal is not None:
                raise CodecError(f"{brief_repr(value)} has {illegal[0]!r}, which XML cannot carry")
            if value.strip() != value:
                raise CodecError(f"{brief_repr(value)} has blanks at an end, which a reader of XML drops")
            value = escaped(value)
        return kind.write(value)

    def draw(random: Random) -> str:
        return str(kind.draw(random)).strip() or "x"

    return evolve(kind, write=write, read=lambda text: unescaped(kind.read(text)), draw=draw)


def canonical(document: str, *, known: Set[str] | None = None, seen: set[str] | None = None) -> str:
    """
    Return a document in the form that the module describes.

    Args:
        document: the document.
        known: the places that count, such as ``/Robot/Locate`` and ``/Robot/Locate/@Job``. Elements and
            attributes at other places are left out. None: all places count.
        seen: a set to which the places of this document are added.

    Raises:
        CodecError: it is not well-formed XML, or has a document type definition.
    """
    parts: list[str] = []
    texts: list[str] = []
    has_places = known is not None or seen is not None  # else a deep document would take much memory
    places = [""]
    left_out = 0  # elements that are open and do not count

    def end_text() -> None:
        if texts:
            parts.append(escaped("".join(texts).strip()))
            texts.clear()

    def start(name: str, attributes: dict[str, str]) -> None:
        nonlocal left_out
        place = f"{places[-1]}/{name}" if has_places else ""
        if left_out or (known is not None and place not in known):
            left_out += 1
            return
        end_text()
        if has_places:
            places.append(place)
        parts.append(f"<{name}")
        for key in sorted(attributes):
            if known is None or f"{place}/@{key}" in known:
                parts.append(f' {key}="{escaped(attributes[key].strip())}"')
        parts.append(">")
        if seen is not None:
            seen.update((place, *(f"{place}/@{key}" for key in attributes)))

    def end(name: str) -> None:
        nonlocal left_out
        if left_out:
            left_out -= 1
            return
        end_text()
        if has_places:
            places.pop()
        parts.append(f"</{name}>")

    def text(data: str) -> None:
        if not left_out:
            texts.append(data)

    def refuse(*_: object) -> None:
        reason = "a document type definition is refused, because its entities can grow without a limit"
        raise CodecError(reason)

    parser = expat.ParserCreate()
    parser.StartElementHandler = start
    parser.EndElementHandler = end
    parser.CharacterDataHandler = text
    parser.StartDoctypeDeclHandler = refuse
    try:
        parser.Parse(document, True)
    except expat.ExpatError as error:
        problem = f"{expat.ErrorString(error.code)}, at character {error.offset} of line {error.lineno}"
        raise CodecError(f"this is not XML: {problem} of {brief_repr(document)}") from None
    return "".join(parts)


def shortened(text: str) -> str:
    """Write elements without content as one tag: ``<Robot/>``."""
    return _EMPTY.sub(r"<\1\2/>", text) if "></" in text else text


@frozen
class XmlEncoding(Encoding):
    """The encoding of XML documents, which are texts in the form of :func:`canonical`."""

    declaration: bool = field(default=False)
    """Whether documents are sent with an XML declaration."""

    known: frozenset[str] | None = field(default=None)
    """The places that count in received documents. None: all of them."""

    @property
    def rules(self) -> dict[str, Any]:
        return {
            "document": "XML",
            "escapes": dict(_ESCAPES),
            "first": self._head,
            "ignore_unknown": self.known is not None,
        }

    @property
    def _head(self) -> str:
        return f'<?xml version="1.0" encoding="{self.name}"?>' if self.declaration else ""

    def encode(self, text: str) -> bytes:
        return super().encode(self._head + shortened(text))

    def size(self, text: str) -> int:
        return len(super().encode(text))

    def decode(self, data: bytes) -> str:
        return canonical(super().decode(data.removeprefix(_BOM)), known=self.known)
