"""The text of a broken law, for a person to read: :class:`Violation` and :func:`expect`."""

from __future__ import annotations

from typing import Any

__all__ = ["Violation", "expect"]

_SHOWN = 48
"""Bytes of one value that are shown before it is cut short, and entries of one list."""


class Violation(AssertionError):
    """A law does not hold: what was expected, what was seen, and the facts that lead there."""

    def __init__(self, expected: object, actual: object, **facts: object) -> None:
        facts.update(expected=expected, actual=actual)
        width = max(map(len, facts)) + 2
        lines = []
        for name, value in facts.items():
            first, *others = _shown(value)
            lines.append(f"  {name + ':':{width}}{first}")
            lines += [f"  {'':{width}}{other}" for other in others]
        super().__init__("\n".join(lines))


def expect(expected: object, actual: object, **facts: object) -> None:
    """
    Compare; say what led there if it differs.

    Args:
        expected: what the law demands.
        actual: what was seen.
        facts: named values to show. Bytes are shown in hex, chunks by their sizes.

    Raises:
        Violation: the two are not equal.
    """
    if expected != actual:
        raise Violation(expected, actual, **facts)


def _shown(value: object) -> list[str]:
    if isinstance(value, bytes):
        return [_bytes(value)]
    if isinstance(value, (list, tuple)):
        shown = [_bytes(each) if isinstance(each, bytes) else str(each) for each in value[:_SHOWN]]
        if len(value) > _SHOWN:
            shown.append(f"... {len(value) - _SHOWN} more")
        return shown or ["nothing"]
    return [str(value)]


def _bytes(value: bytes) -> str:
    rest = f" ... {len(value)} bytes" if len(value) > _SHOWN else ""
    return f"{value[:_SHOWN].hex(' ')}  {value[:_SHOWN]!r}{rest}" if value else "b''"


class Chunks:
    """The chunks of a stream, shown as the sizes that they have."""

    def __init__(self, chunks: list[bytes]) -> None:
        self._sizes: list[Any] = [len(chunk) for chunk in chunks]

    def __str__(self) -> str:
        shown = " + ".join(map(str, self._sizes[:_SHOWN]))
        return f"{shown}{' + ...' if len(self._sizes) > _SHOWN else ''} bytes"
