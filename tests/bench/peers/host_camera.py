"""A quick camera for the clients of the host's part: it checks nothing, and writes once for each chunk."""

from __future__ import annotations

import asyncio
from typing import cast

from tests.bench.peers.control import run_asyncio


class _Camera(asyncio.Protocol):
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._rest = b""

    def data_received(self, data: bytes) -> None:
        *lines, self._rest = (self._rest + data).split(b"\r\n")
        if lines:
            self._transport.write(b"".join([b"OK,1.000,2.000,%b.000\r\n" % line[4:] for line in lines]))


async def _serve() -> asyncio.Server:
    return await asyncio.get_running_loop().create_server(_Camera, "127.0.0.1", 0)


if __name__ == "__main__":
    run_asyncio(_serve)
