"""From annotations, with the metadata of :mod:`~tcpcomm.codec.binary.types`, to layouts in bytes."""

from __future__ import annotations

from collections.abc import Sequence
from operator import itemgetter
from typing import Any, get_args, get_origin

from attrs import evolve

from tcpcomm.codec.annotations import (
    bare_type,
    fields_of,
    has_fields,
    metadata_of,
    type_text,
    union_members,
)
from tcpcomm.codec.base import Field
from tcpcomm.codec.binary.fixed_size import RecordType, class_record, constant, number, real, reserved
from tcpcomm.codec.binary.layout import (
    Layout,
    RecordField,
    VariableLayout,
    check_order,
    counted,
    from_fixed,
    optional,
    record,
    rest,
)
from tcpcomm.codec.binary.opcodes import int_type
from tcpcomm.codec.binary.padded_text import Text
from tcpcomm.codec.binary.types import (
    After,
    Before,
    Counted,
    CountedBy,
    Encoded,
    Fixed,
    Float,
    Int,
    Order,
    Rest,
)
from tcpcomm.codec.binary.variable_size import (
    BYTES,
    fixed_bytes,
    fixed_list,
    fixed_text,
    list_layout,
    text_layout,
)
from tcpcomm.codec.encoding import Encoding
from tcpcomm.codec.problems import errors_at, missing, unknown
from tcpcomm.errors import ConfigurationError

_LENGTHS = (Fixed, Counted, CountedBy, Rest)


class LayoutCompiler:
    """Compiles annotations to layouts. Its byte order and its encoding are defaults."""

    def __init__(self, order: Order, encoding: str) -> None:
        self._order = order
        self._encoding = Encoding(encoding)
        self._open: list[type] = []
        """The classes that are being compiled, outermost first."""

    def value(self, annotation: Any) -> Layout:
        """Return the layout of one value. Raises ConfigurationError if bytes cannot carry it."""
        fields = self._fields("", annotation)
        if any(each.layout.counted_by for each in fields):
            raise ConfigurationError("CountedBy names a field beside this one, but there is none")
        if len(fields) == 1:
            return fields[0].layout
        return record(fields, RecordType(itemgetter(0), lambda value: [value]))

    def values(self, fields: Sequence[Field], prefix: str = "") -> Layout:
        """Return the layout of a dictionary. Raises ConfigurationError, with ``prefix`` before a name."""
        names = [each.name for each in fields]
        expected = frozenset(names)

        def make(values: list[Any]) -> dict[str, Any]:
            return dict(zip(names, values, strict=True))

        def split(values: Any) -> list[Any]:
            if len(values) != len(names) or not expected.issuperset(values):
                absent = [name for name in names if name not in values]
                raise missing(absent[0]) if absent else unknown(min(values.keys() - expected))
            return [values[name] for name in names]

        return self._record(fields, RecordType(make, split, dict), prefix)

    def _record(self, fields: Sequence[Field], record_type: RecordType, prefix: str) -> Layout:
        compiled: list[RecordField] = []
        types = {field.name: field.type for field in fields}
        for each in fields:
            with errors_at(f"{prefix}{each.name}"):
                compiled += self._fields(each.name, each.type)
                check_order(compiled)
                for field in compiled:
                    if bare_type(types.get(field.layout.counted_by, int)) is not int:
                        raise ConfigurationError(
                            f"{field.layout.counted_by}, which counts it, is not a whole number"
                        )
        return record(compiled, record_type)

    def _fields(self, name: str, annotation: Any) -> list[RecordField]:
        """Return the field of a value, and those of the constant and skipped bytes before and after it."""
        before: list[RecordField] = []
        after: list[RecordField] = []
        for note in metadata_of(annotation):
            if isinstance(note, Before | After):
                content, order = note.constant, self._order
                fixed = constant(content, order) if isinstance(content, bytes) else reserved(content, order)
                silent = RecordField(name, from_fixed(fixed), False)
                (before if isinstance(note, Before) else after).append(silent)
        return [*before, RecordField(name, self._layout(annotation)), *after]

    def _layout(self, annotation: Any) -> Layout:
        several = union_members(annotation)
        if several:
            inner = [each for each in several if each is not type(None)]
            if len(inner) != 1 or len(several) != 2:
                raise ConfigurationError(
                    f"{type_text(annotation)}: nothing in the bytes would show which of them it is"
                )
            return optional(self.value(inner[0]))
        kind, metadata = bare_type(annotation), metadata_of(annotation)
        if int_note := _last(metadata, Int):
            return from_fixed(number(annotation, int_note, self._order))
        if float_note := _last(metadata, Float):
            if kind is not float:
                raise ConfigurationError(f"{type_text(kind)} is not a float")
            return from_fixed(real(float_note, self._order))
        if kind is bool:
            return from_fixed(number(bool, Int(1), self._order))
        if kind in (str, bytes) or get_origin(kind) is list:
            return self._with_length(kind, metadata)
        if has_fields(kind):
            return self._instance(kind)
        raise ConfigurationError(_ADVICE.get(kind, f"bytes cannot carry {type_text(kind)}: {_CARRIED}"))

    def _with_length(self, kind: Any, metadata: tuple[Any, ...]) -> Layout:
        length = _last(metadata, _LENGTHS)
        if length is None:
            raise ConfigurationError(
                f"say where {type_text(kind)} ends: Annotated[{type_text(kind)}, Fixed(16)], Counted(U8), "
                'CountedBy("count"), or Rest()'
            )
        encoded = _last(metadata, Encoded)
        encoding = self._encoding if encoded is None else Encoding(encoded.encoding)
        if isinstance(length, Fixed):
            return self._fixed(kind, length, encoding)
        content = self._content(kind, getattr(length, "in_bytes", False), encoding)
        if isinstance(length, Rest):
            return rest(content)
        if isinstance(length, CountedBy):
            label = f"{content.label}[{length.name}]"
            return evolve(
                rest(content), label=label, is_open=False, counted=content, counted_by=length.name
            )
        return counted(number(int, int_type(length.count, "the count of Counted"), self._order), content)

    def _fixed(self, kind: Any, length: Fixed, encoding: Encoding) -> Layout:
        if kind is str:
            rule = Text(encoding, length.size, length.pad)
            return from_fixed(fixed_text(rule, length.size, self._order))
        if kind is bytes:
            return from_fixed(fixed_bytes(length.size, self._order))
        return fixed_list(self.value(get_args(kind)[0]), length.size)

    def _content(self, kind: Any, in_bytes: bool, encoding: Encoding) -> VariableLayout:
        if kind is str:
            return text_layout(Text(encoding))
        return BYTES if kind is bytes else list_layout(self.value(get_args(kind)[0]), in_bytes)

    def _instance(self, cls: type) -> Layout:
        if cls in self._open:
            raise ConfigurationError(f"{cls.__name__} contains itself, so its bytes would never end")
        self._open.append(cls)
        try:
            made = self._record(fields_of(cls), class_record(cls), f"{cls.__name__}.")
        finally:
            self._open.pop()
        label = f"({made.label})"
        return evolve(made, label=label, fixed=made.fixed and evolve(made.fixed, label=label))


def _last(metadata: tuple[Any, ...], kind: Any) -> Any:
    """Return the outermost note of a kind, or None if there is none."""
    return next((note for note in reversed(metadata) if isinstance(note, kind)), None)


_CARRIED = (
    "it must be a number with its width, such as U16, I32 or F32, a bool, an Enum or Flag in a number, "
    "str, bytes, list, an attrs class, or a dataclass"
)
_ADVICE = {
    int: "say how many bytes it has: U8, I16, U32, ... from tcpcomm.codec",
    float: "say how many bytes it has: F32 or F64 from tcpcomm.codec",
}
