"""The message that a text is, by the literal text that it begins with."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TypeVar

from tcpcomm.codec.codegen import Source

T = TypeVar("T")

Reader = Callable[[str], "T | None"]
"""Returns the message in a text, or None if the text is another message."""


def one_reader(readers: Iterable[tuple[str, Reader[T]]]) -> Reader[T]:
    """Return one reader for several. Each is given with the literal text that its texts begin with."""
    by_size: dict[int, dict[str, list[Reader[T]]]] = {}
    for begin, read in readers:
        by_size.setdefault(len(begin), {}).setdefault(begin, []).append(read)
    tables = [(size, by_size[size].get) for size in sorted(by_size, reverse=True)]

    def read_any(text: str) -> T | None:
        for size, readers_of in tables:
            for read in readers_of(text[:size], ()):
                found = read(text)
                if found is not None:
                    return found
        return None

    return read_any


def recognition_by_begin(source: Source, begins: Mapping[str, str]) -> tuple[list[str], list[list[str]]]:
    """Return what ``Dialect.recognition`` returns, for the names of commands and how their texts begin."""
    groups: dict[str, list[str]] = {}
    for name, begin in begins.items():
        groups.setdefault(begin, []).append(name)
    by_size: dict[int, dict[str, int]] = {}
    for number, begin in enumerate(groups, 1):
        by_size.setdefault(len(begin), {})[begin] = number
    sizes = sorted(by_size, reverse=True)
    found = [f"{source.constant(by_size[size].get, 'find')}(frame[:{size}], 0)" for size in sizes]
    return [f"number = {' or '.join(found)}"], [*groups.values()]
