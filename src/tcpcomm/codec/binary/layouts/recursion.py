"""Layouts that contain themselves: an attrs class in a list of its own, or a union with such a class."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from random import Random
from threading import local
from typing import Any, Final

from attrs import define, evolve

from tcpcomm.codec.binary.layouts.layout import ENDLESS, Layout
from tcpcomm.codec.limits import MAX_DEPTH
from tcpcomm.errors import CodecError, ConfigurationError

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
    inner = layout.in_tag
    if inner is None:
        read, write, draw = _deeper(layout.read), _deeper(layout.write), _drawn_deeper(layout.draw)
        return evolve(layout, read=read, write=write, draw=draw)
    read, write, draw = _deeper(inner.read), _deeper(inner.write), _drawn_deeper(inner.draw)
    return evolve(
        layout,
        draw=lambda random: draw(random, None),
        in_tag=evolve(inner, read=read, write=write, draw=draw),
    )


def _deeper(step: Callable[..., Any]) -> Callable[..., Any]:
    """Return a function that reads or writes one value deeper."""

    def bounded_step(*given: Any) -> Any:
        if _depth.level >= MAX_DEPTH:
            raise CodecError(f"is nested more than {MAX_DEPTH} deep")
        _depth.level += 1
        try:
            return step(*given)
        except RecursionError:  # each level has many layouts inside each other
            raise CodecError("is nested too deeply") from None
        finally:
            _depth.level -= 1

    return bounded_step


def _drawn_deeper(draw: Callable[..., Any]) -> Callable[..., Any]:
    """Return a function that draws one value deeper."""

    def bounded_draw(*given: Any) -> Any:
        if _depth.drawn >= _DRAWN_DEPTH:
            raise TooDeep
        _depth.drawn += 1
        try:
            return draw(*given)
        finally:
            _depth.drawn -= 1

    return bounded_draw


@define(eq=False)
class _Open:
    """A class or a union that is being compiled."""

    key: Any
    name: str
    areas: int
    """The number of values with a length in bytes around it."""
    later: Later | None = None
    """Its place inside itself, if there is one."""
    has_later: bool = False
    """True if such a place, of itself or of a type around it, is directly inside it."""
    ends_inside: bool = False
    """True if such a place of its own has no length in bytes."""


class Types:
    """The classes and unions that a compiler has met. Each may contain itself."""

    def __init__(self) -> None:
        self._opened: list[_Open] = []
        """The types that are being compiled, outermost first."""
        self._made: dict[Any, Layout] = {}
        """The layouts of the types that were compiled."""
        self._unresolved: set[Any] = set()
        self._names: dict[str, Any] = {}
        self._areas = 0

    @contextmanager
    def area(self) -> Iterator[None]:
        """Compile a value that has a length in bytes around it."""
        self._areas += 1
        try:
            yield
        finally:
            self._areas -= 1

    def whole(self, key: Any, name: str, compile: Callable[[], Layout]) -> Layout:
        """
        Return the layout of a type that may contain itself.

        Args:
            key: the type.
            name: its name.
            compile: compiles it. Where it meets the type again, it gets the place of a later layout.

        Raises:
            ConfigurationError: its bytes would have no end.
        """
        if key in self._made:
            return self._made[key]
        for each in self._opened:
            if each.key == key:
                return self._inside_itself(each)
        this = _Open(key, name, self._areas)
        self._opened.append(this)
        try:
            made = compile()
        finally:
            self._opened.pop()
        self._unresolved.discard(key)
        if made.min_size >= ENDLESS and not self._unresolved:
            raise ConfigurationError(f"{name} contains itself, so its bytes would never end")
        if made.is_open and this.ends_inside:
            raise ConfigurationError(
                f"{name} contains itself and takes the rest of the frame, so nothing shows where the inner "
                f"one ends: give the inner one a size, as in Annotated[{name}, Counted(U16)]"
            )
        if this.has_later:
            made = bounded(made)
        if this.later is not None:
            made = evolve(made, form={**made.form, "name": this.later.name})
            this.later.resolve(made)
        if made.link is None:
            self._made[key] = made
        return made

    def _inside_itself(self, outer: _Open) -> Layout:
        if outer.later is None:
            name, number = outer.name, 1
            while self._names.setdefault(name, outer.key) != outer.key:
                number += 1
                name = f"{outer.name}{number}"
            outer.later = Later(name)
        self._opened[-1].has_later = True
        self._unresolved.add(outer.key)
        if outer.areas == self._areas:
            outer.ends_inside = True
        return outer.later.layout
