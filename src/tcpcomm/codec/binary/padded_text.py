"""Text in bytes, so that it comes back as it was, also where it is padded to a fixed size."""

from __future__ import annotations

from random import Random
from typing import Final

from attrs import field, frozen

from tcpcomm.codec.encoding import Encoding
from tcpcomm.codec.problems import brief_repr, wrong
from tcpcomm.errors import CodecError, ConfigurationError

__all__ = ["Text"]

_WORDS: Final = ("", "A-12", "ready", "part 7", "x", "Größe", "작업 시작", "寸法 3", "\U0001f600")


@frozen
class Text:
    """
    The rule between text and bytes.

    Args:
        encoding: of the characters.
        size: bytes, always so many; None: as many as it takes.
        pad: what fills them up.

    Raises:
        ConfigurationError: the encoding cannot write the padding.
    """

    encoding: Encoding
    size: int | None = None
    pad: str = "\0"
    _pad: bytes = field(init=False, repr=False)

    @_pad.default
    def _padding(self) -> bytes:
        try:
            return self.encoding.encode(self.pad)
        except CodecError as error:
            raise ConfigurationError(f"pad: {error}") from None

    def read(self, content: bytes) -> str:
        """The text in these bytes. Raises CodecError."""
        if self.size is not None and self._pad == b"\0":
            content = content.partition(b"\0")[0]
        text = self.encoding.decode(content)
        if self.size is None:
            return text
        return text.partition("\0")[0] if self.pad == "\0" else text.rstrip(self.pad)

    def write(self, text: object) -> bytes:
        """The bytes of a text. Raises CodecError if it would not come back the same."""
        if type(text) is not str:
            raise wrong("text", text)
        content = self.encoding.encode(text)
        if self.size is None:
            return content
        left = self.size - len(content)
        if left < 0 or left % len(self._pad):
            raise CodecError(f"{brief_repr(text)} has {len(content)} bytes, which {self.size} do not hold")
        content += self._pad * (left // len(self._pad))
        again = self.read(content)
        if again != text:  # what looks like padding is lost
            raise CodecError(f"{brief_repr(text)} would be read as {brief_repr(again)}")
        return content

    def draw(self, random: Random, most: int) -> str:
        """Draw a text of so many bytes at most."""
        text = random.choice(_WORDS)[: random.randint(1, 8)]
        while text and not self._fits(text, most):
            text = text[:-1]
        return text

    def _fits(self, text: str, most: int) -> bool:
        try:
            return len(self.write(text)) <= most
        except CodecError:
            return False
