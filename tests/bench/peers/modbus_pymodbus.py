"""Ten registers served by pymodbus: by its datastore, or with ``--simulator`` by its planned successor."""

from __future__ import annotations

import asyncio
import logging
import sys
from typing import Any, cast

from pymodbus.datastore import ModbusDeviceContext, ModbusSequentialDataBlock, ModbusServerContext
from pymodbus.server import ModbusTcpServer
from pymodbus.simulator import DataType, SimData, SimDevice

from tests.bench.peers.control import run_asyncio

VALUES = list(range(100, 110))


def _registers() -> Any:
    if "--simulator" in sys.argv[1:]:
        return SimDevice(1, [SimData(0, values=VALUES, datatype=DataType.REGISTERS)])
    block: Any = ModbusSequentialDataBlock
    return ModbusServerContext(ModbusDeviceContext(hr=block(1, VALUES)), single=True)


async def _serve() -> asyncio.Server:
    logging.disable(logging.WARNING)  # it warns that its datastore will be replaced
    server = ModbusTcpServer(_registers(), address=("127.0.0.1", 0))
    await server.serve_forever(background=True)
    return cast("asyncio.Server", server.transport)


if __name__ == "__main__":
    run_asyncio(_serve)
