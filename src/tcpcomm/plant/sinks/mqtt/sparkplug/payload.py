"""
The payloads of Sparkplug B, as Protocol Buffers: :func:`encode` and :func:`decode`.

The fields are those of ``sparkplug_b.proto`` of Eclipse Tahu that a gateway needs. The descriptor is built
from the tables below, so that no generated code has to fit the installed version of protobuf.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import IntEnum
from functools import cache
from typing import Any, Final

from attrs import field, frozen

Value = bool | int | float | str | bytes | None


class DataType(IntEnum):
    """The data types of metrics that tcpcomm sends, and those that it reads in commands."""

    INT8 = 1
    INT16 = 2
    INT32 = 3
    INT64 = 4
    UINT8 = 5
    UINT16 = 6
    UINT32 = 7
    UINT64 = 8
    FLOAT = 9
    DOUBLE = 10
    BOOLEAN = 11
    STRING = 12
    DATETIME = 13
    TEXT = 14
    UUID = 15
    BYTES = 17


_KNOWN: Final = frozenset(map(int, DataType))

_SIGNED: Final = {DataType.INT8: 32, DataType.INT16: 32, DataType.INT32: 32, DataType.INT64: 64}
"""The bits in which a signed number travels as an unsigned one."""

_FIELD_OF: Final = {
    DataType.INT8: "int_value",
    DataType.INT16: "int_value",
    DataType.INT32: "int_value",
    DataType.UINT8: "int_value",
    DataType.UINT16: "int_value",
    DataType.UINT32: "long_value",
    DataType.INT64: "long_value",
    DataType.UINT64: "long_value",
    DataType.DATETIME: "long_value",
    DataType.FLOAT: "float_value",
    DataType.DOUBLE: "double_value",
    DataType.BOOLEAN: "boolean_value",
    DataType.STRING: "string_value",
    DataType.TEXT: "string_value",
    DataType.UUID: "string_value",
    DataType.BYTES: "bytes_value",
}

_MESSAGES: Final = {
    "PropertyValue": (
        (1, "type", "uint32"),
        (2, "is_null", "bool"),
        (3, "int_value", "uint32"),
        (4, "long_value", "uint64"),
        (5, "float_value", "float"),
        (6, "double_value", "double"),
        (7, "boolean_value", "bool"),
        (8, "string_value", "string"),
    ),
    "PropertySet": ((1, "keys", "*string"), (2, "values", "*PropertyValue")),
    "Metric": (
        (1, "name", "string"),
        (2, "alias", "uint64"),
        (3, "timestamp", "uint64"),
        (4, "datatype", "uint32"),
        (5, "is_historical", "bool"),
        (6, "is_transient", "bool"),
        (7, "is_null", "bool"),
        (9, "properties", "PropertySet"),
        (10, "int_value", "uint32"),
        (11, "long_value", "uint64"),
        (12, "float_value", "float"),
        (13, "double_value", "double"),
        (14, "boolean_value", "bool"),
        (15, "string_value", "string"),
        (16, "bytes_value", "bytes"),
    ),
    "Payload": ((1, "timestamp", "uint64"), (2, "metrics", "*Metric"), (3, "seq", "uint64")),
}
"""The number, name and type of each field; ``*`` marks a repeated one."""

_PACKAGE: Final = "tcpcomm.sparkplug"


@frozen(kw_only=True)
class Metric:
    """
    One metric of a payload.

    Attributes:
        name: its name; empty in data, where the alias stands for it.
        alias: its number, unique in the node; None: it has none.
        datatype: the type of its value; None in a command that leaves it out.
        value: the value, or None for null.
        timestamp: milliseconds since 1970 (UTC).
        is_historical: it was measured before the current birth.
        is_transient: it is an event, and no state to keep.
        properties: further facts, such as the unit.
    """

    name: str = ""
    alias: int | None = None
    datatype: DataType | None = None
    value: Value = None
    timestamp: int | None = None
    is_historical: bool = False
    is_transient: bool = False
    properties: Mapping[str, bool | int | float | str] = field(factory=dict)


@frozen(kw_only=True)
class Payload:
    """The content of one message: metrics, the time in milliseconds, and the sequence number, if any."""

    metrics: tuple[Metric, ...]
    timestamp: int | None = None
    seq: int | None = None


@cache
def _payload_class() -> Any:
    """Return the class for payloads that protobuf makes of the tables."""
    from google.protobuf import descriptor_pb2, descriptor_pool, message_factory  # noqa: PLC0415 - optional

    kinds = descriptor_pb2.FieldDescriptorProto
    file = descriptor_pb2.FileDescriptorProto(name="tcpcomm/sparkplug_b.proto", package=_PACKAGE)
    for message, fields in _MESSAGES.items():
        described = file.message_type.add(name=message)
        for number, name, kind in fields:
            repeated = kind.startswith("*")
            bare = kind.removeprefix("*")
            added = described.field.add(
                name=name,
                number=number,
                label=kinds.LABEL_REPEATED if repeated else kinds.LABEL_OPTIONAL,
            )
            if bare in _MESSAGES:
                added.type = kinds.TYPE_MESSAGE
                added.type_name = f".{_PACKAGE}.{bare}"
            else:
                added.type = getattr(kinds, f"TYPE_{bare.upper()}")
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName(f"{_PACKAGE}.Payload"))


def encode(payload: Payload) -> bytes:
    """Return a payload as bytes."""
    packed = _payload_class()()
    if payload.timestamp is not None:
        packed.timestamp = payload.timestamp
    if payload.seq is not None:
        packed.seq = payload.seq
    for each in payload.metrics:
        _fill(packed.metrics.add(), each)
    content: bytes = packed.SerializeToString()
    return content


def _fill(packed: Any, metric: Metric) -> None:
    if metric.name:
        packed.name = metric.name
    if metric.alias is not None:
        packed.alias = metric.alias
    if metric.timestamp is not None:
        packed.timestamp = metric.timestamp
    if metric.is_historical:
        packed.is_historical = True
    if metric.is_transient:
        packed.is_transient = True
    if metric.datatype is not None:
        packed.datatype = metric.datatype
        if metric.value is None:
            packed.is_null = True
        else:
            bits = _SIGNED.get(metric.datatype)
            value = metric.value
            if bits is not None and isinstance(value, int):
                value %= 1 << bits
            if isinstance(value, str):  # half a surrogate pair becomes an escape
                value = value.encode("utf-8", "backslashreplace").decode()
            setattr(packed, _FIELD_OF[metric.datatype], value)
    for key, value in metric.properties.items():
        packed.properties.keys.append(key)
        _fill_property(packed.properties.values.add(), value)


def _fill_property(packed: Any, value: float | str) -> None:
    kind = (
        DataType.BOOLEAN
        if isinstance(value, bool)
        else DataType.INT32
        if isinstance(value, int)
        else DataType.DOUBLE
        if isinstance(value, float)
        else DataType.STRING
    )
    packed.type = kind
    setattr(packed, _FIELD_OF[kind], value % (1 << 32) if kind is DataType.INT32 else value)


def decode(content: bytes) -> Payload:
    """
    Return the payload of a message.

    Raises:
        ValueError: it is not a payload of Sparkplug B.
    """
    from google.protobuf.message import DecodeError  # noqa: PLC0415 - optional

    packed = _payload_class()()
    try:
        packed.ParseFromString(content)
    except DecodeError as error:
        raise ValueError(f"not a payload of Sparkplug B: {error}") from None
    return Payload(
        metrics=tuple(_metric(each) for each in packed.metrics),
        timestamp=packed.timestamp if packed.HasField("timestamp") else None,
        seq=packed.seq if packed.HasField("seq") else None,
    )


def _metric(packed: Any) -> Metric:
    known = packed.HasField("datatype") and packed.datatype in _KNOWN
    datatype = DataType(packed.datatype) if known else None
    return Metric(
        name=packed.name,
        alias=packed.alias if packed.HasField("alias") else None,
        datatype=datatype,
        value=None if packed.is_null else _value(packed, datatype),
        timestamp=packed.timestamp if packed.HasField("timestamp") else None,
        is_historical=packed.is_historical,
        is_transient=packed.is_transient,
        properties={
            key: getattr(each, _FIELD_OF[DataType(each.type)])
            for key, each in zip(packed.properties.keys, packed.properties.values, strict=False)
            if each.type in _KNOWN and not each.is_null
        },
    )


def _value(packed: Any, datatype: DataType | None) -> Value:
    for name in dict.fromkeys(_FIELD_OF.values()):
        if packed.HasField(name):
            value: Value = getattr(packed, name)
            bits = None if datatype is None else _SIGNED.get(datatype)
            if bits is not None and isinstance(value, int) and value >= 1 << (bits - 1):
                value -= 1 << bits
            return value
    return None
