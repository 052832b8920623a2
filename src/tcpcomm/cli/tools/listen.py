"""The subcommand ``tcpcomm listen``: a server that shows messages, and answers by rules."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any, ClassVar

from twisted.internet.defer import Deferred
from twisted.internet.error import ReactorNotRunning
from twisted.python import usage

from tcpcomm.cli.common import Refusal, number
from tcpcomm.cli.hosting import run_reactor
from tcpcomm.cli.tools.wire_options import WireOptions
from tcpcomm.errors import ConfigurationError, EncodeError
from tcpcomm.runtime.monotonic_time import the_reactor
from tcpcomm.runtime.safe_text import one_line
from tcpcomm.server.options import AllowingOptions
from tcpcomm.server.options import one_line as one_line_doc
from tcpcomm.server.service import CannotListen, ServerService
from tcpcomm.tools.send.answerer import Answerer
from tcpcomm.tools.send.notation import parse_hex, parse_message
from tcpcomm.tools.send.outcome import Outcome
from tcpcomm.tools.send.pattern import Rule
from tcpcomm.tools.send.typed_lines import TypedLines


class ListenOptions(WireOptions, AllowingOptions):
    """The options of ``tcpcomm listen``."""

    synopsis = "listen ENDPOINT [--answer 'PATTERN=>REPLY' ...] [options]"

    longdesc = """Listens at ENDPOINT, such as tcp:9999:interface=127.0.0.1, for several clients, shows
what they send, and answers by rules. Each message is answered by the first --answer whose PATTERN it fits:
text with * and ?, or re:REGEX, or hex:02 ?? 03. REPLY is text with escapes, or hex:06; {1} in it is what
the first *, ? or group stands for, and {0} the message. --reply answers all other messages. In a
terminal, each line that you type is sent to all clients. Ctrl-C ends it."""

    exit_codes: ClassVar[Mapping[int, str]] = {
        0: "it ended as asked",
        1: "the command line has a mistake",
        Outcome.TIMEOUT.value: "--timeout passed before --count messages",
        Outcome.NO_LINK.value: "it cannot listen there",
    }

    optParameters = [  # noqa: RUF012 - the name and kind are Twisted's
        ["reply", "r", None, "The answer to each message that no --answer fits."],
        ["greeting", None, None, "A message to each client that connects."],
        ["delay", None, "0", "Seconds before each answer."],
        ["count", "c", None, "The number of messages to wait for; then end."],
        ["timeout", "t", None, "Seconds after which to end."],
    ]

    optFlags = [  # noqa: RUF012 - the name and kind are Twisted's
        ["echo", None, "Answer each message that no --answer fits with itself."],
        ["host", None, "We are the host, and the equipment connects to us, with --as."],
    ]

    def __init__(self) -> None:
        super().__init__()
        self["answer"] = []

    @one_line_doc
    def opt_answer(self, rule: str) -> None:
        """
        A rule PATTERN=>REPLY, such as 'TRG,*=>OK,{1}': {1} is the text of the first *, ? or group, and {0}
        is the whole message. May be given several times: the first that fits answers.
        """
        self["answer"].append(rule)

    def parseArgs(self, *args: str) -> None:
        if len(args) != 1:
            raise usage.UsageError("name one endpoint, as in tcp:9999:interface=127.0.0.1")
        self.endpoint = args[0]

    def run(self) -> int:
        self.check_encoding()
        reactor = the_reactor()
        speech = self.speech()
        if self["host"] and self["as"] is None:
            raise Refusal("--host has no effect without --as")
        delay = number("delay", self["delay"])
        count = None if self["count"] is None else int(number("count", self["count"], least=1))
        timeout = None if self["timeout"] is None else number("timeout", self["timeout"], above=True)
        problems: list[str] = []
        allow = self.allowed(problems)
        listener = self.place(problems, reactor, self.endpoint)
        if problems or listener is None:
            raise Refusal(*(each.removeprefix("--listen ") for each in problems))
        observers, print_message = self.outputs(speech)
        ended: Deferred[int] = Deferred()

        def end(code: int) -> None:
            if not ended.called:
                ended.callback(code)

        def heard(message: bytes) -> None:
            print_message(message)
            if count is not None and answerer.messages >= count:
                end(0)

        answerer = Answerer(
            speech,
            reactor,
            rules=self._rules(),
            greeting=None if self["greeting"] is None else self._read("greeting", parse_message),
            delay=delay,
            observers=observers,
            is_equipment=not self["host"],
            allow=allow,
            keys=self.pre_shared_keys(),
            heard=heard,
            problem=lambda text: self.tell(one_line(f"tcpcomm listen: {text}")),
        )
        service = ServerService(answerer.factory, [listener])

        def stop() -> None:
            with suppress(ReactorNotRunning):
                reactor.stop()

        self.printer.when_unread = stop
        reactor.addSystemEventTrigger("before", "shutdown", service.stopService)

        async def work() -> int:
            try:
                service.privilegedStartService()
                service.startService()
            except CannotListen as error:
                raise Refusal(str(error), code=Outcome.NO_LINK.value) from None
            if timeout is not None:
                code = 0 if count is None else Outcome.TIMEOUT.value
                reactor.callLater(timeout, end, code)
            if sys.stdin is not None and sys.stdin.isatty():
                Deferred.fromCoroutine(self._send_typed(answerer, reactor))
            code = await ended
            await service.stopService()
            return code

        return run_reactor(work)

    async def _send_typed(self, answerer: Answerer, reactor: Any) -> None:
        """Send each typed line to all clients."""
        lines = TypedLines(sys.stdin.buffer, reactor)
        while (line := await lines.next()) is not None:
            text = line.rstrip(b"\r\n").decode(sys.stdin.encoding, "surrogateescape")
            try:
                message = parse_hex(text) if self["hex"] else parse_message(text, self.encoding)
                if message and not answerer.say(message):
                    self.tell("tcpcomm listen: no client is connected")
            except (ConfigurationError, EncodeError) as error:
                self.tell(one_line(f"tcpcomm listen: {error}"))

    def _rules(self) -> list[Rule]:
        found = []
        for text in self["answer"]:
            try:
                found.append(Rule.parse(text, self.encoding))
            except ConfigurationError as error:
                raise Refusal(f"--answer: {error}") from None
        if self["echo"] and self["reply"] is not None:
            raise Refusal("give --echo or --reply, not both")
        if self["echo"]:
            found.append(Rule.always("{0}"))
        if self["reply"] is not None:
            found.append(self._read("reply", Rule.always))
        return found

    def _read(self, option: str, parse: Callable[[str, str], Any]) -> Any:
        try:
            return parse(self[option], self.encoding)
        except ConfigurationError as error:
            raise Refusal(f"--{option}: {error}") from None
