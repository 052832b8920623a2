"""From annotations, with the metadata of :mod:`~tcpcomm.codec.binary.types`, to layouts in bytes."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from operator import itemgetter
from types import MappingProxyType
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
from tcpcomm.codec.binary.layouts.bit_lists import bit_list, digit_list, fixed_bits
from tcpcomm.codec.binary.layouts.conversions import converted
from tcpcomm.codec.binary.layouts.fixed_size import (
    FixedLayout,
    RecordType,
    bit_field,
    class_record,
    constant,
    number,
    real,
    reserved,
    within_range,
)
from tcpcomm.codec.binary.layouts.layout import (
    NOTHING,
    Layout,
    RecordField,
    VariableLayout,
    from_fixed,
    optional,
    outside_tags,
)
from tcpcomm.codec.binary.layouts.marks import NUMBERS, TAGS, Marks, counts_bytes, mark_text
from tcpcomm.codec.binary.layouts.padded_text import Text
from tcpcomm.codec.binary.layouts.records import check_derived, check_order, path_link, record
from tcpcomm.codec.binary.layouts.recursion import Types
from tcpcomm.codec.binary.layouts.sizes import (
    Measure,
    aligned,
    aligned_whole,
    area,
    counted,
    counted_by,
    counted_in_tag,
    fixed_area,
    in_bytes,
    rest,
    until,
    used_part,
)
from tcpcomm.codec.binary.layouts.tagged import (
    Alternative,
    check_kinds,
    kind_of,
    sized_by_tag,
    tag_link,
    tagged,
    tagged_by,
)
from tcpcomm.codec.binary.layouts.variable_size import (
    BYTES,
    fixed_bytes,
    fixed_list,
    fixed_text,
    list_layout,
    list_until,
    text_layout,
)
from tcpcomm.codec.binary.opcodes import int_type
from tcpcomm.codec.binary.types import (
    After,
    Aligned,
    Before,
    Bits,
    Counted,
    CountedBy,
    Derived,
    Encoded,
    EndedBy,
    Fixed,
    Float,
    HighestFirst,
    Int,
    InTag,
    Order,
    Rest,
    Skip,
    Tagged,
    TaggedBy,
    Via,
)
from tcpcomm.codec.encoding import Encoding
from tcpcomm.codec.problems import errors_at, missing, unknown
from tcpcomm.codec.ranges import limits_of
from tcpcomm.errors import ConfigurationError


class LayoutCompiler:
    """Compiles annotations to layouts. Its byte order, its encoding, and types of the user are defaults."""

    def __init__(self, order: Order, encoding: str, own: Mapping[type, Via] = MappingProxyType({})) -> None:
        self._order = order
        self._encoding = Encoding(encoding)
        self._types = Types()
        self._own = own
        self._derived: frozenset[str] = frozenset()

    def value(self, annotation: Any) -> Layout:
        """Return the layout of one value. Raises ConfigurationError if bytes cannot carry it."""
        with self._with_derived([annotation]):
            fields = self._fields("", annotation)
        for each in fields:
            if each.layout.link is not None and each.layout.link.name not in _derived_in(annotation):
                mark = "CountedBy" if each.layout.counted else "TaggedBy"
                raise ConfigurationError(f"{mark} names a field beside this one, but there is none")
        check_derived(fields)
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

        return outside_tags(self._record(fields, RecordType(make, split, dict), prefix))

    def result(self, annotation: Any, parameters: Sequence[Field]) -> Layout:
        """Return the layout of a result. Its lengths and types may be parameters of its command."""
        kind = bare_type(annotation)
        outside = {each.name for each in parameters}
        lists = {each.name for each in parameters if get_origin(bare_type(each.type)) is list}
        if has_fields(kind) and not Marks(annotation).sizes:
            fields = fields_of(kind)
            named = {name for field in fields for name in _told_by(field.type)}
            named -= {field.name for field in fields} | {
                name for field in fields for name in _derived_in(field.type)
            }
            if named & outside:
                return self._record(
                    fields, class_record(kind), f"{kind.__name__}.", sorted(named & outside), lists
                )
        elif told := [name for name in _told_by(annotation) if name in outside]:
            with self._with_derived([annotation]):
                parts = self._fields("", annotation)
            return record(parts, RecordType(itemgetter(0), lambda value: [value]), told, lists)
        return outside_tags(self.value(annotation))

    def _record(
        self,
        fields: Sequence[Field],
        record_type: RecordType,
        prefix: str,
        outside: Sequence[str] = (),
        lists: Collection[str] = (),
    ) -> Layout:
        compiled: list[RecordField] = []
        types = {field.name: field.type for field in fields}
        with self._with_derived([each.type for each in fields]):
            for each in fields:
                with errors_at(f"{prefix}{each.name}"):
                    compiled += self._fields(each.name, each.type)
                    check_order(compiled, outside)
                    for field in compiled:
                        _check_count(field, types)
        with errors_at(prefix.rstrip(". ") or "its values"):
            check_derived(compiled)
        return record(compiled, record_type, outside, lists)

    @contextmanager
    def _with_derived(self, annotations: Iterable[Any]) -> Iterator[None]:
        """Know the derived numbers of these fields for a while."""
        before = self._derived
        self._derived = frozenset(name for each in annotations for name in _derived_in(each))
        try:
            yield
        finally:
            self._derived = before

    def _fields(self, name: str, annotation: Any) -> list[RecordField]:
        """Return the field of a value, and those of the other bytes before and after it."""
        before: list[RecordField] = []
        after: list[RecordField] = []
        for note in metadata_of(annotation):
            if isinstance(note, Before | After):
                silent = self._silent(name, note.constant)
                (before if isinstance(note, Before) else after).append(silent)
        return [*before, RecordField(name, self._layout(annotation)), *after]

    def _silent(self, name: str, content: Any) -> RecordField:
        if isinstance(content, Derived):
            layout = self.value(content.type)
            if layout.fixed is None:
                raise ConfigurationError(
                    f"the derived number {content.name} must have a fixed size, such as U8"
                )
            return RecordField(content.name, layout, False, True)
        if isinstance(content, bytes):
            fixed = constant(content, self._order)
        else:
            fixed = reserved(content.content if isinstance(content, Skip) else content, self._order)
        return RecordField(name, from_fixed(fixed), False)

    def _layout(self, annotation: Any) -> Layout:
        marks = Marks(annotation)
        kind = bare_type(annotation)
        limits_of(annotation)  # it belongs to a number
        via = marks.one(Via) or (self._own.get(kind) if isinstance(kind, type) else None)
        if via is not None:
            marks.only(type_text(kind), Via)
            return converted(self.value(via.wire), via.read, via.write, via.draw)
        if tag := marks.one(*TAGS):
            marks.only("a value of several types", *TAGS, Fixed, Counted, CountedBy, Aligned)
            if isinstance(tag, TaggedBy):
                return self._chosen(kind, tag, marks)
            return self._in_area(marks, lambda: self._union(annotation, kind, tag))
        several = union_members(annotation)
        if several:
            marks.only(type_text(annotation))
            inner = [each for each in several if each is not type(None)]
            if len(inner) != 1 or len(several) != 2:
                raise ConfigurationError(
                    f"{type_text(annotation)}: nothing in the bytes would show which of them it is: "
                    "say it with Tagged(U8, {1: ..., 2: ...})"
                )
            return optional(self.value(inner[0]))
        if int_note := marks.one(Int):
            marks.only(f"{type_text(kind)} in a number", *NUMBERS, HighestFirst)
            highest_first = marks.one(HighestFirst) is not None
            made = number(annotation, int_note, self._order, highest_first=highest_first)
            return from_fixed(within_range(made, annotation))
        if float_note := marks.one(Float):
            marks.only(type_text(kind), *NUMBERS)
            if kind is not float:
                raise ConfigurationError(f"{type_text(kind)} is not a float")
            return from_fixed(within_range(real(float_note, self._order), annotation))
        if kind is bool:
            marks.only("bool")
            return from_fixed(number(bool, Int(1), self._order))
        if kind in (str, bytes) or get_origin(kind) is list:
            return self._with_length(kind, marks)
        if has_fields(kind):
            marks.only(type_text(kind), Fixed, Counted, CountedBy, Aligned)
            return self._in_area(marks, lambda: self._instance(kind))
        raise ConfigurationError(_ADVICE.get(kind, f"bytes cannot carry {type_text(kind)}: {_CARRIED}"))

    # -- sizes ------------------------------------------------------------------------------------------

    def _in_area(self, marks: Marks, compile: Callable[[], Layout]) -> Layout:
        """Return the layout of a value of any type, with its size in bytes as the marks say."""
        sizes = marks.sizes
        if len(sizes) > 1:
            raise ConfigurationError(
                f"{mark_text(sizes[0])} and {mark_text(sizes[1])} contradict each other: keep one of them"
            )
        if not sizes:
            if marks.one(Aligned):
                raise ConfigurationError("Aligned needs the size of its value, such as Counted(U8)")
            return compile()
        (size,) = sizes
        with self._types.area():
            inner = compile()
        if isinstance(size, Fixed):
            if size.count is not None:
                raise ConfigurationError("only text, bytes and lists have a count in a fixed size")
            return fixed_area(inner, size.size)
        return self._sized(size, self._aligned(marks, area(inner)))

    def _aligned(self, marks: Marks, content: VariableLayout) -> VariableLayout:
        mark = marks.one(Aligned)
        return content if mark is None else aligned(content, mark.size)

    def _sized(self, size: Counted | CountedBy, content: VariableLayout) -> Layout:
        measure = Measure(size.step, size.adjust)
        if isinstance(size, Counted) and isinstance(size.count, InTag):
            return counted_in_tag(self._order, content, measure)
        if isinstance(size, Counted):
            return counted(self._count(size.count), content, measure)
        made = counted_by(size.name, content, measure)
        assert made.link is not None
        return evolve(made, link=path_link(made.link))

    def _count(self, count: Any) -> FixedLayout:
        return number(int, int_type(count, "the count of Counted"), self._order)

    def _with_length(self, kind: Any, marks: Marks) -> Layout:
        if kind is str:
            meaningful: tuple[type, ...] = (Encoded,)
        else:
            meaningful = () if kind is bytes else (HighestFirst,)
        marks.only(type_text(kind), Fixed, Counted, CountedBy, Rest, EndedBy, Aligned, *meaningful)
        sizes = marks.sizes
        if not sizes:
            raise ConfigurationError(
                f"say where {type_text(kind)} ends: Annotated[{type_text(kind)}, Fixed(16)], Counted(U8), "
                'CountedBy("count"), EndedBy(b"\\0"), or Rest()'
            )
        if len(sizes) == 2:
            return self._twice_sized(kind, marks, *sizes)
        (size,) = sizes
        if marks.one(Aligned) and not isinstance(size, Counted | CountedBy | EndedBy):
            raise ConfigurationError(
                f"Aligned and {mark_text(size)} contradict each other: keep one of them"
            )
        if isinstance(size, Fixed):
            return self._fixed(kind, size, marks)
        if isinstance(size, EndedBy):
            return self._until(kind, size, marks)
        if isinstance(size, Rest):
            return rest(self._content(kind, self._is_bits(kind), marks))
        return self._sized(size, self._aligned(marks, self._content(kind, counts_bytes(size), marks)))

    def _twice_sized(self, kind: Any, marks: Marks, first: Any, second: Any) -> Layout:
        """Return the layout of a list with two lengths: in items and in bytes."""
        if get_origin(kind) is not list:
            raise ConfigurationError(
                f"{mark_text(first)} and {mark_text(second)} contradict each other: keep one of them"
            )
        if marks.one(Aligned):
            raise ConfigurationError("a list with two lengths cannot be Aligned")
        size, items = (first, second) if counts_bytes(first) else (second, first)
        content = self._content(kind, False, marks)
        measure = Measure(size.step, size.adjust)
        if size is first and isinstance(items, Counted):  # the size counts the number of items too
            return counted(self._count(size.count), area(self._sized(items, content)), measure)
        content = in_bytes(self._count(size.count), content, measure)
        if isinstance(items, Fixed):
            return self._always(content, items)
        return self._sized(items, content)

    def _always(self, content: VariableLayout, size: Fixed) -> Layout:
        """Return the layout of a list that always has the same number of items."""
        if size.count is not None:
            raise ConfigurationError("a list has one count: leave count= of Fixed out")
        return fixed_list(content, size.size, None)

    def _fixed(self, kind: Any, size: Fixed, marks: Marks) -> Layout:
        if self._is_bits(kind):
            content = self._content(kind, False, marks)
            if size.count is None:
                _, width = bit_field(get_args(kind)[0])
                return from_fixed(fixed_bits(content, size.size, width, self._order))
            unit = 4 if self._order == "hex" else 8
            part = fixed_bytes(-(-size.size * content.form["bits"] // unit), self._order)
            return from_fixed(used_part(self._count(size.count), part, content, size.size, b"\0"))
        if size.count is not None:
            return self._partly_used(kind, size, marks)
        if kind is str:
            rule = Text(self._encoding_of(marks), size.size, size.pad)
            return from_fixed(fixed_text(rule, size.size, self._order))
        if size.pad != "\0":
            raise ConfigurationError(f"pad has no meaning for {type_text(kind)}")
        if kind is bytes:
            return from_fixed(fixed_bytes(size.size, self._order))
        element = self.value(get_args(kind)[0])
        return fixed_list(list_layout(element, False), size.size, element)

    def _partly_used(self, kind: Any, size: Fixed, marks: Marks) -> Layout:
        room, pad = size.size, b"\0"
        if kind is str:
            pad = Text(self._encoding_of(marks), size.size, size.pad).padding
        elif size.pad != "\0":
            raise ConfigurationError(f"pad has no meaning for {type_text(kind)}")
        elif kind is not bytes:
            element = self.value(get_args(kind)[0])
            if element.fixed is None:
                raise ConfigurationError(
                    "the items of a list with count= in Fixed must have the same size: use Counted"
                )
            room *= element.fixed.size
        content = self._content(kind, False, marks)
        part = fixed_bytes(room, self._order)
        return from_fixed(used_part(self._count(size.count), part, content, size.size, pad))

    def _until(self, kind: Any, size: EndedBy, marks: Marks) -> Layout:
        if self._is_bits(kind):
            raise ConfigurationError("a list of bits has no end mark: use Counted or Fixed")
        if get_origin(kind) is list:
            made = list_until(self.value(get_args(kind)[0]), size.end)
        else:
            step = len(self._encoding_of(marks).encode("a")) if kind is str else 1
            made = until(self._content(kind, False, marks), size.end, step)
        mark = marks.one(Aligned)
        return made if mark is None else aligned_whole(made, mark.size)

    def _encoding_of(self, marks: Marks) -> Encoding:
        encoded = marks.one(Encoded)
        return self._encoding if encoded is None else Encoding(encoded.encoding)

    def _is_bits(self, kind: Any) -> bool:
        return get_origin(kind) is list and Marks(get_args(kind)[0]).one(Bits) is not None

    def _content(self, kind: Any, in_bytes: bool, marks: Marks) -> VariableLayout:
        if kind is str:
            return text_layout(Text(self._encoding_of(marks)))
        if kind is bytes:
            return BYTES
        highest_first = marks.one(HighestFirst) is not None
        if self._is_bits(kind):
            item, width = bit_field(get_args(kind)[0])
            make = digit_list if self._order == "hex" else bit_list
            return make(item, width, highest_first=highest_first, in_bytes=in_bytes)
        if highest_first:
            raise ConfigurationError("HighestFirst() has no meaning for a list whose items are not Bits")
        return list_layout(self.value(get_args(kind)[0]), in_bytes)

    # -- types of several forms -------------------------------------------------------------------------

    def _chosen(self, kind: Any, tag: TaggedBy, marks: Marks) -> Layout:
        """Return the layout of a TaggedBy value, with its size if it has one."""
        if isinstance(size := next(iter(marks.sizes), None), CountedBy):
            raise ConfigurationError(
                f"{mark_text(tag)} and {mark_text(size)} contradict each other: the type and the length of "
                "a value cannot both be in earlier fields; put the length directly before it with Counted"
            )
        several = self._alternatives(tag, marks)
        other = None
        if tag.other is not None:
            with errors_at("other"):
                other = Alternative(None, kind_of(tag.other), self._alternative(tag.other, marks))
        check_kinds(kind, [each.kind for each in (*several, *([] if other is None else [other]))])
        link = path_link(tag_link(tag.name, tag.mask))
        return tagged_by(link, several, other, is_derived=tag.name in self._derived)

    def _union(self, annotation: Any, kind: Any, tag: Tagged) -> Layout:
        name = str(annotation.__name__) if hasattr(annotation, "__value__") else "Item"
        return self._types.whole((tag, self._order), name, lambda: self._new_union(kind, tag))

    def _new_union(self, kind: Any, tag: Tagged) -> Layout:
        check_kinds(kind, [*map(kind_of, tag.alternatives.values())])
        if not tag.size_bits:
            layout = self.value(tag.type).fixed
            if layout is None:
                raise ConfigurationError("a tag must have a fixed size, such as U8")
            return tagged(layout, self._alternatives(tag))
        if self._order == "hex":
            raise ConfigurationError("size_bits are for tags in bytes, not in hexadecimal digits")
        if int_type(tag.type, "the tag").width != 1 or not 1 <= tag.size_bits <= 3:
            raise ConfigurationError(
                "a tag with size_bits has one byte, and 1 to 3 of its bits are size_bits"
            )
        return sized_by_tag(tag.size_bits, self._order, self._alternatives(tag))

    def _alternatives(self, tag: Tagged | TaggedBy, marks: Marks | None = None) -> list[Alternative]:
        found = []
        for key, annotation in tag.alternatives.items():
            with errors_at(f"tag {key!r}"):
                found.append(Alternative(key, kind_of(annotation), self._alternative(annotation, marks)))
        if not found:
            raise ConfigurationError("there are no alternatives")
        return found

    def _alternative(self, annotation: Any, marks: Marks | None) -> Layout:
        """Return the layout of one of several types, with the size that the marks give to each of them."""

        def compile() -> Layout:
            return NOTHING if annotation is None else self.value(annotation)

        return compile() if marks is None else self._in_area(marks, compile)

    def _instance(self, cls: type) -> Layout:
        def compile() -> Layout:
            return self._record(fields_of(cls), class_record(cls), f"{cls.__name__}.")

        return self._types.whole(cls, cls.__name__, compile)


def _derived_in(annotation: Any) -> list[str]:
    """Return the names of the derived numbers beside a value."""
    notes = [note.constant for note in metadata_of(annotation) if isinstance(note, Before | After)]
    return [note.name for note in notes if isinstance(note, Derived)]


def _told_by(annotation: Any) -> list[str]:
    """Return the names of the fields that tell the length or the type of a value."""
    notes = [note for note in metadata_of(annotation) if isinstance(note, CountedBy | TaggedBy)]
    return [note.name.partition(".")[0] for note in notes]


def _check_count(field: RecordField, types: dict[str, Any]) -> None:
    link = field.layout.link
    if link is None or "." in link.path or (field.layout.counted is None and link.mask is None):
        return
    if bare_type(types.get(link.name, int)) is not int:
        told = "counts it" if field.layout.counted else "tells its type"
        raise ConfigurationError(f"{link.name}, which {told}, is not a whole number")


_CARRIED = (
    "it must be a number with its width, such as U16, I32 or F32, a bool, an Enum or Flag in a number, "
    "str, bytes, list, or an attrs class"
)
_ADVICE = {
    int: "say how many bytes it has: U8, I16, U32, ... from tcpcomm.codec",
    float: "say how many bytes it has: F32 or F64 from tcpcomm.codec",
}
