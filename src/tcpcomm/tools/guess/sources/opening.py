"""The reader for a file, found by the first bytes: :func:`source_of`."""

from __future__ import annotations

import re
from pathlib import Path
from typing import BinaryIO, Final

from tcpcomm.tools.guess.sources.dump_source import dump_of
from tcpcomm.tools.guess.sources.packets.files import is_packet_file
from tcpcomm.tools.guess.sources.packets.packet_source import PacketSource
from tcpcomm.tools.guess.sources.raw_source import RawSource
from tcpcomm.tools.guess.sources.recorded_source import Passed, RecordedSource
from tcpcomm.tools.guess.sources.source import Source, UnreadableCapture

_HEAD: Final = 4096
_RECORDING: Final = b"SQLite format 3\0"
_UTF_16: Final = (b"\xff\xfe", b"\xfe\xff")
_AS_PCAPNG: Final = "open it in Wireshark, and save it as pcapng"
_KNOWN: Final = {
    b"\x1f\x8b": "it is compressed: unpack it first, as with gunzip",
    b"PK\x03\x04": "it is a ZIP file: unpack it first",
    b"\x28\xb5\x2f\xfd": "it is compressed: unpack it first, as with unzstd",
    b"\x04\x22\x4d\x18": "it is compressed: unpack it first, as with unlz4",
    b"snoop\0\0\0": f"it is a capture of snoop: {_AS_PCAPNG}",
    b"GMBU": f"it is a capture of Network Monitor: {_AS_PCAPNG}",
    b"RTSS": f"it is a capture of Network Monitor: {_AS_PCAPNG}",
    b"%PDF-": "it is a PDF document: give the captured bytes themselves",
}
"""Files of other forms by their first bytes, with the next step."""

_TEXT: Final = frozenset((*range(0x20, 0x7F), *range(0x80, 0x100), *b"\t\r\n\f\x1b"))
_FOLLOWED: Final = re.compile(rb"^(?:Follow: tcp,(\w+)|peers:)\r?$", re.MULTILINE)
"""What tshark prints before a stream that it follows."""

_FOLLOW: Final = "'tshark -z follow,tcp,hex,0'"
_FOLLOWED_FORMS: Final = ("hex", "raw", "yaml")
_MOST_ODD: Final = 0.02
"""The share of control characters that a text may have."""


def source_of(
    file: BinaryIO, path: Path | None, *, is_raw: bool = False, passed: Passed = lambda done, size: None
) -> Source:
    """
    Return the reader for a file.

    Args:
        file: the file, which can be read from any place.
        path: its path, or None if it has none, such as standard input.
        is_raw: True if the file holds the bytes of one side, as they passed.
        passed: is called as a recording is read. Other files count the read bytes by themselves.

    Raises:
        UnreadableCapture: the file is empty, or nothing here can read it.
    """
    file.seek(0)
    head = file.read(_HEAD)
    if not head:
        raise UnreadableCapture("it is empty: capture while the two machines speak")
    if is_raw:
        return RawSource(file)
    if head.startswith(_RECORDING):
        if path is None:
            raise UnreadableCapture("a recording cannot be read from standard input: name its file")
        return RecordedSource(path, passed)
    if is_packet_file(head):
        return PacketSource.of_file(file)
    for mark, problem in _KNOWN.items():
        if head.startswith(mark):
            raise UnreadableCapture(problem)
    if not head.startswith(_UTF_16) and sum(byte not in _TEXT for byte in head) > _MOST_ODD * len(head):
        raise UnreadableCapture(
            "its form is not known: give a pcap or pcapng file, a recording, or a hex dump. If it holds "
            "the bytes of one side as they passed, add --raw"
        )
    source = dump_of(file)
    if source is None and (followed := _FOLLOWED.search(head)) is not None:
        raise UnreadableCapture(_why_not_followed((followed[1] or b"yaml").decode()))
    return source or RawSource(file)


def _why_not_followed(form: str) -> str:
    if form in _FOLLOWED_FORMS:
        return f"it follows a stream without bytes: follow another one, as in {_FOLLOW}"
    return f"the form {form} does not show all bytes: follow the stream in hex, as in {_FOLLOW}"
