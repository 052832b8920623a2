"""Ends of a connection that send bytes as a test says: :class:`RawPeer`, :func:`answering`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from twisted.internet.protocol import Factory, Protocol

from tests.equipment.declared import PORT, Bench

__all__ = ["RawPeer", "answering"]


class _Noting(Protocol):
    def __init__(self, answer: Callable[[bytes], bytes | None] | None = None) -> None:
        self.received = b""
        self.is_lost = False
        self.answer = answer

    def dataReceived(self, data: bytes) -> None:
        self.received += data
        reply = None if self.answer is None else self.answer(data)
        if reply is not None:
            transport: Any = self.transport
            transport.write(reply)

    def connectionLost(self, reason: Any = None) -> None:
        self.is_lost = True


class RawPeer:
    """A host that sends bytes to the device of a bench."""

    def __init__(self, bench: Bench) -> None:
        self._bench = bench
        connecting = bench.robot.connecting(bench.camera, PORT)
        self._protocol = bench.result(connecting.connect(Factory.forProtocol(_Noting)))

    def ask(self, request: str, within: float = 1.0) -> str:
        """Send a request, written in hex. Return in hex what came within so many seconds."""
        protocol = self._protocol
        protocol.received = b""
        protocol.transport.write(bytes.fromhex(request))
        self._bench.network.run_until(lambda: bool(protocol.received) or protocol.is_lost, within)
        received: bytes = protocol.received
        return received.hex(" ").upper()

    @property
    def is_lost(self) -> bool:
        """True if the device has ended the connection."""
        return bool(self._protocol.is_lost)


def answering(bench: Bench, answer: Callable[[bytes], bytes | None]) -> list[bytes]:
    """
    Have the machine of the device answer each chunk by a function.

    Returns:
        The chunks that it gets.
    """
    seen: list[bytes] = []

    def note(data: bytes) -> bytes | None:
        seen.append(data)
        return answer(data)

    factory = Factory.forProtocol(lambda: _Noting(note))
    bench.result(bench.camera.listening(PORT).listen(factory))
    return seen
