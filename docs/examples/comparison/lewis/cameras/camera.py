from threading import Thread

from lewis.adapters.stream import Cmd, StreamInterface
from lewis.devices import Device


class NoPart(Exception):
    pass


class Camera(Device):
    def locate(self, job):
        if job == 0:
            raise NoPart
        return 10.0, 20.0, float(job)


class CameraInterface(StreamInterface):
    in_terminator = "\r\n"
    out_terminator = "\r\n"
    commands = {Cmd("locate", r"^TRG,(-?\d+)$", argument_mappings=[int])}

    def locate(self, job):
        try:
            x, y, angle = self.device.locate(job)
        except NoPart:
            self.alarm(2)
            return "NG,7,no part"
        return f"OK,{x:.3f},{y:.3f},{angle:.3f}"

    def alarm(self, code):
        Thread(target=self.handler.unsolicited_reply, args=(f"ALM,{code}",)).start()

    def handle_error(self, request, error):
        return f"NG,92,{error}"
