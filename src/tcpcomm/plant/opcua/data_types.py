"""The data types of OPC UA for values of declarations, and values to variants and back."""

from __future__ import annotations

import base64
import json
from typing import Any, Final

from asyncua import ua

from tcpcomm.errors import CodecError

_LEAST: Final = -(2**63)
_MOST: Final = 2**63 - 1

_TYPES: Final[dict[type[Any], ua.VariantType]] = {
    bool: ua.VariantType.Boolean,
    int: ua.VariantType.Int64,
    float: ua.VariantType.Double,
    str: ua.VariantType.String,
    bytes: ua.VariantType.ByteString,
    object: ua.VariantType.String,
}
_WHOLE: Final = frozenset(
    {
        ua.VariantType.SByte,
        ua.VariantType.Byte,
        ua.VariantType.Int16,
        ua.VariantType.UInt16,
        ua.VariantType.Int32,
        ua.VariantType.UInt32,
        ua.VariantType.Int64,
        ua.VariantType.UInt64,
    }
)
_TAKEN: Final[dict[type[Any], frozenset[ua.VariantType]]] = {
    bool: frozenset({ua.VariantType.Boolean}),
    int: _WHOLE,
    float: _WHOLE | {ua.VariantType.Float, ua.VariantType.Double},
    str: frozenset({ua.VariantType.String}),
    bytes: frozenset({ua.VariantType.ByteString}),
    object: frozenset({ua.VariantType.String}),
}


def type_of(kind: type[Any], items: type[Any] | None) -> tuple[ua.VariantType, int]:
    """Return the type and the value rank of a value: -1 for a single value, 1 for a list."""
    return (_TYPES[kind], -1) if items is None else (_TYPES[items], 1)


def data_type_id(kind: type[Any], items: type[Any] | None) -> ua.NodeId:
    """Return the node of the data type of a value."""
    return ua.NodeId(type_of(kind, items)[0].value)


def variant_of(kind: type[Any], items: type[Any] | None, value: Any) -> ua.Variant:
    """
    Return a value of JSON as a variant.

    A list, a dict and a value without a fixed type become a text with JSON, except for a list of single
    values of one kind, which becomes an array.

    Raises:
        CodecError: the value does not fit its type.
    """
    vtype, _ = type_of(kind, items)
    if items is None:
        return ua.Variant(_single(kind, value), vtype)
    if not isinstance(value, list):
        raise CodecError(f"must be a list, not {type(value).__name__}")
    return ua.Variant([_single(items, each) for each in value], vtype, is_array=True)


def _single(kind: type[Any], value: Any) -> Any:
    if kind is object or (kind is str and not isinstance(value, str)):  # an Enum of several kinds
        return _text(json.dumps(value, ensure_ascii=False))
    if kind is float and type(value) in (int, float):
        try:
            return float(value)
        except OverflowError:
            raise CodecError("is too large for a float") from None
    if kind is bytes and isinstance(value, str):
        try:
            return base64.b64decode(value, validate=True)
        except ValueError:
            raise CodecError("must be bytes as base64") from None
    if type(value) is not kind:
        raise CodecError(f"must be {kind.__name__}, not {type(value).__name__}")
    if kind is int and not _LEAST <= value <= _MOST:
        raise CodecError(f"{value} does not fit into 64 bits")
    return _text(value) if kind is str else value


def _text(value: str) -> str:
    """Return a text with escapes for half surrogate pairs: with one, a subscription ends."""
    return value.encode("utf-8", "backslashreplace").decode()


def value_of(kind: type[Any], items: type[Any] | None, variant: ua.Variant) -> Any:
    """
    Return the value of a variant as JSON has it.

    Raises:
        CodecError: the variant has another type.
    """
    value = variant.Value
    expected, rank = type_of(kind, items)
    if variant.VariantType not in _TAKEN[kind if items is None else items]:
        raise CodecError(f"must be {expected.name}, not {variant.VariantType.name}")
    if (rank == 1) != isinstance(value, list | tuple):
        raise CodecError("must be an array" if rank == 1 else "must be a single value")
    if items is not None:
        return [_json_of(items, each) for each in value]
    return _json_of(kind, value)


def _json_of(kind: type[Any], value: Any) -> Any:
    if kind is bytes:
        return base64.b64encode(b"" if value is None else value).decode("ascii")
    if kind is str:
        return "" if value is None else value
    if kind is object:
        try:
            return json.loads(value or "null")
        except ValueError as error:
            raise CodecError(f"must be JSON: {error}") from None
    return float(value) if kind is float else value
