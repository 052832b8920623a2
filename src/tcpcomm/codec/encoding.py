"""
Text to bytes and back, strictly: :class:`Encoding`.

Text is taken apart only after it was decoded: in cp949 and shift_jis the second byte of a character may
look like an ASCII character, a backslash or a letter.
"""

from __future__ import annotations

from attrs import field, frozen

from tcpcomm.codec.template.field_type import shown
from tcpcomm.errors import CodecError, ConfigurationError

__all__ = ["Encoding"]


def _check_name(_: Encoding, __: object, name: str) -> None:
    try:
        "".encode(name)
        b"".decode(name)
    except LookupError:
        raise ConfigurationError(
            f"no encoding is called {name!r}; there are ascii, utf-8, cp949, euc-kr, shift_jis, latin-1"
        ) from None


@frozen
class Encoding:
    """
    An encoding by its name in Python.

    Raises:
        ConfigurationError: there is none of that name.
    """

    name: str = field(validator=_check_name)

    def encode(self, text: str) -> bytes:
        """
        Text as bytes.

        Raises:
            CodecError: a character is not in the encoding, or would arrive as another, as the yen sign in
                shift_jis, whose byte is read as a backslash.
        """
        try:
            data = text.encode(self.name)
            if text.isascii() or data.decode(self.name) == text:
                return data
        except UnicodeError:
            pass
        lost = next((each for each in text if not self.carries(each)), text)
        raise CodecError(f"{lost!r} cannot be written in {self.name} (in {shown(text)})")

    def decode(self, data: bytes) -> str:
        """
        Bytes as text.

        Raises:
            CodecError: they are no text in this encoding.
        """
        try:
            return str(data, self.name)
        except UnicodeDecodeError as error:
            raise CodecError(
                f"this is no text in {self.name}: {error.reason}, at byte {error.start} of {shown(data)}"
            ) from None

    def carries(self, text: str) -> bool:
        """Whether text passes unchanged."""
        try:
            return text.encode(self.name).decode(self.name) == text
        except UnicodeError:
            return False
