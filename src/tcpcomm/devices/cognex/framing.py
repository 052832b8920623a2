"""
The framings of native mode: :class:`Orders` of a host, and :class:`Answers` of a camera.

Lines end with CR LF. A file is several lines: its size, its bytes as hexadecimal digits, 80 in a line, and
four digits of CRC-16/XMODEM over these digits (In-Sight help, "Native Mode Checksum"). The framings turn
such lines into one frame, and back: the lines with LF between them, and behind CR LF the bytes themselves.
"""

from __future__ import annotations

import re
from binascii import crc_hqx
from typing import Final

from attrs import frozen

from tcpcomm.errors import BadChecksum, BadLength, EncodeError, FrameTooLong, UnexpectedBytes
from tcpcomm.framing import Buffer, Decoder, Framing, PieceDecoder, UnusablePiece

_END: Final = b"\r\n"
_JOIN: Final = b"\n"  # between the lines of a frame
DAMAGED: Final = b"!"
"""The beginning of the frame that stands for a damaged file. The line of its command follows."""

LONGEST_LINE: Final = 4096
"""Bytes of a line of an In-Sight camera, such as the value of a cell. A longer line is discarded."""

_DIGITS: Final = 80  # of a line
_SUCCESS: Final = b"1"

_SENDS_FILE: Final = re.compile(rb"(WF|WJ[0-9]{1,3})|(?:WB|WI|WS)")
"""A line that a file follows. Those in the group are followed by its name first."""


def checksum_of(digits: bytes) -> bytes:
    """Return the checksum of hexadecimal digits, in four digits."""
    return b"%04X" % crc_hqx(digits, 0)


def file_lines(data: bytes) -> bytes:
    """Return the lines of a file: the number of its digits, the digits, the checksum."""
    digits = data.hex().upper().encode()
    lines = [digits[start : start + _DIGITS] for start in range(0, len(digits), _DIGITS)]
    return _END.join([b"%d" % len(digits), *lines, checksum_of(digits)])


class _File:
    """
    The lines of a file that is being received.

    Its size counts the digits. Some manuals count the bytes, half as many; the lines show which it is.
    """

    def __init__(self, max_size: int) -> None:
        self._max_digits = 2 * max_size
        self._size = -1  # as announced
        self._count = 0  # of digits
        self._digits = bytearray()
        self.problem: UnusablePiece | None = None

    @property
    def buffered(self) -> int:
        """The digits that are kept."""
        return 0 if self.problem is not None else self._count

    def add(self, line: bytes) -> bytes | None:
        """
        Take a line. Return the bytes of the file with its last one, the checksum.

        If that line shows that the file is wrong, :attr:`problem` says how, and the bytes are empty.

        Raises:
            UnusablePiece: no file follows, because the line of the size is not a number.
        """
        if self._size < 0:
            if not re.fullmatch(rb"[0-9]{1,12}", line):
                raise UnusablePiece(BadLength, "the size of a file must be a number")
            self._size = int(line)
            return None
        is_complete = self._count in (self._size, 2 * self._size)
        if len(line) == 4 and (is_complete or self.problem is not None):
            return self._end(line)
        self._count += len(line)
        if self.problem is None and self._count > self._max_digits:
            self.problem = UnusablePiece(FrameTooLong, f"a file exceeds {self._max_digits // 2} bytes")
        elif self.problem is None and self._count > 2 * self._size:
            self.problem = UnusablePiece(BadLength, f"a file has more than its size of {self._size}")
        if self.problem is None:
            self._digits += line
        else:
            self._digits.clear()
        return None

    def _end(self, line: bytes) -> bytes:
        if self.problem is not None:
            return b""
        digits = bytes(self._digits)
        try:
            data = bytes.fromhex(digits.decode("ascii"))
        except ValueError:
            self.problem = UnusablePiece(UnexpectedBytes, "a file is not in hexadecimal digits")
            return b""
        computed = checksum_of(digits.upper())
        if line.upper() != computed:
            reason = f"a file of {len(data)} bytes has the checksum {line!r}, not {computed!r}"
            self.problem = UnusablePiece(BadChecksum, reason)
            return b""
        return data


class _Lines(PieceDecoder):
    """Joins the lines of one message."""

    def __init__(self, max_frame: int) -> None:
        self._max_frame = max_frame
        self._lines: list[bytes] = []
        self._file: _File | None = None

    @property
    def pending(self) -> bool:
        return bool(self._lines)

    @property
    def buffered(self) -> int:
        file = 0 if self._file is None else self._file.buffered
        return sum(map(len, self._lines)) + file

    def piece_lost(self) -> None:
        self.reset()

    def reset(self) -> None:
        self._lines, self._file = [], None

    def decode(self, piece: bytes) -> bytes | None:
        if self._file is not None:
            return self._decode_file(self._file, piece)
        self._lines.append(piece)
        missing, has_file = self.expected(self._lines[0])
        if len(self._lines) <= missing:
            if self.buffered > self._max_frame:
                raise UnusablePiece(FrameTooLong, f"a message exceeds max_frame={self._max_frame}")
            return None
        if has_file:
            self._file = _File(self._max_frame)
            return None
        frame = _JOIN.join(self._lines)
        self.reset()
        return frame

    def _decode_file(self, file: _File, piece: bytes) -> bytes | None:
        data = file.add(piece)
        if data is None:
            return None
        lines = self._lines
        self.reset()
        if file.problem is not None:
            return self.spoiled(lines[0], file.problem)
        return _JOIN.join(lines) + _END + data

    def expected(self, first: bytes) -> tuple[int, bool]:
        """Return how many lines follow the first one, and True if a file follows these."""
        raise NotImplementedError

    def spoiled(self, first: bytes, problem: UnusablePiece) -> bytes:
        """Return the frame for a message with a damaged file, or raise the problem."""
        raise problem


class _OrderLines(_Lines):
    def expected(self, first: bytes) -> tuple[int, bool]:
        found = _SENDS_FILE.fullmatch(first)
        return (0, False) if found is None else (1 if found[1] else 0, True)

    def spoiled(self, first: bytes, problem: UnusablePiece) -> bytes:
        return DAMAGED + first  # not a command, so that the camera can answer that the checksum failed


class _AnswerLines(_Lines):
    def __init__(self, max_frame: int, lines: int, *, file: bool) -> None:
        super().__init__(max_frame)
        self._expected = (lines, file)

    def expected(self, first: bytes) -> tuple[int, bool]:
        return self._expected if first == _SUCCESS else (0, False)


class _LineDecoder(Decoder):
    """Cuts at CR LF, and behind the prompts of a login."""

    def __init__(self, max_frame: int, prompts: tuple[bytes, ...] = ()) -> None:
        super().__init__()
        self._limit = _longest_line(max_frame)
        self._prompt = re.compile(b"|".join(map(re.escape, prompts))) if prompts else None
        self._after_prompt = False

    @property
    def ends_by_silence(self) -> bool:
        return False

    def reset(self) -> None:
        super().reset()
        self._after_prompt = False

    def cut(self, buffer: Buffer, position: int) -> int:
        while True:
            if self._prompt is not None and not self.discarding:
                position = self._skip_blanks(buffer, position)
                found = self._prompt.match(buffer, position)
                if found is not None:
                    self._after_prompt, self.searched = True, 0
                    if not self.deliver(found[0], position):
                        return found.end()
                    position = found.end()
                    continue
            end = buffer.find(_END, position + self.searched)
            if end < 0:
                return self._wait(buffer, position)
            self.searched = 0
            if self.discarding:
                self.discarding = False
            elif end - position > self._limit:
                self._too_long(position)
                return end + 2
            elif not self.deliver(buffer[position:end], position):
                return end + 2
            position = end + 2

    def _skip_blanks(self, buffer: Buffer, position: int) -> int:
        """Skip what stands behind a prompt: a blank, or a line end, as some cameras send it."""
        while self._after_prompt and position < len(buffer):
            if buffer[position] not in b" \r\n":
                self._after_prompt = False
                break
            position += 1
        return position

    def _wait(self, buffer: Buffer, position: int) -> int:
        tail = max(position, len(buffer) - 1)
        if not self.discarding and tail - position > self._limit:
            self.discarding = True
            self._too_long(position)
        if self.discarding:
            self.searched = 0
            return tail
        self.searched = tail - position
        return position

    def _too_long(self, position: int) -> None:
        reason = f"a line exceeds {self._limit} bytes and is discarded up to its end"
        self.fail(FrameTooLong, reason, at=position, recoverable=True)


@frozen
class Orders(Framing):
    """
    The lines of a host. A command that sends a file (WF, WJ, WB, WI, WS) and its lines are one frame.

    If a file arrives damaged, the frame is ``!`` and the line of its command.
    """

    def decoder(self) -> Decoder:
        decoder = _LineDecoder(self.max_frame)
        decoder.piece_decoders.append(_OrderLines(self.max_frame))
        return decoder

    def encode(self, frame: bytes) -> bytes:
        self.check_size(frame)
        found = _SENDS_FILE.fullmatch(_first_line(frame))
        lines = 1 if found is not None and found[1] else 0
        return _encode(frame, lines, self.max_frame, file=found is not None)


@frozen
class Answers(Framing):
    """
    The lines of a camera: a status, and behind the status 1 so many lines, and perhaps a file.

    Args:
        lines: the lines of text that follow the status 1.
        file: True if a file follows these.
        prompts: texts that are a frame without a line end.
    """

    lines: int = 0
    file: bool = False
    prompts: tuple[bytes, ...] = ()

    def decoder(self) -> Decoder:
        decoder = _LineDecoder(self.max_frame, self.prompts)
        if self.lines or self.file:
            decoder.piece_decoders.append(_AnswerLines(self.max_frame, self.lines, file=self.file))
        return decoder

    def encode(self, frame: bytes) -> bytes:
        self.check_size(frame)
        if frame.startswith(self.prompts or ()):
            raise EncodeError(f"{frame[:20]!r} begins as a prompt does")
        if _first_line(frame) != _SUCCESS:
            return _encode(frame, 0, self.max_frame, file=False)
        return _encode(frame, self.lines, self.max_frame, file=self.file)


def _longest_line(max_frame: int) -> int:
    return min(max_frame, LONGEST_LINE)


def _first_line(frame: bytes) -> bytes:
    found = re.match(rb"(?:(?!\r\n)[^\n])*", frame)
    return found[0] if found else b""


def _encode(frame: bytes, lines: int, max_frame: int, *, file: bool) -> bytes:
    """Encode a frame that has a number of further lines and, if ``file`` is True, a file."""
    text, end, data = frame.partition(_END)
    parts = text.split(_JOIN, lines)
    is_read_back = len(parts) == 1 + lines and not (file and not lines and _JOIN in text)
    if not is_read_back or bool(end) is not file:
        expected = f"{1 + lines} lines with LF between them" + (", CR LF and a file" if file else "")
        raise EncodeError(f"{frame[:40]!r} must have {expected}")
    if any(b"\r" in part or b"\n" in part for part in parts):
        raise EncodeError(f"{frame[:40]!r} has a CR or LF inside of a line")
    if max(map(len, parts)) > _longest_line(max_frame):
        raise EncodeError(f"{frame[:40]!r} has a line of more than {_longest_line(max_frame)} bytes")
    return b"".join([part + _END for part in (*parts, *((file_lines(data),) if file else ()))])
