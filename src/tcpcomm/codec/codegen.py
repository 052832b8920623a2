"""
Functions that are generated from source, as attrs generates ``__init__``.

A loop over the fields of a message costs more than the fields. So a codec writes the loop out as source,
once for each message, when it compiles a declaration. A generated function does the usual case alone. Its
fallback is general code, which does every other case and raises all errors.
"""

from __future__ import annotations

import linecache
from collections.abc import Callable, Sequence
from itertools import count
from typing import Any


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

    def __init__(self, name: str, parameters: str, fallback: Callable[..., Any], subject: str) -> None:
        self._name = name
        self._parameters = parameters
        self._file = f"<{name} {subject!r}>"
        self._globals: dict[str, Any] = {"fallback": fallback}

    def constant(self, value: Any) -> str:
        """Return the name of a new global variable that holds this value."""
        name = f"c{len(self._globals)}"
        self._globals[name] = value
        return name

    def compile(self, statements: Sequence[str]) -> Callable[..., Any]:
        """
        Return the function.

        Args:
            statements: one line each. A line that ends with a colon opens a block, which holds all lines
                after it.
        """
        lines = [f"def {self._name}({self._parameters}):", "    try:"]
        indent = 8
        for statement in statements:
            lines.append(" " * indent + statement)
            indent += 4 * statement.endswith(":")
        lines += ["    except Exception:", "        pass", f"    return fallback({self._parameters})"]
        source = "\n".join(lines) + "\n"
        exec(compile(source, _listed(self._file, source), "exec"), self._globals)
        function: Callable[..., Any] = self._globals[self._name]
        return function


def _listed(file: str, source: str) -> str:
    """
    Give a source to linecache, so that tracebacks show its lines, and return the file name that it has
    there.
    """
    entry = (len(source), None, source.splitlines(True), file)
    names = (file if number == 1 else f"{file[:-1]} {number}>" for number in count(1))
    return next(name for name in names if linecache.cache.setdefault(name, entry) == entry)
