import sys

from pymodbus.client import ModbusTcpClient

JOB, FAULT, ALARM, POSITION = 0, 1, 2, 3

with ModbusTcpClient("127.0.0.1", port=int(sys.argv[1]), timeout=2.0) as camera:
    for job in (3, 0):
        if camera.write_register(JOB, job).isError():
            raise SystemExit("the camera refused the job")
        reply = camera.read_holding_registers(FAULT, count=8)
        if reply.isError():
            raise SystemExit("the camera refused to be read")
        fault, alarm, *position = reply.registers
        if alarm:
            print("alarm", alarm)
            camera.write_register(ALARM, 0)
        if fault:
            print("NG", fault)
        else:
            x, y, angle = camera.convert_from_registers(position, camera.DATATYPE.FLOAT32)
            print(x, y, angle)
