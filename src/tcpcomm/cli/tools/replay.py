"""The subcommand ``tcpcomm replay``: it plays one side of a recording against the real other side."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, ClassVar, Final

from twisted.internet.error import ReactorNotRunning
from twisted.internet.task import LoopingCall
from twisted.python import usage

from tcpcomm.cli.common import Refusal, Subcommand, number
from tcpcomm.cli.hosting import CredentialOptions, run_reactor
from tcpcomm.cli.tools.keys import KeyOptions
from tcpcomm.cli.tools.output import Printer
from tcpcomm.cli.tools.speech import speech_of
from tcpcomm.net.endpoints import client
from tcpcomm.net.error_texts import peer_name
from tcpcomm.runtime.monotonic_time import the_reactor
from tcpcomm.runtime.safe_text import one_line
from tcpcomm.server.options import one_line as one_line_doc
from tcpcomm.server.service import CannotListen, ServerService
from tcpcomm.session.frame_log import FrameLog
from tcpcomm.session.observer import SessionObserver
from tcpcomm.tools.dissect.speech import Speech
from tcpcomm.tools.record.recording import Recording
from tcpcomm.tools.record.values import RecordedSession
from tcpcomm.tools.replay.comparison import Comparison
from tcpcomm.tools.replay.player import CONNECT_WAIT, Player
from tcpcomm.tools.replay.replayer import REPLAY_PATIENCE, Ended, ReplayRules, Verdict
from tcpcomm.tools.replay.script import missing_parts, playable

_PROGRESS_EVERY: Final = 1.0

INTERRUPTED: Final = 130
"""The exit code after Ctrl-C, as shells have it."""


class ReplayOptions(Subcommand, CredentialOptions, KeyOptions):
    """The options of ``tcpcomm replay``."""

    synopsis = "replay FILE --play host|equipment --connect ENDPOINT | --listen ENDPOINT [options]"

    longdesc = """Plays one side of a recording against the real other side, and tells the first
difference. --play host asks your equipment what the recorded host asked; --play equipment answers your host
as the recorded equipment did. With a declaration, ids and header values follow the live ones, heartbeats
are answered at once, and messages are compared by their values; otherwise frames, or without --framing all
bytes. Ctrl-C ends it."""

    exit_codes: ClassVar[Mapping[int, str]] = {
        Verdict.SAME.value: "all is the same",
        1: "the command line has a mistake, or the recording cannot be read",
        Verdict.DIFFERENT.value: "something differs",
        Verdict.TIMEOUT.value: "a frame did not come in time",
        Verdict.NO_LINK.value: "there is no connection, or it was lost before the end",
        INTERRUPTED: "Ctrl-C ended it",
    }

    optParameters = [  # noqa: RUF012 - the name and kind are Twisted's
        ["play", "p", None, "The side to play: host asks your equipment, equipment answers your host."],
        ["connect", "c", None, "Connect to the other side, such as tcp:10.0.0.5:9999."],
        [
            "listen",
            "l",
            None,
            "Wait for the other side, such as at tcp:9999:interface=127.0.0.1, for all sessions.",
        ],
        [
            "as",
            None,
            None,
            "A device or MODULE:NAME: decode messages, and compare their values.  [default: as recorded]",
        ],
        [
            "framing",
            None,
            None,
            r"The framing, such as 'delimited:\r\n', without a declaration: compare the bytes of frames.",
        ],
        ["reply-framing", None, None, "The framing of what the equipment sends, if that differs."],
        ["gap", None, None, "With --framing, seconds of silence that also end a message."],
        ["speed", None, "1", "The speed in times of the recorded one, such as 10; or max: no pauses."],
        [
            "timeout",
            "t",
            f"{REPLAY_PATIENCE:g}",
            "Seconds that the other side has for a frame, beyond the recorded time.",
        ],
        ["tolerance", None, "0", "The amount by which two numbers may differ."],
        ["wait", "w", f"{CONNECT_WAIT:g}", "Seconds to wait for the connection, with --connect."],
    ]

    optFlags = [  # noqa: RUF012 - the name and kind are Twisted's
        ["exact", None, "Compare the bytes of frames, too, and not only their values."],
        ["quiet", "q", "Print only the difference, and no frames."],
    ]

    def __init__(self) -> None:
        super().__init__()
        self._sessions: list[int] = []
        self._ignored: list[str] = []
        self._printer = Printer()

    @one_line_doc
    def opt_session(self, text: str) -> None:
        """The number of a session to play; may be given several times.  [default: all]"""
        self._sessions.append(int(number("session", text, least=1)))

    opt_s = opt_session

    @one_line_doc
    def opt_ignore(self, name: str) -> None:
        """
        A value that may differ, such as x, result.x or locate.x, or a message, such as locate; may be given
        several times. An event that is named may also be missing, or come more often.
        """
        self._ignored.append(name)

    opt_i = opt_ignore

    def parseArgs(self, *args: str) -> None:
        if len(args) != 1:
            raise usage.UsageError("name one recording, as in line.tcpcomm")
        self.path = args[0]

    def run(self) -> int:
        reactor = the_reactor()
        plays_host = self._plays_host()
        if (self["connect"] is None) == (self["listen"] is None):
            raise Refusal("give one of --connect ENDPOINT and --listen ENDPOINT")
        with Recording(self.path) as recording:
            sessions = playable(recording, self._sessions)
            player = Player(
                recording,
                sessions,
                self._speech(sessions[0]),
                plays_host=plays_host,
                rules=self._rules(),
                clock=reactor,
                observers=self._observers(),
                allow=self._allowed(reactor),
                keys=self.pre_shared_keys(),
            )
            for part in missing_parts(recording, sessions):
                self._tell(part)
            progress = _Progress(player, len(sessions), sum(_steps(recording, each) for each in sessions))
            self._printer.when_unread = lambda: _stop(reactor)
            outcomes: list[Ended] = []
            run_reactor(lambda: self._work(player, progress, reactor, outcomes))
            progress.end()
        for note in player.notes:
            self._tell(note)
        if not outcomes:
            self._tell(f"interrupted; all was the same so far: {progress.text()}")
            return INTERRUPTED
        (ended,) = outcomes
        if ended.verdict is Verdict.SAME:
            self._tell(f"all is the same: {progress.text()}")
        else:
            first, *rest = ended.problem.splitlines() or ["it failed"]
            self._tell(first)
            for line in rest:
                print(one_line(line), file=sys.stderr)
        return ended.verdict.value

    async def _work(self, player: Player, progress: _Progress, reactor: Any, outcomes: list[Ended]) -> int:
        shown = LoopingCall(progress.show)
        shown.clock = reactor
        if sys.stderr.isatty() and self["quiet"]:
            shown.start(_PROGRESS_EVERY, now=False)
        try:
            if self["connect"] is not None:
                wait = number("wait", self["wait"], above=True)
                outcomes.append(await player.connect(client(reactor, self["connect"]), wait))
                await player.close()
            else:
                service = ServerService(player.factory, [self._place])
                try:
                    service.privilegedStartService()
                    service.startService()
                except CannotListen as error:
                    raise Refusal(str(error), code=Verdict.NO_LINK.value) from None
                for port in service.ports:
                    self._tell(f"listening on {peer_name(port.getHost())}")
                outcomes.append(await player.finished)
                await service.stopService()
        finally:
            if shown.running:
                shown.stop()
        return 0

    def _plays_host(self) -> bool:
        sides = {"host": True, "equipment": False}
        if self["play"] not in sides:
            given = "" if self["play"] is None else f", not {self['play']!r}"
            raise Refusal(f"--play must be host or equipment: the side of the recording to play{given}")
        return sides[self["play"]]

    def _speech(self, session: RecordedSession) -> Speech:
        name = self["as"]
        if name is None and self["framing"] is None and session.declaration:
            name = session.declaration
            try:
                return speech_of(name, None, self["reply-framing"], self["gap"])
            except Refusal as refusal:
                (problem,) = refusal.problems
                raise Refusal(f"{problem}; the recording names it: give --as or --framing") from None
        return speech_of(name, self["framing"], self["reply-framing"], self["gap"])

    def _rules(self) -> ReplayRules:
        speed = float("inf") if self["speed"] == "max" else number("speed", self["speed"], above=True)
        return ReplayRules(
            comparison=Comparison(
                frozenset(self._ignored),
                tolerance=number("tolerance", self["tolerance"]),
                exact=bool(self["exact"]),
            ),
            speed=speed,
            patience=number("timeout", self["timeout"], above=True),
            credentials=self.credentials,
        )

    def _observers(self) -> list[SessionObserver]:
        return [] if self["quiet"] else [FrameLog(self._printer.line)]

    def _allowed(self, reactor: Any) -> Any:
        if self["listen"] is None:
            if self["allow"]:
                raise Refusal("--allow has no effect without --listen")
            return None
        problems: list[str] = []
        allow = self.allowed(problems)
        self._place: Any = self.place(problems, reactor, self["listen"])
        if problems:
            raise Refusal(*problems)
        return allow

    @staticmethod
    def _tell(text: str) -> None:
        print(one_line(f"tcpcomm replay: {text}"), file=sys.stderr, flush=True)


def _steps(recording: Recording, session: RecordedSession) -> int:
    """Return the number of chunks of a session, at most."""
    return sum(1 for _ in recording.chunks(session))


def _stop(reactor: Any) -> None:
    with suppress(ReactorNotRunning):
        reactor.stop()


class _Progress:
    """Shows how much of the recording is played, on a terminal."""

    def __init__(self, player: Player, sessions: int, steps: int) -> None:
        self._player = player
        self._sessions = sessions
        self._steps = steps
        self._is_shown = False

    def text(self) -> str:
        """Return the progress in words."""
        sessions = f"{self._player.sessions_done} of {self._sessions} sessions"
        return f"{sessions}, {self._player.steps_done:,} of {self._steps:,} chunks"

    def show(self) -> None:
        """Show the progress in one line, which the next one replaces."""
        self._is_shown = True
        print(f"\r{self.text()}", end="", file=sys.stderr, flush=True)

    def end(self) -> None:
        """End the line."""
        if self._is_shown:
            print(file=sys.stderr, flush=True)
