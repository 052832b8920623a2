"""Read ten registers with pymodbus's client; with ``--uvloop`` on that loop."""

from __future__ import annotations

import asyncio
import sys

from pymodbus.client import AsyncModbusTcpClient

from tests.bench.peers.asking import measure_requests


async def main(port: str, count: str) -> None:
    client = AsyncModbusTcpClient("127.0.0.1", port=int(port))
    await client.connect()

    async def ask() -> object:
        return (await client.read_holding_registers(0, count=10, device_id=1)).registers

    await measure_requests(ask, int(count), list(range(100, 110)))
    client.close()


if __name__ == "__main__":
    if "--uvloop" in sys.argv:
        import uvloop

        uvloop.run(main(*sys.argv[1:3]))
    else:
        asyncio.run(main(*sys.argv[1:3]))
