"""Images with asyncio's streams, and ``readexactly``."""

from __future__ import annotations

import asyncio

from tests.bench.large import ACKNOWLEDGED, SHORT
from tests.bench.peers.control import run_asyncio


async def _images(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while True:
            header = await reader.readexactly(4)
            frame = await reader.readexactly(int.from_bytes(header, "big"))
            answer = b"x" * int.from_bytes(frame, "big") if len(frame) <= SHORT else ACKNOWLEDGED
            writer.write(len(answer).to_bytes(4, "big"))
            writer.write(answer)
            await writer.drain()
    except (asyncio.IncompleteReadError, ConnectionResetError):
        writer.close()


async def _serve() -> asyncio.Server:
    return await asyncio.start_server(_images, "127.0.0.1", 0)


if __name__ == "__main__":
    run_asyncio(_serve)
