"""An event to all sessions with ``asyncio.Protocol``, by hand."""

from __future__ import annotations

import asyncio
from typing import cast

from tests.bench.peers.control import run_asyncio

_TRANSPORTS: set[asyncio.Transport] = set()


class _Teller(asyncio.Protocol):
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        _TRANSPORTS.add(self._transport)

    def connection_lost(self, exc: Exception | None) -> None:
        _TRANSPORTS.discard(self._transport)

    def data_received(self, data: bytes) -> None:
        for transport in _TRANSPORTS:
            transport.write(b"\0\0\0\5ALM,7")


async def _serve() -> asyncio.Server:
    return await asyncio.get_running_loop().create_server(_Teller, "127.0.0.1", 0, backlog=1024)


if __name__ == "__main__":
    run_asyncio(_serve)
