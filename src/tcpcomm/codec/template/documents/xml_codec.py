"""
Messages as XML documents with fields in braces: :class:`Xml`.

Each document of the declaration is brought into the form of :mod:`~.xml_text` once,
and each document of the peer when it arrives. So templates read and write them, with all their formats,
forms of replies and faults.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any, ClassVar, Final

from attrs import evolve, field, fields, frozen, has

from tcpcomm.codec.base import MISSING, Codec, Dialect, MessageSpec, ProtocolErrorKind
from tcpcomm.codec.limits import MAX_ITEMS, positive
from tcpcomm.codec.template.documents.xml_text import XmlEncoding, canonical, escaped_type, has_markup
from tcpcomm.codec.template.fields.escapes import escaping
from tcpcomm.codec.template.parser import (
    CountPiece,
    ListPiece,
    OptionalPiece,
    Piece,
    TextPiece,
    ValuePiece,
    escaped,
    literal_texts,
    parse,
)
from tcpcomm.codec.template.template import Template
from tcpcomm.errors import CodecError, ConfigurationError

_FIRST: Final = 0xE000  # of the private characters, which stand for the fields while XML is parsed
_MOST: Final = 6000
_WITH_DOCUMENTS: Final = ("wire", "reply", "faults")


@frozen
class Xml(Codec):
    """
    Messages as XML documents with fields in braces, as robots send them.

    A document is written as in the manual, with fields in attributes and texts::

        @command('<Robot><Locate Job="{job}"/></Robot>',
                 reply='<Sensor><Pos X="{x:.3f}" Y="{y:.3f}"/><Status>{status}</Status></Sensor>')

    The formats of fields, optional parts ``[<Note>{note}</Note>]``, lists ``{parts*:<Part X="{x}"/>}``, the
    forms of replies and the faults are those of :class:`Template`. Attributes may come in any order, and
    blanks between elements do not count. Any element or attribute tells commands apart.

    Attributes:
        encoding: the encoding of the documents. A declaration in a received document does not change it.
        fault: the document of faults, or several, as in :class:`Template`.
        codes: the fault codes of protocol errors.
        max_items: the most items of a list.
        ignore_unknown: whether received documents may have elements and attributes at places that no
            document of the declaration has. They are ignored. Otherwise such a document is refused.
        declaration: whether documents are sent with ``<?xml version="1.0" encoding="..."?>``.
        ok: the ``{code}`` of a fault that means success, or several, as in :class:`Template`.
        id: the field that is the id of a request in all documents of commands, replies and faults, as in
            :class:`Template`. Replies may then come in any order.
        data: a class for the data of faults, as in :class:`Template`.

    Raises:
        ConfigurationError: a document is not well-formed, or as for :class:`Template`.
    """

    takes_silence: ClassVar[bool] = True
    compiles_silence: ClassVar[bool] = True
    takes_faults: ClassVar[bool] = True

    encoding: str = "utf-8"
    fault: str | Sequence[str] | Mapping[str, int | str | None] | None = field(
        default='<Fault Code="{code}">{reason}</Fault>', hash=False
    )
    codes: Mapping[ProtocolErrorKind, int | str] = field(factory=dict, hash=False)
    max_items: int = field(default=MAX_ITEMS, kw_only=True, validator=positive)
    ignore_unknown: bool = field(default=False, kw_only=True)
    declaration: bool = field(default=False, kw_only=True)
    ok: int | str | Collection[int | str] | None = field(default=None, kw_only=True, hash=False)
    id: str | None = field(default=None, kw_only=True)
    data: type[Any] | None = field(default=None, kw_only=True)
    _template: Template = field(init=False, repr=False, eq=False)

    @_template.default
    def _make_template(self) -> Template:
        try:
            fault = _in_form(self.fault, set())
        except ConfigurationError as error:
            raise ConfigurationError(f"the document of faults: {error}") from None
        with escaping(escaped_type):
            return Template(
                self.encoding,
                fault,
                self.codes,
                max_items=self.max_items,
                ok=self.ok,
                id=self.id,
                data=self.data,
            )

    def bind(self, specs: Sequence[MessageSpec]) -> Dialect:
        documents, places = [], set[str]()
        _in_form(self.fault, places)
        for spec in specs:
            try:
                changes = {each: _in_form(getattr(spec, each), places) for each in _WITH_DOCUMENTS}
            except ConfigurationError as error:
                raise ConfigurationError(f"{spec.where}: {error}") from None
            documents.append(evolve(spec, **changes))
        with escaping(escaped_type):
            known = frozenset(places) if self.ignore_unknown else None
            encoding = XmlEncoding(self.encoding, self.declaration, known)
            return self._template.bind_with(documents, encoding)


def _in_form(declared: Any, places: set[str]) -> Any:
    """
    Return templates, or a form of a reply that holds templates, with all documents in one form.

    Add the places of their elements and attributes to ``places``.
    """
    if isinstance(declared, str):
        return _template_in_form(declared, places)
    if isinstance(declared, tuple | list):
        return type(declared)(_in_form(each, places) for each in declared)
    if isinstance(declared, Mapping):
        return {_in_form(text, places): code for text, code in declared.items()}
    if declared is not MISSING and has(type(declared)):
        copy = object.__new__(type(declared))
        for each in fields(type(declared)):
            object.__setattr__(copy, each.name, _in_form(getattr(declared, each.name), places))
        return copy
    return declared


def _template_in_form(text: str, places: set[str]) -> str:
    """Return the template of the same document, with attributes in order and without blanks."""
    if any(_FIRST <= ord(each) <= _FIRST + _MOST for each in text):
        raise ConfigurationError(f"{text!r} has characters for private use")
    pieces = parse(text)
    of_elements = {"", *_lists_of_elements(pieces)}  # an empty name counts all behind it
    marks: list[str] = []

    def marked(template: str) -> str:
        marks.append(template)
        if len(marks) > _MOST:
            raise ConfigurationError(f"a document has more than {_MOST} fields")
        return chr(_FIRST + len(marks) - 1)

    def render(pieces: Sequence[Piece]) -> str:
        parts = []
        for piece in pieces:
            if isinstance(piece, ListPiece):
                _check_separator(piece)
            if isinstance(piece, CountPiece) and piece.in_bytes and piece.name in of_elements:
                raise ConfigurationError(
                    f"{text!r}: {piece.notation} counts the bytes of elements, which XML lets a peer write "
                    "in several ways: count those of one field, as in {##text}, or the items of a list"
                )
            if isinstance(piece, TextPiece):
                parts.append(piece.text)
            elif isinstance(piece, OptionalPiece):
                parts += [marked("["), render(piece.pieces), marked("]")]
            elif isinstance(piece, ListPiece) and not isinstance(piece.item, str):
                separator = piece.separator.strip() if render(piece.item)[:1] == "<" else piece.separator
                begin = "{" + piece.name + "*" + separator.replace(":", "::").replace("{", "{{") + ":"
                parts += [marked(begin), render(piece.item), marked("}")]
            else:
                parts.append(marked(_source(piece)))
        return "".join(parts)

    try:
        document = canonical(render(pieces), seen=places)
    except CodecError as error:
        problem = f"{text!r} is not a document with fields in braces: {error.reason}"
        raise ConfigurationError(problem) from None
    return "".join(
        marks[ord(each) - _FIRST] if _FIRST <= ord(each) < _FIRST + len(marks) else escaped(each)
        for each in document
    )


def _lists_of_elements(pieces: Sequence[Piece]) -> Iterator[str]:
    """Yield the names of the lists with items that have elements."""
    for piece in pieces:
        if isinstance(piece, OptionalPiece):
            yield from _lists_of_elements(piece.pieces)
        elif isinstance(piece, ListPiece) and not isinstance(piece.item, str):
            if any("<" in text for text in literal_texts(piece.item)):
                yield piece.name
            yield from _lists_of_elements(piece.item)


def _check_separator(piece: ListPiece) -> None:
    """Raise ConfigurationError if a reader of XML would not find what separates the items of a list."""
    first = TextPiece(piece.item) if isinstance(piece.item, str) else piece.item[0]
    are_elements = isinstance(first, TextPiece) and first.text.lstrip().startswith("<")
    if has_markup(piece.separator.strip() if are_elements else piece.separator):
        raise ConfigurationError(
            f"{piece.separator!r} cannot stand between the items of {piece.name}, because XML gives it a "
            "meaning"
        )


def _source(piece: CountPiece | ListPiece | ValuePiece) -> str:
    """Return the text of a field that is not a list of documents."""
    if isinstance(piece, CountPiece):
        return piece.notation[:-1] + (f":{piece.format_spec}" if piece.format_spec else "") + "}"
    if isinstance(piece, ListPiece):
        separator = piece.separator.replace(":", "::").replace("{", "{{")
        return "{" + f"{piece.name}*{separator}" + (f":{piece.item}" if piece.item else "") + "}"
    return "{" + piece.name + (f":{piece.format_spec}" if piece.format_spec else "") + "}"
