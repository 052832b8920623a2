"""
The robot's program: it asks the camera for the positions of the parts.

    python robot_program.py tcp:127.0.0.1:9999
"""

import sys
from typing import Any

from twisted.internet import task

from tcpcomm import Fault, remote
from vision_camera import VisionCamera


async def main(reactor: Any, at: str) -> None:
    await locate_parts(remote(VisionCamera, at=at))


async def locate_parts(camera: VisionCamera) -> None:
    camera.lamp_is_old.subscribe(lambda hours: print(f"replace the lamp: {hours} hours", flush=True))
    for job in (1, 2, 3, 4):
        try:
            position = await camera.locate(job)
        except Fault as fault:
            print(f"job {job}: NG {fault.code}, {fault.reason}", flush=True)
        else:
            x, y, angle = position.x, position.y, position.angle
            print(f"job {job}: x={x:.2f} y={y:.2f} angle={angle:.1f}", flush=True)


if __name__ == "__main__":
    task.react(main, sys.argv[1:])
