"""Text with raw bytes behind a line: the encoding that keeps both apart."""

from __future__ import annotations

from collections.abc import Sequence

from attrs import field, frozen

from tcpcomm.codec.encoding import Encoding
from tcpcomm.codec.template.compiled import CompiledTemplate
from tcpcomm.codec.template.fields.raw_bytes import RAW, WithBody, line_end_of
from tcpcomm.errors import ConfigurationError


@frozen
class BodyEncoding(Encoding):
    """
    The encoding of frames that may be one line, its end, and raw bytes.

    Attributes:
        line_end: what stands before the raw bytes.
        with_bodies: the templates with raw bytes.
        others: the templates of texts. Some take line ends, too.
    """

    line_end: str = field(default="\r\n")
    with_bodies: Sequence[CompiledTemplate] = field(default=(), repr=False, eq=False)
    others: Sequence[CompiledTemplate] = field(default=(), repr=False, eq=False)
    _line_end_bytes: bytes = field(init=False, repr=False, eq=False)

    @_line_end_bytes.default
    def _encoded_line_end(self) -> bytes:
        return self.line_end.encode(self.name)

    def encode(self, text: str) -> bytes:
        if isinstance(text, WithBody):
            return super().encode(text[:-1]) + text.body
        return super().encode(text)

    def decode(self, data: bytes) -> str:
        at = data.find(self._line_end_bytes)
        if at < 0:
            return super().decode(data)
        begin = at + len(self._line_end_bytes)
        found = WithBody(super().decode(data[:begin]) + RAW, memoryview(data)[begin:])
        if any(each.matches(found) for each in self.with_bodies):
            return found
        if any(each.matches(found) for each in self.others):
            return super().decode(data)  # a text with a line end inside
        return found


def body_encoding(encoding: Encoding, templates: Sequence[CompiledTemplate]) -> Encoding:
    """
    Return the encoding for some templates: the same one if none of them has raw bytes.

    Raises:
        ConfigurationError: they have different line ends before their raw bytes.
    """
    with_bodies = [each for each in templates if each.raw]
    ends = sorted({line_end_of(each.text) for each in with_bodies})
    if not ends:
        return encoding
    if len(ends) > 1:
        one, other, *_ = ends
        raise ConfigurationError(f"raw bytes follow {one!r}, and elsewhere {other!r}: use one line end")
    others = [each for each in templates if not each.raw]
    return BodyEncoding(encoding.name, ends[0], with_bodies, others)
