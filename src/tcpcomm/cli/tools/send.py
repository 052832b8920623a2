"""The subcommand ``tcpcomm send``: it sends a message, and shows the replies."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, ClassVar, Final

from twisted.internet.defer import Deferred
from twisted.internet.error import ReactorNotRunning
from twisted.internet.task import deferLater
from twisted.python import usage

from tcpcomm.cli.common import Refusal, number
from tcpcomm.cli.hosting import run_reactor
from tcpcomm.cli.tools.wire_options import WireOptions
from tcpcomm.errors import ConfigurationError, EncodeError
from tcpcomm.net.endpoints import client
from tcpcomm.runtime.monotonic_time import the_reactor
from tcpcomm.runtime.safe_text import one_line
from tcpcomm.server.options import one_line as one_line_doc
from tcpcomm.tools.send.notation import parse_hex, parse_message, parse_text
from tcpcomm.tools.send.outcome import Outcome
from tcpcomm.tools.send.pattern import Pattern
from tcpcomm.tools.send.sender import (
    CONNECTION_WAIT,
    REPLY_SILENCE,
    REPLY_TIMEOUT,
    NoLink,
    Sender,
    Waiting,
)
from tcpcomm.tools.send.typed_lines import TypedLines

LARGEST_FILE: Final = 64 * 1024 * 1024
"""Bytes of a file that ``tcpcomm send -f`` sends. A larger file is refused; send it through a pipe."""

_UNSENT: Final = 1024 * 1024
"""Bytes that may wait for the peer, before more is read from standard input."""


class SendOptions(WireOptions):
    """The options of ``tcpcomm send``."""

    synopsis = "send ENDPOINT [-x HEX | -a TEXT | -f FILE ...] [options]"

    longdesc = """Connects to ENDPOINT, such as tcp:10.0.0.5:9999, sends a message, and shows what comes
back. The message is made of bytes (-x '02 41 03'), text with the escapes \\r \\n \\t \\0 \\xHH and \\\\ (-a
'TRG,1\\r\\n'), and files (-f): several of them make one message, in their order. To send several messages,
give none of them: each line that you type is a message, and from a pipe each line, or without --framing and
--as all bytes as they are; a line may also be hex:02 41. A pattern for --expect is text with * and ?, or
re:REGEX, or hex:02 ?? 03."""

    exit_codes: ClassVar[Mapping[int, str]] = {
        Outcome.OK.value: "the replies came",
        1: "the command line or the input has a mistake",
        Outcome.NO_MATCH.value: "messages came, but none fits --expect",
        Outcome.TIMEOUT.value: "no reply came in time, or too few",
        Outcome.NO_LINK.value: "there is no connection, or it was lost before a reply",
    }

    optParameters = [  # noqa: RUF012 - the name and kind are Twisted's
        ["replies", "n", "1", "The replies to wait for after each message; 0: do not wait."],
        ["timeout", "t", f"{REPLY_TIMEOUT:g}", "Seconds to wait for each reply."],
        ["silence", None, f"{REPLY_SILENCE:g}", "Seconds of silence that end a reply without a framing."],
        ["repeat", "r", "1", "The number of times to send the message; 0: until Ctrl-C."],
        ["every", None, "0", "Seconds from one message to the next, at least."],
        ["wait", "w", f"{CONNECTION_WAIT:g}", "Seconds to wait for the connection."],
    ]

    optFlags = [  # noqa: RUF012 - the name and kind are Twisted's
        ["greeting", None, "Wait for a message of the peer before the first one is sent."],
        ["equipment", None, "We are the equipment, and the peer is the host, with --as."],
    ]

    def __init__(self) -> None:
        super().__init__()
        self._parts: list[tuple[str, str]] = []
        self._is_stopping = False
        self["expect"] = []

    @one_line_doc
    def opt_bytes(self, text: str) -> None:
        """
        Bytes to send, in hexadecimal, such as '02 41 42 03'. Several -x, -a and -f make one message, in
        their order.
        """
        self._parts.append(("x", text))

    opt_x = opt_bytes

    @one_line_doc
    def opt_text(self, text: str) -> None:
        """Text to send, with escapes. Several -x, -a and -f make one message, in their order."""
        self._parts.append(("a", text))

    opt_a = opt_text

    @one_line_doc
    def opt_file(self, path: str) -> None:
        """A file to send, byte by byte. Several -x, -a and -f make one message, in their order."""
        self._parts.append(("f", path))

    opt_f = opt_file

    @one_line_doc
    def opt_expect(self, pattern: str) -> None:
        """A pattern that a reply must fit; may be given several times: one must fit."""
        self["expect"].append(pattern)

    def parseArgs(self, *args: str) -> None:
        if len(args) != 1:
            raise usage.UsageError("name one endpoint, as in tcp:10.0.0.5:9999")
        self.endpoint = args[0]

    def run(self) -> int:
        self.check_encoding()
        reactor = the_reactor()
        message = self._message() if self._parts else None
        speech = self._speech = self.speech()
        self._reactor = reactor
        if self["equipment"] and self["as"] is None:
            raise Refusal("--equipment has no effect without --as")
        waiting = Waiting(
            replies=int(number("replies", self["replies"], most=1e6)),
            timeout=number("timeout", self["timeout"], above=True),
            silence=number("silence", self["silence"], above=True),
            patterns=[self._pattern(each) for each in self["expect"]],
        )
        if waiting.patterns and not waiting.replies:
            raise Refusal("--expect has no effect with --replies 0")
        self._repeat = number("repeat", self["repeat"]) or float("inf")
        self._every = number("every", self["every"])
        self._wait = number("wait", self["wait"], above=True)
        observers, print_reply = self.outputs(speech)
        sender = Sender(
            speech,
            waiting,
            reactor,
            observers=observers,
            is_equipment=bool(self["equipment"]),
            keys=self.pre_shared_keys(),
            reply=print_reply,
            longest=len(message or b""),
        )
        endpoint = client(reactor, self.endpoint)

        def stop() -> None:
            with suppress(ReactorNotRunning):
                reactor.stop()

        self.printer.when_unread = stop
        reactor.addSystemEventTrigger("before", "shutdown", self._stopping, sender)
        run_reactor(lambda: self._work(sender, endpoint, message))
        if self._repeat > 1 and message is not None:
            self.tell(f"tcpcomm send: {sender.tally.text()}")
        return sender.tally.outcome.value

    def _stopping(self, sender: Sender) -> Deferred[None]:
        """Close the connection in order. The reactor calls this when it stops, at Ctrl-C too."""
        self._is_stopping = True
        return Deferred.fromCoroutine(sender.close())

    async def _work(self, sender: Sender, endpoint: Any, message: bytes | None) -> int:
        try:
            await sender.connect(endpoint, self._wait)
            if self["greeting"]:
                sender.begin()
                self._tell_problem(sender, await sender.replies())
            if message is not None:
                await self._repeat_message(sender, message)
            else:
                await self._send_input(sender)
        except NoLink as error:
            if self._is_stopping:
                return 0
            raise Refusal(
                f"no connection with {self.endpoint}: {error}", code=Outcome.NO_LINK.value
            ) from None
        except EncodeError as error:
            raise Refusal(f"the message cannot be sent: {error}") from None
        await sender.close()
        return 0

    async def _repeat_message(self, sender: Sender, message: bytes) -> None:
        reactor = self._reactor
        count = 0
        due = reactor.seconds()
        while count < self._repeat:
            count += 1
            outcome = await sender.ask(message)
            if self._is_stopping:
                return
            self._tell_problem(sender, outcome, message)
            if outcome is Outcome.NO_LINK:
                return
            due = max(due + self._every, reactor.seconds())
            if count < self._repeat:
                await deferLater(reactor, max(0.0, due - reactor.seconds()))

    async def _send_input(self, sender: Sender) -> None:
        """Send what standard input has: typed lines, the lines of a pipe, or its bytes."""
        speech, reactor, stdin = self._speech, self._reactor, sys.stdin
        if stdin is None:
            raise Refusal("there is nothing to send: give -x, -a or -f")
        is_typed = stdin.isatty()
        if not is_typed and speech.is_raw and not self["hex"]:
            await self._send_stream(sender, TypedLines(stdin.buffer, reactor, whole_lines=False))
            return
        lines = TypedLines(stdin.buffer, reactor)
        waits = not is_typed or bool(self["expect"])
        if is_typed:
            self._tell_how_to_type()
        count = 0
        while True:
            line = await sender.unless_closed(lines.next())
            if line is None:
                break
            count += 1
            try:
                message = self._typed(line.rstrip(b"\r\n").decode(stdin.encoding, "surrogateescape"))
                if not message and speech.is_raw:
                    continue
                if waits:
                    outcome = await sender.ask(message)
                    self._tell_problem(sender, outcome, message)
                    if outcome is Outcome.NO_LINK:
                        return
                else:
                    sender.say(message)
            except (ConfigurationError, EncodeError) as error:
                if not is_typed:
                    raise Refusal(f"line {count} of the input: {error}") from None
                self.tell(one_line(f"tcpcomm send: {error}"))

    async def _send_stream(self, sender: Sender, pieces: TypedLines) -> None:
        sender.begin()
        while (piece := await sender.unless_closed(pieces.next())) is not None:
            sender.say(piece)
            while sender.unsent > _UNSENT:
                await deferLater(self._reactor, 0.02)
        self._tell_problem(sender, await sender.replies())

    def _message(self) -> bytes:
        """Return the message of the options."""
        found = b""
        for kind, text in self._parts:
            try:
                if kind == "x":
                    found += parse_hex(text)
                elif kind == "a":
                    found += parse_text(text, self.encoding)
                else:
                    found += _file(text)
            except ConfigurationError as error:
                raise Refusal(f"-{kind}: {error}") from None
        return found

    def _typed(self, line: str) -> bytes:
        return parse_hex(line) if self["hex"] else parse_message(line, self.encoding)

    def _pattern(self, text: str) -> Pattern:
        try:
            return Pattern.parse(text, self.encoding)
        except ConfigurationError as error:
            raise Refusal(f"--expect: {error}") from None

    def _tell_problem(self, sender: Sender, outcome: Outcome, message: bytes = b"") -> None:
        if outcome is Outcome.OK:
            return
        text = f"tcpcomm send: {sender.problem}"
        if (
            outcome is Outcome.TIMEOUT
            and self._speech.is_raw
            and message
            and message[-1:] not in b"\r\n\x03"
        ):
            text += "; the message has no line end, for which many devices wait: end it with \\r\\n"
        self.tell(one_line(text))

    def _tell_how_to_type(self) -> None:
        what = "in hexadecimal" if self["hex"] else r"text with \r \n \xHH, or hex:02 41"
        end = (
            r"nothing is added to it: end it with \r\n, or give --framing 'delimited:\r\n'"
            if self._speech.is_raw
            else "the framing is added to it"
        )
        self.tell(f"tcpcomm send: type a message in each line ({what}); {end}; Ctrl-D or Ctrl-C ends")


def _file(path: str) -> bytes:
    """Return the bytes of a file."""
    try:
        with Path(path).open("rb") as file:
            found = file.read(LARGEST_FILE + 1)
    except OSError as error:
        raise Refusal(f"-f {path}: cannot read it: {error.strerror or error}") from None
    if len(found) > LARGEST_FILE:
        raise Refusal(
            f"-f {path}: a message has at most {LARGEST_FILE:,} bytes: send the file through a pipe"
        )
    return found
