import sys

from twisted.internet import task

from tcpcomm import Fault, remote
from vision_camera import VisionCamera


async def main(reactor):
    camera = remote(VisionCamera, at=f"tcp:127.0.0.1:{sys.argv[1]}")
    camera.alarm.subscribe(lambda code: print("alarm", code))
    for job in (3, 0):
        try:
            position = await camera.locate(job)
        except Fault as fault:
            print("NG", fault.code, fault.reason)
        else:
            print(position.x, position.y, position.angle)


task.react(main)
