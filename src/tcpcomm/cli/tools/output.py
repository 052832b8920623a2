"""The output of ``tcpcomm send`` and ``listen``: lines of the frame log, JSON, or replies alone."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, TextIO

from tcpcomm.codec.encoding import charset
from tcpcomm.errors import FramingError
from tcpcomm.runtime.safe_text import one_line, safe_json
from tcpcomm.session.observer import ObservedMessage, SessionObserver
from tcpcomm.tools.manual.values import jsonable


class Printer:
    """
    Prints to standard output. If its reader has ended, the rest is dropped.

    Args:
        file: the output.
        when_unread: is called once when the reader has ended, as ``head`` does.
    """

    def __init__(
        self, file: TextIO | None = None, when_unread: Callable[[], object] = lambda: None
    ) -> None:
        self._file = sys.stdout if file is None else file
        self._is_read = True
        self.when_unread = when_unread

    def line(self, text: str) -> None:
        """Print one line."""
        self._write(lambda: print(text, file=self._file, flush=True))

    def data(self, data: bytes, end: bytes = b"") -> None:
        """
        Print bytes and an end as they are, or for a person at a terminal a line.

        In the line the control characters of the bytes are escapes, so that a lone CR does not let the
        prompt overwrite it.
        """
        binary = getattr(self._file, "buffer", None)
        if binary is None or self._file.isatty():
            text = data.decode(errors="backslashreplace")
            self.line(one_line(text, len(text)))
            return

        def write() -> None:
            binary.write(data + end)
            binary.flush()

        self._write(write)

    def _write(self, write: Callable[[], None]) -> None:
        if not self._is_read:
            return
        try:
            write()
        except BrokenPipeError:
            self._is_read = False
            os.dup2(os.open(os.devnull, os.O_WRONLY), self._file.fileno())
            self.when_unread()


class Replies:
    """
    Prints replies alone, for scripts.

    Args:
        printer: prints them.
        encoding: of their text, which is printed in the encoding of the console; None: bytes as they are.
        is_hex: True to print them in hexadecimal.
        is_framed: True if a framing has cut them, so that a line end is added.
    """

    def __init__(self, printer: Printer, encoding: str | None, *, is_hex: bool, is_framed: bool) -> None:
        self._printer = printer
        self._encoding = encoding
        self._is_hex = is_hex
        self._is_framed = is_framed

    def __call__(self, message: bytes) -> None:
        """Print one reply."""
        if self._is_hex:
            self._printer.line(message.hex(" "))
        elif self._encoding is not None:
            text = message.decode(charset(self._encoding), "backslashreplace")
            self._printer.line(one_line(text if self._is_framed else text.rstrip("\r\n"), len(text) + 1))
        else:
            self._printer.data(message, b"\n" if self._is_framed else b"")


class JsonLines(SessionObserver):
    """
    Prints a JSON object for each frame, message, fault and change of the session.

    Args:
        print_line: prints a line.
        encoding: of the text of frames.
    """

    def __init__(self, print_line: Callable[[str], object], encoding: str = "utf-8") -> None:
        self._print = print_line
        self._encoding = charset(encoding)

    def ready(self, session: Any) -> None:
        self._tell(session, "ready")

    def frame_received(self, session: Any, frame: bytes) -> None:
        if not session.is_declared:
            self._tell(session, "frame", direction="received", **self._bytes(frame))

    def frame_sent(self, session: Any, frame: bytes) -> None:
        if not session.is_declared:
            self._tell(session, "frame", direction="sent", **self._bytes(frame))

    def message(self, session: Any, message: ObservedMessage) -> None:
        details: dict[str, Any] = {
            "direction": "sent" if message.sent else "received",
            **self._bytes(message.frame),
            "kind": message.kind.value,
            "name": message.name or None,
            "values": _values(message.values),
            "seconds": message.seconds,
            "problem": message.problem or None,
        }
        if message.answers is not None:
            details["answers"] = {"name": message.answers.name, "values": _values(message.answers.values)}
        self._tell(session, "frame", **{key: value for key, value in details.items() if value is not None})

    def frame_stalled(self, session: Any, description: str, *, sent: bool = False) -> None:
        self._tell(session, "half frame", direction="sent" if sent else "received", problem=description)

    def fault(self, session: Any, fault: FramingError, *, sent: bool = False) -> None:
        text = f"{fault}: {fault.details}" if fault.details else str(fault)
        self._tell(session, "fault", direction="sent" if sent else "received", problem=text)

    def closed(self, session: Any, reason: str) -> None:
        self._tell(session, "closed", reason=reason)

    def listening(self, server: Any, address: str) -> None:
        self._print_object({"time": _now(), "what": "listening", "address": address})

    def _bytes(self, frame: bytes) -> dict[str, str]:
        return {"hex": frame.hex(), "text": frame.decode(self._encoding, "backslashreplace")}

    def _tell(self, session: Any, what: str, **details: Any) -> None:
        self._print_object({"time": _now(), "peer": session.peer, "what": what, **details})

    def _print_object(self, members: Mapping[str, Any]) -> None:
        self._print(safe_json(json.dumps(members, ensure_ascii=False)))


def _values(values: Mapping[str, Any]) -> dict[str, Any] | None:
    return {name: jsonable(value) for name, value in values.items()} or None


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="microseconds")
