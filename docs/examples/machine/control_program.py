"""
The control PC's program: it moves the axis, reads the sensor, and gets a fault for each forbidden command.

    python control_program.py tcp:127.0.0.1:9999 tcp:127.0.0.1:9998
"""

import sys
from typing import Any

from twisted.internet import task
from twisted.internet.defer import Deferred

from machine import Axis, HeightSensor
from tcpcomm import Fault, remote


async def main(reactor: Any, axis_at: str, sensor_at: str) -> None:
    axis, sensor = remote(Axis, at=axis_at), remote(HeightSensor, at=sensor_at)
    on_the_way: list[str] = []

    def told(at: float) -> None:
        on_the_way.append(f"{at:g}")

    axis.moving.subscribe(told)
    await show("move before homing", axis.move(to=100, speed=500))
    await show("home", axis.home())
    for to in (50, 100):
        on_the_way.clear()
        await show(f"move to {to}", axis.move(to, speed=500))
        print(f"on the way at {' '.join(on_the_way)}; height {await sensor.height():.3f}")
    await show("move to 400", axis.move(to=400, speed=500))

    under_way = Deferred.fromCoroutine(show("move slowly", axis.move(to=300, speed=10)))
    async for _ in axis.moving:
        break  # it moves now
    await show("unlock the door", axis.unlock_door())
    await show("stop", axis.stop())
    await under_way
    await show("unlock the door", axis.unlock_door())
    await show("move", axis.move(to=0, speed=500))
    await show("lock the door", axis.lock_door())
    await show("move", axis.move(to=0, speed=500))


async def show(what: str, asked: Any) -> None:
    """Wait for the reply to a command, and print it."""
    try:
        result = await asked
    except Fault as fault:
        print(f"{what}: fault {fault.code}, {fault.reason}", flush=True)
    else:
        print(f"{what}: {'done' if result is None else result}", flush=True)


if __name__ == "__main__":
    task.react(main, sys.argv[1:])
