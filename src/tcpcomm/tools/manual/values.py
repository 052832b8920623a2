"""The values on the command line: arguments, read by their annotations, and results, as text or JSON."""

from __future__ import annotations

import base64
import dataclasses
import json
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, time
from decimal import Decimal
from enum import Enum
from functools import partial
from typing import Any, Final, Literal, get_args, get_origin

import attrs

from tcpcomm.codec.annotations import bare_type, fields_of, has_fields, metadata_of, union_members
from tcpcomm.codec.base import MISSING, Field
from tcpcomm.codec.json.parameters import ValueTypes
from tcpcomm.codec.json.text import JsonText
from tcpcomm.codec.problems import inside
from tcpcomm.codec.ranges import Range, Unit, limits_of
from tcpcomm.errors import CodecError, ConfigurationError
from tcpcomm.runtime.safe_text import one_line

_WHOLE: Final = re.compile(r"[+-]?(?:[0-9]{1,4000}|0x[0-9A-Fa-f]{1,4000})")
_NUMBER: Final = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
_JSON: Final = JsonText("utf-8", ascii=False)


def read_arguments(
    fields: Sequence[Field], words: Sequence[str], *, by_name: Sequence[Field] = ()
) -> dict[str, Any]:
    """
    Read the arguments of a command, each written as ``name=value``, or as a value in its place.

    Args:
        fields: the parameters, in order.
        words: the words of the command line.
        by_name: further arguments, which only a name gives.

    Returns:
        The values, with the defaults of those that were not given.

    Raises:
        ConfigurationError: an argument is missing, is there twice, is unknown, or has the wrong type.
    """
    known = {field.name: field for field in (*fields, *by_name)}
    names = ", ".join(f"{name}=..." for name in known) or "none"
    values: dict[str, Any] = {}
    places = iter(fields)
    for word in words:
        name, equals, text = word.partition("=")
        if not equals:
            place = next(places, None)
            if place is None:
                raise ConfigurationError(f"{word!r} is one value too many; the arguments are {names}")
            name, text = place.name, word
        if name not in known:
            raise ConfigurationError(f"there is no argument {name!r}; the arguments are {names}")
        if name in values:
            raise ConfigurationError(f"{name} is given twice")
        try:
            values[name] = _read(known[name].type, text)
        except CodecError as error:
            raise ConfigurationError(f"{name}={text}: {error}") from None
    missing = [name for name, field in known.items() if name not in values and field.default is MISSING]
    if missing:
        raise ConfigurationError(f"{', '.join(missing)} is missing; the arguments are {names}")
    return {name: values.get(name, field.default) for name, field in known.items()}


def _read(annotation: Any, text: str) -> Any:
    annotation = bare_type(annotation)
    several = union_members(annotation)
    if type(None) in several:
        if text in ("none", "null"):
            return None
        several = tuple(each for each in several if each is not type(None))
        annotation = several[0]
    if len(several) > 1:
        return _read_one_of(several, text)
    if annotation in _READERS:
        return _READERS[annotation](text)
    if annotation is Any:
        return _read_any(text)
    if get_origin(annotation) is Mapping:
        annotation = dict[str, Any]  # the device itself checks the values
    if get_origin(annotation) is Literal:
        return _chosen({str(each): each for each in get_args(annotation)}, text)
    if isinstance(annotation, type) and issubclass(annotation, Enum):
        return _chosen({str(each.value): each for each in annotation} | dict(annotation.__members__), text)
    shape = ValueTypes().of(annotation)
    if isinstance(annotation, type) and issubclass(annotation, (date, time)):
        return shape.read(text)
    if not text.startswith(("{", "[", '"')):
        parts = _read_parts(annotation, text)
        if parts is not None:
            return parts
    return shape.read(_JSON.read(text.encode("utf-8", "surrogateescape")))


def _read_parts(annotation: Any, text: str) -> Any:
    """Read a class or a list that is written as values with commas. Return None if it is neither."""
    words = text.split(",") if text else []
    if get_origin(annotation) is list:
        return [_read(get_args(annotation)[0], word.strip()) for word in words]
    if get_origin(annotation) is tuple and get_args(annotation)[1:] == (...,):
        return tuple(_read(get_args(annotation)[0], word.strip()) for word in words)
    if not has_fields(annotation):
        return None
    fields = fields_of(annotation)
    least = sum(each.default is MISSING for each in fields)
    if not least <= len(words) <= len(fields):
        names = [each.name for each in fields]
        example = ", ".join(f'"{name}": ...' for name in names)
        raise CodecError(
            f"{len(words)} {'value' if len(words) == 1 else 'values'} for {annotation.__name__}: write "
            f"{','.join(names)}, or JSON, as in {{{example}}}"
        )
    values = {}
    for field, word in zip(fields, words, strict=False):
        try:
            values[field.name] = _read(field.type, word.strip())
        except CodecError as error:
            raise inside(field.name, error) from None
    try:
        return annotation(**values)
    except (TypeError, ValueError) as error:  # a validator refused a value
        raise CodecError(str(error)) from None


def _read_one_of(annotations: Sequence[Any], text: str) -> Any:
    """Read a value of one of several types. Try str last, because it takes any text."""
    problems = []
    for each in sorted(annotations, key=lambda each: each is str):
        try:
            return _read(each, text)
        except CodecError as error:
            problems.append(str(error))
    raise CodecError(", or ".join(dict.fromkeys(problems)))


def _read_int(text: str) -> int:
    if not _WHOLE.fullmatch(text):
        raise CodecError("must be a whole number")
    return int(text, 16 if "x" in text else 10)


def _read_bool(text: str) -> bool:
    if text not in ("true", "false", "True", "False"):
        raise CodecError("must be true or false")
    return text in ("true", "True")


def _read_any(text: str) -> Any:
    """Return the value of a JSON text, a list of JSON values with commas, and any other text as it is."""
    if text in ("True", "False"):
        return text == "True"
    try:
        return _read_json(text)
    except CodecError:
        if text.startswith(("{", "[", '"')):
            raise
    try:
        return _read_json(f"[{text}]") if "," in text else text
    except CodecError:
        return text


def _read_json(text: str) -> Any:
    return ValueTypes().of(Any).read(_JSON.read(text.encode("utf-8", "surrogateescape")))


def _read_number(kind: type[Any], text: str) -> Any:
    if not _NUMBER.fullmatch(text):
        raise CodecError("must be a number")
    return kind(text)


def _read_bytes(text: str) -> bytes:
    try:
        return bytes.fromhex(text.removeprefix("0x"))
    except ValueError:
        raise CodecError("must be bytes in hex, such as 0a1b2c") from None


def _chosen(choices: dict[str, Any], text: str) -> Any:
    if text not in choices:
        raise CodecError(f"must be one of {', '.join(choices)}")
    return choices[text]


_READERS: Final[dict[Any, Any]] = {
    bool: _read_bool,
    bytes: _read_bytes,
    Decimal: partial(_read_number, Decimal),
    float: partial(_read_number, float),
    int: _read_int,
    str: str,
}


_AS_THEY_ARE: Final = (str, float, int, bool, type(None))
"""The types of values that JSON has."""


def type_name(annotation: Any) -> str:
    """
    Return an annotation as people write it, without modules: ``list[Position]``, ``int | None``.

    The range and the unit of a number follow it: ``float (-50 to 50 mm)``.
    """
    if any(isinstance(note, Range | Unit) for note in metadata_of(annotation)):
        limits = limits_of(annotation)
        return type_name(bare_type(annotation)) + (f" ({limits.text})" if limits else "")
    annotation = bare_type(annotation)
    if union_members(annotation):
        return " | ".join(map(type_name, union_members(annotation)))
    if annotation is type(None):
        return "None"
    if annotation is ...:
        return "..."
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Literal:
        return " | ".join(map(repr, arguments))
    if origin is not None:
        return f"{origin.__name__}[{', '.join(map(type_name, arguments))}]"
    return str(getattr(annotation, "__name__", annotation))


def _attributes(value: Any) -> list[str]:
    """Return the names of all fields of an instance of an attrs class or a dataclass."""
    cls = type(value)
    return [each.name for each in (attrs.fields(cls) if attrs.has(cls) else dataclasses.fields(cls))]


def jsonable(value: Any) -> Any:
    """Return a value for JSON: classes with fields as objects, bytes as base64, members as their values."""
    if type(value) in _AS_THEY_ARE:  # most values are, and the other checks cost more
        return value
    if has_fields(type(value)):
        return {name: jsonable(getattr(value, name)) for name in _attributes(value)}
    if isinstance(value, Enum):
        return jsonable(value.value)
    if isinstance(value, (list, tuple)):
        return [jsonable(each) for each in value]
    if isinstance(value, dict):
        return {str(jsonable(key)): jsonable(each) for key, each in value.items()}
    if isinstance(value, bytes | memoryview):
        return base64.b64encode(value).decode("ascii")
    if isinstance(value, (date, time)):
        return value.isoformat()
    return value if isinstance(value, _AS_THEY_ARE) else str(value)


def form_text(value: Any) -> str:
    """Return a value as :func:`read_arguments` reads it, for a form."""
    if value is None or isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, Enum):
        return value.name or str(value.value)
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, (str, int, float, Decimal, date, time)):
        return value.isoformat() if isinstance(value, (date, time)) else str(value)
    return json.dumps(jsonable(value), ensure_ascii=False)


def lines_of(value: Any) -> Iterator[str]:
    """Yield a result as text: a line for each field of a class, and for each item of a list or a dict."""
    if isinstance(value, dict):
        for key, each in value.items():
            yield f"{_text(key)}: {_text(each)}"
    elif has_fields(type(value)):
        for name in _attributes(value):
            yield f"{name}: {_text(getattr(value, name))}"
    elif isinstance(value, (list, tuple)):
        for each in value:
            yield _text(each)
    else:
        yield _text(value)


def _text(value: Any) -> str:
    if isinstance(value, Enum):
        return value.name or str(value.value)
    if isinstance(value, bytes):
        return value.hex(" ")
    if isinstance(value, (date, time, Decimal, str)):
        return one_line(str(value), sys.maxsize)
    return repr(value)
