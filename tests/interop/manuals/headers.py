"""Thorlabs APT, and the master's side of IEC 60870-5-104: bytes behind two shapes of headers."""

from __future__ import annotations

from typing import Annotated, Any

from attrs import frozen

from tcpcomm import Equipment, Fault, command, current_session, event
from tcpcomm.codec import (
    I32,
    OPCODE,
    U8,
    U16,
    U24,
    U32,
    After,
    Before,
    Binary,
    Bits,
    CountedBy,
    Derived,
    Echo,
    Fixed,
    Length,
    Var,
)
from tcpcomm.framing import HeaderFramed, LengthPrefixed


def total(header: bytes) -> int:
    """Return the length of an APT message, whose data follow if the top bit of the destination is set."""
    return 6 + int.from_bytes(header[2:4], "little") if header[4] & 0x80 else 6


@frozen
class ChannelStatus:
    """The state of a channel. The position is in encoder counts."""

    channel: U16
    position: I32
    velocity: U16
    reserved: U16
    bits: U32


Head = tuple[Any, ...]
SIZE = Length(U16, adjust=-2)
TO_HOST = (OPCODE, SIZE, b"\x81\x50")


def layout(head: Head, reply_head: Head) -> Binary:
    """Return the layout of messages with these headers; their faults have a header of their own."""
    return Binary(
        U16,
        byte_order="little",
        head=head,
        reply_head=reply_head,
        event_head=TO_HOST,
        fault_opcode=lambda opcode: opcode,
        fault_head=(b"\x81\0", SIZE, b"\x81\x50", OPCODE),
        code=U16,
        reason=Annotated[str, Fixed(64)],
    )


class Apt(Equipment):
    """
    A motor controller that speaks APT, with the address 50.

    A fault is HW_RICHRESPONSE. The opcode in its data is that of the request, or 0 if nobody asked.
    """

    framing = HeaderFramed(6, total)
    channel = Echo(U8, 1)
    codec = layout((OPCODE, SIZE, b"\xd0\x01"), TO_HOST)
    short = layout((OPCODE, channel, b"\0\x50\x01"), (OPCODE, channel, b"\0\x01\x50"))
    unasked = Binary(U16, byte_order="little", head=(b"\x81\0", SIZE, b"\x81\x50", OPCODE), fault_head=None)
    question = layout((OPCODE, channel, b"\0\x50\x01"), (*TO_HOST, channel, b"\0"))

    @command(0x0223, reply=None, codec=question)
    async def identify(self) -> None:
        """Flash a light."""
        raise NotImplementedError

    @command(0x0443, reply=0x0444, timeout=60, codec=short)
    async def home(self) -> None:
        """Move to the home position."""
        raise NotImplementedError

    @command(0x0411, reply=0x0412, idempotent=True, codec=question)
    async def position(self) -> I32:
        """Read the position in encoder counts."""
        raise NotImplementedError

    @command(0x0453, reply=0x0464, timeout=60)
    async def move_to(self, channel: U16, position: I32) -> ChannelStatus:
        """Move to a position, and return the state there."""
        raise NotImplementedError

    @command(0x0448, reply=0x0464, timeout=60)
    async def move_by(self, channel: U16, distance: I32) -> ChannelStatus:
        """Move by a distance, and return the state there."""
        raise NotImplementedError

    @event(0, codec=unasked)
    def failed(self, code: U16, reason: Annotated[str, Fixed(64)]) -> None:
        """HW_RICHRESPONSE without a request: something is wrong."""

    @event(0x0491)
    def moving(self, channel: U16, position: I32, velocity: U16, reserved: U16, bits: U32) -> None:
        """The state of a channel has changed."""


class MyApt(Apt):
    """A controller with two channels."""

    async def identify(self) -> None:
        pass

    async def home(self) -> None:
        if self.channel.value > 2:
            raise Fault(0x25, "no such channel")

    async def position(self) -> int:
        return -200_000 * self.channel.value

    async def move_to(self, channel: int, position: int) -> ChannelStatus:
        self.moving(channel, position // 2, 100, 0, 0x10)
        return ChannelStatus(channel, position, 0, 0, 0x8000_0400)

    async def move_by(self, channel: int, distance: int) -> ChannelStatus:
        return ChannelStatus(channel, distance, 0, 0, 0x8000_0400)


@frozen
class Confirmed:
    """The station, the object and the qualifier of an interrogation."""

    station: U16
    object: U24
    qualifier: U8


@frozen
class SinglePoint:
    """The address of a point, and its state with the quality."""

    address: U24
    state: U8


@frozen
class Received:
    """The number of I frames that were received."""

    zero: Annotated[int, Bits(1)] = 0
    number: Annotated[int, Bits(15)] = 0


HEAD = (b"\x68", Length(U8))


class Station(Equipment):
    """
    A controlled station of IEC 60870-5-104, as its master sees it.

    The number of the master's next I frame is what the last reply acknowledged. The master's program counts
    the I frames of the station, and sets ``received``, which is twice their number.
    """

    framing = LengthPrefixed(1, offset=1, sync=b"\x68", strip=0)
    sent = Var(U16, 0)
    received = Var(U16, 0)
    to_master = (*HEAD, received, sent, OPCODE)
    codec = Binary(
        (U8, U8, U8),
        byte_order="little",
        head=(*HEAD, sent, received, OPCODE, b"\0"),
        reply_head=(*to_master, b"\0"),
        event_head=(*to_master, b"\0"),
        fault_opcode=lambda opcode: opcode | 0x41,
        code=None,
        data=Confirmed,
    )
    u_frame = Binary(U8, head=(*HEAD, OPCODE, b"\0\0\0"), fault_head=None)
    s_frame = Binary(U8, byte_order="little", head=(*HEAD, OPCODE, b"\0"), fault_head=None)
    points = Binary(U8, byte_order="little", head=to_master)

    @command(0x07, reply=0x0B, codec=u_frame, enters="started")
    async def start(self) -> None:
        """STARTDT."""
        raise NotImplementedError

    @command(0x13, reply=0x23, codec=u_frame, leaves="started")
    async def stop(self) -> None:
        """STOPDT."""
        raise NotImplementedError

    @command(0x43, reply=0x83, codec=u_frame, idempotent=True)
    async def test(self) -> None:
        """TESTFR."""
        raise NotImplementedError

    @command(0x01, reply=None, codec=s_frame, needs="started")
    async def acknowledge(self, received: Annotated[Received, U16]) -> None:
        """Acknowledge I frames with an S frame."""
        raise NotImplementedError

    @command((100, 1, 6), reply=(100, 1, 7), needs="started")
    async def interrogate(self, station: U16, object: U24 = 0, qualifier: U8 = 20) -> Confirmed:
        """Ask for all points, which come as events."""
        raise NotImplementedError

    @event(1, codec=points, needs="started")
    def single_points(
        self,
        cause: Annotated[U8, Before(Derived("n", U8)), After(b"\0")],
        station: U16,
        points: Annotated[list[SinglePoint], CountedBy("n")],
    ) -> None:
        """The states of some points."""

    @event((100, 1, 10), needs="started")
    def interrogated(self, station: U16, object: U24, qualifier: U8) -> None:
        """All points that were asked for have come."""


class MyStation(Station):
    """A station with one point. It counts its I frames and those of its master, in each session."""

    async def start(self) -> None:
        pass

    async def stop(self) -> None:
        pass

    async def test(self) -> None:
        pass

    async def acknowledge(self, received: Received) -> None:
        session = current_session()
        self.single_points.to(session, 3, 1, [SinglePoint(1, received.number)])
        self.received.of(session).set(self.received.of(session).value + 2)

    async def interrogate(self, station: int, object: int = 0, qualifier: int = 20) -> Confirmed:
        self.sent.set(self.sent.value + 2)
        own = self.received.of(current_session())
        self.received.set(own.value)
        own.set(own.value + 2)
        if station != 1:
            raise Fault(0, data=Confirmed(station, object, qualifier))
        return Confirmed(station, object, qualifier)


class Master(Equipment):
    """The test of the link that a station asks of its master."""

    framing = Station.framing
    codec = Station.u_frame

    @command(0x43, reply=0x83)
    async def test(self) -> None:
        """TESTFR."""
        raise NotImplementedError


class MyMaster(Master):
    """A master that lives."""

    async def test(self) -> None:
        pass
