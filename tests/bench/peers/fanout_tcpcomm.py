"""An event to all sessions with tcpcomm: ``--declared`` as an event of equipment, or frame by frame."""

from __future__ import annotations

import sys
from typing import Any

from tcpcomm import Equipment, FrameFactory, LengthPrefixedProtocol, command, event
from tcpcomm.codec import Template
from tcpcomm.framing import LengthPrefixed
from tcpcomm.server.serving import EquipmentFactory
from tests.bench.peers.control import serve_made

LIMITS: dict[str, Any] = {"max_sessions": 10_000, "max_sessions_per_address": None}


class Teller(LengthPrefixedProtocol):
    def frameReceived(self, frame: bytes) -> None:
        for session in self.factory.sessions:
            session.sendFrame(b"ALM,7")


class Alarms(Equipment):
    framing = LengthPrefixed(4)
    codec = Template()

    @event("ALM,{code}")
    def alarm(self, code: int) -> None:
        """Something happened."""

    @command("TRG", reply=None)
    def trigger(self) -> None:
        self.alarm(7)


if __name__ == "__main__":
    declared = "--declared" in sys.argv
    serve_made(lambda: EquipmentFactory(Alarms(), **LIMITS) if declared else FrameFactory(Teller, **LIMITS))
