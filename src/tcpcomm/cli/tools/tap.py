"""The subcommand ``tcpcomm tap``: a proxy that shows what passes between two machines, and disturbs it."""

from __future__ import annotations

import re
import shlex
import sys
from collections.abc import Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any, ClassVar, Final

from twisted.internet.error import CannotListenError, ReactorNotRunning
from twisted.python import usage
from twisted.python.failure import Failure

from tcpcomm.cli.common import Refusal, Subcommand, number
from tcpcomm.cli.monitoring import monitors_of
from tcpcomm.cli.recording import recorders_of
from tcpcomm.cli.tools.console_options import ConsoleOptions, console_observers
from tcpcomm.cli.tools.keyboard import Keyboard, LineEditor
from tcpcomm.cli.tools.speech import speech_of
from tcpcomm.codec.encoding import charset
from tcpcomm.errors import ConfigurationError
from tcpcomm.net.error_texts import listen_error_text
from tcpcomm.runtime.monotonic_time import the_reactor
from tcpcomm.runtime.safe_text import one_line
from tcpcomm.server.options import AllowingOptions, check
from tcpcomm.server.options import one_line as in_one_line
from tcpcomm.session.frame_log import line_writer
from tcpcomm.tools.monitor.options import MonitorOptions
from tcpcomm.tools.record.options import RecordingOptions
from tcpcomm.tools.tap.commands import KEYS, keys_text
from tcpcomm.tools.tap.grammar import parse_disturbance
from tcpcomm.tools.tap.script import ScriptFailed, load_script, run_script
from tcpcomm.tools.tap.tap import Tap, tap_log

if TYPE_CHECKING:
    from tcpcomm.tools.console.running import Console
    from tcpcomm.tools.tap.guessing import TapGuess

SCRIPT_FAILED: Final = 3
"""The exit code if the script raised an error, with --end-with-script."""

CANNOT_LISTEN: Final = 5
"""The exit code if it cannot listen there."""

_PORT: Final = re.compile(r"[0-9]{1,5}")
_PLAIN: Final = re.compile(r"(tcp|tcp6):[0-9]{1,5}")
_ENDS: Final = ("q", "quit", "exit")


class TapOptions(Subcommand, AllowingOptions, MonitorOptions, ConsoleOptions, RecordingOptions):
    """The options of ``tcpcomm tap``."""

    synopsis = "tap LISTEN TARGET [options]"

    longdesc = """Listens at LISTEN, such as tcp:9998, connects each client to TARGET, such as
tcp:10.0.0.5:9999, and prints what passes. Without --allow, only this machine can connect. Without --as and
--framing it shows each chunk as it comes. Keys disturb what passes: '?' lists them. If standard input is
not a terminal, its lines do the same: 'help' lists them. Ctrl-C ends it."""

    exit_codes: ClassVar[Mapping[int, str]] = {
        0: "it was ended by q, quit, Ctrl-C, or the script",
        1: "the command line has a mistake",
        SCRIPT_FAILED: "the script failed, with --end-with-script",
        CANNOT_LISTEN: "it cannot listen there",
    }

    examples = r"""
Examples:
  tcpcomm tap tcp:9998 tcp:10.0.0.5:9999
  tcpcomm tap tcp:9998 tcp:10.0.0.5:9999 --guess
  tcpcomm tap tcp:9998 tcp:10.0.0.5:9999 --framing 'delimited:\r\n' --fault 'drop reply 3'
  tcpcomm tap tcp:9998 tcp:10.0.0.5:9999 --as my_camera:VisionCamera --script faults.py
"""

    optParameters = [  # noqa: RUF012 - the name and kind are Twisted's
        ["as", None, None, "A device or MODULE:NAME: decode the messages as it declares."],
        ["framing", None, None, r"The framing, such as 'delimited:\r\n', if there is no declaration."],
        ["reply-framing", None, None, "The framing of what the equipment sends, if that differs."],
        ["gap", None, None, "With --framing, seconds of silence that also end a message."],
        ["encoding", "e", "ascii", "The encoding of the text in the log, such as cp949."],
        [
            "script",
            None,
            None,
            "A Python file with 'async def disturb(tap)', which runs beside the traffic.",
        ],
        ["seed", "s", None, "A whole number: the same seed repeats what disturbances do at random."],
        ["most", None, "256", "The connections that may be open at once; a further client is reset."],
    ]

    optFlags = [  # noqa: RUF012 - the name and kind are Twisted's
        ["equipment-connects", None, "The equipment connects to LISTEN, and TARGET is its host."],
        ["guess", None, "Guess the framing of what passes: show each new answer, and the last one."],
        ["end-with-script", None, "End when the script ends; the exit code is 3 if it fails."],
    ]

    def __init__(self) -> None:
        super().__init__()
        self["fault"] = []

    @in_one_line
    def opt_fault(self, text: str) -> None:
        """
        A disturbance from the beginning, such as 'drop reply 3' or 'delay 0.2 to-host'; may be given
        several times.
        """
        self["fault"].append(text)

    def parseArgs(self, *args: str) -> None:
        if len(args) != 2:
            raise usage.UsageError(
                "name the place to listen at, and the target, as in tcp:9998 tcp:10.0.0.5:9999"
            )
        self.listen, self.target = args

    def run(self) -> int:
        reactor = the_reactor()
        console = self.console("tap")
        guess = self._guess(reactor, console) if self["guess"] else None
        tap = self._tap(reactor, console, guess)
        script = None if self["script"] is None else load_script(self["script"])
        if script is None and self["end-with-script"]:
            raise Refusal("--end-with-script has no effect without --script FILE")
        ends_with_script = bool(self["end-with-script"])
        running = _Running(tap, reactor, script, ends_with_script=ends_with_script, face=console)
        try:
            return running.run()
        finally:
            for line in [] if guess is None else guess.last_words():
                _tell(line)

    def _guess(self, reactor: Any, console: Console | None) -> TapGuess:
        from tcpcomm.tools.tap.guessing import TapGuess  # noqa: PLC0415 - few starts need it

        words = ["tcpcomm", "tap", self.listen, self.target]
        words += [f"--allow={each}" for each in self["allow"]]
        words += ["--equipment-connects"] if self["equipment-connects"] else []
        return TapGuess(
            reactor,
            _tell if console is None else console.write,
            shlex.join(words),
            host_connects=not self["equipment-connects"],
        )

    def _tap(self, reactor: Any, console: Console | None, guess: TapGuess | None) -> Tap:
        problems: list[str] = []
        allow = self.allowed(problems)
        listen = self._place()
        self.place(problems, reactor, listen)
        for text in self["fault"]:
            check(problems, parse_disturbance, text, option="fault")
        if problems:
            raise Refusal(*(each.replace("--listen ", "LISTEN ", 1) for each in problems))
        try:
            encoding = charset(self["encoding"])
            "".encode(encoding)
        except LookupError:
            raise Refusal(f"--encoding {self['encoding']}: there is no such encoding; try cp949") from None
        seed = self["seed"]
        if seed is not None and not re.fullmatch(r"-?[0-9]{1,18}", seed):
            raise Refusal(f"--seed must be a whole number, not {seed!r}")
        speech = speech_of(self["as"], self["framing"], self["reply-framing"], self["gap"])
        most = int(number("most", self["most"], least=1, most=10000))
        observers = [*console_observers(console), *recorders_of(self)]
        observers += [] if guess is None else [guess]
        observers += monitors_of(self, recordings=self.recordings)
        tap = Tap(
            self.target,
            listen=listen,
            speech=speech,
            observers=observers,
            log=tap_log(line_writer(sys.stdout), encoding=encoding) if console is None else None,
            host_connects=not self["equipment-connects"],
            seed=None if seed is None else int(seed),
            reactor=reactor,
            most=most,
            allow=allow,
        )
        for text in self["fault"]:
            try:
                tap.add(text)
            except ConfigurationError as error:
                raise Refusal(f"--fault {error}") from None
        return tap

    def _place(self) -> str:
        """Return the endpoint string of LISTEN: on this machine only, unless --allow says more."""
        text = f"tcp:{self.listen}" if _PORT.fullmatch(self.listen) else self.listen
        if _PLAIN.fullmatch(text) and not self["allow"]:
            return text + (":interface=127.0.0.1" if text.startswith("tcp:") else r":interface=\:\:1")
        return text


class _Running:
    """A tap that runs in the reactor, with what people type and a script."""

    def __init__(
        self, tap: Tap, reactor: Any, script: Any, *, ends_with_script: bool, face: Console | None
    ) -> None:
        self._tap = tap
        self._reactor = reactor
        self._script = script
        self._ends_with_script = ends_with_script
        self._face = face
        self._problem: Refusal | None = None
        self._code = 0
        self._editor = LineEditor(on_key=self._key, on_line=self._line, show=_show)
        self._keyboard = Keyboard(reactor, on_key=self._editor.key, on_line=self._line)

    def run(self) -> int:
        """Run until the end. Return the exit code."""
        reactor = self._reactor
        reactor.callWhenRunning(self._start)
        reactor.addSystemEventTrigger("before", "shutdown", self._tap.stop)
        if self._face is not None:
            self._face.take_log()
            self._face.run()
        else:
            with self._keyboard.reading():
                reactor.run()
        if self._problem is not None:
            raise self._problem
        return self._code

    def _start(self) -> None:
        self._tap.start().addCallbacks(self._started, self._cannot_listen)

    def _cannot_listen(self, failure: Failure) -> None:
        if failure.check(CannotListenError, OSError):
            reason = listen_error_text(failure)
        else:
            reason = failure.getErrorMessage()
        self._problem = Refusal(f"cannot listen: {reason}", code=CANNOT_LISTEN)
        self._stop()

    def _started(self, _: object) -> None:
        if self._keyboard.is_terminal and self._face is None:
            _tell("keys disturb what passes: ? lists them, q ends the tap")
        if self._script is not None:
            run_script(self._script, self._tap).addCallbacks(self._script_ended, self._script_failed)

    def _script_ended(self, _: object) -> None:
        if self._ends_with_script:
            self._stop()
        else:
            _tell("the script has ended; the tap goes on")

    def _script_failed(self, failure: Failure) -> None:
        failure.trap(ScriptFailed)
        text = f"the script failed: {failure.getErrorMessage()}"
        if self._ends_with_script:
            self._problem = Refusal(text, code=SCRIPT_FAILED)
            self._stop()
        else:
            _tell(f"tcpcomm tap: {text}")

    def _key(self, key: str) -> None:
        if key == "?":
            _tell(keys_text())
        elif key == "q":
            self._stop()
        elif key in KEYS:
            self._line(key)
        elif key.isprintable():
            _tell(f"no key {key!r}: ? lists them")

    def _line(self, line: str) -> None:
        if line in _ENDS:
            self._stop()
            return
        try:
            _tell(self._tap.disturb(line))
        except ConfigurationError as error:
            _tell(f"tcpcomm tap: {error}")

    def _stop(self) -> None:
        with suppress(ReactorNotRunning):  # Ctrl-C is stopping it
            self._reactor.stop()


def _tell(text: str) -> None:
    """Print words for people on standard error: the frames alone are on standard output."""
    for line in text.splitlines():
        print(one_line(line), file=sys.stderr, flush=True)


def _show(text: str) -> None:
    print(text, end="", file=sys.stderr, flush=True)
