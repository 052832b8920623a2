"""
Strict conversion between text and bytes: :class:`Encoding`, and :func:`charset`.

Text is split only after decoding. In cp949 and shift_jis the second byte of a character can look like an
ASCII letter or a backslash.
"""

from __future__ import annotations

from codecs import BOM_UTF8, lookup
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Final

from attrs import field, frozen

from tcpcomm.codec.problems import brief_repr
from tcpcomm.errors import CodecError, ConfigurationError

BYTE_ORDER_MARK: Final = "\ufeff"
"""The character that a ``StreamWriter`` of C# with ``Encoding.UTF8`` writes before its first text."""

_AS_WINDOWS_SAYS: Final = {"euc_kr": "cp949", "shift_jis": "cp932", "gb2312": "gbk", "big5": "cp950"}
"""
The encodings that Windows means by names of older, smaller ones. Each has all characters of the older one.

Programs in C#, and so most equipment, write these. Python writes 뷁 in euc-kr as 8 bytes that no other
program reads, and refuses the 2 bytes of Windows.
"""


def charset(name: str) -> str:
    """
    Return Python's name of an encoding: ``cp949`` for ``euc-kr``, because Windows calls it so.

    Raises:
        LookupError: Python has no encoding of that name.
    """
    return _AS_WINDOWS_SAYS.get(lookup(name).name, name)


def likely_charset(data: bytes, not_this: str) -> str | None:
    """
    Return ``cp949`` if bytes read as Korean text in it, or ``utf-8``, or None if neither is likely.

    Args:
        data: the bytes.
        not_this: the encoding that they are not text in.
    """
    for name in ("utf-8", "cp949"):
        try:
            text = data.decode(name)
        except UnicodeDecodeError:
            continue
        others = [each for each in text if not each.isascii()]
        is_korean = all("가" <= each <= "힣" for each in others)
        if name != not_this and others and (is_korean or name == "utf-8"):
            return name
    return None


def has_byte_order_mark(frame: bytes) -> bool:
    """Return True if a frame begins with one byte order mark of UTF-8. Several are not a text."""
    return frame.startswith(BOM_UTF8) and not frame.startswith(BOM_UTF8, len(BOM_UTF8))


def without_byte_order_mark(text: str) -> str | None:
    """Return a text without the byte order mark at its beginning, or None if it has not exactly one."""
    return text[1:] if text[:1] == BYTE_ORDER_MARK != text[1:2] else None


def _check_name(_: Encoding, __: object, name: str) -> None:
    try:
        "".encode(name)
        b"".decode(name)
    except LookupError:
        raise ConfigurationError(
            f"no encoding is called {name!r}: use ascii, utf-8, cp949, euc-kr, shift_jis or latin-1"
        ) from None


@frozen
class Encoding:
    """
    A text encoding, given by its Python name.

    Attributes:
        name: the name, as messages show it.
        charset: the encoding that Python uses, as :func:`charset` returns it.

    Raises:
        ConfigurationError: Python has no encoding of that name.
    """

    name: str = field(validator=_check_name)
    charset: str = field(init=False, repr=False, eq=False)

    def __attrs_post_init__(self) -> None:
        object.__setattr__(self, "charset", charset(self.name))

    @property
    def rules(self) -> dict[str, Any]:
        """The rules of texts beside their character set, as plain data."""
        return {}

    def encode(self, text: str) -> bytes:
        """
        Return text as bytes.

        Raises:
            CodecError: a character is not in the encoding, or would be decoded to another character, as
                the yen sign in shift_jis would be to a backslash.
        """
        try:
            data = text.encode(self.charset)
            if text.isascii() or data.decode(self.charset) == text:
                return data
        except UnicodeError:
            pass
        lost = next((each for each in text if not self.carries(each)), text)
        raise CodecError(f"{lost!r} cannot be written in {self.name} (in {brief_repr(text)})")

    def decode(self, data: bytes) -> str:
        """
        Return bytes as text, without a byte order mark of UTF-8 if this encoding has no such character.

        Raises:
            CodecError: the bytes are not text in this encoding.
        """
        try:
            return data.decode(self.charset)  # str(data, ...) takes longer
        except UnicodeDecodeError as error:
            if has_byte_order_mark(data):
                return self.decode(data[len(BOM_UTF8) :])
            raise self.problem(error) from None

    def size(self, text: str) -> int:
        """Return the number of bytes of a part of a text. Raises CodecError if it cannot be written."""
        return len(self.encode(text))

    def problem(self, error: UnicodeDecodeError) -> CodecError:
        """Return the error for bytes that are not text in this encoding."""
        where = f"at byte {error.start} of {brief_repr(error.object)}"
        likely = likely_charset(error.object, self.charset)
        hint = "" if likely is None else f'; it may be {likely}: write encoding="{likely}"'
        return CodecError(f"this is not text in {self.name}: {error.reason}, {where}{hint}")

    def carries(self, text: str) -> bool:
        """Return True if encoding and decoding give the same text."""
        try:
            return text.encode(self.charset).decode(self.charset) == text
        except UnicodeError:
            return False


_in_use: Final[ContextVar[Encoding]] = ContextVar("_in_use")


@contextmanager
def using(encoding: Encoding) -> Iterator[None]:
    """Let this be the encoding of all messages that are compiled meanwhile."""
    token = _in_use.set(encoding)
    try:
        yield
    finally:
        _in_use.reset(token)


def encoding_in_use() -> Encoding:
    """Return the encoding of a message that is compiled now; utf-8 if nobody said one."""
    return _in_use.get(_UTF_8)


_UTF_8: Final = Encoding("utf-8")
