"""
Values drawn for a declaration, such as its codec and its framings can carry: :class:`Samples`.

Simulators answer with them, manuals show them, tests send them. The same Random gives the same ones.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from random import Random
from typing import Any, Final, TypeVar

from tcpcomm.codec.base import ProtocolErrorKind, Request
from tcpcomm.equipment.declaration import Declaration
from tcpcomm.errors import CodecError, ConfigurationError, EncodeError, Fault
from tcpcomm.framing import Framing

__all__ = ["SAMPLE_ID", "Samples"]

T = TypeVar("T")

SAMPLE_ID: Final = 1
"""What replies carry, where they carry an id, while it is tried whether a value can be sent."""

_TRIES: Final = 100


class Samples:
    """
    Draws what can be sent for a declaration.

    A codec draws values that it can write; among them may be text that a framing refuses, such as a line
    end. Those are drawn again.

    Every method raises :class:`~tcpcomm.errors.ConfigurationError` if none of many drawn values could be
    sent.
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

    def result(self, command: str, random: Random) -> Any:
        """Draw a command's result; None for one that has no reply."""
        request = Request(command, {}, SAMPLE_ID)
        return self._drawn(
            command,
            lambda: self._dialect.draw_result(command, random),
            lambda result: self._dialect.reply(request, result),
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
        """Draw a fault for a command. Its code is a number where the form of faults has room for one."""
        request = Request(command, {}, SAMPLE_ID)
        number = random.randint(1, 99)
        for code in (number, f"E{number}"):
            fault = Fault(code, "a simulated fault")
            if self._is_sent([self._dialect_fault(request, fault)], self._declaration.sent):
                return fault
        return self._dialect.fault_for(ProtocolErrorKind.INTERNAL, "a simulated fault")

    def _dialect_fault(self, request: Request, fault: Fault) -> bytes | None:
        try:
            return self._dialect.fault(request, fault)
        except CodecError:
            return None

    def _drawn(
        self, name: str, draw: Callable[[], T], frames: Callable[[T], Iterable[bytes]], framing: Framing
    ) -> T:
        for _ in range(_TRIES):
            value = draw()
            if self._is_sent(frames(value), framing):
                return value
        raise ConfigurationError(
            f"{self._declaration.name}.{name}: {framing} refuses {_TRIES} drawn messages, such as {value!r}"
        )

    @staticmethod
    def _is_sent(frames: Iterable[bytes | None], framing: Framing) -> bool:
        try:
            for frame in frames:
                if frame is None:
                    return False
                framing.encode(frame)
        except EncodeError:
            return False
        return True
