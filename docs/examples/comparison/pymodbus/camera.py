import sys

from pymodbus.client import ModbusTcpClient
from pymodbus.server import StartTcpServer
from pymodbus.simulator import DataType, SimData, SimDevice

JOB, FAULT, ALARM, POSITION = 0, 1, 2, 3


def locate(job):
    if job == 0:
        return 7, 2, (0.0, 0.0, 0.0)
    return 0, 0, (10.0, 20.0, float(job))


async def action(function, start, address, count, registers, values):
    if values and address == JOB:
        registers[FAULT], registers[ALARM], position = locate(values[0])
        registers[POSITION:9] = ModbusTcpClient.convert_to_registers(
            list(position), ModbusTcpClient.DATATYPE.FLOAT32
        )


registers = SimData(0, count=9, values=0, datatype=DataType.REGISTERS)
StartTcpServer(SimDevice(1, registers, action=action), address=("127.0.0.1", int(sys.argv[1])))
