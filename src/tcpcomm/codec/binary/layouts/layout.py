"""
Layouts of any size: :class:`Layout`.

A length that a peer sent is compared with the frame's size before it is used.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from random import Random
from typing import Any, Final

from attrs import evolve, field, frozen

from tcpcomm.codec.binary.layouts.codegen import read_record, write_record
from tcpcomm.codec.binary.layouts.fixed_size import FixedLayout
from tcpcomm.codec.binary.layouts.forms import NOTHING as NO_BYTES
from tcpcomm.codec.binary.layouts.forms import Form
from tcpcomm.codec.problems import inside, wrong
from tcpcomm.errors import CodecError, ConfigurationError

ENDLESS: Final = 1 << 62
"""The size of a value that contains itself without end."""

Read = Callable[[bytes, int], tuple[Any, int]]


@frozen
class VariableLayout:
    """
    The layout of a value without its length.

    Attributes:
        read: returns the value that begins at an index, and the index behind it. Its length is given, or
            None if it goes on to the end of the frame. Raises CodecError.
        write: returns the bytes of a value, and its length. Raises CodecError.
        draw: draws a value, of a given length or of any.
        form: the layout as data.
        unit: ``bytes`` or ``items``, whichever the length counts.
    """

    read: Callable[[bytes, int, int | None], tuple[Any, int]]
    write: Callable[[Any], tuple[bytes, int]]
    draw: Callable[[Random, int | None], Any]
    form: Form
    unit: str = "bytes"

    def read_rest(self, data: bytes, at: int) -> tuple[Any, int]:
        """Read a value that goes on to the end of the frame."""
        return self.read(data, at, None)

    def write_rest(self, value: Any) -> bytes:
        """Return the bytes of a value."""
        return self.write(value)[0]


@frozen
class Chooser:
    """
    The layouts of a value. An earlier field tells its type.

    Attributes:
        read: returns the value that begins at an index, and the index behind it, for a tag.
        write: returns the bytes of a value, and its tag. It is given the tag, or MISSING if the tag follows
            from the value. Raises CodecError.
        draw: draws a value and its tag, or a value for a given tag.
        tags: the tags that mean something.
    """

    read: Callable[[bytes, int, Any], tuple[Any, int]]
    write: Callable[[Any, Any], tuple[bytes, Any]]
    draw: Callable[[Random, Any], tuple[Any, Any]]
    tags: tuple[Any, ...]


@frozen
class Link:
    """
    The rule between a field and an earlier one that tells its length or its type.

    Attributes:
        path: the earlier field, and behind dots a field inside its value.
        get: returns the length or tag that the earlier field's value stands for.
        put: returns the value of the earlier field for a length or tag. It gets the value so far, or None.
        meaning: the length or tag in words, for errors: ``the length of``.
        mask: the bits of the earlier field that it takes; None: all.
    """

    path: str
    get: Callable[[Any], Any]
    put: Callable[[Any, Any], Any]
    meaning: str
    mask: int | None = None

    @property
    def name(self) -> str:
        """The name of the earlier field."""
        return self.path.partition(".")[0]


@frozen
class FromRequest:
    """
    The layout of a result that depends on parameters of its command.

    Attributes:
        read: returns the value that begins at an index, and the index behind it, for the parameters.
        write: returns the bytes of a value for the parameters. Raises CodecError.
        draw: draws a value for the parameters.
    """

    read: Callable[[bytes, int, Mapping[str, Any]], tuple[Any, int]]
    write: Callable[[Any, Mapping[str, Any]], bytes]
    draw: Callable[[Random, Mapping[str, Any]], Any]


@frozen
class Layout:
    """
    A layout of any size.

    Attributes:
        min_size: the fewest bytes that a value takes; ENDLESS or more if it contains itself without end.
        read: returns the value that begins at an index, and the index behind it. Raises CodecError.
        write: returns the bytes of a value. Raises CodecError.
        draw: draws a value.
        form: the layout as data.
        is_open: whether nothing can follow, because it takes the rest of the frame, or may be missing.
        is_optional: whether it may be missing.
        fixed: the same layout, if its size is fixed.
        fields: its fields, if its size is fixed.
        counted: the layout without its length, if another field holds the length.
        chosen: the layouts of its types, if another field tells which.
        link: the rule between this and the other field; None if there is none.
        from_request: the layout, if it depends on the request.
        in_tag: the layout without its length, if the length is in the tag before it. Only the union with
            that tag can read and write it.
    """

    min_size: int
    read: Read
    write: Callable[[Any], bytes]
    draw: Callable[[Random], Any]
    form: Form
    is_open: bool = field(default=False, kw_only=True)
    is_optional: bool = field(default=False, kw_only=True)
    fixed: FixedLayout | None = field(default=None, kw_only=True)
    fields: tuple[RecordField, ...] = field(default=(), kw_only=True)
    counted: VariableLayout | None = field(default=None, kw_only=True)
    chosen: Chooser | None = field(default=None, kw_only=True)
    link: Link | None = field(default=None, kw_only=True)
    from_request: FromRequest | None = field(default=None, kw_only=True)
    in_tag: VariableLayout | None = field(default=None, kw_only=True)


def _write_none(value: Any) -> bytes:
    if value is not None:
        raise wrong("None", value)
    return b""


NOTHING: Final = Layout(0, lambda data, at: (None, at), _write_none, lambda random: None, NO_BYTES)
"""The layout of None, which takes no bytes."""


@frozen
class RecordField:
    """One of several layouts side by side. Without a value it is constant, reserved or derived bytes."""

    name: str
    layout: Layout
    has_value: bool = True
    is_derived: bool = False


def cut(data: bytes, at: int, length: int | None) -> tuple[bytes, int]:
    """Return so many bytes, or all that are left for None, and the index behind them. Raises CodecError."""
    if length is None:
        return data[at:], len(data)
    end = at + length
    if length < 0 or end > len(data):
        raise too_short(length, len(data) - at)
    return data[at:end], end


def too_short(wanted: int, left: int) -> CodecError:
    return CodecError(f"needs {wanted} bytes, but the frame has {left} left")


def from_fixed(
    fixed: FixedLayout, fields: Sequence[RecordField] = (), kind: type[Any] | None = None
) -> Layout:
    """
    Return a layout of a fixed size as one of any size.

    Args:
        fixed: the layout.
        fields: its fields, to name the one in which a frame ends too early.
        kind: the type of its value, dict or an attrs class, if its reader and writer can be generated.
    """
    struct, from_items, to_items = fixed.struct, fixed.from_items, fixed.to_items
    size, unpack, pack = struct.size, struct.unpack_from, struct.pack

    def read(data: bytes, at: int) -> tuple[Any, int]:
        end = at + size
        if end > len(data):
            raise _too_short_in(fields, size, len(data) - at)
        return from_items(unpack(data, at), 0), end

    def write(value: Any) -> bytes:
        items: list[Any] = []
        to_items(value, items)
        return pack(*items)

    named = [(each.name, each.layout.fixed, each.has_value) for each in fields if each.layout.fixed]
    made = Layout(size, read, write, fixed.draw, fixed.form, fixed=fixed, fields=tuple(fields))
    if kind is None and fixed.plain is None:
        return made
    named = named or [("", fixed, True)]
    return evolve(
        made,
        read=read_record(struct, named, kind, read),
        write=write_record(struct, named, kind, write),
    )


def _too_short_in(fields: Sequence[RecordField], size: int, left: int) -> CodecError:
    """Return the error for a frame that ends too early, with the name of the field in which it ends."""
    for each in fields:
        if left < each.layout.min_size:
            return inside(each.name, _too_short_in(each.layout.fields, each.layout.min_size, left))
        left -= each.layout.min_size
    return too_short(size, left)


def outside_tags(layout: Layout) -> Layout:
    """Return the layout. Raises ConfigurationError if it has its length in a tag, but no tag before it."""
    if layout.in_tag is not None:
        raise ConfigurationError("InTag needs a tag before it that has size_bits, as Tagged can have")
    return layout


def optional(inner: Layout) -> Layout:
    """Return the layout of a value that is None if the frame ends before it."""
    outside_tags(inner)

    def read(data: bytes, at: int) -> tuple[Any, int]:
        return (None, at) if at == len(data) else inner.read(data, at)

    def write(value: Any) -> bytes:
        return b"" if value is None else inner.write(value)

    def draw(random: Random) -> Any:
        return None if random.random() < 0.5 else inner.draw(random)

    return Layout(
        0, read, write, draw, {"type": "optional", "form": inner.form}, is_open=True, is_optional=True
    )
