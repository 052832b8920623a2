"""
The marks that the decorators of a declaration leave: :class:`CommandMark`, and a note in the class body.

A class body is a dictionary: if two methods have one name, the first is lost before the class is made. So
each decorator also notes its declaration in the body, and :func:`check_noted` checks that all are there.
"""

from __future__ import annotations

from collections.abc import Callable
from inspect import isasyncgenfunction, iscoroutinefunction, isgeneratorfunction
from typing import Any, Final

from attrs import frozen

from tcpcomm.errors import ConfigurationError

_NOTE: Final = "_tcpcomm_declared"

_WRAPPERS: Final = (staticmethod, classmethod, property)


@frozen(eq=False)
class CommandMark:
    """The arguments of :func:`tcpcomm.command`."""

    wire: Any
    reply: Any
    faults: Any
    timeout: float | str
    idempotent: bool
    interim: Any = None
    needs: Any = None
    not_in: Any = None
    enters: Any = None
    leaves: Any = None
    codec: Any = None
    reply_framing: Any = None


def mark_of(method: Callable[..., Any]) -> CommandMark:
    mark: CommandMark = method.__tcpcomm__  # type: ignore[attr-defined]
    return mark


def place_of(method: Any, kind: str = "") -> str:
    """Return the class and the method, for error messages; ``kind`` is for methods that lack a class."""
    owner, _, name = getattr(method, "__qualname__", "").rpartition(".")
    owner = owner.rpartition(".")[2]
    owner = owner if owner.isidentifier() else kind
    return f"{owner}.{name}" if owner else name or repr(method)


def refuse_bare(decorator: str, wire: Any) -> None:
    """Raise ConfigurationError if a decorator got the method: it was written without parentheses."""
    if callable(wire) or isinstance(wire, _WRAPPERS):
        raise ConfigurationError(f"{place_of(wire)}: write @{decorator}(...), with parentheses")


def note(decorator: str, method: Any, declared: Any, body: dict[str, Any]) -> None:
    """
    Note a declaration, a mark or an event, in the body of its class. Do nothing in any other body.

    Raises:
        ConfigurationError: the method has no ``self``.
    """
    if isinstance(method, _WRAPPERS):
        raise ConfigurationError(
            f"{place_of(method)}: @{decorator}(...) is for a plain method with self: "
            f"remove @{type(method).__name__}"
        )
    name = method.__name__
    if method.__qualname__ == f"{body.get('__qualname__')}.{name}":
        body.setdefault(_NOTE, []).append((name, declared))


def check_noted(kind: type[Any]) -> None:
    """Raise ConfigurationError if something else has the name of a declaration, and has replaced it."""
    for base in kind.__mro__:
        for name, declared in vars(base).get(_NOTE, ()):
            found = vars(base).get(name, declared)
            if found is declared or getattr(found, "__tcpcomm__", None) is declared:
                continue
            where = f"{base.__name__}.{name}"
            if isinstance(found, _WRAPPERS):
                raise ConfigurationError(
                    f"{where}: a command or event is a plain method with self: "
                    f"remove @{type(found).__name__}"
                )
            raise ConfigurationError(
                f"{where} is declared, and then something else in the class has the same name: give each "
                "its own name, and put no other decorator above @command or @event"
            )


def check_body(where: str, method: Any) -> None:
    """Raise ConfigurationError if the body of a command is a generator, or is async in a thread."""
    if isgeneratorfunction(method) or isasyncgenfunction(method):
        raise ConfigurationError(f"{where}: a command returns its result: write return, not yield")
    if getattr(method, "__in_thread__", False) and iscoroutinefunction(method):
        raise ConfigurationError(f"{where}: @in_thread is for a plain def, not async def")
