"""Text in bytes, also padded to a fixed size. Text that would arrive changed is refused."""

from __future__ import annotations

from random import Random
from typing import Any, Final

from attrs import field, frozen

from tcpcomm.codec.encoding import Encoding
from tcpcomm.codec.problems import brief_repr, wrong
from tcpcomm.errors import CodecError, ConfigurationError

_WORDS: Final = ("", "A-12", "ready", "part 7", "x", "Größe", "작업 시작", "寸法 3", "\U0001f600")


@frozen
class Text:
    """
    The rule between text and bytes.

    Args:
        encoding: the encoding of the characters.
        size: the fixed number of bytes; None: as many as the text takes.
        pad: the character that fills the bytes up.

    Raises:
        ConfigurationError: the encoding cannot write the padding.
    """

    encoding: Encoding
    size: int | None = None
    pad: str = "\0"
    padding: bytes = field(init=False, repr=False)

    @padding.default
    def _encoded_pad(self) -> bytes:
        try:
            return self.encoding.encode(self.pad)
        except CodecError as error:
            raise ConfigurationError(f"pad: {error}") from None

    @property
    def form(self) -> dict[str, Any]:
        """The kind of text as data, without its size."""
        return {"type": "text", "encoding": self.encoding.name}

    def read(self, content: bytes) -> str:
        """Return the text in these bytes. Raises CodecError."""
        if self.size is not None and self.padding == b"\0":
            content = content.partition(b"\0")[0]
        text = self.encoding.decode(content)
        if self.size is None:
            return text
        return text.partition("\0")[0] if self.pad == "\0" else text.rstrip(self.pad)

    def write(self, text: object) -> bytes:
        """Return the bytes of a text. Raises CodecError if it would arrive changed."""
        if type(text) is not str:
            raise wrong("text", text)
        content = self.encoding.encode(text)
        if self.size is None:
            return content
        left = self.size - len(content)
        if left < 0 or left % len(self.padding):
            raise CodecError(f"{brief_repr(text)} has {len(content)} bytes, but the field has {self.size}")
        content += self.padding * (left // len(self.padding))
        again = self.read(content)
        if again != text:  # characters that look like padding are lost
            raise CodecError(f"{brief_repr(text)} would arrive as {brief_repr(again)}")
        return content

    def draw(self, random: Random, most: int) -> str:
        """Draw a text of at most so many bytes."""
        text = random.choice(_WORDS)[: random.randint(1, 8)]
        while text and not self._fits(text, most):
            text = text[:-1]
        return text

    def _fits(self, text: str, most: int) -> bool:
        try:
            return len(self.write(text)) <= most
        except CodecError:
            return False
