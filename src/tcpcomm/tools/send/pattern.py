r"""
Patterns that a received message must fit, and rules that answer messages: :class:`Pattern`, :class:`Rule`.

::

    OK,*            text with escapes; * is any number of bytes, ? is one byte; the whole message must fit
    re:^OK,(\d+)    a regular expression of Python, which is searched for in the message
    hex:02 ?? * 03  bytes; ?? is one byte, * is any number of bytes
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Final

from attrs import field, frozen

from tcpcomm.codec.encoding import charset
from tcpcomm.errors import ConfigurationError
from tcpcomm.tools.send.notation import HEX, hex_tokens, text_tokens

REGEX: Final = "re:"
ARROW: Final = "=>"
LONGEST_PATTERN: Final = 4096
"""Characters of a pattern. A longer one is refused, because it may be a file in its place."""

_ANY: Final = {"*": b"(.*?)", "?": b"(.)", "??": b"(.)"}
_PLACE: Final = r"\{[0-9]\}"


@frozen
class Pattern:
    """A pattern of whole messages. Make one with :meth:`parse`."""

    text: str
    """The pattern as it was written."""
    _compiled: re.Pattern[bytes] = field(repr=False)
    _whole: bool

    @classmethod
    def parse(cls, text: str, encoding: str = "utf-8") -> Pattern:
        """
        Read a pattern from its text form.

        Raises:
            ConfigurationError: the text has a mistake. The error names its position.
        """
        if len(text) > LONGEST_PATTERN:
            raise ConfigurationError(
                f"a pattern has at most {LONGEST_PATTERN} characters, this one {len(text)}"
            )
        if text.startswith(REGEX):
            try:
                return cls(
                    text, re.compile(text[len(REGEX) :].encode(charset(encoding)), re.DOTALL), whole=False
                )
            except re.error as error:
                where = "" if error.pos is None else f"position {error.pos + 1 + len(REGEX)} of "
                raise ConfigurationError(f"{where}{text!r}: {error.msg}") from None
            except UnicodeEncodeError as error:
                raise ConfigurationError(
                    f"position {error.start + 1 + len(REGEX)} of {text!r}: "
                    f"{error.object[error.start]!r} does not exist in {encoding}"
                ) from None
        if text.startswith(HEX):
            tokens = hex_tokens(text, r"\?\?|\*", len(HEX))
        else:
            tokens = text_tokens(text, encoding, r"[*?]")
        parts = [re.escape(each) if isinstance(each, bytes) else _ANY[each] for each in tokens]
        return cls(text, re.compile(b"".join(parts), re.DOTALL), whole=True)

    @property
    def parts(self) -> int:
        """The number of its wildcards or groups."""
        return self._compiled.groups

    def match(self, message: bytes) -> tuple[bytes, ...] | None:
        """Return the message and the parts that ``*``, ``?`` or groups stand for, or None if it differs."""
        found = self._compiled.fullmatch(message) if self._whole else self._compiled.search(message)
        if found is None:
            return None
        return (message, *(group or b"" for group in found.groups()))


@frozen
class Reply:
    """A message to answer with. ``{1}`` in its text is the first part that a pattern found."""

    text: str
    _parts: tuple[bytes | int, ...] = field(repr=False)

    @classmethod
    def parse(cls, text: str, encoding: str = "utf-8", parts: int = 0) -> Reply:
        """
        Read a reply: text with escapes, or bytes behind ``hex:``.

        Args:
            text: the reply.
            encoding: of its characters.
            parts: the number of parts that its pattern finds; ``{0}`` is the whole message.

        Raises:
            ConfigurationError: the text has a mistake, or names a part that the pattern does not have.
        """
        is_hex = text.startswith(HEX)
        tokens = hex_tokens(text, _PLACE, len(HEX)) if is_hex else text_tokens(text, encoding, _PLACE)
        found: list[bytes | int] = []
        for each in tokens:
            if isinstance(each, bytes):
                found.append(each)
                continue
            number = int(each[1:-1])
            if number > parts:
                raise ConfigurationError(
                    f"{text!r} has {each}, but its pattern has {parts} parts: write one * or group for each"
                )
            found.append(number)
        return cls(text, tuple(found))

    def fill(self, parts: tuple[bytes, ...]) -> bytes:
        """Return the bytes of the reply. The parts are those that :meth:`Pattern.match` found."""
        return b"".join(each if isinstance(each, bytes) else parts[each] for each in self._parts)


@frozen
class Rule:
    """Answers each message that fits a pattern."""

    pattern: Pattern
    reply: Reply

    @classmethod
    def parse(cls, text: str, encoding: str = "utf-8") -> Rule:
        """
        Read a rule: ``PATTERN=>REPLY``.

        Raises:
            ConfigurationError: the arrow is missing, or one side has a mistake.
        """
        pattern_text, arrow, reply_text = text.partition(ARROW)
        if not arrow:
            raise ConfigurationError(
                f"{text!r} has no {ARROW}: write PATTERN{ARROW}REPLY, as in 'TRG,*=>OK'"
            )
        pattern = Pattern.parse(pattern_text, encoding)
        return cls(pattern, Reply.parse(reply_text, encoding, pattern.parts))

    @classmethod
    def always(cls, text: str, encoding: str = "utf-8") -> Rule:
        """Make a rule that answers every message with the same reply, in which ``{0}`` is the message."""
        pattern = Pattern.parse("re:", encoding)
        return cls(pattern, Reply.parse(text, encoding, pattern.parts))


def answer(rules: Iterable[Rule], message: bytes) -> bytes | None:
    """Return the reply of the first rule that the message fits, or None if it fits none."""
    return next(_answers(rules, message), None)


def _answers(rules: Iterable[Rule], message: bytes) -> Iterator[bytes]:
    for rule in rules:
        parts = rule.pattern.match(message)
        if parts is not None:
            yield rule.reply.fill(parts)
