"""Layouts that contain themselves: an attrs class in a list of its own, or a union with such a class."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from threading import local
from typing import Any, Final

from attrs import evolve

from tcpcomm.codec.binary.layouts.layout import ENDLESS, Layout
from tcpcomm.codec.limits import MAX_DEPTH
from tcpcomm.errors import CodecError

_DRAWN_DEPTH: Final = 3


class TooDeep(CodecError):
    """A value that is drawn is nested deeply enough."""

    def __init__(self) -> None:
        super().__init__("is nested too deeply")


class _Depth(local):
    """The number of values inside each other that this thread reads, writes or draws at the moment."""

    level = 0
    drawn = 0


_depth: Final = _Depth()


class Later:
    """
    The place of a layout inside itself, which is known when the whole layout is.

    Args:
        name: its name, which its form and texts have.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        whole: list[Layout] = []
        self.resolve: Callable[[Layout], None] = whole.append
        """Put the whole layout into the place."""

        def read(data: bytes, at: int) -> tuple[Any, int]:
            return whole[0].read(data, at)

        def write(value: Any) -> bytes:
            return whole[0].write(value)

        def draw(random: Random) -> Any:
            return whole[0].draw(random)

        self.layout = Layout(ENDLESS, read, write, draw, {"type": "ref", "to": name})


def bounded(layout: Layout) -> Layout:
    """Return a layout that refuses values which contain themselves too deeply."""
    inner_read, inner_write, inner_draw = layout.read, layout.write, layout.draw

    def read(data: bytes, at: int) -> tuple[Any, int]:
        if _depth.level >= MAX_DEPTH:
            raise _too_deep()
        _depth.level += 1
        try:
            return inner_read(data, at)
        finally:
            _depth.level -= 1

    def write(value: Any) -> bytes:
        if _depth.level >= MAX_DEPTH:
            raise _too_deep()
        _depth.level += 1
        try:
            return inner_write(value)
        finally:
            _depth.level -= 1

    def draw(random: Random) -> Any:
        if _depth.drawn >= _DRAWN_DEPTH:
            raise TooDeep
        _depth.drawn += 1
        try:
            return inner_draw(random)
        finally:
            _depth.drawn -= 1

    return evolve(layout, read=read, write=write, draw=draw)


def _too_deep() -> CodecError:
    return CodecError(f"is nested more than {MAX_DEPTH} deep")
