"""The equipment's end of native mode, with cells and jobs in memory: :class:`Emulator`."""

from __future__ import annotations

import re
from collections import UserDict, deque
from collections.abc import Awaitable, Mapping
from typing import Final

from tcpcomm.devices.cognex.cell_names import Column, split_cell
from tcpcomm.devices.cognex.insight import InSight, NamedFile, SystemInfo
from tcpcomm.devices.cognex.status import Status
from tcpcomm.devices.plain_hooks import check_plain
from tcpcomm.errors import CodecError, Fault

Value = int | float | str
"""The value of a cell."""

JOB_MEMORY: Final = 256 * 1024 * 1024
"""
Bytes of all jobs of an emulated In-Sight camera, at least 4096 for each. A job beyond that is answered
with -4.
"""

_SMALLEST_JOB: Final = 4096
"""The bytes that a job takes at least."""

_PIXEL: Final = bytes.fromhex(  # a BMP file of one white pixel
    "424d3a0000000000000036000000280000000100000001000000010018000000000004000000"
    "130b0000130b00000000000000000000ffffff00"
)


class CellTable(UserDict[str, Value]):
    """The values of cells and tags by their names. ``A2`` and ``A002`` are the same cell."""

    def __getitem__(self, key: str) -> Value:
        return super().__getitem__(_name_of(key))

    def __setitem__(self, key: str, item: Value) -> None:
        super().__setitem__(_name_of(key), item)

    def __delitem__(self, key: str) -> None:
        super().__delitem__(_name_of(key))

    def __contains__(self, key: object) -> bool:
        return isinstance(key, str) and super().__contains__(_name_of(key))


def _name_of(cell: str) -> str:
    found = split_cell(cell)
    return cell if found is None else f"{found[0]}{found[1]}"


class Emulator(InSight):
    """
    A camera in memory. Its values are attributes.

    Subclasses override :meth:`on_event`, which runs the job, and :meth:`on_write`.

    Args:
        cells: the values by their cell or tag, such as ``{"A2": 3, "Pattern_1.Pass": 1}``. The type of a
            value is the kind of its control: EditInt, EditFloat or EditString.
        jobs: the bytes of the saved jobs by their file names. The first one is loaded.
        users: the passwords by the names of the users.

    Attributes:
        jobs: the saved jobs.
        job: the file name of the current job, or None if it has not been saved.
        online: True if the camera is online.
        held_offline: True if its user interface holds it offline.
        image: the current image, the bytes of a BMP file.
        settings: the bytes of the system settings.
        messages: the last texts that SM has sent, at most 1,000.
        info: what GI tells.
    """

    def __init__(
        self,
        cells: Mapping[str, Value] | None = None,
        jobs: Mapping[str, bytes] | None = None,
        users: Mapping[str, str] | None = None,
    ) -> None:
        check_plain(self.on_write)
        self._cells = CellTable({"A2": 3, "B2": 12.5, "C2": "part"} if cells is None else cells)
        self.jobs = dict({"1Default.job": b"1Default"} if jobs is None else jobs)
        self.users = dict({"admin": ""} if users is None else users)
        self.job: str | None = next(iter(self.jobs), None)
        self.online, self.held_offline, self.locked = True, False, False
        self.image, self.settings = _PIXEL, b"proc.set"
        self.messages: deque[str] = deque(maxlen=1000)
        self.info = SystemInfo(
            "Model Number: tcpcomm emulator",
            "Serial Number: 1",
            "Firmware Version: 6.5.0",
            "MAC Address: 00-00-00-00-00-01",
            "Host Name: emulator",
        )

    @property
    def cells(self) -> CellTable:  # type: ignore[override] # the values themselves; a host has a face
        """The values of the cells and tags: ``emulator.cells["A2"] = 4``."""
        return self._cells

    def on_event(self, event: int) -> Awaitable[None] | None:
        """
        Run the job for an event: set the cells of its results. 8 has acquired an image.

        It may be ``async def`` if the job takes time. Raise Fault to say that it failed.
        """
        return None

    def on_write(self, cell: str, value: Value) -> None:
        """Check a value before it is stored. Raise Fault to refuse it, such as ``Fault(-2)``."""

    def authenticate(self, **credentials: str) -> bool:
        return self.users.get(credentials["user"]) == credentials["password"]

    # Execution and online commands

    async def set_online(self, online: bool) -> None:
        if online and self.held_offline:
            raise Fault(Status.HELD_OFFLINE)
        self.online = online

    async def get_online(self) -> bool:
        return self.online

    async def set_event(self, event: int) -> None:
        await self._run(event)

    async def set_event_and_wait(self, event: int) -> None:
        if not self.online:
            raise Fault(Status.FAILED)
        await self._run(event)

    async def send_message(self, message: str, event: int | None = None) -> None:
        self.messages.append(message)
        if event is not None:
            await self._run(event)

    async def _run(self, event: int) -> None:
        running = self.on_event(event)
        if running is not None:
            await running

    async def reset_system(self) -> None:
        self.messages.clear()

    # File and job commands

    def _check_offline(self) -> None:
        if self.online:
            raise Fault(Status.FAILED)

    def _found(self, name: str | None) -> str:
        if name is None or name not in self.jobs:
            raise Fault(Status.FAILED)
        return name

    def _numbered(self, job: int) -> str:
        return self._found(next((name for name in self.jobs if _number_of(name) == job), None))

    def _store(self, name: str, data: bytes) -> None:
        if not name.lower().endswith((".job", ".jobx")):
            raise Fault(Status.FAILED)
        others = [each for saved, each in self.jobs.items() if saved != name]
        if sum(max(len(each), _SMALLEST_JOB) for each in (*others, data)) > JOB_MEMORY:
            raise Fault(Status.OUT_OF_MEMORY)
        self.jobs[name] = data

    async def load_file(self, name: str) -> None:
        self._check_offline()
        self.job = self._found(name if name in self.jobs else f"{name}.job")

    async def store_file(self, name: str) -> None:
        self._check_offline()
        self._store(name, self.jobs.get(self.job or "", b""))
        self.job = name

    async def read_file(self, name: str) -> NamedFile:
        return NamedFile(self._found(name), self.jobs[name])

    async def write_file(self, name: str, data: bytes) -> None:
        self._check_offline()
        self._store(name, data)

    async def delete_file(self, name: str) -> None:
        self._check_offline()
        del self.jobs[self._found(name)]

    async def get_file(self) -> str:
        return self._found(self.job)

    async def set_job(self, job: int) -> None:
        self._check_offline()
        self.job = self._numbered(job)

    async def store_job(self, name: str) -> None:
        if _number_of(name) is None:
            raise Fault(Status.INVALID)
        await self.store_file(name if name.lower().endswith(".job") else f"{name}.job")

    async def read_job(self, job: int) -> NamedFile:
        return await self.read_file(self._numbered(job))

    async def write_job(self, job: int, name: str, data: bytes) -> None:
        await self.write_file(name if _number_of(name) == job else f"{job}{name}", data)

    async def delete_job(self, job: int) -> None:
        await self.delete_file(self._numbered(job))

    async def get_job(self) -> int:
        number = _number_of(self._found(self.job))
        if number is None:
            raise Fault(Status.FAILED)
        return number

    # Image commands

    async def read_bmp(self) -> bytes:
        return self.image

    async def read_image(self) -> bytes:
        return self.image

    async def write_bmp(self, data: bytes) -> None:
        self._check_offline()
        if data[:2] != b"BM":
            raise Fault(Status.FAILED)
        self.image = data

    async def write_image(self, data: bytes) -> None:
        await self.write_bmp(data)

    # Settings and cell values

    async def get_value(self, cell: str) -> str:
        try:
            is_cell = split_cell(cell) is not None
        except CodecError:
            raise Fault(Status.INVALID) from None
        if cell in self.cells:
            value = self.cells[cell]
            return f"{value:.3f}" if isinstance(value, float) else str(value)
        if is_cell:
            return ""
        raise Fault(Status.INVALID)

    def _set(self, cell: str, kind: type[Value], value: Value) -> None:
        if cell not in self.cells:
            raise Fault(Status.FAILED if split_cell(cell) is not None else Status.INVALID)
        if type(self.cells[cell]) is not kind:
            raise Fault(Status.FAILED)
        self.on_write(cell, value)
        self.cells[cell] = value

    async def set_integer(self, column: Column, row: int, value: int) -> None:
        self._set(f"{column}{row}", int, value)

    async def set_tag_integer(self, tag: str, value: int) -> None:
        self._set(tag, int, value)

    async def set_float(self, column: Column, row: int, value: float) -> None:
        self._set(f"{column}{row}", float, value)

    async def set_tag_float(self, tag: str, value: float) -> None:
        self._set(tag, float, value)

    async def set_string(self, column: Column, row: int, value: str) -> None:
        self._set(f"{column}{row}", str, value)

    async def get_info(self) -> SystemInfo:
        return self.info

    async def read_settings(self) -> bytes:
        return self.settings

    async def write_settings(self, data: bytes) -> None:
        self._check_offline()
        self.settings = data

    async def store_settings(self) -> None:
        self._check_offline()

    async def set_ip_address_lock(self, locked: bool) -> None:
        self.locked = locked

    async def get_ip_address_lock(self) -> bool:
        return self.locked


def _number_of(name: str) -> int | None:
    """Return the number with which the name of a job begins, 0 to 999, or None."""
    found = re.match(r"[0-9]{1,3}(?![0-9])", name)
    return None if found is None else int(found[0])
