"""Another program in the place of the equipment, as a manual describes it: bytes in, bytes out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from attrs import define, field
from twisted.internet.protocol import Factory, Protocol

from tcpcomm import link_of
from tcpcomm.framing import Framing
from tcpcomm.link.states import LinkState
from tests.equipment.declared import PORT, Bench


@define(eq=False)
class Foreign(Factory):
    """
    A program that answers each frame with bytes.

    Args:
        answer: returns the bytes that answer a frame, or None. It may also call ``write`` by itself.
        framing: the frames that the program reads.
    """

    answer: Callable[[bytes], bytes | None]
    framing: Framing
    sessions: list[_Session] = field(factory=list)
    received: list[bytes] = field(factory=list)
    chunks: list[bytes] = field(factory=list)
    noisy = False

    def buildProtocol(self, addr: Any) -> _Session:
        self.sessions.append(_Session(self))
        return self.sessions[-1]

    def write(self, data: bytes) -> None:
        """Send bytes on the newest session."""
        assert self.sessions[-1].transport is not None
        self.sessions[-1].transport.write(data)


class _Session(Protocol):
    def __init__(self, program: Foreign) -> None:
        self._program = program
        self._decoder = program.framing.decoder()

    def dataReceived(self, data: bytes) -> None:
        self._program.chunks.append(data)
        for frame in self._decoder.feed(data):
            self._program.received.append(frame)
            answer = self._program.answer(frame)
            if answer is not None:
                self._program.write(answer)


@define(eq=False)
class Stand:
    """A foreign program, the proxy that talks to it, and the reasons of the connections that were lost."""

    program: Foreign
    proxy: Any
    lost: list[str]


def stand(
    bench: Bench, kind: Any, answer: Callable[[bytes], bytes | None], *, framing: Framing | None = None
) -> Stand:
    """Let a program answer a host that has the declaration ``kind``, and wait until their link is ready."""
    program = Foreign(answer, framing or kind.framing)
    bench.camera.listening(PORT).listen(program)
    proxy = bench.remote(kind)
    lost: list[str] = []
    link_of(proxy).observe(lambda state, reason: lost.append(reason) if state is LinkState.DOWN else None)
    bench.until(lambda: link_of(proxy).state is LinkState.READY and bool(program.sessions))
    return Stand(program, proxy, lost)
