import sys
import threading

import grpc

protos, services = grpc.protos_and_services("camera.proto")


def say(line):
    sys.stdout.write(f"{line}\n")  # one write, because two threads print lines


def watch(alarms):
    for alarm in alarms:
        say(f"alarm {alarm.code}")


with grpc.insecure_channel(f"127.0.0.1:{sys.argv[1]}") as channel:
    camera = services.VisionCameraStub(channel)
    alarms = camera.Alarms(protos.Nothing())
    alarms.initial_metadata()
    watching = threading.Thread(target=watch, args=(alarms,))
    watching.start()
    for job in (3, 0):
        try:
            position = camera.Locate(protos.Job(job=job), timeout=2.0)
        except grpc.RpcError as error:
            say(f"NG {dict(error.trailing_metadata())['code']} {error.details()}")
        else:
            say(f"{position.x} {position.y} {position.angle}")
    watching.join()
