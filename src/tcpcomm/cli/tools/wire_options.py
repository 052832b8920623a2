"""The options that ``tcpcomm send`` and ``listen`` share: the language, the output, and keys."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

from tcpcomm.cli.common import Refusal, Subcommand
from tcpcomm.cli.tools.keys import KeyOptions
from tcpcomm.cli.tools.output import JsonLines, Printer, Replies
from tcpcomm.cli.tools.speech import speech_of
from tcpcomm.codec.encoding import charset
from tcpcomm.session.frame_log import FrameLog
from tcpcomm.session.observer import SessionObserver
from tcpcomm.tools.dissect.speech import Speech


class WireOptions(Subcommand, KeyOptions):
    """The options of a command that talks by bytes."""

    optParameters = [  # noqa: RUF012 - the name and kind are Twisted's
        ["as", None, None, "A device or MODULE:NAME: cut, check and decode messages as it declares."],
        [
            "framing",
            None,
            None,
            r"The framing, such as 'delimited:\r\n': it is added to messages, and cut off from replies.",
        ],
        ["reply-framing", None, None, "The framing of replies, if that differs."],
        ["gap", None, None, "With --framing, seconds of silence that also end a message."],
        [
            "encoding",
            "e",
            None,
            "The encoding of text, such as cp949; by default utf-8 to send, and ascii to show.",
        ],
    ]

    optFlags = [  # noqa: RUF012 - the name and kind are Twisted's
        ["hex", None, "Lines of standard input are hexadecimal, and --quiet prints hexadecimal."],
        ["quiet", "q", "Print only the messages that come, for scripts."],
        ["json", "j", "Print JSON: one object a line."],
    ]

    def __init__(self) -> None:
        super().__init__()
        self.printer = Printer()

    @property
    def encoding(self) -> str:
        """The encoding of text."""
        return self["encoding"] or "utf-8"

    def check_encoding(self) -> None:
        """Raise Refusal if the encoding does not exist."""
        try:
            "".encode(charset(self.encoding))
        except LookupError:
            raise Refusal(
                f"--encoding {self.encoding}: there is no such encoding; try utf-8 or cp949"
            ) from None

    def speech(self) -> Speech:
        """Return the language, by the options."""
        return speech_of(self["as"], self["framing"], self["reply-framing"], self["gap"])

    def outputs(self, speech: Speech) -> tuple[list[SessionObserver], Callable[[bytes], Any]]:
        """Return the observers that print what passes, and the function that prints replies alone."""
        if self["quiet"] and self["json"]:
            raise Refusal("give --quiet or --json, not both")
        if self["json"]:
            return [JsonLines(self.printer.line, self.encoding)], _nothing
        if not self["quiet"]:
            log = FrameLog(self.printer.line, encoding=charset(self["encoding"] or "ascii"))
            return [log], _nothing
        is_framed = not speech.is_raw
        return [], Replies(self.printer, self["encoding"], is_hex=bool(self["hex"]), is_framed=is_framed)

    @staticmethod
    def tell(text: str) -> None:
        """Print a line for people, on standard error."""
        print(text, file=sys.stderr, flush=True)


def _nothing(_: bytes) -> None:
    """Print nothing, because the frame log shows it."""
