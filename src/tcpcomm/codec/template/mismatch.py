"""Explanations, in words, of why a text does not fit a template: :func:`explain_mismatch`."""

from __future__ import annotations

import re
from collections.abc import Sequence

from attrs import frozen

from tcpcomm.codec.problems import brief_repr
from tcpcomm.codec.template.byte_widths import gathered
from tcpcomm.errors import CodecError


@frozen
class ExpectedText:
    """The text that one piece of a template expects."""

    regex: str
    name: str
    """The name of the field, or of the one that is counted; empty if the piece is neither."""
    description: str
    literal: str = ""
    """The exact text, if the piece is literal text."""
    width: int | None = None
    """The size of a field of fixed width; otherwise None."""
    unit: str = "characters"
    """The unit of the width."""
    parts: tuple[ExpectedText, ...] = ()
    """The pieces of an optional part."""
    most: int = 0
    """The largest number of items of a list."""
    longest: str = ""
    """The regular expression of a list with that number of items."""
    is_count: bool = False
    """True for a count of the field."""


def _common_prefix(literal: str, text: str) -> str:
    size = next((at for at, each in enumerate(literal) if text[at : at + 1] != each), len(literal))
    return literal[:size]


def _visible_field(text: str, following: str) -> str:
    """Return the part of a text that a person takes for the field: up to a space or the following text."""
    found = re.match(" *[^ ]*", text)
    assert found is not None
    stop = following[:1].strip()
    return found[0].partition(stop)[0] if stop else found[0]


def explain_mismatch(template: str, expected: Sequence[ExpectedText], text: str) -> tuple[int, CodecError]:
    """
    Return the number of characters of a text that fit a template, and the error that explains the next one.

    Longer and longer parts of the template are tried. The pieces of an optional part are tried too, if more
    of the text fits with them.
    """
    if not template.isprintable():
        template = repr(template)[1:-1]
    best = _explain(template, expected, text)
    next_expected: Sequence[ExpectedText] | None = expected
    while next_expected is not None:
        expected, next_expected = next_expected, None
        for index, each in enumerate(expected):
            if each.parts:
                candidate = [*expected[:index], *each.parts, *expected[index + 1 :]]
                found = _explain(template, candidate, text)
                if found[0] > best[0]:
                    best, next_expected = found, candidate
    return best


def _explain(template: str, expected: Sequence[ExpectedText], text: str) -> tuple[int, CodecError]:
    regex = ""
    begin = end = 0
    before = ExpectedText("", "", "")
    missing = ExpectedText("", "", "the end")
    following = ""
    for index, each in enumerate(expected):
        regex += f"(?:{each.regex})"
        match = re.compile(regex, re.DOTALL).match(text)
        if match is None:
            missing = each
            following = expected[index + 1].literal if index + 1 < len(expected) else ""
            break
        begin, end, before = end, match.end(), each
    if prefix := _common_prefix(missing.literal, text[end:]):
        end += len(prefix)
        before = ExpectedText("", "", "")
        missing = ExpectedText("", "", repr(missing.literal[len(prefix) :]))
    here, wanted = brief_repr(gathered(text[end:])), missing.description
    if before.longest and end < len(text) and re.fullmatch(before.longest, text[begin:end], re.DOTALL):
        problem, name = f"the list has more than {before.most} items (max_items)", before.name
    elif end == len(text):
        problem, name = f"the text ends before {wanted}", missing.name
    elif missing.name:
        problem, name = f"{here} does not begin with {wanted}", missing.name
        size = len(_visible_field(text[end:], following))
        if missing.width is not None and size != missing.width:
            problem = f"{here} begins with {size} {missing.unit}, not {missing.width}; expected {wanted}"
    elif before.name:
        problem = f"{brief_repr(gathered(text[begin:]))} is not {before.description} followed by {wanted}"
        name = before.name
    else:
        problem, name = f"expected {wanted}, not {here}", ""
    return end, CodecError(f"{problem}, as in {template}", name)
