"""asyncio's streams, with ``readexactly``."""

from __future__ import annotations

import asyncio

from tests.bench.peers.control import run_asyncio


async def _echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while True:
            header = await reader.readexactly(4)
            frame = await reader.readexactly(int.from_bytes(header, "big"))
            writer.write(header + frame)
            await writer.drain()
    except (asyncio.IncompleteReadError, ConnectionResetError):
        writer.close()


async def _serve() -> asyncio.Server:
    return await asyncio.start_server(_echo, "127.0.0.1", 0, backlog=1024)


if __name__ == "__main__":
    run_asyncio(_serve)
