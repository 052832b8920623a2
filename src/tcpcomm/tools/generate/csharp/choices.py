"""Functions of C# between the members of enumerations and their values in messages: :class:`Choices`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from attrs import frozen

from tcpcomm.tools.generate.csharp.names import Names, pascal
from tcpcomm.tools.generate.csharp.source import braced, literal, string
from tcpcomm.tools.generate.csharp.value_types import CsType, Types


@frozen
class Choice:
    """
    The two functions of an enumeration.

    Attributes:
        name: the name behind ``Write`` and ``Read``.
        kind: the type in C#.
        wire: the type in a message.
        cases: the values in C#, and those in a message.
    """

    name: str
    kind: CsType
    wire: str
    cases: tuple[tuple[str, str], ...]

    def write(self, value: str) -> str:
        """Return the expression of a value in a message."""
        return f"Write{self.name}({value})"

    def read(self, value: str) -> str:
        """Return the expression of a value in C#."""
        return f"Read{self.name}({value})"

    def lines(self) -> Iterator[str]:
        """Yield both functions."""
        known = ", ".join(case.strip('"') for _, case in self.cases)
        yield f"private static {self.wire} Write{self.name}({self.kind.name} value)"
        failure = f"throw new ArgumentException(value + {string(f' is none of the values {known}')});"
        yield from braced(self._switch([(a, b) for a, b in self.cases], failure))
        yield ""
        yield f"private static {self.kind.name} Read{self.name}({self.wire} value)"
        failure = f"throw new FormatException(value + {string(f' is none of the values {known}')});"
        yield from braced(self._switch([(b, a) for a, b in self.cases], failure))

    @staticmethod
    def _switch(cases: Sequence[tuple[str, str]], failure: str) -> Iterator[str]:
        yield "switch (value)"
        body = []
        for case, value in cases:
            body += [f"case {case}:", f"    return {value};"]
        yield from braced([*body, "default:", f"    {failure}"])


class Choices:
    """The functions of one declaration, collected while messages are compiled."""

    def __init__(self, types: Types) -> None:
        self._types = types
        self._names = Names()
        self._known: dict[tuple[Any, ...], Choice] = {}

    def of(self, kind: CsType, values: Sequence[Any], wires: Sequence[str], wire: str) -> Choice:
        """
        Return the functions of a choice.

        Args:
            kind: the type in C#.
            values: the values of the members in Python.
            wires: their values in a message, as expressions.
            wire: the type in a message.
        """
        enum = next((each for each in self._types.enums.values() if each.name == kind.name), None)
        ours = [(literal(each) or "null") if enum is None else enum.member(each) for each in values]
        key = (kind.name, wire, *zip(ours, wires, strict=True))
        if key not in self._known:
            name = self._names.unique(pascal(kind.name) if enum else "Choice")
            self._known[key] = Choice(
                name, CsType(kind.name, kind.is_value), wire, tuple(zip(ours, wires, strict=True))
            )
        return self._known[key]

    def lines(self) -> Iterator[str]:
        """Yield all functions."""
        for each in self._known.values():
            yield ""
            yield from each.lines()
