"""
Functions that are generated from source, as attrs generates ``__init__``.

A loop over the fields of a message costs more than the fields. So a codec writes the loop out as source
when it compiles a declaration. The generated function does the usual case alone. Its fallback is general
code, which does every other case and raises all errors.
"""

from __future__ import annotations

import linecache
from collections.abc import Callable, Sequence
from itertools import count
from typing import Any

from attrs import field, frozen


@frozen
class FastPath:
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
    _constants: dict[str, Any] = field(init=False, factory=dict)

    def constant(self, value: Any) -> str:
        """Return the name of a new global variable that holds this value."""
        name = f"c{len(self._constants) + 1}"
        self._constants[name] = value
        return name

    def compile(self, statements: Sequence[str]) -> Callable[..., Any]:
        """Return the function. A statement that ends with a colon opens a block for all that follow."""
        lines = [f"def {self._name}({self._parameters}):", "    try:"]
        indent = 8
        for statement in statements:
            lines.append(" " * indent + statement)
            indent += 4 * statement.endswith(":")
        lines += ["    except Exception:", "        pass", f"    return fallback({self._parameters})"]
        source = "\n".join(lines) + "\n"
        file = _file_for_tracebacks(f"<{self._name} {self._subject!r}>", source)
        namespace = {"fallback": self._fallback, **self._constants}
        exec(compile(source, file, "exec"), namespace)
        function: Callable[..., Any] = namespace[self._name]
        return function


def _file_for_tracebacks(file: str, source: str) -> str:
    """Give a source to linecache, and return the file name that it has there."""
    entry = (len(source), None, source.splitlines(True), file)
    names = (file if number == 1 else f"{file[:-1]} {number}>" for number in count(1))
    return next(name for name in names if linecache.cache.setdefault(name, entry) == entry)
