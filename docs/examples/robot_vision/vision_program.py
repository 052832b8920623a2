"""
The camera's program: it finds the part in a picture, and answers the robot.

    python vision_program.py tcp:9999:interface=127.0.0.1

It needs numpy (``pip install numpy``). A real program would get its pictures from a camera. This one draws
them, with noise, so that the right results are known.
"""

import sys
from math import atan2, cos, degrees, radians, sin

import numpy as np
from numpy.typing import NDArray

from tcpcomm import Fault, in_thread, run, serve
from vision_camera import Position, VisionCamera

PARTS = {1: (12.5, -8.0, 30.0), 2: (-20.25, 4.5, -75.0), 3: None}
"""The part under the camera in each job: x and y in mm, angle in degrees; in job 3 there is no part."""

WIDTH, HEIGHT = 640, 480
MM_PER_PIXEL = 0.125
LEAST_PIXELS = 100

Picture = NDArray[np.float64]


class Camera(VisionCamera):
    """A camera that locates parts in the pictures of a simulated sensor."""

    lamp_hours = 9_998

    @in_thread  # it takes some time, and heartbeats must be answered during it
    def locate(self, job: int) -> Position:
        if job not in PARTS:
            raise Fault(2, f"no such job: {job}")
        self.lamp_hours += 1
        if self.lamp_hours >= 10_000:
            self.lamp_is_old(self.lamp_hours)
        return position_of_part(picture_of(PARTS[job]))

    async def ping(self) -> None:
        pass


def position_of_part(picture: Picture) -> Position:
    """
    Return the centroid of the bright pixels, and the direction of their longer axis, from their moments.
    """
    y, x = np.nonzero(picture > 0.5)
    if x.size < LEAST_PIXELS:
        raise Fault(3, "no part in the picture")
    spread_x, spread_y, both = x.var(), y.var(), np.mean((x - x.mean()) * (y - y.mean()))
    return Position(
        x=float(x.mean() - (WIDTH - 1) / 2) * MM_PER_PIXEL,
        y=float(y.mean() - (HEIGHT - 1) / 2) * MM_PER_PIXEL,
        angle=degrees(atan2(2 * both, spread_x - spread_y) / 2),
    )


def picture_of(part: tuple[float, float, float] | None) -> Picture:
    """Return a picture of a part of 30 mm by 10 mm, in grey values from 0 to 1."""
    noise = np.random.default_rng(seed=1).normal(0.2, 0.05, (HEIGHT, WIDTH))
    if part is None:
        return noise
    left, top, angle = part
    y, x = np.mgrid[:HEIGHT, :WIDTH].astype(float)
    x = (x - (WIDTH - 1) / 2) * MM_PER_PIXEL - left
    y = (y - (HEIGHT - 1) / 2) * MM_PER_PIXEL - top
    along = x * cos(radians(angle)) + y * sin(radians(angle))
    across = y * cos(radians(angle)) - x * sin(radians(angle))
    return noise + np.where((abs(along) < 15) & (abs(across) < 5), 0.6, 0.0)


if __name__ == "__main__":
    run(serve(Camera(), at=sys.argv[1]))
