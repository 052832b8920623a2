"""
A multimeter that speaks SCPI, for clients in other programs: a program that serves until it is stopped.

    python -m tests.interop.scpi_meter ENDPOINT
"""

from __future__ import annotations

import sys
from typing import Annotated

from twisted.internet import reactor
from twisted.internet.task import deferLater

from tcpcomm import Equipment, command, run, serve
from tcpcomm.codec import Range, Scpi, Unit
from tcpcomm.framing import Definite

Channel = Annotated[int, Range(1, 2)]


class Meter(Equipment):
    """A multimeter with two outputs."""

    framing = Definite()
    codec = Scpi()

    def __init__(self) -> None:
        self.voltage = 0.0
        self.outputs = {1: False, 2: False}
        self.wave = b""
        self.title = ""

    @command("*IDN?", reply="{text}")
    async def identity(self) -> str:
        """Return the maker, the model, the number and the version."""
        return "SEED,MM7,0001,1.0"

    @command("*RST")
    async def reset(self) -> None:
        """Forget all settings, which takes a moment."""
        await deferLater(reactor, 0.05)
        self.__init__()  # type: ignore[misc]

    @command("*OPC?", reply="{done}")
    async def is_complete(self) -> bool:
        """Say that all is done."""
        return True

    @command("MEASure[:VOLTage][:DC]?", reply="{volts:.6E}")
    async def volts(self) -> Annotated[float, Unit("V")]:
        """Measure."""
        return self.voltage

    @command("[SOURce:]VOLTage[:LEVel] {volts:.3f}")
    async def set_voltage(self, volts: Annotated[float, Unit("V"), Range(0, 30)]) -> None:
        """Set the voltage."""
        await deferLater(reactor, 0.02)
        self.voltage = volts

    @command("OUTPut{channel:d}[:STATe] {on}")
    async def output(self, channel: Channel, on: bool) -> None:
        """Switch an output."""
        self.outputs[channel] = on

    @command("OUTPut{channel:d}[:STATe]?", reply="{on}")
    async def is_on(self, channel: Channel) -> bool:
        """Tell if an output is on."""
        return self.outputs[channel]

    @command("FETCh:ARRay?", reply="{values*,:.6E}")
    async def values(self) -> list[float]:
        """Return the last values."""
        return [1.0, -2.5, 3e-6]

    @command("DATA:WAVeform {wave:block}")
    async def load(self, wave: bytes) -> None:
        """Load a curve."""
        self.wave = wave

    @command("DATA:WAVeform?", reply="{wave:block}")
    async def curve(self) -> bytes:
        """Return the curve."""
        return self.wave

    @command("DISPlay:TEXT {text:q}")
    async def show(self, text: str) -> None:
        """Show a text."""
        self.title = text

    @command("DISPlay:TEXT?", reply="{text:q}")
    async def shown(self) -> str:
        """Return the text that is shown."""
        return self.title


if __name__ == "__main__":
    run(serve(Meter(), at=sys.argv[1]))
