"""The declaration of an In-Sight camera in native mode: :class:`InSight`, and its face :class:`Cells`."""

from __future__ import annotations

from typing import Annotated, ClassVar, Final

from attrs import frozen

from tcpcomm.codec import ProtocolErrorKind, Range, Template
from tcpcomm.codec.problems import brief_repr
from tcpcomm.devices.cognex.cell_names import Column, split_cell
from tcpcomm.devices.cognex.framing import DAMAGED, Answers, Orders
from tcpcomm.devices.cognex.status import MEANINGS, Status
from tcpcomm.equipment.equipment import Equipment, command
from tcpcomm.equipment.face import Face
from tcpcomm.equipment.login import Login
from tcpcomm.errors import CodecError, TcpcommError

MAX_FILE: Final = 64 * 1024 * 1024
"""
Bytes of an image, a job or the settings of an In-Sight camera. A larger file that is read is a fault of
the frame. One that is written is answered with -3.
"""

_ACQUIRE: Final = 8

SoftEvent = Annotated[int, Range(0, 8)]
"""0 to 7 are the soft triggers Soft 0 to Soft 7; 8 acquires an image and runs the job."""

JobNumber = Annotated[int, Range(0, 999)]
"""The number with which the name of a job begins."""


@frozen
class SystemInfo:
    """The five lines about a camera, each with a name, a colon and a value."""

    first: str
    second: str
    third: str
    fourth: str
    fifth: str

    @property
    def values(self) -> dict[str, str]:
        """The values by their names, such as ``Serial Number``."""
        lines = (self.first, self.second, self.third, self.fourth, self.fifth)
        pairs = (line.partition(":") for line in lines)
        return {name.strip(): value.strip() for name, colon, value in pairs if colon}


@frozen
class NamedFile:
    """A file with its name: a job and its bytes."""

    name: str
    data: bytes


class Cells(Face["InSight"]):
    """
    The cells of the spreadsheet and the symbolic tags, by names such as ``A2`` and ``Pattern_1.Pass``.

    ``await camera.cells["A2"]`` returns the text that the camera sends.
    """

    async def __getitem__(self, cell: str) -> str:
        return await self(cell)

    async def __call__(self, cell: str) -> str:
        """
        Return the value of a cell or tag as the camera's text, for example ``12.500``.

        Raises:
            CodecError: there is no such cell. Nothing was sent.
            Fault: -1 if the camera knows no such cell or tag.
        """
        found = split_cell(cell)
        return await self.device.get_value(cell if found is None else f"{found[0]}{found[1]:03d}")

    async def number(self, cell: str) -> float:
        """
        Return the value of a cell or of a tag as a number.

        Raises:
            ValueError: the value is not a number, such as ``#ERR``. The error quotes it.
            Fault: -1 if the camera knows no such cell or tag.
        """
        text = await self(cell)
        try:
            return float(text)
        except ValueError:
            raise CodecError(f"{cell} holds {text!r}, which is not a number") from None

    async def write(self, cell: str, value: int | float | str) -> None:
        """
        Write a value into a control, once. The host never repeats it.

        An int is for EditInt, CheckBox and ListBox, a float for EditFloat, a text for EditString.

        Raises:
            CodecError: there is no such cell, a text is for a tag, or the value has another type.
                Nothing was sent.
            EncodeError: a text has a CR or LF. Nothing was sent.
            Fault: -2 if the cell holds no control of this kind, or the value is out of its range.
        """
        found = split_cell(cell)
        if not isinstance(value, int | float | str):
            raise CodecError(f"{cell} takes an int, a float or a text, not {brief_repr(value)}")
        if found is None:
            await self._write_tag(cell, value)
        elif isinstance(value, str):
            await self.device.set_string(*found, value)
        elif isinstance(value, float):
            await self.device.set_float(*found, value)
        else:
            await self.device.set_integer(*found, int(value))

    async def _write_tag(self, tag: str, value: int | float | str) -> None:
        if isinstance(value, str):
            raise CodecError(f"native mode cannot write a text into the tag {tag}: name its cell")
        if isinstance(value, float):
            await self.device.set_tag_float(tag, value)
        else:
            await self.device.set_tag_integer(tag, int(value))


class InSight(Equipment):
    """
    A camera of Cognex's In-Sight series that speaks native mode over Telnet.

    The commands have the names of the In-Sight help, "Native Mode Commands". A command that fails raises
    Fault with the camera's status code and its words. The credentials are ``user`` and ``password``.
    """

    framing = Orders(max_frame=MAX_FILE)
    reply_framing = Answers(prompts=(b"User:", b"Password:"))
    codec = Template(
        "utf-8",
        fault="{code:d}",
        ok=int(Status.SUCCESS),
        meanings=MEANINGS,
        codes={
            ProtocolErrorKind.UNREADABLE: int(Status.UNRECOGNIZED),
            ProtocolErrorKind.MALFORMED: int(Status.UNRECOGNIZED),
            ProtocolErrorKind.UNKNOWN_COMMAND: int(Status.UNRECOGNIZED),
            ProtocolErrorKind.BAD_PARAMETERS: int(Status.INVALID),
            ProtocolErrorKind.WRONG_STATE: int(Status.FAILED),
            ProtocolErrorKind.INTERNAL: int(Status.FAILED),
        },
    )
    greeting: ClassVar[str | None] = "Welcome to In-Sight"
    login: ClassVar[tuple[Login, ...]] = (
        Login("User: ", "{user}", prompt=True),
        Login("Password: ", "{password}", prompt=True),
        Login("User Logged In"),
    )

    @property
    def cells(self) -> Cells:
        """The cells of the spreadsheet, such as A2, and the symbolic tags."""
        return Cells(self)

    async def trigger(self) -> None:
        """
        Acquire an image, run the job, and wait for its end (SW8). The camera must be online.

        Raises:
            Fault: -2 if the camera is offline.
        """
        await self.set_event_and_wait(_ACQUIRE)

    async def change_job(self, name: str) -> None:
        """
        Load a job. An online camera is taken offline for that, and is online again afterwards.

        Args:
            name: the file name of the job, such as ``Product.job``.

        Raises:
            Fault: -2 if there is no such job. The camera is then online with its old job.
            OutcomeUnknown: the connection was lost. A note of the error says if the camera may be offline.
        """
        if not await self.get_online():
            await self.load_file(name)
            return
        try:
            await self.set_online(False)
            await self.load_file(name)
        except Exception as error:
            try:
                await self.set_online(True)
            except TcpcommError as later:
                error.add_note(f"the camera may be offline: {later}")
            raise
        await self.set_online(True)

    # Execution and online commands

    @command("SO{online:1|0}", reply="1", timeout=10.0)
    async def set_online(self, online: bool) -> None:
        """Set the camera online or offline."""
        raise NotImplementedError

    # The answer 0 means offline, while 0 is a fault elsewhere. This command has no faults.
    @command("GO", reply="{online:1|0}", idempotent=True, codec=Template(fault=None))
    async def get_online(self) -> bool:
        """Return True if the camera is online."""
        raise NotImplementedError

    @command("SE{event:d}", reply="1")
    async def set_event(self, event: SoftEvent) -> None:
        """Trigger an event. The answer does not wait for the job to run."""
        raise NotImplementedError

    @command("SW{event:d}", reply="1", timeout=30.0)
    async def set_event_and_wait(self, event: SoftEvent) -> None:
        """Trigger an event, and wait until the job has run. The camera must be online."""
        raise NotImplementedError

    @command('SM"{message}"[{event:d}]', reply="1")
    async def send_message(self, message: str, event: SoftEvent | None = None) -> None:
        """Send a text to the ReadMessage functions of the job, and trigger an event if one is given."""
        raise NotImplementedError

    @command("RT", reply=None)
    async def reset_system(self) -> None:
        """Restart the camera. It does not answer, and closes the connection."""
        raise NotImplementedError

    # File and job commands

    @command("LF{name}", reply="1", timeout=60.0)
    async def load_file(self, name: str) -> None:
        """Load a job by its file name. The camera must be offline."""
        raise NotImplementedError

    @command("TF{name}", reply="1", timeout=60.0)
    async def store_file(self, name: str) -> None:
        """Save the current job under a file name with .job. The camera must be offline."""
        raise NotImplementedError

    @command(
        "RF{name}",
        reply="1\n{name}\r\n{data:raw}",
        reply_framing=Answers(1, file=True, max_frame=MAX_FILE),
        timeout=120.0,
        idempotent=True,
    )
    async def read_file(self, name: str) -> NamedFile:
        """Return a job by its file name."""
        raise NotImplementedError

    @command("WF\n{name}\r\n{data:raw}", reply="1", timeout=120.0)
    async def write_file(self, name: str, data: bytes) -> None:
        """Write a job under a file name. The camera must be offline."""
        raise NotImplementedError

    @command("DF{name}", reply="1", timeout=10.0)
    async def delete_file(self, name: str) -> None:
        """Delete a job by its file name. The camera must be offline."""
        raise NotImplementedError

    @command("GF", reply="1\n{name}", reply_framing=Answers(1), idempotent=True)
    async def get_file(self) -> str:
        """Return the file name of the current job, which must have been saved."""
        raise NotImplementedError

    @command("SJ{job:d}", reply="1", timeout=60.0)
    async def set_job(self, job: JobNumber) -> None:
        """Load the job with this number. The camera must be offline."""
        raise NotImplementedError

    @command("TJ{name}", reply="1", timeout=60.0)
    async def store_job(self, name: str) -> None:
        """Save the current job under a name that begins with its number, such as 85Test.job."""
        raise NotImplementedError

    @command(
        "RJ{job:d}",
        reply="1\n{name}\r\n{data:raw}",
        reply_framing=Answers(1, file=True, max_frame=MAX_FILE),
        timeout=120.0,
        idempotent=True,
    )
    async def read_job(self, job: JobNumber) -> NamedFile:
        """Return the job with this number."""
        raise NotImplementedError

    @command("WJ{job:d}\n{name}\r\n{data:raw}", reply="1", timeout=120.0)
    async def write_job(self, job: JobNumber, name: str, data: bytes) -> None:
        """Write a job; the camera puts the number before its name. The camera must be offline."""
        raise NotImplementedError

    @command("DJ{job:d}", reply="1", timeout=10.0)
    async def delete_job(self, job: JobNumber) -> None:
        """Delete the job with this number. The camera must be offline."""
        raise NotImplementedError

    @command("GJ", reply="1\n{job:d}", reply_framing=Answers(1), idempotent=True)
    async def get_job(self) -> JobNumber:
        """Return the number of the current job. The name of a job begins with its number."""
        raise NotImplementedError

    # Image commands

    @command(
        "RB",
        reply="1\r\n{data:raw}",
        reply_framing=Answers(file=True, max_frame=MAX_FILE),
        timeout=120.0,
        idempotent=True,
    )
    async def read_bmp(self) -> bytes:
        """Return the current image as the bytes of a BMP file."""
        raise NotImplementedError

    @command(
        "RI",
        reply="1\r\n{data:raw}",
        reply_framing=Answers(file=True, max_frame=MAX_FILE),
        timeout=120.0,
        idempotent=True,
    )
    async def read_image(self) -> bytes:
        """Return the current image as the bytes of a BMP file, as RB does."""
        raise NotImplementedError

    @command("WB\r\n{data:raw}", reply="1", timeout=120.0)
    async def write_bmp(self, data: bytes) -> None:
        """Give the camera the bytes of a BMP file as its current image. The camera must be offline."""
        raise NotImplementedError

    @command("WI\r\n{data:raw}", reply="1", timeout=120.0)
    async def write_image(self, data: bytes) -> None:
        """Give the camera the bytes of a BMP file as its current image, as WB does."""
        raise NotImplementedError

    # Settings and cell values

    @command("GV{cell}", reply="1\n{value}", reply_framing=Answers(1), idempotent=True)
    async def get_value(self, cell: str) -> str:
        """Return the value of a cell, such as A002, or of a symbolic tag, as text."""
        raise NotImplementedError

    @command("SI{column}{row:03d}{value:d}", reply="1")
    async def set_integer(self, column: Column, row: Annotated[int, Range(0, 399)], value: int) -> None:
        """Set an EditInt, a CheckBox or a ListBox."""
        raise NotImplementedError

    @command("SI{tag} {value:d}", reply="1")
    async def set_tag_integer(self, tag: str, value: int) -> None:
        """Set an EditInt, a CheckBox or a ListBox by its symbolic tag."""
        raise NotImplementedError

    @command("SF{column}{row:03d}{value}", reply="1")
    async def set_float(self, column: Column, row: Annotated[int, Range(0, 399)], value: float) -> None:
        """Set an EditFloat."""
        raise NotImplementedError

    @command("SF{tag} {value}", reply="1")
    async def set_tag_float(self, tag: str, value: float) -> None:
        """Set an EditFloat by its symbolic tag."""
        raise NotImplementedError

    @command("SS{column}{row:03d}{value}", reply="1")
    async def set_string(self, column: Column, row: Annotated[int, Range(0, 399)], value: str) -> None:
        """Set an EditString."""
        raise NotImplementedError

    @command(
        "GI",
        reply="1\n{first}\n{second}\n{third}\n{fourth}\n{fifth}",
        reply_framing=Answers(5),
        idempotent=True,
    )
    async def get_info(self) -> SystemInfo:
        """Return the system information."""
        raise NotImplementedError

    @command(
        "RS",
        reply="1\r\n{data:raw}",
        reply_framing=Answers(file=True, max_frame=MAX_FILE),
        timeout=120.0,
        idempotent=True,
    )
    async def read_settings(self) -> bytes:
        """Return the system settings, the file proc.set."""
        raise NotImplementedError

    @command("WS\r\n{data:raw}", reply="1", timeout=120.0)
    async def write_settings(self, data: bytes) -> None:
        """Write the system settings. The camera must be offline."""
        raise NotImplementedError

    @command("TS", reply="1", timeout=10.0)
    async def store_settings(self) -> None:
        """Store the system settings in the file proc.set. The camera must be offline."""
        raise NotImplementedError

    @command("SL{locked:1|0}", reply="1")
    async def set_ip_address_lock(self, locked: bool) -> None:
        """Lock or unlock the IP address of the camera."""
        raise NotImplementedError

    @command("GL", reply="{locked:1|0}", idempotent=True, codec=Template(fault=None))
    async def get_ip_address_lock(self) -> bool:
        """Return True if the IP address of the camera is locked."""
        raise NotImplementedError

    def unknown(self, frame: bytes) -> bytes | None:
        """Answer a file that has arrived damaged with -3, and what is not a command with 0."""
        return b"%d" % Status.CHECKSUM if frame.startswith(DAMAGED) else None
