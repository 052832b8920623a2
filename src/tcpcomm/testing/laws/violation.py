"""The text of a broken law: :class:`Violation` and :func:`expect`."""

from __future__ import annotations

_LIMIT = 48
"""The bytes of one value, and the entries of one list, that a text shows."""


class Violation(AssertionError):
    """A law does not hold. The text shows the facts, the expected and the actual value."""

    def __init__(self, expected: object, actual: object, **facts: object) -> None:
        facts.update(expected=expected, actual=actual)
        width = max(map(len, facts)) + 2
        lines = []
        for name, value in facts.items():
            first, *others = _value_lines(value)
            lines.append(f"  {name + ':':{width}}{first}")
            lines += [f"  {'':{width}}{other}" for other in others]
        super().__init__("\n".join(lines))


def expect(expected: object, actual: object, **facts: object) -> None:
    """Raise a :class:`Violation` with facts if two values differ."""
    if expected != actual:
        raise Violation(expected, actual, **facts)


def _value_lines(value: object) -> list[str]:
    if isinstance(value, bytes):
        return [_bytes_text(value)]
    if isinstance(value, (list, tuple)):
        lines = [_bytes_text(each) if isinstance(each, bytes) else str(each) for each in value[:_LIMIT]]
        if len(value) > _LIMIT:
            lines.append(f"... {len(value) - _LIMIT} more")
        return lines or ["nothing"]
    return [str(value)]


def _bytes_text(value: bytes) -> str:
    rest = f" ... {len(value)} bytes" if len(value) > _LIMIT else ""
    return f"{value[:_LIMIT].hex(' ')}  {value[:_LIMIT]!r}{rest}" if value else "b''"


def chunks_text(chunks: list[bytes]) -> str:
    """Return the sizes of chunks."""
    sizes = " + ".join(str(len(chunk)) for chunk in chunks[:_LIMIT])
    return f"{sizes}{' + ...' if len(chunks) > _LIMIT else ''} bytes"
