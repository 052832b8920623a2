"""Compare live frames with recorded ones: :class:`Comparison`, and :class:`Difference` for people."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

import attrs
from attrs import field, frozen

from tcpcomm.codec.annotations import has_fields
from tcpcomm.errors import ConfigurationError
from tcpcomm.runtime.safe_text import one_line
from tcpcomm.session.observer import MessageKind, ObservedMessage
from tcpcomm.tools.record.values import time_of
from tcpcomm.tools.replay.said import Said, is_login

_MOST_FIELDS: Final = 20
"""Fields of a difference that are told; the others are counted."""

_SHOWN_BYTES: Final = 64
"""Bytes of a frame that a difference shows."""

_MISSING: Final = object()

Path = tuple[str, ...]


@frozen
class FieldDifference:
    """One value that differs."""

    name: str
    """The path, such as ``locate.result.x``."""
    expected: str
    got: str


@frozen
class Comparison:
    """
    The rules by which a frame is the same as a recorded one.

    Messages that can be decoded are the same if their kinds, names and values are; ids and the values of
    headers may differ. Other frames are the same if their bytes are.

    Args:
        ignored: values that may differ: a field (``x``), a path (``result.x``), or either behind the name
            of a command or event (``locate.x``). The name alone means all of its values; an event of this
            name may also be missing, or come more often.
        tolerance: the amount by which two numbers may differ.
        exact: True if the bytes must be the same, too.
    """

    ignored: frozenset[str] = frozenset()
    tolerance: float = field(default=0.0, kw_only=True)
    exact: bool = field(default=False, kw_only=True)

    @tolerance.validator
    def _check_tolerance(self, _: Any, tolerance: float) -> None:
        if not 0 <= tolerance < math.inf:
            raise ConfigurationError(f"tolerance must be a number of at least 0, not {tolerance!r}")

    def ignores(self, said: Said) -> bool:
        """Return True for an event that may be missing, or come more often."""
        message = said.message
        return message is not None and message.kind is MessageKind.EVENT and message.name in self.ignored

    def differences(self, expected: Said, got: Said) -> list[FieldDifference] | None:
        """Return None if a frame is the same as the recorded one, else the fields that differ, if known."""
        if expected.is_masked or (is_login(expected) and is_login(got) and not expected.from_host):
            return None
        if expected.frame == got.frame and expected.fault == got.fault:
            return None
        if self.exact or expected.fault or got.fault:
            return []
        if not (_is_decoded(expected) and _is_decoded(got)):
            return []
        if len(expected.messages) != len(got.messages):
            return [
                FieldDifference(
                    "messages in the frame", f"{len(expected.messages)}", f"{len(got.messages)}"
                )
            ]
        found: list[FieldDifference] = []
        for wanted, other in zip(expected.messages, got.messages, strict=True):
            found += self._of_messages(wanted, other)
        return found or None

    def _of_messages(self, expected: ObservedMessage, got: ObservedMessage) -> Iterator[FieldDifference]:
        if expected.kind is not got.kind:
            yield FieldDifference("kind", expected.kind.value, got.kind.value)
            return
        if expected.name != got.name:
            yield FieldDifference("name", expected.name, got.name)
            return
        name = expected.name
        wanted, others = dict(_flat(expected.values)), dict(_flat(got.values))
        for path in dict.fromkeys([*wanted, *others]):
            value, other = wanted.get(path, _MISSING), others.get(path, _MISSING)
            if not (self._is_same(value, other) or self._may_differ(name, path)):
                shown = ".".join((name, *path) if name else path)
                yield FieldDifference(shown, _shown(value), _shown(other))

    def _is_same(self, value: Any, other: Any) -> bool:
        if type(value) is type(other) and bool(value == other):
            return True
        if self.tolerance and _is_number(value) and _is_number(other):
            return math.isclose(value, other, rel_tol=0.0, abs_tol=self.tolerance)
        both = isinstance(value, float) and isinstance(other, float)
        return both and math.isnan(value) and math.isnan(other)

    def _may_differ(self, name: str, path: Path) -> bool:
        return any(_names(ignored.split("."), name, path) for ignored in self.ignored)


def _names(words: list[str], name: str, path: Path) -> bool:
    """Return True if an ignored name means the value at a path of a message."""
    if name and words[0] == name:
        words = words[1:]
        if not words:
            return True
    size = len(words)
    return any(list(path[at : at + size]) == words for at in range(len(path) - size + 1))


def _is_decoded(said: Said) -> bool:
    return bool(said.messages) and all(each.kind is not MessageKind.UNREADABLE for each in said.messages)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _flat(value: Any, path: Path = ()) -> Iterator[tuple[Path, Any]]:
    """Yield the path and the value of each part of a value that has no parts itself."""
    parts: Iterable[tuple[str, Any]]
    if isinstance(value, Mapping):
        parts = [(str(key), each) for key, each in value.items()]
    elif has_fields(type(value)):
        parts = [(name, getattr(value, name)) for name in _field_names(value)]
    elif isinstance(value, list | tuple):
        parts = [(str(index), each) for index, each in enumerate(value)]
    else:
        yield path, value
        return
    for name, each in parts:
        yield from _flat(each, (*path, name))


def _field_names(value: Any) -> list[str]:
    kind = type(value)
    return [each.name for each in (attrs.fields(kind) if attrs.has(kind) else dataclasses.fields(kind))]


def _shown(value: Any) -> str:
    if value is _MISSING:
        return "nothing"
    text = repr(value)
    return text if len(text) <= 200 else f"{text[:200]} …"


@frozen(kw_only=True)
class Difference:
    """The first place where a conversation differs from the recorded one."""

    session: int
    """The number of the session in the recording."""
    time: int
    """The time of the recorded frame, in microseconds since 1970; 0 if nothing more is recorded."""
    frame: int
    """The number of the frame among those of its side, from 1; without a framing, that of the byte."""
    side: str
    """The side that differs: ``the host`` or ``the equipment``."""
    unit: str = "frame"
    expected: Said | None
    """None if nothing more was recorded."""
    got: Said | None
    """None if nothing came."""
    fields: tuple[FieldDifference, ...] = ()

    def __str__(self) -> str:
        lines = [f"{self.side} differs from the recording"]
        where = f"session {self.session}, {self.unit} {self.frame:,} of {self.side}"
        lines.append(f"  {where}{self._at}")
        lines.append(f"  expected: {_said_text(self.expected, 'nothing more')}")
        lines.append(f"  got:      {_said_text(self.got, 'nothing')}")
        for each in self.fields[:_MOST_FIELDS]:
            lines.append(f"  differs:  {each.name}: expected {each.expected}, got {each.got}")
        if len(self.fields) > _MOST_FIELDS:
            lines.append(f"  and {len(self.fields) - _MOST_FIELDS} more fields")
        if not self.fields and self.expected is not None and self.got is not None:
            lines += self._first_byte()
        return "\n".join(one_line(line, 1000) for line in lines)

    @property
    def _at(self) -> str:
        return f", recorded at {time_of(self.time):%Y-%m-%d %H:%M:%S.%f} UTC" if self.time else ""

    def _first_byte(self) -> Iterator[str]:
        expected = b"" if self.expected is None else self.expected.frame
        got = b"" if self.got is None else self.got.frame
        at = next(
            (at for at, pair in enumerate(zip(expected, got, strict=False)) if pair[0] != pair[1]),
            min(len(expected), len(got)),
        )
        if expected != got:
            wanted, other = (_byte_text(data, at) for data in (expected, got))
            yield f"  differs:  byte {at + 1}: expected {wanted}, got {other}"


def _byte_text(data: bytes, at: int) -> str:
    return f"{data[at]:02x}" if at < len(data) else "the end"


def _said_text(said: Said | None, missing: str) -> str:
    """Return a frame decoded, in hexadecimal, and as text."""
    if said is None:
        return missing
    if said.fault:
        return f"bytes that break the framing: {said.fault}"
    shown = said.frame[:_SHOWN_BYTES]
    rest = f" … {len(said.frame):,} bytes in all" if len(shown) < len(said.frame) else ""
    text = f"{shown.hex(' ')}  |{shown.decode('ascii', 'backslashreplace')}|{rest}"
    decoded = " and ".join(_message_text(each) for each in said.messages)
    return f"{decoded}  {text}" if decoded else text


def _message_text(message: ObservedMessage) -> str:
    told = {name: value for name, value in message.values.items() if value is not None}
    values = ", ".join(f"{name}={_shown(value)}" for name, value in told.items())
    named = f"{message.name}({values})" if message.name and message.answers is None else values
    text = f"{message.kind.value} {named}".rstrip()
    if message.answers is not None and message.answers.name:
        text += f" to {message.answers.name}"
    return f"{text} ! {message.problem}" if message.problem else text
