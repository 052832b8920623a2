import queue
import sys
from concurrent import futures

import grpc

protos, services = grpc.protos_and_services("camera.proto")


class Camera(services.VisionCameraServicer):
    def __init__(self):
        self.listeners = []

    def Locate(self, request, context):
        if request.job == 0:
            self.alarm(2)
            context.set_trailing_metadata((("code", "7"),))
            context.abort(grpc.StatusCode.FAILED_PRECONDITION, "no part")
        return protos.Position(x=10.0, y=20.0, angle=request.job)

    def Alarms(self, request, context):
        codes = queue.Queue()
        self.listeners.append(codes)
        context.add_callback(lambda: self.listeners.remove(codes))
        context.send_initial_metadata(())
        while context.is_active():
            yield protos.Alarm(code=codes.get())

    def alarm(self, code):
        for codes in self.listeners:
            codes.put(code)


server = grpc.server(futures.ThreadPoolExecutor())
services.add_VisionCameraServicer_to_server(Camera(), server)
server.add_insecure_port(f"127.0.0.1:{sys.argv[1]}")
server.start()
server.wait_for_termination()
