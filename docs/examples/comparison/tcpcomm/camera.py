import sys

from tcpcomm import Fault, run, serve
from vision_camera import Position, VisionCamera


class Camera(VisionCamera):
    async def locate(self, job: int) -> Position:
        if job == 0:
            self.alarm(code=2)
            raise Fault(7, "no part")
        return Position(10.0, 20.0, float(job))


run(serve(Camera(), at=f"tcp:{sys.argv[1]}:interface=127.0.0.1"))
