"""
The declaration that all measuring instruments have in common: :class:`Instrument`.

Source: IEEE 488.2-1992, chapter 10; SCPI-99, volume 1, 4.1 and 4.2, and volume 2, 20 and 21.
"""

from __future__ import annotations

from functools import cached_property
from typing import Annotated, Final

from attrs import frozen

from tcpcomm._version import __version__
from tcpcomm.codec import Range, Scpi
from tcpcomm.devices.scpi.status import InstrumentStatus, ScpiError
from tcpcomm.equipment.equipment import Equipment, command
from tcpcomm.errors import ConfigurationError, Fault
from tcpcomm.framing import Definite
from tcpcomm.session.limits import Limits

Byte = Annotated[int, Range(0, 255)]
"""A register of eight bits."""

Word = Annotated[int, Range(0, 65535)]
"""A register of SCPI, whose bit 15 is always 0."""

MOST_ERRORS_READ: Final = 1000
"""Errors that ``Instrument.errors()`` reads at once. The others stay in the queue."""

_SLOWEST: Final = 60.0
"""Seconds for commands that wait for the instrument: ``*RST``, ``*TST?``, ``*OPC?``, ``*WAI``."""


@frozen
class Identity:
    """
    The four fields of ``*IDN?``. A field that the instrument does not send is empty.

    Source: IEEE 488.2-1992, 10.14.
    """

    maker: str
    model: str
    serial: str = ""
    version: str = ""


class Instrument(Equipment):
    """
    A measuring instrument that speaks SCPI. Subclass it, and declare its own commands.

    Both ends of the common commands are here: a host asks them, and a subclass that is served answers them
    with its :attr:`status`. An instrument refuses by silence. It keeps the error in its queue, where
    :meth:`errors` and :meth:`check` read it.

    Framing: a line ends in LF, which a CR may precede; blocks may hold both.
    """

    framing = Definite()
    codec = Scpi()
    limits = Limits(idle=None)
    """A host may be silent for as long as it likes."""

    @cached_property
    def status(self) -> InstrumentStatus:
        """The error queue and the registers, at the instrument's end."""
        if self.__tcpcomm_proxy__:
            raise ConfigurationError(
                "status belongs to the instrument's end: a host asks errors() or status_byte()"
            )
        return InstrumentStatus()

    def keep_fault(self, fault: Fault) -> bool:
        """Put the fault of a command into the error queue: SCPI answers with nothing."""
        self.status.add_error(fault)
        return True

    # -- faces of the host ------------------------------------------------------------------------------

    async def identity(self) -> Identity:
        """Ask who made the instrument, its model, its serial number and its version."""
        fields = [each.strip() for each in (await self.identification()).split(",", 3)]
        return Identity(*fields, *[""] * (2 - len(fields)))

    async def errors(self) -> list[ScpiError]:
        """
        Read the error queue until it is empty, and return the errors, the oldest first.

        Raises:
            TcpcommError: as every command; errors that were read before are lost then.
        """
        found: list[ScpiError] = []
        while len(found) < MOST_ERRORS_READ:
            error = await self.next_error()
            if error.code == 0:
                break
            found.append(error)
        return found

    async def check(self) -> None:
        """
        Read the error queue until it is empty, and raise its oldest error.

        Raises:
            Fault: with the number and the words of the oldest error, and all errors as its data.
        """
        found = await self.errors()
        if found:
            more = ", ".join(str(each) for each in found[1:])
            raise Fault(found[0].code, found[0].text + (f" (and then {more})" if more else ""), found)

    # -- the common commands of IEEE 488.2 --------------------------------------------------------------

    @command("*IDN?", reply="{text}", idempotent=True)
    async def identification(self) -> str:
        """Return the maker, the model, the serial number and the version, with commas between them."""
        return f"tcpcomm,{type(self).__name__},0,{__version__}"

    @command("*RST", timeout=_SLOWEST)
    async def reset(self) -> None:
        """Set the instrument to its known state. Errors, events and masks stay."""
        self.status.forget_completion()

    @command("*TST?", reply="{result:d}", timeout=_SLOWEST)
    async def self_test(self) -> Annotated[int, Range(-32767, 32767)]:
        """Test the instrument itself. Return 0 if it is in order."""
        return 0

    @command("*CLS")
    async def clear_status(self) -> None:
        """Clear the events and the error queue."""
        self.status.clear()

    @command("*ESE {mask:d}")
    async def enable_events(self, mask: Byte) -> None:
        """Choose the standard events that the status byte reports."""
        self.status.event_enable = mask

    @command("*ESE?", reply="{mask:d}", idempotent=True)
    async def event_enable(self) -> Byte:
        """Return the mask of the standard events."""
        return self.status.event_enable

    @command("*ESR?", reply="{events:d}")
    async def event_status(self) -> Byte:
        """Return the standard events, the bits of StandardEvent, and clear them."""
        return int(self.status.take_events())

    @command("*SRE {mask:d}")
    async def enable_service_request(self, mask: Byte) -> None:
        """Choose the bits of the status byte that set its master summary. Bit 6 is ignored."""
        self.status.service_request_enable = mask & ~64

    @command("*SRE?", reply="{mask:d}", idempotent=True)
    async def service_request_enable(self) -> Byte:
        """Return the mask of the master summary."""
        return self.status.service_request_enable

    @command("*STB?", reply="{bits:d}", idempotent=True)
    async def status_byte(self) -> Byte:
        """Return the status byte, the bits of StatusByte."""
        return int(self.status.byte)

    @command("*OPC")
    async def report_completion(self) -> None:
        """Set the first standard event when all operations are complete."""
        self.status.report_completion()

    @command("*OPC?", reply="{done:d}", timeout=_SLOWEST)
    async def is_complete(self) -> int:
        """Return 1 when all operations are complete."""
        await self.status.when_complete()
        return 1

    @command("*WAI", timeout=_SLOWEST)
    async def wait_to_continue(self) -> None:
        """Let the instrument carry out no further command until all operations are complete."""
        await self.status.when_complete()

    # -- what SCPI asks of every instrument -------------------------------------------------------------

    @command("SYSTem:ERRor[:NEXT]?", reply="{code:d},{text:q}")
    async def next_error(self) -> ScpiError:
        """Return the oldest error and remove it from the queue; 0 if there is none."""
        return self.status.take_error()

    @command("SYSTem:ERRor:COUNt?", reply="{count:d}", idempotent=True)
    async def error_count(self) -> Annotated[int, Range(0)]:
        """Return the number of errors in the queue."""
        return self.status.error_count

    @command("SYSTem:VERSion?", reply="{version}", idempotent=True)
    async def scpi_version(self) -> str:
        """Return the year and the revision of SCPI that the instrument follows."""
        return "1999.0"

    @command("STATus:PRESet")
    async def preset_status(self) -> None:
        """Clear the masks of the operation and the questionable register."""
        self.status.preset()

    @command("STATus:OPERation[:EVENt]?", reply="{bits:d}")
    async def operation_event(self) -> Word:
        """Return the operation events, and clear them."""
        return self.status.operation.take_event()

    @command("STATus:OPERation:CONDition?", reply="{bits:d}", idempotent=True)
    async def operation_condition(self) -> Word:
        """Return what the instrument does now."""
        return self.status.operation.condition

    @command("STATus:OPERation:ENABle {mask:d}")
    async def enable_operation(self, mask: Word) -> None:
        """Choose the operation events that the status byte reports."""
        self.status.operation.enable = mask & 0x7FFF

    @command("STATus:OPERation:ENABle?", reply="{mask:d}", idempotent=True)
    async def operation_enable(self) -> Word:
        """Return the mask of the operation events."""
        return self.status.operation.enable

    @command("STATus:QUEStionable[:EVENt]?", reply="{bits:d}")
    async def questionable_event(self) -> Word:
        """Return the events that make values questionable, and clear them."""
        return self.status.questionable.take_event()

    @command("STATus:QUEStionable:CONDition?", reply="{bits:d}", idempotent=True)
    async def questionable_condition(self) -> Word:
        """Return what makes values questionable now."""
        return self.status.questionable.condition

    @command("STATus:QUEStionable:ENABle {mask:d}")
    async def enable_questionable(self, mask: Word) -> None:
        """Choose the questionable events that the status byte reports."""
        self.status.questionable.enable = mask & 0x7FFF

    @command("STATus:QUEStionable:ENABle?", reply="{mask:d}", idempotent=True)
    async def questionable_enable(self) -> Word:
        """Return the mask of the questionable events."""
        return self.status.questionable.enable
