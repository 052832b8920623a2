"""``asyncio.Protocol`` with a careful framing written by hand: a loop, and one write for each chunk."""

from __future__ import annotations

import asyncio
import struct
from typing import cast

from tests.bench.peers.control import run_asyncio

_LENGTH = struct.Struct(">I")


class _Echo(asyncio.Protocol):
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._pending = b""

    def data_received(self, data: bytes) -> None:
        if self._pending:
            data = self._pending + data
        replies: list[bytes] = []
        position, size = 0, len(data)
        while size - position >= 4:
            (length,) = _LENGTH.unpack_from(data, position)
            end = position + 4 + length
            if end > size:
                break
            self._frame_received(data[position + 4 : end], replies)
            position = end
        self._pending = data[position:]
        if replies:
            self._transport.write(b"".join(replies))

    def _frame_received(self, frame: bytes, replies: list[bytes]) -> None:
        replies.append(_LENGTH.pack(len(frame)))
        replies.append(frame)


async def _serve() -> asyncio.Server:
    loop = asyncio.get_running_loop()
    return await loop.create_server(_Echo, "127.0.0.1", 0, backlog=1024)


if __name__ == "__main__":
    run_asyncio(_serve)
