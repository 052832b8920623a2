"""
Vision systems of KEYENCE, CV-X and XG-X, by their non-procedural communication over Ethernet.

:class:`CvX` gets all results as events. :class:`TriggeredCvX` is for a host that alone triggers: each
trigger returns its results. Both meet the same controller, and :class:`SimulatedCvX`.

Source: KEYENCE CV-X Series User's Manual and XG-X Series Communications Control Manual, Ethernet
(non-procedural): command list and error codes.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from enum import IntEnum
from typing import Annotated, Any, Final

from attrs import frozen
from twisted.internet.task import deferLater

from tcpcomm.codec import Acknowledged, ProtocolErrorKind, Range, Template
from tcpcomm.equipment.equipment import Equipment, command, event
from tcpcomm.errors import ConfigurationError, Fault
from tcpcomm.framing import Lines
from tcpcomm.runtime.monotonic_time import the_reactor

__all__ = ["ERRORS", "CvX", "CvXError", "Program", "SimulatedCvX", "TriggeredCvX", "numbers_in"]


class CvXError(IntEnum):
    """The codes in ``ER,command,code``."""

    COMMAND = 2
    DISABLED = 3
    PARAMETER = 22


ERRORS: Final = {
    CvXError.COMMAND.value: "command error: there is no such command",
    CvXError.DISABLED.value: "command disabled: not possible in this mode, or while an image is processed",
    CvXError.PARAMETER.value: "parameter error: a value, or the number of values, is wrong",
}
"""The words of these codes."""

Camera = Annotated[int, Range(1, 4)]
Card = Annotated[int, Range(1, 2)]
Number = Annotated[int, Range(0, 999)]
Condition = Annotated[int, Range(0, 99)]

_CHANGING: Final = 60.0
"""Seconds that a controller may take to load a program, or to change its mode."""


@frozen
class Program:
    """
    A program of the controller, which the manuals also call a setting.

    Attributes:
        card: the SD card, 1 or 2.
        number: its number on the card, 0 to 999.
    """

    card: Card
    number: Number


class _Controller(Equipment):
    """The commands of a controller that have nothing to do with triggers."""

    framing = Lines(send=b"\r")
    codec = Template(
        fault="ER,{command},{code:02d}",
        meanings=ERRORS,
        codes={
            ProtocolErrorKind.UNREADABLE: CvXError.COMMAND.value,
            ProtocolErrorKind.MALFORMED: CvXError.COMMAND.value,
            ProtocolErrorKind.UNKNOWN_COMMAND: CvXError.COMMAND.value,
            ProtocolErrorKind.BAD_PARAMETERS: CvXError.PARAMETER.value,
            ProtocolErrorKind.WRONG_STATE: CvXError.DISABLED.value,
            ProtocolErrorKind.INTERNAL: CvXError.DISABLED.value,
        },
    )

    @command("R0", reply="R0", timeout=_CHANGING)
    async def run(self) -> None:
        """Go to run mode."""
        raise NotImplementedError

    @command("S0", reply="S0", timeout=_CHANGING)
    async def setup(self) -> None:
        """Go to setup mode, in which nothing is inspected."""
        raise NotImplementedError

    @command("RM", reply="RM,{running:1|0}", idempotent=True)
    async def is_running(self) -> bool:
        """Tell if the controller is in run mode."""
        raise NotImplementedError

    @command("RS", reply="RS")
    async def reset(self) -> None:
        """Reset the measurements and the buffers of the program."""
        raise NotImplementedError

    @command("CE", reply="CE")
    async def clear_error(self) -> None:
        """Clear the error that the controller shows."""
        raise NotImplementedError

    @command("PR", reply="PR,{card:d},{number:03d}", idempotent=True)
    async def program(self) -> Program:
        """Return the program that runs."""
        raise NotImplementedError

    @command("PW,{card:d},{number:03d}", reply="PW", timeout=_CHANGING)
    async def change_program(self, card: Card, number: Number) -> None:
        """Run another program, which takes a while."""
        raise NotImplementedError

    @command("EXR", reply="EXR,{number:d}", idempotent=True)
    async def condition(self) -> Condition:
        """Return the execute condition."""
        raise NotImplementedError

    @command("EXW,{number:d}", reply="EXW")
    async def change_condition(self, number: Condition) -> None:
        """Choose the execute condition."""
        raise NotImplementedError

    @command("BS,{camera:d},{number:d}", reply="BS", timeout=_CHANGING)
    async def register_image(self, camera: Camera, number: Number) -> None:
        """Keep the last image of a camera as a reference image."""
        raise NotImplementedError


class CvX(_Controller):
    """
    A vision system that sends its results as events, also after triggers of others.

    Lines end in CR; CR LF is read too. A controller that is set to another end needs ``framing`` in a
    subclass.
    """

    @command("TA", reply="TA")
    async def trigger_all(self) -> None:
        """Trigger all cameras. The results follow as an event."""
        raise NotImplementedError

    @command("T1", reply="T1")
    async def trigger_1(self) -> None:
        """Trigger camera 1."""
        raise NotImplementedError

    @command("T2", reply="T2")
    async def trigger_2(self) -> None:
        """Trigger camera 2."""
        raise NotImplementedError

    @command("T3", reply="T3")
    async def trigger_3(self) -> None:
        """Trigger camera 3."""
        raise NotImplementedError

    @command("T4", reply="T4")
    async def trigger_4(self) -> None:
        """Trigger camera 4."""
        raise NotImplementedError

    @event("{line}")
    def result(self, line: str) -> None:
        """The line of results that the controller outputs, such as 12.345,0.98: see numbers_in."""

    async def trigger(self, camera: int = 0) -> None:
        """
        Trigger one camera, 1 to 4, or all of them.

        Args:
            camera: the number of the camera; 0: all.

        Raises:
            ConfigurationError: the number is another one. Nothing is sent.
        """
        await _one_of(
            camera, self.trigger_all, self.trigger_1, self.trigger_2, self.trigger_3, self.trigger_4
        )


def _one_of(camera: int, *triggers: Callable[[], Any]) -> Any:
    if type(camera) is not int or not 0 <= camera < len(triggers):
        raise ConfigurationError(f"camera must be 1 to {len(triggers) - 1}, or 0 for all, not {camera!r}")
    return triggers[camera]()


class TriggeredCvX(_Controller):
    """
    A vision system that only this host triggers. Each trigger waits for its results, and returns them.

    A result that does not come in time ends the session. So a late result never answers the next trigger.
    """

    @command("TA", reply=Acknowledged("TA", "{values*,:.3f}"))
    async def inspect_all(self) -> list[float]:
        """Trigger all cameras, and return the numbers that the controller outputs."""
        raise NotImplementedError

    @command("T1", reply=Acknowledged("T1", "{values*,:.3f}"))
    async def inspect_1(self) -> list[float]:
        """Trigger camera 1, and return the numbers that the controller outputs."""
        raise NotImplementedError

    @command("T2", reply=Acknowledged("T2", "{values*,:.3f}"))
    async def inspect_2(self) -> list[float]:
        """Trigger camera 2, and return the numbers that the controller outputs."""
        raise NotImplementedError

    @command("T3", reply=Acknowledged("T3", "{values*,:.3f}"))
    async def inspect_3(self) -> list[float]:
        """Trigger camera 3, and return the numbers that the controller outputs."""
        raise NotImplementedError

    @command("T4", reply=Acknowledged("T4", "{values*,:.3f}"))
    async def inspect_4(self) -> list[float]:
        """Trigger camera 4, and return the numbers that the controller outputs."""
        raise NotImplementedError

    async def inspect(self, camera: int = 0) -> list[float]:
        """
        Trigger one camera, 1 to 4, or all of them, and return the numbers that the controller outputs.

        Args:
            camera: the number of the camera; 0: all.

        Raises:
            ConfigurationError: the number is another one. Nothing is sent.
        """
        found: list[float] = await _one_of(
            camera, self.inspect_all, self.inspect_1, self.inspect_2, self.inspect_3, self.inspect_4
        )
        return found


def numbers_in(line: str) -> list[float]:
    """
    Return the numbers of a line of results.

    Raises:
        ValueError: a value of the line is not a number.
    """
    return [float(each) for each in line.split(",")]


class SimulatedCvX(CvX):
    """
    A controller that answers a host. Subclass it, and override :meth:`measured`.

    Attributes:
        values: the results of the next triggers.
        running: True in run mode.
        current: the program that runs.
        programs: the programs that can be loaded; None: all.
        execute_condition: the execute condition.
        shows_error: True while an error is shown that a host may clear.
        images: the reference images that were registered, as pairs of a camera and a number.

    Args:
        processing: the seconds between a trigger and its results.
        clock: the reactor, or a test's clock.
    """

    def __init__(self, processing: float = 0.02, clock: Any = None) -> None:
        self._processing = processing
        self._clock = clock
        self._busy = False
        self.values: Sequence[float | str] = (0.0,)
        self.running = True
        self.current = Program(1, 0)
        self.programs: set[Program] | None = None
        self.execute_condition = 0
        self.shows_error = False
        self.images: deque[tuple[int, int]] = deque(maxlen=1000)

    def measured(self, camera: int) -> Sequence[float | str]:
        """Return the results of a trigger of this camera; 0: all. The default returns ``values``."""
        return self.values

    def _check(self) -> None:
        """Raise Fault unless the controller is in run mode."""
        if not self.running:
            raise Fault(CvXError.DISABLED)

    def _triggered(self, camera: int) -> None:
        self._check()
        if self._busy:
            raise Fault(CvXError.DISABLED)
        values = self.measured(camera)
        line = ",".join(each if isinstance(each, str) else f"{each:.3f}" for each in values)
        self._busy = True
        deferLater(the_reactor(self._clock), self._processing, self._output, line)

    def _output(self, line: str) -> None:
        self._busy = False
        self.result(line)

    async def trigger_all(self) -> None:
        self._triggered(0)

    async def trigger_1(self) -> None:
        self._triggered(1)

    async def trigger_2(self) -> None:
        self._triggered(2)

    async def trigger_3(self) -> None:
        self._triggered(3)

    async def trigger_4(self) -> None:
        self._triggered(4)

    async def run(self) -> None:
        self.running = True

    async def setup(self) -> None:
        self.running = False

    async def is_running(self) -> bool:
        return self.running

    async def reset(self) -> None:
        self._check()

    async def clear_error(self) -> None:
        self.shows_error = False

    async def program(self) -> Program:
        self._check()
        return self.current

    async def change_program(self, card: int, number: int) -> None:
        self._check()
        wanted = Program(card, number)
        if self.programs is not None and wanted not in self.programs:
            raise Fault(CvXError.PARAMETER)
        self.current = wanted

    async def condition(self) -> int:
        self._check()
        return self.execute_condition

    async def change_condition(self, number: int) -> None:
        self._check()
        self.execute_condition = number

    async def register_image(self, camera: int, number: int) -> None:
        self._check()
        self.images.append((camera, number))
