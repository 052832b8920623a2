r"""Frames behind header lines such as ``Content-Length: 5``, as LSP has them: :class:`ContentLength`."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from attrs import field, frozen

from tcpcomm.framing.base import Decoder, Framing
from tcpcomm.framing.headers.header_framed import DEFAULT_MAX_HEADER, HeaderDecoder, More

_ONE_LINE: Final = More(until=b"\n")
_LENGTH: Final = re.compile(rb"content-length[ \t]*:[ \t]*([0-9]{1,15})[ \t]*", re.IGNORECASE)
_OTHER: Final = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+[ \t]*:")


@frozen
class ContentLength(Framing):
    r"""
    Each frame stands behind lines of headers, of which ``Content-Length`` counts its bytes.

    vscode-jsonrpc and StreamJsonRpc (``HeaderDelimitedMessageHandler``) speak so by default, because it is
    the base protocol of the Language Server Protocol. The codec ``JsonRpc`` fits it.

    Headers are read leniently: upper and lower case, blanks around the colon, other headers, which are
    ignored, in any order, and lines that end with ``\n`` alone. A frame is sent with
    ``Content-Length: 5\r\n\r\n`` only.

    Args:
        max_header: the bytes of the longest headers, their empty line included. Longer ones end the stream.

    Source: Language Server Protocol 3.17, "Base Protocol".
    """

    max_header: int = field(default=DEFAULT_MAX_HEADER, kw_only=True)

    def decoder(self) -> Decoder:
        return HeaderDecoder(1, _total, None, self.max_frame, self.max_header)

    def encode(self, frame: bytes) -> bytes:
        self.check_size(frame)
        return b"Content-Length: %d\r\n\r\n%b" % (len(frame), frame)

    def encode_large(self, frame: bytes) -> Sequence[bytes]:
        self.check_size(frame)
        return (b"Content-Length: %d\r\n\r\n" % len(frame), frame)


def _total(header: bytes) -> int | More:
    if not header.endswith((b"\n\r\n", b"\n\n")) and header not in (b"\r\n", b"\n"):
        return _ONE_LINE
    lengths = set()
    for line in header.splitlines():
        match = _LENGTH.fullmatch(line)
        if match is not None:
            lengths.add(int(match[1]))
        elif line and not _OTHER.match(line):
            raise ValueError(f"{line[:40]!r} is not a header line such as b'Content-Length: 5'")
    if len(lengths) != 1:
        count = f"{len(lengths)} different lengths" if lengths else "no length in digits"
        raise ValueError(f"Content-Length says {count}")
    return len(header) + lengths.pop()
