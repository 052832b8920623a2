"""
Lists of the system status (SZL): the operating mode of a CPU, its order number, and its names.

Source: Siemens, "System Software for S7-300/400, System and Standard Functions", volume 2, chapter 33.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from enum import IntEnum
from typing import Annotated, Final

from attrs import frozen

from tcpcomm.codec import U8, U16, Counted
from tcpcomm.errors import BadReply

ORDER_NUMBERS: Final = 0x0011
NAMES: Final = 0x001C
OPERATING_MODES: Final = 0x0424

_HEAD: Final = 8  # bytes: list, index, bytes of a record, number of records


class Mode(IntEnum):
    """The operating mode of a CPU."""

    STOP_TO_UPDATE = 1
    STOP_TO_RESET_MEMORY = 2
    STOP_TO_INITIALIZE = 3
    STOP = 4
    COLD_START = 5
    WARM_START = 6
    HOT_START = 7
    RUN = 8
    RUN_REDUNDANT = 9
    HOLD = 10
    LINK_UP = 11
    UPDATE = 12
    DEFECTIVE = 13
    SELF_TEST = 14
    NO_POWER = 15


@frozen
class StatusQuery:
    """
    A list of the system status, or one record of it.

    Attributes:
        list: the number of the list, such as 0x0424.
        index: the number of the record; 0 for all.
    """

    list: U16
    index: U16


@frozen
class StatusReply:
    """
    The answer of a CPU about its system status.

    Attributes:
        code: FF if it has the list.
        size: 9: the length counts bytes.
        content: list, index, bytes of a record, number of records, and the records.
    """

    code: U8
    size: U8
    content: Annotated[bytes, Counted(U16)]


def status_reply(query: StatusQuery, records: Sequence[bytes]) -> StatusReply:
    """Return the reply with records, which all have the same size."""
    numbers = query.list, query.index, len(records[0]), len(records)
    head = b"".join(number.to_bytes(2, "big") for number in numbers)
    return StatusReply(0xFF, 9, head + b"".join(records))


def records_in(reply: StatusReply) -> Iterator[bytes]:
    """
    Yield the records in a reply, as far as they are whole.

    Raises:
        BadReply: there is not even one.
    """
    content = reply.content
    size = int.from_bytes(content[4:6], "big")
    if size == 0 or len(content) < _HEAD + size:
        raise BadReply("the CPU answers without a record of its system status", content)
    for start in range(_HEAD, len(content) - size + 1, size):
        yield content[start : start + size]


def mode_in(reply: StatusReply) -> Mode:
    """Return the operating mode in a reply. Raises BadReply."""
    record = next(records_in(reply))
    mode = record[3] & 0x0F if len(record) > 3 else 0  # the other half is the mode before
    if mode == 0:
        raise BadReply("the CPU answers without its operating mode", record)
    return Mode(mode)


def order_number_in(reply: StatusReply) -> str:
    """Return the order number in a reply. Raises BadReply."""
    for record in records_in(reply):
        if record[:2] == b"\0\1" and len(record) >= 22:
            return record[2:22].decode("latin-1").strip(" \0")
    raise BadReply("the CPU answers without its order number", reply.content)


def mode_record(mode: Mode) -> bytes:
    """Return the record of an operating mode."""
    return bytes((0x02, 0x51, 0xFF, mode)) + bytes(16)


def order_number_record(text: str) -> bytes:
    """Return the record of an order number."""
    return b"\0\1" + text.encode("latin-1")[:20].ljust(20) + bytes(6)


def name_record(index: int, text: str) -> bytes:
    """Return the record of a name."""
    return index.to_bytes(2, "big") + text.encode("latin-1")[:32].ljust(32, b"\0")
