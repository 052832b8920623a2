"""
The parameters of a SCPI command: numbers with a suffix, ``MIN`` and ``MAX``, words in any case.

An instrument reads more spellings than a template does. :class:`Parameters` turns each into the one that
the template reads, and names the error of SCPI for a parameter that fits in none.

Source: SCPI-99, volume 1, 7.2 to 7.4, and volume 2, 21.8.9 to 21.8.10; IEEE 488.2-1992, 7.7.2 to 7.7.4.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from decimal import ROUND_HALF_UP, Decimal
from enum import Enum
from types import MappingProxyType
from typing import Any, Final, Literal, get_args, get_origin

from attrs import field, frozen

from tcpcomm.codec.annotations import bare_type, union_members
from tcpcomm.codec.base import MISSING, Field
from tcpcomm.codec.ranges import Limits, limits_of, number_of
from tcpcomm.codec.template.fields.ieee488_fields import BLOCK_FORMAT
from tcpcomm.codec.template.fields.raw_bytes import WithBody
from tcpcomm.codec.template.parser import ListPiece, OptionalPiece, Piece, TextPiece, ValuePiece
from tcpcomm.codec.template.scpi.messages import CodedError
from tcpcomm.errors import CodecError, ConfigurationError

_NUMBER: Final = re.compile(
    r"(?P<digits>[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+))(?:[ \t]*E[ \t]*(?P<exponent>[+-]?[0-9]{1,20}))?"
    r"(?:[ \t]*(?P<suffix>/?[A-Z][A-Z0-9./*^-]*))?",
    re.IGNORECASE,
)
_BASED: Final = re.compile(r"#(?:H([0-9A-F]{1,16})|Q([0-7]{1,22})|B([01]{1,64}))", re.IGNORECASE)

_LARGEST_WHOLE: Final = 40
"""The digits of a whole number, at most, that is written with a fraction or an exponent."""

_LARGEST_EXPONENT: Final = 32000
"""The largest exponent of a number. Source: IEEE 488.2-1992, 7.7.2.4.1."""

_MULTIPLIERS: Final = {
    "EX": 18, "PE": 15, "T": 12, "G": 9, "MA": 6, "K": 3, "": 0,
    "M": -3, "U": -6, "N": -9, "P": -12, "F": -15, "A": -18,
}  # fmt: skip
"""The powers of ten of the letters in front of a unit."""

_MEGA: Final = ("HZ", "OHM")
"""The units before which an M is 10^6."""

_SUFFIXES: Final = {"Ω": "OHM", "°C": "CEL", "°F": "FAR", "°": "DEG", "%": "PCT", "µ": "U", "μ": "U"}
"""Units as people write them, and as instruments read them."""

_LONG_PART: Final = re.compile(r"[a-z].*", re.DOTALL)
"""The part of a word such as EXTernal that its short form does not have."""

_ENDS: Final = ("MIN", "MINIMUM", "MAX", "MAXIMUM")

_DATA_NOT_ALLOWED: Final = {"number": -128, "word": -148, "string": -158, "block": -168}
"""The errors for a parameter of another kind than the command has there."""

_WRONG: Final = {"number": -222, "word": -224, "string": -151, "block": -161, "text": -220}
"""The errors for a parameter of the right kind with a wrong content."""


def _kind_of(text: str) -> str:
    """Return the kind of a parameter that arrived."""
    if text[:1] in ("'", '"'):
        return "string"
    if text[:1] == "#" and not _BASED.fullmatch(text):
        return "block"
    return "number" if _BASED.fullmatch(text) or _NUMBER.match(text) else "word"


@frozen
class Parameter:
    """
    One parameter of a command.

    Attributes:
        kind: ``number``, ``word``, ``string``, ``block``, or ``text`` for every other form.
        words: the words that are read in any case, and what the template reads in place of each.
        limits: the range and the unit of a number.
        whole: True for a number without a fraction.
    """

    kind: str = "text"
    words: Mapping[str, str] = MappingProxyType({})
    limits: Limits | None = None
    whole: bool = False

    def read(self, text: str) -> str:
        """Return a parameter as the template reads it."""
        based = _BASED.fullmatch(text)
        if based is not None:
            bases = zip(based.groups(), (16, 8, 2), strict=True)
            return str(next(int(digits, base) for digits, base in bases if digits))
        found = self.words.get(text.upper())
        if found is None and self.kind == "number":
            found = self._number(text)
        return text if found is None else found

    def _number(self, text: str) -> str | None:
        """Return a number without its suffix, or None if it needs no change or cannot be read."""
        match = _NUMBER.fullmatch(text)
        if match is None:
            return None
        exponent = int(match["exponent"] or 0)
        if abs(exponent) > _LARGEST_EXPONENT:
            return None
        if match["suffix"]:
            power = self._power(match["suffix"].upper())
            if power is None:
                return None
            exponent += power
        digits = match["digits"]
        if self.whole:
            number = Decimal(digits)
            if not digits.lstrip("+-").isdigit() or exponent:
                if number.adjusted() + exponent > _LARGEST_WHOLE or len(digits) > _LARGEST_WHOLE:
                    return None
                number = number.scaleb(max(exponent, -2 * _LARGEST_WHOLE))
                return str(int(number.to_integral_value(ROUND_HALF_UP)))
            return digits
        return digits + (f"E{exponent}" if match["exponent"] or exponent else "")

    def _power(self, suffix: str) -> int | None:
        """Return the power of ten of a suffix, or None if it is not the unit."""
        unit = "" if self.limits is None else self.limits.unit
        for written, sent in _SUFFIXES.items():
            unit = unit.replace(written, sent)
        unit = unit.upper()
        if not unit or not suffix.endswith(unit):
            return None
        letters = suffix.removesuffix(unit)
        return 6 if letters == "M" and unit in _MEGA else _MULTIPLIERS.get(letters)

    def fits(self, text: str) -> bool:
        """Return True if a parameter is of the kind of this one, and one of its words if it has words."""
        if self.kind == "number":
            return text.upper() in self.words or self._number(text) is not None
        if self.words:
            return text.upper() in self.words
        return self.kind in ("text", _kind_of(text))

    def error_for(self, text: str) -> int:
        """Return the error of SCPI for a parameter that this one cannot be."""
        given = _kind_of(text)
        if self.kind == "number" and given == "number":
            match = _NUMBER.fullmatch(text)
            if match is None:
                return -121 if not _BASED.fullmatch(text) else -222
            if abs(int(match["exponent"] or 0)) > _LARGEST_EXPONENT:
                return -123
            if match["suffix"] and self._number(text) is None:
                return -131 if self.limits is not None and self.limits.unit else -138
        if self.kind == "word" and self.words.keys() & {"ON", "1"} and given == "number":
            return -224
        return _WRONG[self.kind] if self.kind in (given, "text") else _DATA_NOT_ALLOWED[given]


@frozen
class Parameters:
    """
    The parameters of one command.

    Attributes:
        by_place: each parameter that a field has, by its place, from 0.
        places: the places by the names of the fields.
        least: the number of parameters that cannot be left out.
        most: the number of all parameters; None: any number.
        suffixes: the names of the numbers in the header.
    """

    by_place: Mapping[int, Parameter] = field(factory=dict)
    places: Mapping[str, int] = field(factory=dict)
    least: int = 0
    most: int | None = 0
    suffixes: frozenset[str] = frozenset()

    def check_count(self, given: Sequence[str]) -> None:
        """Raise CodedError if parameters are missing, or too many."""
        count = len(given)
        if count < self.least:
            names = [name for name, place in self.places.items() if place == count]
            raise CodedError(-109, f"{names[0] if names else 'a parameter'} is missing")
        if self.most is not None and count > self.most:
            raise CodedError(-108, f"{count} parameters came, and the command has {self.most}")

    def read(self, given: Sequence[str]) -> list[str]:
        """Return parameters as the template reads them."""
        other = Parameter()
        return [self.by_place.get(place, other).read(text) for place, text in enumerate(given)]

    def error_for(self, problem: CodecError, given: Sequence[str]) -> int:
        """Return the error of SCPI for parameters that the template refused."""
        name = re.split(r"[.\[]", problem.path)[0]
        if name in self.suffixes:
            return -114
        place = self.places.get(name)
        if place is None:  # the parameters may be left out, so the template did not expect any
            placed = [(each, text) for each, text in enumerate(given) if each in self.by_place]
            wrong = [each for each, text in placed if not self.by_place[each].fits(text)]
            place = wrong[0] if wrong else None
        if place is None or place >= len(given):
            return -220
        return self.by_place.get(place, Parameter()).error_for(given[place])


@frozen
class _Walk:
    """The pieces of a template of parameters, one after the other."""

    types: Mapping[str, Field]
    by_place: dict[int, Parameter] = field(factory=dict)
    places: dict[str, int] = field(factory=dict)

    def over(self, pieces: Sequence[Piece], place: int) -> tuple[int, bool]:
        """Note each parameter. Return the place behind, and True if a list or raw bytes may follow."""
        is_open = False
        for piece in pieces:
            match piece:
                case TextPiece():
                    place += piece.text.count(",")
                    is_open |= "\n" in piece.text
                case OptionalPiece():
                    place, inside = self.over(piece.pieces, place)
                    is_open |= inside
                case ValuePiece():
                    self.places[piece.name] = place
                    self.by_place[place] = _parameter(self.types.get(piece.name), piece.format_spec)
                case ListPiece():
                    self.places[piece.name] = place
                    is_open = True
        return place, is_open


def parameters_of(pieces: Sequence[Piece], fields: Sequence[Field], suffixes: set[str]) -> Parameters:
    """
    Return the parameters of a command.

    Args:
        pieces: the template of the parameters.
        fields: the fields of the command.
        suffixes: the names of the numbers in the header.
    """
    if not pieces:
        return Parameters(suffixes=frozenset(suffixes))
    walk = _Walk({each.name: each for each in fields})
    last, is_open = walk.over(pieces, 0)
    needed = [each for each in pieces if not isinstance(each, OptionalPiece | ListPiece)]
    least = sum(each.text.count(",") for each in needed if isinstance(each, TextPiece)) + bool(needed)
    if is_open:
        least = min(least, 1) if needed else 0
    most = None if is_open else last + 1
    return Parameters(walk.by_place, walk.places, least, most, frozenset(suffixes))


def _parameter(found: Field | None, format_spec: str) -> Parameter:
    annotation: Any = None if found is None else found.type
    several = [each for each in union_members(annotation) or () if each is not type(None)]
    kind = bare_type(several[0] if len(several) == 1 else annotation)
    if kind is bool:
        true, _, false = (format_spec or "1|0").partition("|")
        words = {"ON": true, "1": true, true.upper(): true, "OFF": false, "0": false, false.upper(): false}
        return Parameter("word", words)
    if get_origin(kind) is Literal:
        return Parameter("word", _spellings(get_args(kind)))
    if isinstance(kind, type) and issubclass(kind, Enum):
        return Parameter("word", _spellings([each.value for each in kind]))
    if kind is str and format_spec == "q":
        return Parameter("string")
    if format_spec == BLOCK_FORMAT:
        return Parameter("block")
    with suppress(ConfigurationError):
        number = number_of(annotation)
        return Parameter("number", _ends(found, annotation), limits_of(annotation), whole=number is int)
    return Parameter()


def _spellings(words: Sequence[Any]) -> Mapping[str, str]:
    """Return the words by their long forms and by their short forms: the capitals at the beginning."""
    texts = [each for each in words if isinstance(each, str)]
    short = {_LONG_PART.sub("", each): each for each in texts if each != each.lower()}
    return {**short, **{each.upper(): each for each in texts}}


def _ends(found: Field | None, annotation: Any) -> Mapping[str, str]:
    """Return the numbers that MIN, MAX and DEF stand for."""
    limits = limits_of(annotation)
    values: dict[str, Any] = {}
    if limits is not None:
        values = dict(zip(_ENDS, (limits.low, limits.low, limits.high, limits.high), strict=True))
    default = MISSING if found is None else found.default
    values |= dict.fromkeys(("DEF", "DEFAULT"), default)
    is_number = (int, float, Decimal)
    return {word: str(value).upper() for word, value in values.items() if isinstance(value, is_number)}


def with_body(text: str, line: str) -> str:
    """Return the text of a command with the raw bytes of its line."""
    return WithBody(text, line.body) if isinstance(line, WithBody) else text
