"""A server beside floods, with ``asyncio.Protocol``: one write for each chunk."""

from __future__ import annotations

import asyncio
from typing import cast

from tests.bench.peers.control import run_asyncio
from tests.bench.peers.fair_by_hand import answer


class _Server(asyncio.Protocol):
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._pending: list[bytes] = []

    def data_received(self, data: bytes) -> None:
        *lines, rest = data.split(b"\n")
        if lines:
            lines[0] = b"".join([*self._pending, lines[0]])
            self._pending = []
            self._transport.write(b"".join(answer(line) + b"\n" for line in lines))
        if rest:
            self._pending.append(rest)


async def _serve() -> asyncio.Server:
    return await asyncio.get_running_loop().create_server(_Server, "127.0.0.1", 0, backlog=1024)


if __name__ == "__main__":
    run_asyncio(_serve)
