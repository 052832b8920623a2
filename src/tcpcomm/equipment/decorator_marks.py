"""
What the decorators of a declaration leave behind: :class:`CommandMark`, and a note in the class's body.

A class body is a dictionary: of two methods of one name the first is gone without a trace when the class is
made. So each decorator also notes in the body what it declared, and :func:`check_noted` looks whether all
of it is still there.
"""

from __future__ import annotations

from collections.abc import Callable
from inspect import isasyncgenfunction, iscoroutinefunction, isgeneratorfunction
from typing import Any, Final

from attrs import frozen

from tcpcomm.errors import ConfigurationError

__all__ = ["CommandMark", "check_body", "check_noted", "mark_of", "note", "place_of", "refuse_bare"]

_NOTE: Final = "_tcpcomm_declared"
"""The name of the note: a list of names and of what was declared by them."""

_WRAPPERS: Final = (staticmethod, classmethod, property)


@frozen(eq=False)
class CommandMark:
    """What :func:`tcpcomm.command` was given."""

    wire: Any
    reply: Any
    timeout: float
    idempotent: bool


def mark_of(method: Callable[..., Any]) -> CommandMark:
    """What was declared of a method that :func:`tcpcomm.command` decorated."""
    mark: CommandMark = method.__tcpcomm__  # type: ignore[attr-defined]
    return mark


def place_of(method: Any, kind: str = "") -> str:
    """
    The class and the method, for error messages.

    Args:
        method: the method.
        kind: the name of the class, where the method itself does not know it.
    """
    owner, _, name = getattr(method, "__qualname__", "").rpartition(".")
    owner = owner.rpartition(".")[2]
    owner = owner if owner.isidentifier() else kind
    return f"{owner}.{name}" if owner else name or repr(method)


def refuse_bare(decorator: str, wire: Any) -> None:
    """Raise ConfigurationError if a decorator got the method itself: it was written without parentheses."""
    if callable(wire) or isinstance(wire, _WRAPPERS):
        raise ConfigurationError(f"{place_of(wire)}: write @{decorator}(...), with parentheses")


def note(decorator: str, method: Any, declared: Any, body: dict[str, Any]) -> None:
    """
    Note in the body of a class what is declared in it.

    Args:
        decorator: its name.
        method: what it decorates.
        declared: the mark or the event.
        body: the names where the decorator is called; nothing is noted if that is no body of a class.

    Raises:
        ConfigurationError: the method is none that has ``self``.
    """
    if isinstance(method, _WRAPPERS):
        raise ConfigurationError(
            f"{place_of(method)}: @{decorator}(...) is for a plain method with self: "
            f"take @{type(method).__name__} away"
        )
    name = method.__name__
    if method.__qualname__ == f"{body.get('__qualname__')}.{name}":
        body.setdefault(_NOTE, []).append((name, declared))


def check_noted(kind: type[Any]) -> None:
    """
    Look whether all that was declared in a class and its bases is there.

    Raises:
        ConfigurationError: something else of that name took its place.
    """
    for base in kind.__mro__:
        for name, declared in vars(base).get(_NOTE, ()):
            found = vars(base).get(name, declared)
            if found is declared or getattr(found, "__tcpcomm__", None) is declared:
                continue
            where = f"{base.__name__}.{name}"
            if isinstance(found, _WRAPPERS):
                raise ConfigurationError(
                    f"{where}: a command or event is a plain method with self: "
                    f"take @{type(found).__name__} away"
                )
            raise ConfigurationError(
                f"{where} is declared, and then something else in the class has the same name: give each "
                "a name of its own, and let no decorator stand above the declaring one"
            )


def check_body(where: str, method: Any) -> None:
    """Raise ConfigurationError if the body of a command is of a kind that cannot be run."""
    if isgeneratorfunction(method) or isasyncgenfunction(method):
        raise ConfigurationError(f"{where}: a command returns its result: write return, not yield")
    if getattr(method, "__in_thread__", False) and iscoroutinefunction(method):
        raise ConfigurationError(f"{where}: @in_thread is for a plain def, not async def")
