"""The settings of a session, and the state that everybody may read: :class:`SessionAttributes`."""

from __future__ import annotations

from collections import ChainMap
from typing import Any

from twisted.internet.protocol import Protocol

from tcpcomm.framing.base import Decoder, Framing
from tcpcomm.framing.delimited import Lines
from tcpcomm.session.heartbeat import Heartbeat, Heartbeats
from tcpcomm.session.limits import Limits
from tcpcomm.session.observer import Observers


class SessionAttributes(Protocol):
    """
    The public attributes of :class:`~tcpcomm.FrameProtocol`, which has all the methods.

    Those up to ``is_declared`` are settings: a subclass sets them, and a factory can replace them.
    """

    _decoder: Decoder  # FrameProtocol has the slots of both
    _last_received_at: float

    # Each chunk or frame needs these, and a slot is read faster than a default of the class.
    __slots__ = (
        "frame_began_at",
        "frames_received",
        "frames_sent",
        "input_ended",
        "is_held",
        "is_open",
        "observers",
        "send_framing",
    )

    framing: Framing = Lines()
    """The rule for received bytes and, unless ``reply_framing`` is set, for sent bytes."""

    reply_framing: Framing | None = None
    """The rule for sent bytes, or None if it is the same."""

    gap: float | None = None
    """Seconds of silence that end a frame which has begun, or None if silence means nothing."""

    limits: Limits = Limits()
    """The costs that the session may cause, in time and memory."""

    heartbeat: Heartbeat | None = None
    """A pair of frames that show life. The session answers them, and does not deliver them."""

    heartbeats: Heartbeats | None = None
    """The longest silence of the peer, and the interval of our requests; None: the peer may be silent."""

    asks = False
    """True if the session sends heartbeat requests instead of only answering them."""

    allow_http = False
    """True if a peer may begin with an HTTP request or with TLS. Otherwise its session ends at once."""

    framing_hints = True
    """False if no framing is to be guessed after a fault, for a hint in the log."""

    ends_with_input = False
    """True if the end of the input does not wait for handlers that have not finished."""

    is_declared = False
    """True if every frame is also reported by ``observers.message``."""

    is_equipment = False
    """True if this side is the equipment, so that received bytes come from the host."""

    peer = "no peer yet"
    """The peer's name in logs: its address and port."""

    host: str | None = None
    """The peer's IP address, or None if it has none."""

    identity: str | None = None
    """The peer's name as proven by its key or certificate, or None if it has proven none."""

    awaits_proof = False
    """True if the peer must prove itself first. Somebody else then calls ``handshakeCompleted``."""

    admitted: bool | None = None
    """False if the factory refused the peer, which is logged then; None before it has decided."""

    faults = 0
    """The faults in the data that was received in this session: the peer broke the rule of the framing."""

    reason: str | None = None
    """The reason why the session closes or has closed, in plain words; None while it is open."""

    keeps_secret = False
    """True while received bytes, such as a password, must be masked for observers and kept from logs."""

    sends_secret = False
    """True while sent bytes, such as a password, must be masked for observers."""

    describes_sent = False
    """True while the code that sends frames reports them to ``observers.message`` itself."""

    states: frozenset[str] = frozenset()
    """The declared states that the session is in, such as ``selected``."""

    event_values: ChainMap[str, Any] | None = None
    """The values in the headers of events to this session, or None if they are the defaults."""

    frame_began_at: float | None
    """The time when the frame began that has not ended yet, or None if there is none."""

    frames_received: int
    """Frames that were delivered in this session."""

    frames_sent: int
    """Frames that were accepted for sending in this session."""

    is_open: bool
    """True while frames can be sent."""

    is_held: bool
    """True while no frame may be delivered: the session is paused, throttled, closing, or not ready yet."""

    input_ended: bool
    """True once the peer has ended its sending side, or the connection is lost."""

    send_framing: Framing
    """The framing of sent frames, once connected."""

    observers: Observers
    """The observers of the factory, once connected."""

    @property
    def declaration(self) -> Any:
        """The :class:`~tcpcomm.equipment.declaration.Declaration` of the conversation, or None."""
        return None

    @property
    def unfinished(self) -> str:
        """A description of the frame that does not go on, for a log; empty if none has begun."""
        shown = self._decoder.mid_frame and not self.keeps_secret
        return f"the peer {self._decoder.unfinished}" if shown else ""

    @property
    def progress(self) -> str:
        """A description of the frame that has begun and may go on; empty if there is none."""
        shown = self._decoder.mid_frame and not self.keeps_secret
        return f"the peer {self._decoder.progress}" if shown else ""

    @property
    def mid_frame_note(self) -> str:
        """A note for the reason of an end, empty unless a frame has begun and not ended."""
        return ", in the middle of a frame" if self._decoder.mid_frame else ""

    @property
    def last_received_at(self) -> float:
        """The time at which bytes came last, or the session began; by the clock of the factory."""
        return self._last_received_at
