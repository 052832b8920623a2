"""
Values of one of several types: a tag tells which, directly before the value or in an earlier field.

The tag follows from the type of a value in Python, so these types must differ. Where the sender sets the
earlier field itself, they may be the same.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from random import Random
from typing import Any, Literal, get_args, get_origin

from attrs import frozen

from tcpcomm.codec.annotations import bare_type, type_text, union_members
from tcpcomm.codec.base import MISSING
from tcpcomm.codec.binary.layouts.fixed_size import FixedLayout
from tcpcomm.codec.binary.layouts.forms import Form, hex_text
from tcpcomm.codec.binary.layouts.layout import (
    Chooser,
    Layout,
    Link,
    Read,
    from_fixed,
    outside_tags,
    too_short,
)
from tcpcomm.codec.binary.layouts.recursion import TooDeep
from tcpcomm.codec.numpy_values import native
from tcpcomm.codec.problems import brief_repr, wrong
from tcpcomm.errors import CodecError, ConfigurationError


@frozen
class Alternative:
    """
    One of several types.

    Attributes:
        tag: the value that tells it, as annotations have it: a number, bytes, an Enum.
        kind: the type of its values in Python.
        layout: its layout.
    """

    tag: Any
    kind: Any
    layout: Layout

    def form(self) -> Form:
        """Return the type and the layout as data."""
        return {"kind": type_text(self.kind), "form": self.layout.form}


def kind_of(annotation: Any) -> Any:
    """Return the type in Python that values of an annotation have."""
    kind = bare_type(annotation)
    if get_origin(kind) is Literal:
        kinds = {type(each) for each in get_args(kind)}
        return kinds.pop() if len(kinds) == 1 else kind
    return get_origin(kind) or kind


def check_kinds(annotation: Any, kinds: Sequence[Any]) -> None:
    """Raise ConfigurationError unless an annotation allows exactly the types of these alternatives."""
    allowed = [kind_of(each) for each in union_members(annotation) or (annotation,)]
    for each in kinds:
        if each not in allowed:
            raise ConfigurationError(
                f"a tag means {type_text(each)}, which is not in {type_text(annotation)}"
            )
    for each in allowed:
        if each not in kinds:
            raise ConfigurationError(f"no tag means {type_text(each)}: add one, or take it out of the type")


class _Alternatives:
    """The alternatives of one union, by tag and by the type of their values."""

    def __init__(self, alternatives: Sequence[Alternative]) -> None:
        self.all = alternatives
        self.by_tag: dict[Any, Alternative] = {}
        self.by_kind: dict[Any, Alternative] = {}
        for each in alternatives:
            self.by_tag[each.tag] = each
            self.by_kind.setdefault(each.kind, each)
        if float in self.by_kind:
            self.by_kind.setdefault(int, self.by_kind[float])
        if bytes in self.by_kind:
            self.by_kind.setdefault(bytearray, self.by_kind[bytes])

    def check_distinct(self) -> None:
        """Raise ConfigurationError if a value would not show its tag."""
        for each in self.all:
            other = self.by_kind[each.kind]
            if other.tag != each.tag:
                raise ConfigurationError(
                    f"nothing in a value would show whether its tag is {other.tag!r} or {each.tag!r}, "
                    f"because both are {type_text(each.kind)}: make an attrs class of each, or put the tag "
                    "in a field of its own, which TaggedBy names"
                )

    def of(self, value: Any) -> tuple[Alternative, Any]:
        """Return the alternative for a value, and the value as Python has it. Raises CodecError."""
        found = self.by_kind.get(type(value))
        if found is None:
            value = native(value)
            found = self.by_kind.get(type(value))
        if found is None:
            raise wrong(" or ".join(type_text(each.kind) for each in self.all), value)
        return found, value

    def with_tag(self, tag: Any) -> Alternative:
        """Return the alternative that a tag means. Raises CodecError."""
        try:
            return self.by_tag[tag]
        except (KeyError, TypeError):
            raise self.unknown(tag) from None

    def unknown(self, tag: Any) -> CodecError:
        """Return the error for a tag that means nothing."""
        known = ", ".join(map(brief_repr, self.by_tag))
        return CodecError(f"has the tag {brief_repr(tag)}, which is not one of {known}")

    def draw(self, random: Random) -> tuple[Any, Alternative]:
        """Draw a value, and return it with its alternative."""
        for each in random.sample(self.all, len(self.all)):
            try:
                return each.layout.draw(random), each
            except TooDeep:
                continue
        raise TooDeep

    def forms(self, tag: FixedLayout | None) -> list[Form]:
        return [{"tag": _plain(each.tag, tag), **each.form()} for each in self.all]


def _plain(tag: Any, layout: FixedLayout | None) -> Any:
    """Return a tag as JSON has it: a number, a bool, or bytes in hex."""
    if isinstance(tag, bool) or layout is None:
        tag = getattr(tag, "value", tag)
        return hex_text(tag) if isinstance(tag, bytes) else tag
    items: list[Any] = []
    layout.to_items(tag, items)
    (item,) = items
    return hex_text(item) if isinstance(item, bytes) else item


def tagged(tag: FixedLayout, alternatives: Sequence[Alternative]) -> Layout:
    """Return the layout of a tag and what it tells. Raises ConfigurationError."""
    several = _Alternatives(alternatives)
    several.check_distinct()
    for each in alternatives:
        outside_tags(each.layout)
    number = from_fixed(tag)
    heads = {}
    for each in alternatives:
        try:
            heads[each.kind] = number.write(each.tag)
        except CodecError as error:
            raise ConfigurationError(f"tag {each.tag!r}: {error}") from None
    read_tag, with_tag = number.read, several.with_tag

    def read(data: bytes, at: int) -> tuple[Any, int]:
        found, at = read_tag(data, at)
        return with_tag(found).layout.read(data, at)

    def write(value: Any) -> bytes:
        alternative, value = several.of(value)
        return heads[alternative.kind] + alternative.layout.write(value)

    form = {"type": "tagged", "tag": tag.form, "alternatives": several.forms(tag)}
    return _union(tag.size, several, read, write, form)


def _union(
    size: int, several: _Alternatives, read: Read, write: Callable[[Any], bytes], form: Form
) -> Layout:
    return Layout(
        size + min(each.layout.min_size for each in several.all),
        read,
        write,
        lambda random: several.draw(random)[0],
        form,
        is_open=any(each.layout.is_open for each in several.all),
    )


def sized_by_tag(
    size_bits: int, byte_order: Literal["big", "little"], alternatives: Sequence[Alternative]
) -> Layout:
    """
    Return the layout of a tag of one byte. Its lowest bits tell the size of the length behind it.

    Args:
        size_bits: the number of these bits.
        byte_order: the order of the length's bytes, big or little.
        alternatives: the types, each without its length.

    Raises:
        ConfigurationError: the tags do not fit, or alternatives cannot be told apart.
    """
    most = (1 << size_bits) - 1
    several = _Alternatives(alternatives)
    several.check_distinct()
    table: list[tuple[Callable[[bytes, int, int | None], tuple[Any, int]], int] | None] = [None] * 256
    writers: dict[Any, tuple[Callable[[Any], tuple[bytes, int]], list[bytes], int]] = {}
    for each in alternatives:
        content = each.layout.in_tag
        if content is None:
            raise ConfigurationError(
                f"the type of the tag {each.tag!r} must have Counted(InTag()), or be a class with one such "
                "field, because the tag tells the size of its length"
            )
        if type(each.tag) is not int or not 0 <= each.tag << size_bits < 256:
            raise ConfigurationError(
                f"the tag {each.tag!r} must be a number from 0 to {255 >> size_bits}, because the "
                f"lowest {size_bits} bits of its byte tell the size of the length"
            )
        code = each.tag << size_bits
        for size in range(1, most + 1):
            table[code | size] = content.read, size
        writers[each.kind] = content.write, [bytes((code | 1, length)) for length in range(256)], code

    def read(data: bytes, at: int) -> tuple[Any, int]:
        try:
            found = table[data[at]]
        except IndexError:
            raise CodecError("needs a tag, but the frame has no bytes left") from None
        if found is None:
            raise unknown(data[at])
        read_content, size = found
        start = at + 1 + size
        if start > len(data):
            raise too_short(size, len(data) - at - 1)
        length = data[at + 1] if size == 1 else int.from_bytes(data[at + 1 : start], byte_order)
        return read_content(data, start, length)

    def unknown(tag: int) -> CodecError:
        code, size = tag >> size_bits, tag & most
        if code in several.by_tag:
            return CodecError(f"has a length of {size} bytes, which is not 1 to {most}")
        return several.unknown(code)

    def write(value: Any) -> bytes:
        writer = writers.get(type(value))
        if writer is None:
            alternative, value = several.of(value)
            writer = writers[alternative.kind]
        write_content, short, code = writer
        content, length = write_content(value)
        if 0 <= length < 256:
            return short[length] + content
        size = -(-length.bit_length() // 8)
        if length < 0 or size > most:
            raise CodecError(f"has a length of {length}, which {most} bytes cannot tell")
        return bytes((code | size,)) + length.to_bytes(size, byte_order) + content

    form = {
        "type": "tagged",
        "tag": {"type": "int", "bytes": 1, "signed": False},
        "size_bits": size_bits,
        "alternatives": several.forms(None),
    }
    return _union(2, several, read, write, form)


def tagged_by(
    link: Link, alternatives: Sequence[Alternative], other: Alternative | None, *, is_derived: bool
) -> Layout:
    """
    Return the layout of a value. An earlier field tells its type.

    Args:
        link: the rule between the field and the tag.
        alternatives: the types.
        other: the type for all other tags, if there is one.
        is_derived: True if the earlier field is computed from the value, so that the types must differ.

    Raises:
        ConfigurationError: a value would not show its tag.
    """
    several = _Alternatives(alternatives)
    for each in (*alternatives, *([] if other is None else [other])):
        outside_tags(each.layout)
    for tag in several.by_tag:
        if link.mask is not None and (type(tag) is not int or tag & ~link.mask):
            raise ConfigurationError(f"the tag {tag!r} has bits that are not in the mask 0x{link.mask:02X}")
    if is_derived:
        several.check_distinct()

    def find(tag: Any) -> Layout:
        if other is not None:
            try:
                return several.by_tag.get(tag, other).layout
            except TypeError:
                return other.layout
        return several.with_tag(tag).layout

    def read(data: bytes, at: int, tag: Any) -> tuple[Any, int]:
        return find(tag).read(data, at)

    def write(value: Any, tag: Any) -> tuple[bytes, Any]:
        if tag is not MISSING:
            return find(tag).write(value), tag
        alternative, value = several.of(value)
        return alternative.layout.write(value), alternative.tag

    def draw(random: Random, tag: Any) -> tuple[Any, Any]:
        if tag is not MISSING:
            return find(tag).draw(random), tag
        value, alternative = several.draw(random)
        return value, alternative.tag

    layouts = [each.layout for each in (*alternatives, *([] if other is None else [other]))]
    form: Form = {"type": "tagged", "by": link.path, "alternatives": several.forms(None)}
    if link.mask is not None:
        form["mask"] = link.mask
    if other is not None:
        form["other"] = other.form()
    return Layout(
        min(each.min_size for each in layouts),
        _nothing_tells,
        lambda value: write(value, MISSING)[0],
        lambda random: draw(random, MISSING)[0],
        form,
        is_open=any(each.is_open for each in layouts),
        chosen=Chooser(read, write, draw, tuple(several.by_tag)),
        link=link,
    )


def _nothing_tells(data: bytes, at: int) -> tuple[Any, int]:
    raise CodecError("nothing tells its type")


def tag_link(path: str, mask: int | None) -> Link:
    """Return the link to the field that has the tag, or has it in some of its bits."""
    if mask is None:
        return Link(path, lambda tag: tag, lambda _, tag: tag, "the tag of")

    def put(so_far: Any, tag: int) -> Any:
        return tag if so_far is None else so_far & ~mask | tag

    return Link(path, lambda number: number & mask, put, "the tag of", mask)
