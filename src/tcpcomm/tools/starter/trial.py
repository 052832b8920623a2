"""A declaration that is tried before it is written: :func:`trial_of`."""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any, Final

from tcpcomm.equipment.declaration import Declaration
from tcpcomm.equipment.equipment import declaration_of
from tcpcomm.errors import ConfigurationError, Fault, TcpcommError
from tcpcomm.framing.base import Framing
from tcpcomm.tools.starter.answers import Answers
from tcpcomm.tools.starter.declaration import declaration_source

_MODULE: Final = "tcpcomm_starter_trial"


class Trial:
    """
    The declaration that the answers give, in memory.

    Args:
        answers: the answers.

    Raises:
        ConfigurationError: the framing cannot carry the messages.
    """

    def __init__(self, answers: Answers) -> None:
        module = ModuleType(_MODULE)
        sys.modules[_MODULE] = module  # annotations are looked up there
        try:
            exec(declaration_source(answers), vars(module))  # our own text, with names that were checked
            self.declaration: Declaration = declaration_of(getattr(module, answers.names.kind))
            self.measurement: Any = module.Measurement
            self._check(answers)
        except TcpcommError as error:
            raise ConfigurationError(
                f"{answers.ends}: this framing cannot carry the messages of the starter: {error}"
            ) from None
        finally:
            del sys.modules[_MODULE]

    def _check(self, answers: Answers) -> None:
        """Send each message through the framing, with many values, because some bytes may end a message."""
        for channel in range(256):
            for request, replies in (self.measure(channel, channel / 8), self.zero(channel)):
                self._carry(self.declaration.received, [request])
                self._carry(self.declaration.sent, replies)

    def _carry(self, framing: Framing, frames: list[bytes]) -> None:
        for frame in frames:
            decoder = framing.decoder()
            found = [*decoder.feed(framing.encode(frame)), *decoder.flush()]
            if found != [frame]:
                raise ConfigurationError(f"{frame!r} arrives as {found}")

    def measure(self, channel: int, value: float) -> tuple[bytes, list[bytes]]:
        """Return the frames of a measurement: the request and its reply."""
        return self._asked("measure", channel, self.measurement(value=value, steady=True))

    def zero(self, channel: int) -> tuple[bytes, list[bytes]]:
        """Return the frames of a command without a result."""
        return self._asked("zero", channel, None)

    def fault(self, channel: int, fault: Fault) -> tuple[bytes, bytes]:
        """Return the frames of a measurement that fails."""
        dialect = self.declaration.dialect
        request = dialect.request("measure", {"channel": channel}, 1)
        answer = dialect.fault(dialect.read_at_equipment(request).requests[0], fault)
        assert answer is not None
        return request, answer

    def event(self) -> bytes | None:
        """Return the frame of the event, or None if there is none."""
        if "alarm" not in self.declaration.events:
            return None
        return self.declaration.dialect.event("alarm", {"code": 2})

    def _asked(self, name: str, channel: int, result: Any) -> tuple[bytes, list[bytes]]:
        dialect = self.declaration.dialect
        request = dialect.request(name, {"channel": channel}, 1)
        asked: Any = dialect.read_at_equipment(request).requests[0]
        return request, [*dialect.reply(asked, result)]
