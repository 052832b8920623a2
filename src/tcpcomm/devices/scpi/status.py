"""
The status of an instrument: :class:`InstrumentStatus`, its error queue and its registers, without I/O.

Source: IEEE 488.2-1992, chapters 11 and 12; SCPI-99, volume 1, chapter 9, and volume 2, 20 and 21.8.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Coroutine
from enum import IntFlag
from typing import Any, Final

from attrs import define, field, frozen
from twisted.internet.defer import CancelledError, Deferred, ensureDeferred, succeed

from tcpcomm.devices.scpi.error_words import STANDARD_ERRORS
from tcpcomm.errors import Fault

ERROR_QUEUE_LENGTH: Final = 32
"""
Errors in the queue of a served ``Instrument`` until the host reads them. The last one becomes
``-350,"Queue overflow"``, and further ones are dropped.
"""

LONGEST_ERROR_TEXT: Final = 255
"""Characters in the text of one error. A longer text is cut. Source: SCPI-99, volume 2, 21.8.2."""

_OVERFLOW: Final = -350


class StandardEvent(IntFlag):
    """The bits of the standard event status register, ``*ESR?``. Source: IEEE 488.2, 11.5.1."""

    OPERATION_COMPLETE = 1
    REQUEST_CONTROL = 2
    QUERY_ERROR = 4
    DEVICE_ERROR = 8
    EXECUTION_ERROR = 16
    COMMAND_ERROR = 32
    USER_REQUEST = 64
    POWER_ON = 128


class StatusByte(IntFlag):
    """
    The bits of the status byte, ``*STB?``. Source: IEEE 488.2, 11.2; SCPI-99, volume 1, 9.1.

    ``MESSAGE_AVAILABLE`` is never set here, because a reply waits for nobody on a socket.
    """

    ERROR_QUEUE = 4
    QUESTIONABLE = 8
    MESSAGE_AVAILABLE = 16
    EVENT_STATUS = 32
    MASTER_SUMMARY = 64
    OPERATION = 128


@frozen
class ScpiError:
    """
    An error as the queue of an instrument tells it.

    Attributes:
        code: its number: 0 for an empty queue, below 0 as SCPI says, above 0 as the manual says.
        text: its words, and behind a semicolon what the instrument says more.
    """

    code: int
    text: str

    def __str__(self) -> str:
        return f'{self.code},"{self.text}"'


NO_ERROR: Final = ScpiError(0, STANDARD_ERRORS[0])


def error_of(fault: Fault) -> ScpiError:
    """Return a fault as the queue keeps it: the words of its number, and the reason behind them."""
    code = fault.code if isinstance(fault.code, int) else -300
    words = STANDARD_ERRORS.get(code, "")
    said = [words] if words else []
    if fault.code != code:
        said.append(f"{fault.code}")
    if fault.reason and fault.reason != words:
        said.append(fault.reason)
    text = ";".join(said) or "Device-specific error"
    shown = "".join(each if " " <= each <= "~" else ascii(each)[1:-1] for each in text)
    return ScpiError(code, shown[:LONGEST_ERROR_TEXT])


def event_of(code: int) -> StandardEvent:
    """Return the bit of the event status register for an error."""
    if code > 0:
        return StandardEvent.DEVICE_ERROR
    return {
        1: StandardEvent.COMMAND_ERROR,
        2: StandardEvent.EXECUTION_ERROR,
        3: StandardEvent.DEVICE_ERROR,
        4: StandardEvent.QUERY_ERROR,
        5: StandardEvent.POWER_ON,
        6: StandardEvent.USER_REQUEST,
        7: StandardEvent.REQUEST_CONTROL,
        8: StandardEvent.OPERATION_COMPLETE,
    }.get(-code // 100, StandardEvent(0))


@define
class Register:
    """
    A status register of SCPI: its condition, the events in it, and the mask of events that it reports.

    A bit of ``condition`` that becomes 1 sets the same bit of ``event``, which stays until it is read.
    """

    _condition: int = field(default=0, init=False)
    event: int = field(default=0, init=False)
    enable: int = field(default=0, init=False)

    @property
    def condition(self) -> int:
        """The state now: 15 bits."""
        return self._condition

    @condition.setter
    def condition(self, bits: int) -> None:
        self.event |= bits & ~self._condition
        self._condition = bits & 0x7FFF

    def take_event(self) -> int:
        """Return the events, and clear them."""
        found, self.event = self.event & 0x7FFF, 0
        return found

    @property
    def is_reported(self) -> bool:
        """True if an event is there that the mask reports."""
        return bool(self.event & self.enable)


@define(eq=False)
class InstrumentStatus:
    """
    The status of one instrument, which all its sessions share.

    Attributes:
        events: the standard event status register. Power on is set until it is read.
        event_enable: the mask of ``*ESE``.
        service_request_enable: the mask of ``*SRE``.
        operation, questionable: the registers of ``STATus:OPERation`` and ``STATus:QUEStionable``.
    """

    events: StandardEvent = field(default=StandardEvent.POWER_ON, init=False)
    event_enable: int = field(default=0, init=False)
    service_request_enable: int = field(default=0, init=False)
    operation: Register = field(factory=Register, init=False)
    questionable: Register = field(factory=Register, init=False)
    _errors: deque[ScpiError] = field(factory=deque, init=False)
    _under_way: int = field(default=0, init=False)
    _reports_completion: bool = field(default=False, init=False)
    _waiting: list[Deferred[None]] = field(factory=list, init=False)

    # -- errors -----------------------------------------------------------------------------------------

    @property
    def error_count(self) -> int:
        """The errors in the queue."""
        return len(self._errors)

    def add_error(self, fault: Fault) -> None:
        """
        Put an error into the queue, and set its bit in the event status register.

        The last error of a full queue becomes ``-350,"Queue overflow"``. ``Fault(0)`` changes nothing.
        """
        error = error_of(fault)
        if error.code == 0:
            return
        self.events |= event_of(error.code)
        if len(self._errors) < ERROR_QUEUE_LENGTH:
            self._errors.append(error)
        else:
            self._errors[-1] = ScpiError(_OVERFLOW, STANDARD_ERRORS[_OVERFLOW])
            self.events |= event_of(_OVERFLOW)

    def take_error(self) -> ScpiError:
        """Return the oldest error and remove it. Without an error it is ``0,"No error"``."""
        return self._errors.popleft() if self._errors else NO_ERROR

    # -- registers --------------------------------------------------------------------------------------

    def take_events(self) -> StandardEvent:
        """Return the standard event status register, and clear it."""
        found, self.events = self.events, StandardEvent(0)
        return found

    @property
    def byte(self) -> StatusByte:
        """The status byte."""
        bits = {
            StatusByte.ERROR_QUEUE: bool(self._errors),
            StatusByte.QUESTIONABLE: self.questionable.is_reported,
            StatusByte.EVENT_STATUS: bool(self.events & self.event_enable),
            StatusByte.OPERATION: self.operation.is_reported,
        }
        found = StatusByte(0)
        for bit, is_set in bits.items():
            found |= bit if is_set else StatusByte(0)
        summary = found & self.service_request_enable & ~StatusByte.MASTER_SUMMARY
        return found | StatusByte.MASTER_SUMMARY if summary else found

    def clear(self) -> None:
        """Clear the events and the errors, as ``*CLS`` does. The masks stay."""
        self.events = StandardEvent(0)
        self.operation.event = self.questionable.event = 0
        self._errors.clear()
        self._reports_completion = False

    def preset(self) -> None:
        """Clear the masks of the registers of SCPI, as ``STATus:PRESet`` does."""
        self.operation.enable = self.questionable.enable = 0

    # -- operations that overlap with later commands ----------------------------------------------------

    def begin(self) -> Callable[[], None]:
        """
        Note that an operation begins which goes on while later commands are carried out.

        ``*OPC``, ``*OPC?`` and ``*WAI`` wait for its end.

        Returns:
            A function to call at its end. A second call does nothing.
        """
        self._under_way += 1
        is_over = False

        def end() -> None:
            nonlocal is_over
            if not is_over:
                is_over = True
                self._under_way -= 1
                self._go_on()

        return end

    def overlap(self, operation: Deferred[Any] | Coroutine[Any, Any, Any]) -> Deferred[Any]:
        """
        Let an operation go on while later commands are carried out. A Fault in it gets into the queue.

        Returns:
            A Deferred of its end, with the result, or None if it was cancelled or raised a Fault.
        """
        end = self.begin()
        started: Deferred[Any] = ensureDeferred(operation)

        def ended(outcome: Any) -> Any:
            end()
            return outcome

        started.addBoth(ended)
        started.addErrback(self._failed)
        return started

    def _failed(self, failure: Any) -> None:
        failure.trap(Fault, CancelledError)
        if isinstance(failure.value, Fault):
            self.add_error(failure.value)

    @property
    def is_busy(self) -> bool:
        """True while an operation is under way."""
        return self._under_way > 0

    def report_completion(self) -> None:
        """Set the bit of ``*OPC`` in the event status register when no operation is under way."""
        self._reports_completion = True
        self._go_on()

    def forget_completion(self) -> None:
        """Do not set the bit of ``*OPC`` any more, as ``*RST`` says."""
        self._reports_completion = False

    def when_complete(self) -> Deferred[None]:
        """Return a Deferred that fires when no operation is under way."""
        if not self._under_way:
            return succeed(None)
        waiting: Deferred[None] = Deferred(self._waiting.remove)
        self._waiting.append(waiting)
        return waiting

    def _go_on(self) -> None:
        if self._under_way:
            return
        if self._reports_completion:
            self._reports_completion = False
            self.events |= StandardEvent.OPERATION_COMPLETE
        waiting, self._waiting = self._waiting, []
        for each in waiting:
            each.callback(None)
