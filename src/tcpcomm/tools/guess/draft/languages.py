"""The languages of text that a draft can have: :func:`languages_of` recognises SCPI and XML."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from attrs import evolve, frozen

from tcpcomm.tools.guess.draft.lines import Line

_SCPI_LINE: Final = re.compile(r"[:*]?[A-Za-z]+\d*(:[A-Za-z]+\d*)*\??( .*)?")
_SCPI_QUERY: Final = re.compile(r"\*[A-Za-z]+\?|[A-Za-z]+\d*(:[A-Za-z]+\d*)+\?( .*)?")
_HEADER: Final = re.compile(r"[^ ]+")
_XML_HEAD: Final = re.compile(r"\s*<\?xml[^>]*\?>\s*")
_XML_DOCUMENT: Final = re.compile(r"\s*<[A-Za-z_].*>\s*", re.DOTALL)
_MOSTLY: Final = 0.7


@frozen(kw_only=True)
class Language:
    """
    A codec by which lines may be read.

    Attributes:
        codec: its name.
        lines: the lines, as the codec compares them.
        with_path: True if words with colons between them are one word.
        has_declaration: True if each document begins with an XML declaration.
    """

    codec: str
    lines: Sequence[Line]
    with_path: bool = False
    has_declaration: bool = False


def languages_of(lines: Sequence[Line]) -> list[Language]:
    """Return the languages that lines may have, the most special one first."""
    found = []
    if all(_XML_DOCUMENT.fullmatch(_XML_HEAD.sub("", each.text)) for each in lines):
        has_declaration = all(_XML_HEAD.match(each.text) for each in lines)
        plain = [evolve(each, text=_plain_xml(each.text)) for each in lines]
        found.append(Language(codec="Xml", lines=plain, has_declaration=has_declaration))
    for side in (0, 1):
        asked = [each.text for each in lines if each.side == side]
        is_scpi = sum(bool(_SCPI_LINE.fullmatch(each)) for each in asked) >= _MOSTLY * len(asked)
        if asked and is_scpi and any(map(_SCPI_QUERY.fullmatch, asked)):
            upper = [evolve(each, text=_upper(each.text)) if each.side == side else each for each in lines]
            found.append(Language(codec="Scpi", lines=upper, with_path=True))
            found.append(Language(codec="Template", lines=lines, with_path=True))
            return found
    found.append(Language(codec="Template", lines=lines))
    return found


def _plain_xml(text: str) -> str:
    """Return a document without its declaration, and without blanks between its elements."""
    return re.sub(r">\s+<", "><", _XML_HEAD.sub("", text).strip())


def _upper(text: str) -> str:
    """Return a line of SCPI with its header in capitals, which are the short form of a keyword."""
    return _HEADER.sub(lambda header: header[0].upper(), text, count=1)
