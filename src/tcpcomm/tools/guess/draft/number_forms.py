"""The format of a column of numbers: :func:`number_form`, as :class:`~tcpcomm.codec.Template` knows it."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Final

from tcpcomm.tools.guess.draft.parts import Kind

_NUMBER: Final = re.compile(
    r"(?P<lead> *)(?P<sign>[+-]?)(?P<pad> *)(?P<digits>\d+)(?:\.(?P<decimals>\d+))?"
    r"(?P<exponent>[eE][+-]?\d+)?(?P<trail> *)",
    re.ASCII,
)
_MOST_DIGITS: Final = 18

Form = tuple[Kind, str]


def number_form(values: Collection[str]) -> Form | None:
    """Return the type and the format of numbers, or None if one of these texts is not a number."""
    found = [_NUMBER.fullmatch(each) for each in values]
    matches = [each for each in found if each is not None]
    if not matches or len(matches) != len(found):
        return None
    if any(len(each["digits"]) > _MOST_DIGITS for each in matches):
        return None
    widths = {len(each) for each in values}
    width = widths.pop() if len(widths) == 1 else None
    decimals = {None if each["decimals"] is None else len(each["decimals"]) for each in matches}
    places = decimals.pop() if len(decimals) == 1 else None
    has_point = bool(decimals - {None}) or places is not None
    exponents = [each for each in matches if each["exponent"]]
    kind = Kind.FLOAT if has_point or exponents else Kind.INT
    align = _alignment(matches, width)
    if align is None:
        return None
    plus = _sign(matches)
    if align == "signed space":
        plus, align = " ", ""
    padded = bool(align) or (width is not None and any(_has_zeros(each) for each in matches))
    size = f"{width}" if padded else ""
    zero = "0" if padded and not align else ""
    fill = {"right": "", "left": "<", "signed": " =", "": ""}[align]
    free = plus.strip("+")  # a plus is read by any format, and a blank only by its own
    if exponents:
        same = len(exponents) == len(matches) and places is not None and not padded
        return kind, f"{plus}.{places}{exponents[0]['exponent'][0]}" if same else free
    if kind is Kind.INT:
        letter = "d" if size or plus else ""
        return kind, f"{fill}{plus}{zero}{size}{letter}"
    if places is not None:
        return kind, f"{fill}{plus}{zero}{size}.{places}f"
    return kind, f"{fill}{plus}{zero}{size}" if size else free


def _alignment(matches: list[re.Match[str]], width: int | None) -> str | None:
    """Return the side where blanks fill the number; empty if there are none, None if they have no form."""
    leads, trails = (any(each[name] for each in matches) for name in ("lead", "trail"))
    if any(each["pad"] for each in matches):
        fits = width is not None and not leads and not trails and all(each["sign"] for each in matches)
        return "signed" if fits else None
    if leads and trails:
        return None
    if trails:
        return "left" if width is not None else None
    if not leads:
        return ""
    if width is not None:
        return "right"
    has_blank_sign = all(each["lead"] == ("" if each["sign"] == "-" else " ") for each in matches)
    return "signed space" if has_blank_sign else None


def _sign(matches: list[re.Match[str]]) -> str:
    """Return ``+`` if numbers above zero have that sign."""
    signs = {each["sign"] for each in matches}
    return "+" if "+" in signs and "" not in signs else ""


def _has_zeros(match: re.Match[str]) -> bool:
    return len(match["digits"]) > 1 and match["digits"][0] == "0"


def hex_form(values: Collection[str]) -> Form | None:
    """Return the type and the format of hexadecimal numbers, or None if these texts hardly are some."""
    for letters, form in (("A-F", "X"), ("a-f", "x")):
        if all(re.fullmatch(rf"[0-9{letters}]{{1,16}}", each) for each in values):
            mixed = [each for each in values if re.search(r"\d", each) and re.search(r"[A-Fa-f]", each)]
            widths = {len(each) for each in values}
            if len(mixed) < 2 or 2 * len(mixed) < len(values):
                return None
            if len(widths) == 1:
                return Kind.INT, f"0{widths.pop()}{form}"
            has_zeros = any(len(each) > 1 and each[0] == "0" for each in values)
            return None if has_zeros else (Kind.INT, form)
    return None
