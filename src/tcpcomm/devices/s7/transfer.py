"""Reads and writes in jobs that fit into a PDU: :func:`read_parts` and :func:`write_parts`."""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Sequence
from typing import Any, Final, Protocol

from attrs import evolve, frozen

from tcpcomm.devices.s7.addresses import Address, Part
from tcpcomm.devices.s7.codes import RETURNS, ReturnCode
from tcpcomm.devices.s7.items import (
    ITEM_BYTES,
    MOST_VARIABLES,
    VALUE_HEAD,
    Item,
    Size,
    Values,
    padded,
    read_values,
    write_values,
)
from tcpcomm.errors import BadReply, CodecError, Fault

_JOB_HEAD: Final = 12
"""The bytes of a job before its items: the header, the function, and the number of items."""

ANSWER_HEAD: Final = 14
"""The bytes of a reply before its values: they are those of a job, and an error class and code."""

SMALLEST_PDU: Final = 64
"""
Bytes of the smallest PDU that a host works with. With a smaller one the link does not become ready, and
says why. Jobs fit into so many bytes until a PDU is agreed.
"""


class _Number(Protocol):
    @property
    def value(self) -> int: ...


class Cpu(Protocol):
    """The parts of a proxy that are needed here."""

    @property
    def agreed_pdu(self) -> _Number: ...
    def read_variables(self, items: list[Item]) -> Awaitable[Values]: ...
    def write_variables(self, items: list[Item], values: bytes) -> Awaitable[bytes]: ...


@frozen
class Written:
    """
    A variable to write.

    Attributes:
        name: the name for people.
        item: the variable.
        content: its bytes.
    """

    name: str
    item: Item
    content: bytes


def written(address: Address, values: Sequence[Any]) -> list[Written]:
    """
    Return the variables that a list of values is written to.

    Raises:
        CodecError: a value does not fit the type of the address.
    """
    if not values:
        raise CodecError(f"{address.text}: there is no value to write")
    try:
        if address.is_bit:
            contents = [address.type.to_bytes(value) for value in values]
        else:
            contents = [address.type.write(values)]
    except CodecError as error:
        raise CodecError(f"{address.text}: {error}") from None
    if not address.is_bit:
        part = address.bytes_of(len(values))
        return [Written(address.text, part.first(len(contents[0]) // part.width).item(), contents[0])]
    first = address.start * 8 + address.bit
    return [
        Written(address.text, Item(Size.BIT, 1, address.block, address.area, first + index), content)
        for index, content in enumerate(contents)
    ]


def values_in(content: bytes, address: Address, count: int) -> list[Any]:
    """Return the values in the bytes that a CPU gave. Raises BadReply."""
    try:
        return address.values_in(content, count)
    except CodecError as error:
        raise BadReply(f"{address.text}: {error}", content) from None


async def read_parts(cpu: Cpu, parts: Sequence[Part], names: Sequence[str] = ()) -> list[bytes]:
    """
    Return the bytes of several parts. A part that is too long for one reply is read by several jobs.

    Args:
        cpu: the proxy.
        parts: the parts.
        names: their names for people. By default, what they are.

    Raises:
        Fault: the CPU says no to one of them.
        BadReply: a reply does not fit its job.
    """
    waiting = deque(enumerate(parts))
    found = [bytearray() for _ in parts]
    while waiting:
        batch = _batch(waiting, cpu.agreed_pdu.value or SMALLEST_PDU)
        reply = await cpu.read_variables([part.item() for _, part in batch])
        for (index, part), content in zip(batch, _contents(reply, batch, names), strict=True):
            if len(content) != part.size:
                raise BadReply(f"{part}: {part.size} bytes were asked, but {len(content)} came", content)
            found[index] += content
    return [bytes(each) for each in found]


def _batch(waiting: deque[tuple[int, Part]], pdu: int) -> list[tuple[int, Part]]:
    """Take the parts that fit into one job and its reply."""
    batch: list[tuple[int, Part]] = []
    asked, answered = pdu - _JOB_HEAD, pdu - ANSWER_HEAD
    while waiting and len(batch) < MOST_VARIABLES:
        index, part = waiting[0]
        room = answered - VALUE_HEAD
        if asked < ITEM_BYTES or room < part.width:
            break
        if part.size > room:
            if batch:
                break  # it is read by itself, to be cut as seldom as possible
            now, later = part.cut(room)
            waiting[0] = index, later
            return [(index, now)]
        waiting.popleft()
        batch.append((index, part))
        asked -= ITEM_BYTES
        answered -= VALUE_HEAD + padded(part.size)
    return batch


def _contents(reply: Values, batch: Sequence[tuple[int, Part]], names: Sequence[str]) -> list[bytes]:
    """Return the bytes of each value in a reply. Raises Fault and BadReply."""
    if reply.count != len(batch):
        raise BadReply(f"{len(batch)} variables were asked, but {reply.count} came", reply.data)
    try:
        found = list(read_values(reply.count, reply.data))
    except CodecError as error:
        raise BadReply(str(error), reply.data) from None
    for (index, part), (code, _, _) in zip(batch, found, strict=True):
        if code != ReturnCode.SUCCESS:
            raise Fault(code, f"{names[index] if names else part}: {_words(code)}")
    return [content for _, _, content in found]


async def write_parts(cpu: Cpu, parts: Sequence[Written]) -> None:
    """
    Write variables in one job.

    Raises:
        CodecError: one job cannot carry them. Nothing was written.
        Fault: the CPU says no to one of them.
        BadReply: the reply does not fit the job.
    """
    if not parts:
        return
    if len(parts) > MOST_VARIABLES:
        raise CodecError(f"{len(parts)} variables are to be written, but one job carries {MOST_VARIABLES}")
    sizes = [VALUE_HEAD + len(part.content) for part in parts]
    needed = _JOB_HEAD + ITEM_BYTES * len(parts) + sum(map(padded, sizes[:-1])) + sizes[-1]
    if needed > SMALLEST_PDU and not cpu.agreed_pdu.value:
        # The link is not ready yet. A read waits for it, and the CPU tells the size of its PDUs.
        await cpu.read_variables([evolve(parts[0].item, count=1)])
    pdu = cpu.agreed_pdu.value or SMALLEST_PDU
    if needed > pdu:
        raise CodecError(
            f"this needs a PDU of {needed} bytes, but the CPU takes {pdu}: nothing was written. Write less "
            "at once"
        )
    values = write_values([(0, part.item.size, part.content) for part in parts])
    codes = await cpu.write_variables([part.item for part in parts], values)
    if len(codes) != len(parts):
        raise BadReply(f"{len(parts)} variables were to be written, but {len(codes)} codes came", codes)
    refused = [(part, code) for part, code in zip(parts, codes, strict=True) if code != ReturnCode.SUCCESS]
    if refused:
        part, code = refused[0]
        done = len(parts) - len(refused)
        more = f"; {done} of {len(parts)} variables were written" if len(parts) > 1 else ""
        raise Fault(code, f"{part.name}: {_words(code)}{more}")


def _words(code: int) -> str:
    return RETURNS.get(code, "this code is not known")
