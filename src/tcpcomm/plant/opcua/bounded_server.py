"""asyncua's server with finite buffers: :class:`BoundedServer`."""

from __future__ import annotations

import asyncio
import socket
from typing import Any, Final

from asyncua import Server, ua
from asyncua.common.connection import TransportLimits
from asyncua.crypto import uacrypto
from asyncua.server.binary_server_asyncio import BinaryServer, OPCUAProtocol
from asyncua.server.uaprocessor import UaProcessor
from asyncua.ua.ua_binary import nodeid_from_binary

MAX_OPCUA_MESSAGE: Final = 4 * 1024 * 1024
"""Bytes of a request. A longer request closes the connection."""

MAX_OPCUA_CHUNK: Final = 65535
"""Bytes of a chunk of a request. A longer chunk aborts the connection."""

OPCUA_ACTIVATION_SECONDS: Final = 10.0
"""Seconds in which a connection must open its session. Then it is closed."""

MAX_OPCUA_SUBSCRIPTIONS: Final = 200
"""Subscriptions of all clients together. A further one gets ``BadTooManySubscriptions``."""

MAX_OPCUA_QUEUE: Final = 1000
"""Values or events that wait for a client, in the queue of one monitored item. The oldest are dropped."""

_MOST_UNACKNOWLEDGED: Final = 100
_MOST_REQUESTS: Final = 100


_CALL: Final = ua.NodeId(ua.ObjectIds.CallRequest_Encoding_DefaultBinary)


class _Processor(UaProcessor):  # type: ignore[misc]
    """
    Answers the requests of a connection, and method calls beside the others.

    asyncua's own answers one request after the other. While a method takes its time, it would not answer
    the reads by which clients find out if the server lives, so that they would end the connection.
    """

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self._calls: set[asyncio.Task[Any]] = set()

    async def process_message(self, seqhdr: Any, body: Any) -> bool:
        answer = super().process_message(seqhdr, body)
        if nodeid_from_binary(body.copy()) != _CALL:
            return bool(await answer)
        call = asyncio.create_task(answer)
        self._calls.add(call)
        call.add_done_callback(self._calls.discard)
        return True

    async def close(self) -> None:
        for each in self._calls:
            each.cancel()
        await super().close()


class _BoundedProtocol(OPCUAProtocol):  # type: ignore[misc]
    """A connection that holds one chunk at most: asyncua's own holds any length that a peer announces."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        if self.transport is not None:  # it was not refused
            self.processor: _Processor = _Processor(self.iserver, self.transport, self.limits)
            self.processor.set_policies(self.policies)

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if len(self._buffer) > MAX_OPCUA_CHUNK and self.transport is not None:
            self.transport.abort()


class _BoundedBinaryServer(BinaryServer):  # type: ignore[misc]
    def _make_protocol(self) -> OPCUAProtocol:
        return _BoundedProtocol(
            iserver=self.iserver,
            policies=self._policies,
            clients=self.clients,
            closing_tasks=self.closing_tasks,
            limits=self.limits,
        )


class BoundedServer(Server):  # type: ignore[misc]
    """
    A server with limits for what clients make it hold.

    Args:
        sessions: the number of connections at once.
        user_manager: decides which clients may connect.
    """

    def __init__(self, sessions: int, user_manager: Any) -> None:
        super().__init__(user_manager=user_manager)
        self.limits = TransportLimits(
            max_recv_buffer=MAX_OPCUA_CHUNK,
            max_send_buffer=MAX_OPCUA_CHUNK,
            max_chunk_count=-(-MAX_OPCUA_MESSAGE // MAX_OPCUA_CHUNK),
            max_message_size=MAX_OPCUA_MESSAGE,
        )
        limits = self.iserver
        limits.max_connections = sessions
        limits.max_pending_activation_seconds = OPCUA_ACTIVATION_SECONDS
        limits.max_subscriptions = MAX_OPCUA_SUBSCRIPTIONS
        limits.max_monitored_item_queue_size = MAX_OPCUA_QUEUE
        limits.max_unacked_messages_per_subscription = _MOST_UNACKNOWLEDGED
        limits.max_pending_messages_per_connection = _MOST_REQUESTS

    async def start(self) -> None:
        """Start to listen, as asyncua's server does, but with connections of bounded buffers."""
        if self.iserver.certificate is not None:
            uacrypto.check_certificate(
                self.iserver.certificate, self.get_application_uri(), socket.gethostname()
            )
        await self._setup_server_nodes()
        await self.iserver.start()
        try:
            host, port = self._get_bind_socket_info()
            self.bserver = _BoundedBinaryServer(self.iserver, str(host), int(port or 0), self.limits)
            self.bserver.set_policies(self._policies)
            await self.bserver.start()
        except Exception:
            await self.iserver.stop()
            raise

    @property
    def port(self) -> int:
        """The port where it listens."""
        return 0 if self.bserver is None else int(self.bserver.port)

    def abort_connections(self) -> None:
        """Drop all connections at once. Unsent bytes are lost."""
        for transport in list(self.iserver.asyncio_transports):
            transport.abort()
