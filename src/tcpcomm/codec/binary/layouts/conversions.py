"""Values of the user's own types, by way of a value that bytes can carry: :func:`converted`."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any

from attrs import evolve

from tcpcomm.codec.binary.layouts.fixed_size import FixedLayout
from tcpcomm.codec.binary.layouts.layout import Layout, from_fixed, outside_tags
from tcpcomm.codec.random_values import draw_accepted
from tcpcomm.errors import CodecError

Convert = Callable[[Any], Any]


def converted(
    inner: Layout, read: Convert, write: Convert, draw: Callable[[Random], Any] | None = None
) -> Layout:
    """
    Return the layout of values that are converted to those of another layout.

    Args:
        inner: the other layout.
        read: returns the value for a value of the other layout.
        write: returns the value of the other layout for a value.
        draw: draws a value. None: one that ``read`` accepts.
    """
    outside_tags(inner)
    read, write = _telling(read), _telling(write)

    def draw_value(random: Random) -> Any:
        return draw_accepted(lambda: inner.draw(random), read, "value")

    draw = draw or draw_value
    if inner.fixed is not None:
        return from_fixed(_converted_fixed(inner.fixed, read, write, draw))

    def read_value(data: bytes, at: int) -> tuple[Any, int]:
        value, end = inner.read(data, at)
        return read(value), end

    return evolve(inner, read=read_value, write=lambda value: inner.write(write(value)), draw=draw)


def _converted_fixed(
    inner: FixedLayout, read: Convert, write: Convert, draw: Callable[[Random], Any]
) -> FixedLayout:
    def to_items(value: Any, items: list[Any]) -> None:
        inner.to_items(write(value), items)

    return evolve(
        inner,
        from_items=lambda items, at: read(inner.from_items(items, at)),
        to_items=to_items,
        draw=draw,
        plain=None,
    )


def _telling(convert: Convert) -> Convert:
    """Return the function, with its failures as errors of the codec."""

    def tell(value: Any) -> Any:
        try:
            return convert(value)
        except CodecError:
            raise
        except Exception as error:  # a conversion may raise any exception
            raise CodecError(str(error) or type(error).__name__) from None

    return tell
