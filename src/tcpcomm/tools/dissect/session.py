"""The session that observers see for an overheard connection: :class:`OverheardSession`."""

from __future__ import annotations

from typing import Any

from attrs import define, field

from tcpcomm.equipment.declaration import Declaration
from tcpcomm.session.observer import Observers
from tcpcomm.tools.dissect.speech import Speech


@define(eq=False, kw_only=True)
class OverheardSession:
    """
    A connection between two others, as observers see it: like the session of the equipment.

    Received bytes come from the host, and sent bytes from the equipment.

    Attributes:
        peer: the address and port of the host.
        target: the address and port of the equipment.
        speech: the language of both.
        host: the IP address of the host, or None.
        observers: the observers. A :class:`~tcpcomm.tools.dissect.dissector.Dissector` sets them.
        reason: the reason of the end, or None while the connection is open.
        control: an object of the tool that can disturb the connection or end it, or None.
    """

    peer: str
    target: str = ""
    speech: Speech = field(factory=Speech.raw)
    host: str | None = None
    observers: Observers = field(factory=Observers, repr=False)
    reason: str | None = None
    identity: str | None = None
    control: Any = field(default=None, repr=False)
    keeps_secret: bool = field(default=False, init=False)
    sends_secret: bool = field(default=False, init=False)
    describes_sent: bool = field(default=True, init=False)
    is_open: bool = field(default=False, init=False)
    faults: int = field(default=0, init=False)
    frames_received: int = field(default=0, init=False)
    frames_sent: int = field(default=0, init=False)

    is_equipment = True

    @property
    def declaration(self) -> Declaration | None:
        """The declaration of the equipment, or None."""
        return self.speech.declaration

    @property
    def is_declared(self) -> bool:
        """True if each frame is also reported as a message."""
        return self.speech.declaration is not None
