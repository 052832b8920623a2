"""
Random values that the codec and the framings of a declaration can carry: :class:`Samples`.

The same Random gives the same values.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from random import Random
from typing import Any, Final, TypeVar

from tcpcomm.codec.base import ProtocolErrorKind, Request
from tcpcomm.equipment.declaration import Declaration
from tcpcomm.errors import CodecError, ConfigurationError, EncodeError, Fault
from tcpcomm.framing import Framing

T = TypeVar("T")

SAMPLE_ID: Final = 1
"""The id of the sample messages, for codecs with ids."""

_TRIES: Final = 100


class Samples:
    """
    Draws random values for a declaration.

    A codec draws values that it can write. If a framing refuses one of them, such as a text with a line
    end, another is drawn.

    Every method raises :class:`~tcpcomm.errors.ConfigurationError` if none of 100 drawn values can be sent.
    """

    def __init__(self, declaration: Declaration) -> None:
        self._declaration = declaration
        self._dialect = declaration.dialect

    def values(self, command: str, random: Random) -> dict[str, Any]:
        """Draw values for a command's parameters."""
        return self._drawn(
            command,
            lambda: self._dialect.draw_values(command, random),
            lambda values: [self._dialect.request(command, values, SAMPLE_ID)],
            self._declaration.received,
        )

    def result(self, command: str, random: Random, values: Mapping[str, Any]) -> Any:
        """Draw a command's result for these parameters; None if it has no result, or if nothing is sent."""
        declared = self._declaration.commands[command]
        if not declared.has_reply or declared.is_silent:
            return None
        request = Request(command, {**values}, SAMPLE_ID)
        return self._drawn(
            command,
            lambda: self._dialect.draw_reply(request, random),
            lambda result: self._declaration.framed(command, self._dialect.reply(request, result)),
            self._declaration.sent,
        )

    def event(self, event: str, random: Random) -> dict[str, Any]:
        """Draw values for an event."""
        return self._drawn(
            event,
            lambda: self._dialect.draw_values(event, random),
            lambda values: [self._dialect.event(event, values)],
            self._declaration.sent,
        )

    def fault(self, command: str, random: Random) -> Fault:
        """
        Draw a fault for a command.

        Its code is one of those with a form of their own or with a meaning, or a number if the declared
        faults have numbers. Where codes are texts, it is a text of digits.
        """
        request = Request(command, {}, SAMPLE_ID)
        known = [*self._dialect.fault_codes(command), *self._dialect.meanings]
        codes = [random.choice(known)] if known and random.random() < 0.8 else []
        number = random.randint(1, 99)
        drawn = str(number) if self._dialect.codes_are_texts else number
        for code in (*codes, drawn, f"E{number}", *known):
            fault = Fault(code, "a simulated fault")
            with suppress(CodecError, EncodeError):
                frames = self._declaration.framed(command, [self._dialect.fault(request, fault)])
                self._declaration.sent.encode(frames[0])
                return fault
        return self._dialect.fault_for_request(command, ProtocolErrorKind.INTERNAL, "a simulated fault")

    def _drawn(
        self, name: str, draw: Callable[[], T], frames: Callable[[T], Iterable[bytes]], framing: Framing
    ) -> T:
        for _ in range(_TRIES):
            value = draw()
            with suppress(EncodeError):
                for frame in frames(value):
                    framing.encode(frame)
                return value
        raise ConfigurationError(
            f"{self._declaration.name}.{name}: {framing} refuses {_TRIES} drawn messages, such as {value!r}"
        )
