"""From annotations and their :mod:`~tcpcomm.codec.binary.types` to layouts in bytes: :class:`Layouts`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, get_args, get_origin

import attrs
from attrs import evolve

from tcpcomm.codec.annotations import bare_type, fields_of, metadata_of, type_text, union_members
from tcpcomm.codec.base import Field
from tcpcomm.codec.binary.codegen import Composition, instance
from tcpcomm.codec.binary.fixed_size import Packed, constant, maker, number, real, reserved
from tcpcomm.codec.binary.layout import (
    Content,
    Layout,
    Part,
    check_order,
    counted,
    of_packed,
    optional,
    record,
    rest,
)
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
from tcpcomm.codec.binary.variable_size import blob, fixed_blob, fixed_list, fixed_text, listed, text
from tcpcomm.codec.encoding import Encoding
from tcpcomm.codec.problems import wrong
from tcpcomm.errors import ConfigurationError

__all__ = ["Layouts"]

_LENGTHS = (Fixed, Counted, CountedBy, Rest)


class Layouts:
    """
    Layouts of annotations.

    Args:
        order: the byte order, where an annotation says none.
        encoding: of texts, where an annotation says none.
    """

    def __init__(self, order: Order, encoding: str) -> None:
        self._order = order
        self._encoding = Encoding(encoding)
        self._open: list[type] = []
        """The classes that are being looked at, outermost first."""

    def of(self, annotation: Any) -> Layout:
        """
        The layout of one value.

        Raises:
            ConfigurationError: it does not say how such a value lies in bytes.
        """
        parts = self._parts("", annotation)
        if any(part.layout.counted_by for part in parts):
            raise ConfigurationError("CountedBy names a field beside this one, but there is none")
        if len(parts) == 1:
            return parts[0].layout
        return record(parts, lambda values: values[0], lambda value: [value])

    def of_fields(
        self,
        fields: Sequence[Field],
        make: Callable[[list[Any]], Any],
        split: Callable[[Any], Sequence[Any]],
        made_of: Composition,
        where: str,
    ) -> Layout:
        """
        The layout of several values, one behind the other.

        Args:
            fields: what they are called, and their annotations.
            make: makes one value of them.
            split: the opposite. Raises CodecError.
            made_of: what these two do, in source.
            where: prefix of error messages, such as ``Camera.locate: parameter ``.

        Raises:
            ConfigurationError: one of them does not say how it lies in bytes.
        """
        parts: list[Part] = []
        types = {field.name: field.type for field in fields}
        for each in fields:
            try:
                parts += self._parts(each.name, each.type)
                check_order(parts)
                for part in parts:
                    if bare_type(types.get(part.layout.counted_by, int)) is not int:
                        raise ConfigurationError(
                            f"{part.layout.counted_by}, which counts it, is no whole number"
                        )
            except ConfigurationError as error:
                raise ConfigurationError(f"{where}{each.name}: {error}") from None
        return record(parts, make, split, made_of)

    def _parts(self, step: str, annotation: Any) -> list[Part]:
        """A value's layout, and the bytes before and after it that carry nothing."""
        before: list[Part] = []
        after: list[Part] = []
        for mark in metadata_of(annotation):
            if isinstance(mark, Before):
                before.append(Part(step, self._silent(mark.constant), False))
            elif isinstance(mark, After):
                after.append(Part(step, self._silent(mark.constant), False))
        return [*before, Part(step, self._layout(annotation)), *after]

    def _silent(self, content: bytes | int) -> Layout:
        if isinstance(content, bytes):
            return of_packed(constant(content, self._order))
        return of_packed(reserved(content, self._order))

    def _layout(self, annotation: Any) -> Layout:
        several = union_members(annotation)
        if several:
            inner = [each for each in several if each is not type(None)]
            if len(inner) != 1 or len(several) != 2:
                raise ConfigurationError(
                    f"{type_text(annotation)}: nothing in the bytes would tell which of them it is"
                )
            return optional(self.of(inner[0]))
        kind, notes = bare_type(annotation), metadata_of(annotation)
        number_mark = _last(notes, Int)
        if number_mark is not None:
            return of_packed(number(annotation, number_mark, self._order))
        float_mark = _last(notes, Float)
        if float_mark is not None:
            if kind is not float:
                raise ConfigurationError(f"{type_text(kind)} is no float")
            return of_packed(real(float_mark, self._order))
        if kind is bool:
            return of_packed(number(bool, Int(1), self._order))
        if kind in (str, bytes) or get_origin(kind) is list:
            return self._long(kind, notes)
        if isinstance(kind, type) and attrs.has(kind):
            return self._instance(kind)
        raise ConfigurationError(_ADVICE.get(kind, f"bytes cannot carry {type_text(kind)}: {_CARRIED}"))

    def _long(self, kind: Any, notes: tuple[Any, ...]) -> Layout:
        """Text, bytes or a list: what has a length."""
        length = _last(notes, _LENGTHS)
        if length is None:
            raise ConfigurationError(
                f"say where {type_text(kind)} ends: Annotated[{type_text(kind)}, Fixed(16)], Counted(U8), "
                'CountedBy("count"), or Rest()'
            )
        if isinstance(length, Fixed):
            return self._fixed(kind, notes, length)
        content = self._content(kind, notes, getattr(length, "in_bytes", False))
        if isinstance(length, Rest):
            return rest(content)
        if isinstance(length, CountedBy):
            return Layout(
                0,
                content.take_all,
                lambda value: content.put(value)[0],
                lambda random: content.draw(random, None),
                f"{content.label}[{length.name}]",
                content=content,
                counted_by=length.name,
            )
        mark = _last(metadata_of(length.count), Int)
        if bare_type(length.count) is not int or mark is None:
            raise ConfigurationError("the count of Counted is a whole number, such as U8")
        return counted(number(int, mark, self._order), content)

    def _fixed(self, kind: Any, notes: tuple[Any, ...], length: Fixed) -> Layout:
        if kind is str:
            rule = Text(self._encoding_of(notes), length.size, length.pad)
            return of_packed(fixed_text(rule, length.size, self._order))
        if kind is bytes:
            return of_packed(fixed_blob(length.size, self._order))
        made = fixed_list(self.of(get_args(kind)[0]), length.size)
        return of_packed(made) if isinstance(made, Packed) else made

    def _content(self, kind: Any, notes: tuple[Any, ...], in_bytes: bool) -> Content:
        if kind is str:
            return text(Text(self._encoding_of(notes)))
        return blob() if kind is bytes else listed(self.of(get_args(kind)[0]), in_bytes)

    def _encoding_of(self, notes: tuple[Any, ...]) -> Encoding:
        mark = _last(notes, Encoded)
        return self._encoding if mark is None else Encoding(mark.encoding)

    def _instance(self, cls: type) -> Layout:
        """An attrs class: its fields, one behind the other."""
        if cls in self._open:
            raise ConfigurationError(f"{cls.__name__} contains itself: bytes cannot go on for ever")
        fields = fields_of(cls)
        names = [each.name for each in fields]

        def split(value: Any) -> list[Any]:
            if type(value) is not cls:
                raise wrong(f"a {cls.__name__}", value)
            return [getattr(value, name) for name in names]

        self._open.append(cls)
        try:
            made = self.of_fields(fields, maker(cls), split, instance(cls), f"{cls.__name__}.")
        finally:
            self._open.pop()
        label = f"({made.label})"
        return evolve(made, label=label, packed=made.packed and evolve(made.packed, label=label))


def _last(notes: tuple[Any, ...], kind: Any) -> Any:
    """The outermost mark of a kind."""
    return next((note for note in reversed(notes) if isinstance(note, kind)), None)


_CARRIED = (
    "it must be a number with its width, such as U16, I32 or F32, a bool, an Enum or Flag in a number, "
    "str, bytes, list, or an attrs class"
)
_ADVICE = {
    int: "say how many bytes it has: U8, I16, U32, ... from tcpcomm.codec.binary.binary",
    float: "say how many bytes it has: F32 or F64 from tcpcomm.codec.binary.binary",
}
