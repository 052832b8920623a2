"""An example of an instrument: :class:`Multimeter`, and its simulator :class:`SimulatedMultimeter`."""

from __future__ import annotations

import struct
from typing import Annotated, Any, Final, Literal

from twisted.internet.defer import Deferred
from twisted.internet.task import deferLater

from tcpcomm.codec import Range, Unit
from tcpcomm.devices.scpi.instrument import Instrument
from tcpcomm.equipment.equipment import command
from tcpcomm.errors import Fault
from tcpcomm.runtime.monotonic_time import the_reactor

Volts = Annotated[float, Unit("V"), Range(0.1, 1000.0)]
Seconds = Annotated[float, Unit("s"), Range(0.0, 3600.0)]
End = Literal["MINimum", "MAXimum", "DEFault"]
"""The value of a setting that a query asks for in place of the present one."""

Samples = Annotated[int, Range(1, 50000)]

_MEASURING: Final = 16
"""The bit of the operation register that is set while values are taken. Source: SCPI-99, volume 1, 9.3."""


class Multimeter(Instrument):
    """A multimeter for voltage, current and resistance, with a memory for the values of a series."""

    @command("MEASure[:VOLTage][:DC]?", reply="{volts:.8E}")
    async def voltage(self) -> Annotated[float, Unit("V")]:
        """Measure a voltage."""
        raise NotImplementedError

    @command("MEASure:CURRent[:DC]?", reply="{amperes:.8E}")
    async def current(self) -> Annotated[float, Unit("A")]:
        """Measure a current."""
        raise NotImplementedError

    @command("MEASure:RESistance?", reply="{ohms:.8E}")
    async def resistance(self) -> Annotated[float, Unit("Ohm")]:
        """Measure a resistance."""
        raise NotImplementedError

    @command("[SENSe:]VOLTage[:DC]:RANGe[:UPPer] {volts:.3f}")
    async def set_range(self, volts: Volts = 10.0) -> None:
        """Set the largest voltage that can be measured. The default is 10 V."""
        raise NotImplementedError

    @command("[SENSe:]VOLTage[:DC]:RANGe[:UPPer]? [{end}]", reply="{volts:.3f}", idempotent=True)
    async def range(self, end: End | None = None) -> Volts:
        """Return the largest voltage that can be measured, or one of the values that it may have."""
        raise NotImplementedError

    @command("TRIGger:DELay {seconds:.6f}")
    async def set_delay(self, seconds: Seconds) -> None:
        """Set the time before each value of a series."""
        raise NotImplementedError

    @command("SAMPle:COUNt {count:d}")
    async def set_count(self, count: Samples) -> None:
        """Set the number of values of a series."""
        raise NotImplementedError

    @command("INITiate[:IMMediate]")
    async def start(self) -> None:
        """Begin a series of voltages. Later commands are carried out meanwhile; is_complete() waits."""
        raise NotImplementedError

    @command("FETCh?", reply="{values*,:.8E}", timeout=30.0)
    async def fetch(self) -> list[float]:
        """Return the values of the last series, in V, when it is complete."""
        raise NotImplementedError

    @command("TRACe[:DATA]?", reply="{data:block}", timeout=30.0)
    async def trace(self) -> bytes:
        """Return the values of the last series as floats of 32 bits, the highest byte first."""
        raise NotImplementedError

    @command("DISPlay:TEXT[:DATA] {text:q}")
    async def show(self, text: str) -> None:
        """Show a text."""
        raise NotImplementedError

    @command("DISPlay:TEXT[:DATA]?", reply="{text:q}", idempotent=True)
    async def shown(self) -> str:
        """Return the text that is shown."""
        raise NotImplementedError


class SimulatedMultimeter(Multimeter):
    """
    A multimeter that measures the values which the program sets.

    Attributes:
        volts, amperes, ohms: the values at its inputs.
        text: the text that it shows.

    Args:
        clock: the reactor, or a test's clock.
    """

    def __init__(self, clock: Any = None) -> None:
        self._clock = clock
        self.volts = self.amperes = self.ohms = 0.0
        self.text = ""
        self._range = 10.0
        self._delay = 0.0
        self._count = 1
        self._values: list[float] | None = None
        self._series: Deferred[Any] | None = None

    async def reset(self) -> None:
        await super().reset()
        if self._series is not None:
            self._series.cancel()
        self._range, self._delay, self._count, self._values = 10.0, 0.0, 1, None

    async def voltage(self) -> float:
        if abs(self.volts) > self._range:
            self.status.questionable.condition |= 1
            return 9.9e37  # SCPI's number for an overload
        self.status.questionable.condition &= ~1
        return self.volts

    async def current(self) -> float:
        return self.amperes

    async def resistance(self) -> float:
        return self.ohms

    async def set_range(self, volts: float = 10.0) -> None:
        self._range = volts

    async def range(self, end: End | None = None) -> float:
        return self._range if end is None else {"MINimum": 0.1, "MAXimum": 1000.0, "DEFault": 10.0}[end]

    async def set_delay(self, seconds: float) -> None:
        self._delay = seconds

    async def set_count(self, count: int) -> None:
        self._count = count

    async def start(self) -> None:
        if self._series is not None:
            raise Fault(-213, "a series is under way")
        self.status.operation.condition |= _MEASURING
        seconds = self._delay * self._count
        if seconds:
            self._series = deferLater(the_reactor(self._clock), seconds)
            self.status.overlap(self._series.addBoth(self._ended, self._count))
        else:
            self._ended(None, self._count)

    def _ended(self, cancelled: Any, count: int) -> None:
        self._series = None
        self.status.operation.condition &= ~_MEASURING
        if cancelled is None:
            self._values = [self.volts] * count

    async def fetch(self) -> list[float]:
        await self.status.when_complete()
        if self._values is None:
            raise Fault(-230, "no series was taken")
        return self._values

    async def trace(self) -> bytes:
        values = await self.fetch()
        return struct.pack(f">{len(values)}f", *values)

    async def show(self, text: str) -> None:
        self.text = text

    async def shown(self) -> str:
        return self.text
