"""
Functions that are generated from source, as attrs generates ``__init__``.

A loop over the fields of a message costs more than the fields. So a codec writes the loop out as source
when it compiles a declaration: for a function of its own, or for the loop over a session's frames that
:mod:`tcpcomm.conversation.answering_loop` generates. Such source does the usual case alone. General code
does every other case, and raises all errors.
"""

from __future__ import annotations

import linecache
from collections.abc import Callable, Sequence
from itertools import count
from typing import Any, Final

from attrs import define, field, frozen


@define
class Source:
    """The source of a function, and the values that it uses by the names of global variables."""

    names: dict[str, Any] = field(factory=dict, kw_only=True)
    """The values by their names."""

    _made: int = field(default=0, init=False)

    def constant(self, value: Any, name: str = "c") -> str:
        """Return the name, with a number, of a new global variable that holds this value."""
        self._made += 1
        is_plain = name.isascii() and name.isidentifier()  # a class may have any name
        numbered = f"{name if is_plain else 'c'}{self._made}"
        self.names[numbered] = value
        return numbered

    def functions(self, source: str, subject: str) -> dict[str, Any]:
        """
        Return the functions that a source defines, by name. Tracebacks show its lines.

        Args:
            source: the source.
            subject: what it is about, for the name of its file in tracebacks.
        """
        exec(compile(source, _file_for_tracebacks(f"<{subject}>", source), "exec"), self.names)
        return self.names


@define
class FastPath(Source):
    """
    The source of a function that does the usual case, and calls its fallback in every other.

    ``FastPath("write", "value", fallback, …)`` becomes::

        def write(value):
            try:
                …                   # the statements
            except Exception:
                pass
            return fallback(value)

    Args:
        name: the name of the function.
        parameters: its parameters, in source.
        fallback: a function with the same parameters, for the case that the statements raise or do not
            return.
        subject: the message that the function reads or writes, for its file name in tracebacks.
    """

    _name: str
    _parameters: str
    _fallback: Callable[..., Any]
    _subject: str

    def compile(self, statements: Sequence[str]) -> Callable[..., Any]:
        """Return the function. A statement that ends with a colon opens a block for all that follow."""
        lines = [f"def {self._name}({self._parameters}):", "    try:", *nested(statements, 8)]
        lines += ["    except Exception:", "        pass", f"    return fallback({self._parameters})"]
        self.names["fallback"] = self._fallback
        made = self.functions("\n".join(lines) + "\n", f"{self._name} {self._subject!r}")
        function: Callable[..., Any] = made[self._name]
        return function


LONGEST: Final = 256
"""The bytes of a reply that a loop sends together with others: 64 of them fit one write many times."""


@frozen
class CommandSource:
    """
    The source by which a loop reads and answers one command.

    Attributes:
        read: statements that read ``frame``. They raise if it is not this command in its usual form.
        arguments: the arguments of the handler, such as ``job=a0``.
        write: statements that check ``value``, the handler's result. One that ends with a colon opens a
            block for all that follow. If they raise, or a block is not entered, the value is unusual.
        reply: the reply, as bytes on the wire.
    """

    read: Sequence[str]
    arguments: str
    write: Sequence[str]
    reply: str


def nested(statements: Sequence[str], indent: int) -> list[str]:
    """Return statements as indented lines. One that ends with a colon opens a block for all that follow."""
    lines = []
    for statement in statements:
        lines.append(" " * indent + statement)
        indent += 4 * statement.endswith(":")
    return lines


def _file_for_tracebacks(file: str, source: str) -> str:
    """Give a source to linecache, and return the file name that it has there."""
    entry = (len(source), None, source.splitlines(True), file)
    names = (file if number == 1 else f"{file[:-1]} {number}>" for number in count(1))
    return next(name for name in names if linecache.cache.setdefault(name, entry) == entry)
