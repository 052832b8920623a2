"""
The declaration of a controller with methods for programs: :class:`Slmp`, and a class for each other frame.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, ClassVar, TypeAlias

from tcpcomm.codec import Codec
from tcpcomm.devices.slmp.addresses import OCTAL, place_of
from tcpcomm.devices.slmp.commands import ClearMode, SlmpCommands, TypeName, frame
from tcpcomm.devices.slmp.faces import BitDevices, WordDevices
from tcpcomm.devices.slmp.places import read_place, read_places, write_place, write_places
from tcpcomm.devices.word_types import plain_values
from tcpcomm.errors import BadReply, CodecError, OutcomeUnknown
from tcpcomm.framing import Framing

_FORCE = 3
_NORMAL = 1


Value: TypeAlias = bool | int | float | str
"""A value at an address: a bit, a word, a number in several words, or a text."""


class Slmp(SlmpCommands):
    """
    A Mitsubishi MELSEC controller that speaks SLMP, which is MC protocol, in the binary 3E frame.

    ::

        await plc.read("D100")                  a word
        await plc.read("D100:f32", 3)           three numbers of 32 bits, which take six words
        await plc.write("D100", 7)
        await plc.D[100:110]                    ten words
        await plc.station(2).read("M0", 16)     bits of station 2, on the same connection
    """

    notation: ClassVar[Mapping[str, int]] = MappingProxyType({})
    """The bases of device numbers that differ from the manual's: ``OCTAL`` for an FX5."""

    fixed: ClassVar[int] = 1
    """The fixed number in remote stop, latch clear and reset. It is 0 for an FX5."""

    text_encoding: ClassVar[str] = "ascii"
    """The encoding of texts, such as ``shift_jis`` or ``cp949``."""

    async def read(self, address: str, count: int | None = None) -> Any:
        """
        Read a value, or several from an address on, in one request.

        Args:
            address: such as ``D100``, ``X1F``, ``D100.A``, ``D100:f32`` or ``D100:str[16]``. Words without
                a type are from 0 to 65535.
            count: the number of values, in a list; None: one value, without a list.

        Raises:
            CodecError: the address is wrong, or one request cannot ask for so many. Nothing was sent.
            Fault: the controller says no, with an end code.
            BadReply: the words are not a value of this type.
        """
        place = place_of(address, self.notation)
        values = await read_place(self, place, 1 if count is None else count, self.text_encoding)
        return values[0] if count is None else values

    async def write(self, address: str, values: Value | list[Value]) -> None:
        """
        Write a value, or several from an address on, in one request.

        Args:
            address: as for ``read``. Words without a type take -32768 to 65535.
            values: a value, or a list of values. Zero bytes fill the field of a text.

        Raises:
            CodecError: the address is wrong, or a value does not fit. Nothing was sent.
            Fault: the controller says no, with an end code.
        """
        place = place_of(address, self.notation)
        found = plain_values(values)
        given = found if isinstance(found, list) else [found]
        await write_place(self, place, given, self.text_encoding)

    async def read_many(self, addresses: list[str]) -> list[Any]:
        """
        Read a value from each of several addresses, in one request: ``["D100", "D200:f32", "M5"]``.

        Raises:
            CodecError: an address is wrong, or there are more than 192 words. Nothing was sent.
            Fault: the controller says no, with an end code.
        """
        if isinstance(addresses, str):
            raise CodecError(f"write a list of addresses, such as [{addresses!r}], or use read")
        places = [place_of(each, self.notation) for each in addresses]
        return await read_places(self, places, self.text_encoding)

    async def write_many(self, values: dict[str, Value]) -> None:
        """
        Write a value to each of several addresses, in one request: ``{"D100": 7, "D200:f32": 1.5}``.

        Bits and words need two requests, and so two calls.

        Raises:
            CodecError: an address is wrong, two addresses share a word, a value does not fit, or there are
                too many. Nothing was sent.
            Fault: the controller says no, with an end code.
        """
        if not isinstance(values, dict):
            raise CodecError(f"write the values by their addresses, such as {{'D100': 7}}, not {values!r}")
        places = {place_of(address, self.notation): value for address, value in values.items()}
        if len(places) != len(values):
            raise CodecError(f"an address is given twice among {', '.join(values)}")
        await write_places(self, places, self.text_encoding)

    async def model(self) -> TypeName:
        """Return the model of the controller: its name and its code. Raises Fault if it says no."""
        return await self.read_type_name()

    async def loopback(self, data: str = "0123456789ABCDEF") -> str:
        """
        Send data to the controller and back.

        Args:
            data: 1 to 960 digits and letters from A to F.

        Raises:
            CodecError: the data are not such characters. Nothing was sent.
            Fault: the controller says no, with an end code.
            BadReply: other data came back.
        """
        if not isinstance(data, str) or re.fullmatch("[0-9A-F]{1,960}", data) is None:
            shown = str(data)[:40]
            raise CodecError(f"the data are 1 to 960 digits and letters from A to F, not {shown!r}")
        found = (await self.self_test(data.encode("ascii"))).decode("ascii", "replace")
        if found != data:
            raise BadReply(f"the controller returned {found[:40]!r} for {data[:40]!r}")
        return found

    async def run(self, clear: ClearMode = ClearMode.NOTHING, force: bool = False) -> None:
        """
        Put the CPU into RUN. It stays in STOP while its switch is there, although it answers well.

        Args:
            clear: the devices to clear before.
            force: True if another host has stopped or paused the CPU.

        Raises:
            Fault: the controller says no, with an end code.
        """
        await self.remote_run(_FORCE if force else _NORMAL, clear)

    async def stop(self) -> None:
        """Put the CPU into STOP. Raises Fault if the controller says no."""
        await self.remote_stop(self.fixed)

    async def pause(self, force: bool = False) -> None:
        """
        Put the CPU into PAUSE. Force it if another host has stopped the CPU.

        Raises:
            Fault: the controller says no, with an end code.
        """
        await self.remote_pause(_FORCE if force else _NORMAL)

    async def latch_clear(self) -> None:
        """
        Clear the latched devices. The CPU must be in STOP.

        Raises:
            Fault: the controller says no, with an end code: 4013 if the CPU is not in STOP.
        """
        await self.remote_latch_clear(self.fixed)

    async def reset(self) -> None:
        """
        Reset the CPU. It must be in STOP, and its parameters must allow a remote reset.

        A CPU that resets sends no reply, or closes the connection, so that both count as success. The link
        connects again when the CPU is back.

        Raises:
            Fault: the controller says no, with an end code: 4013 if the CPU is not in STOP.
            BadReply: what came is not the reply.
        """
        try:
            await self.remote_reset(self.fixed)
        except BadReply:
            raise
        except OutcomeUnknown:
            return

    # -- the devices by kind ----------------------------------------------------------------------------

    @property
    def D(self) -> WordDevices:
        """Data registers."""
        return WordDevices(self, "D")

    @property
    def W(self) -> WordDevices:
        """Link registers."""
        return WordDevices(self, "W")

    @property
    def R(self) -> WordDevices:
        """File registers of the current block."""
        return WordDevices(self, "R")

    @property
    def ZR(self) -> WordDevices:
        """File registers by serial number."""
        return WordDevices(self, "ZR")

    @property
    def SD(self) -> WordDevices:
        """Special registers."""
        return WordDevices(self, "SD")

    @property
    def SW(self) -> WordDevices:
        """Link special registers."""
        return WordDevices(self, "SW")

    @property
    def TN(self) -> WordDevices:
        """Current values of timers."""
        return WordDevices(self, "TN")

    @property
    def CN(self) -> WordDevices:
        """Current values of counters."""
        return WordDevices(self, "CN")

    @property
    def X(self) -> BitDevices:
        """Inputs."""
        return BitDevices(self, "X")

    @property
    def Y(self) -> BitDevices:
        """Outputs."""
        return BitDevices(self, "Y")

    @property
    def M(self) -> BitDevices:
        """Internal relays."""
        return BitDevices(self, "M")

    @property
    def L(self) -> BitDevices:
        """Latch relays."""
        return BitDevices(self, "L")

    @property
    def F(self) -> BitDevices:
        """Annunciators."""
        return BitDevices(self, "F")

    @property
    def B(self) -> BitDevices:
        """Link relays."""
        return BitDevices(self, "B")

    @property
    def SM(self) -> BitDevices:
        """Special relays."""
        return BitDevices(self, "SM")

    @property
    def SB(self) -> BitDevices:
        """Link special relays."""
        return BitDevices(self, "SB")


class Slmp4E(Slmp):
    """A controller that speaks the binary 4E frame. A serial number tells which request a reply answers."""

    framing: ClassVar[Framing]
    reply_framing: ClassVar[Framing | None]
    codec: ClassVar[Codec]
    framing, reply_framing, codec = frame(serial=True, ascii=False)


class SlmpAscii(Slmp):
    """A controller that speaks the 3E frame in ASCII."""

    framing: ClassVar[Framing]
    reply_framing: ClassVar[Framing | None]
    codec: ClassVar[Codec]
    framing, reply_framing, codec = frame(serial=False, ascii=True)
    most_bits = 3584


class SlmpAscii4E(Slmp):
    """A controller that speaks the 4E frame in ASCII."""

    framing: ClassVar[Framing]
    reply_framing: ClassVar[Framing | None]
    codec: ClassVar[Codec]
    framing, reply_framing, codec = frame(serial=True, ascii=True)
    most_bits = 3584


class SlmpFX5(Slmp):
    """An FX5 (iQ-F), in the binary 3E frame. Its inputs and outputs are octal: Y10 comes behind Y7."""

    notation = OCTAL
    fixed = 0
    most_bits = 3584
