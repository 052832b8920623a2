"""
Floods of one server: ``flooding PORT COUNT KIND`` floods by ``COUNT`` connections until its input ends.

It prints "flooding" when all are connected. The peers read all replies, as fast as they come.
"""

from __future__ import annotations

import asyncio
import json
import sys
from contextlib import suppress

from tests.bench.peers.control import report_port

MIB = 1024 * 1024
PER_BATCH = 500


def _batch() -> bytes:
    calls = [
        {"jsonrpc": "2.0", "method": "locate", "params": {"job": number}, "id": number}
        for number in range(PER_BATCH)
    ]
    return json.dumps(calls).encode() + b"\n"


FLOODS = {
    "pings": lambda: b"PING\n" * 10_000,
    "empty": lambda: b"\n" * 65_536,
    "typed": lambda: b"TRG,3\n" * 10_000,
    "batches": lambda: _batch() * 4,
    "large": lambda: b"x" * MIB + b"\n",
}
"""The bytes that are sent again and again, by the kind of flood."""


async def _read(reader: asyncio.StreamReader) -> None:
    while await reader.read(MIB):
        pass


async def _flood(port: int, data: bytes) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    reading = asyncio.create_task(_read(reader))
    with suppress(ConnectionError):
        while not reading.done():
            writer.write(data)
            await writer.drain()


async def _storm(port: int) -> None:
    while True:
        with suppress(OSError):
            _, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.transport.abort()


async def _main(port: int, count: int, kind: str) -> None:
    if kind == "storm":
        floods = [asyncio.create_task(_storm(port)) for _ in range(count)]
    else:
        data = FLOODS[kind]()
        floods = [asyncio.create_task(_flood(port, data)) for _ in range(count)]
    await asyncio.sleep(0.2)
    report_port(port)
    await asyncio.gather(*floods)


if __name__ == "__main__":
    asyncio.run(_main(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]))
