"""
The machine's program: an axis at one port, a sensor at another.

    python machine_program.py tcp:9999:interface=127.0.0.1 tcp:9998:interface=127.0.0.1
"""

import sys

from twisted.internet import reactor
from twisted.internet.task import deferLater

from machine import Axis, Code, HeightSensor
from tcpcomm import Fault, run, serve

RANGE = (0.0, 300.0)
CYCLE = 0.02
"""Seconds between two reported positions."""


class SimulatedAxis(Axis):
    def __init__(self) -> None:
        self.position = 180.0
        self._is_homed = self._is_moving = self._is_unlocked = self._has_to_stop = False

    async def home(self) -> None:
        await self._travel(RANGE[0], 500.0)
        self._is_homed = True

    async def move(self, to: float, speed: float) -> float:
        if not self._is_homed:
            raise Fault(Code.NOT_HOMED, "home the axis first")
        if not (RANGE[0] <= to <= RANGE[1] and speed > 0):
            raise Fault(Code.OUT_OF_RANGE, f"the axis goes from {RANGE[0]:g} to {RANGE[1]:g} mm")
        await self._travel(to, speed)
        return self.position

    async def stop(self) -> None:
        self._has_to_stop = True

    async def unlock_door(self) -> None:
        if self._is_moving:
            raise Fault(Code.INTERLOCK, "the axis moves")
        self._is_unlocked = True

    async def lock_door(self) -> None:
        self._is_unlocked = False

    async def ping(self) -> None:
        pass

    async def _travel(self, to: float, speed: float) -> None:
        if self._is_unlocked:
            raise Fault(Code.INTERLOCK, "the door is not locked")
        if self._is_moving:
            raise Fault(Code.BUSY, "the axis moves already")
        self._is_moving, self._has_to_stop = True, False
        try:
            while self.position != to:
                await deferLater(reactor, CYCLE)
                if self._has_to_stop:
                    raise Fault(Code.STOPPED, "the axis was told to stop")
                step = speed * CYCLE
                self.position += max(-step, min(step, to - self.position))
                self.moving(at=self.position)
        finally:
            self._is_moving = False


class SimulatedSensor(HeightSensor):
    """A sensor above a wedge that rises by 1 mm in 20 mm."""

    def __init__(self, axis: SimulatedAxis) -> None:
        self._axis = axis

    async def height(self) -> float:
        return self._axis.position / 20

    async def ping(self) -> None:
        pass


if __name__ == "__main__":
    axis = SimulatedAxis()
    run(serve(axis, at=sys.argv[1]), serve(SimulatedSensor(axis), at=sys.argv[2]))
