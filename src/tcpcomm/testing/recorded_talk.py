"""A recording as a regression test, in memory and in virtual time: :func:`replayed`."""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import Any, Final

from twisted.internet.defer import Deferred, maybeDeferred
from twisted.internet.interfaces import IReactorTime
from twisted.python.failure import Failure
from zope.interface import implementer

from tcpcomm.equipment.declaration import Declaration
from tcpcomm.equipment.equipment import Equipment, declaration_of
from tcpcomm.equipment.login import credential_names
from tcpcomm.errors import ConfigurationError
from tcpcomm.host.host import link_of, remote
from tcpcomm.net.endpoints import Listener
from tcpcomm.runtime.load_object import load_object
from tcpcomm.server.service import ServerService
from tcpcomm.server.serving import EquipmentFactory
from tcpcomm.testing.logged_errors import logged_errors
from tcpcomm.testing.network.wire import Machine, Network
from tcpcomm.tools.dissect.speech import Speech
from tcpcomm.tools.record.recording import Recording
from tcpcomm.tools.record.values import RecordedSession
from tcpcomm.tools.replay.comparison import Comparison
from tcpcomm.tools.replay.player import Player
from tcpcomm.tools.replay.replayer import REPLAY_PATIENCE, Ended, ReplayRules, Verdict
from tcpcomm.tools.replay.script import playable

LONGEST_REPLAY: Final = 7 * 24 * 3600.0
"""Virtual seconds after which a replay that does not end counts as failed."""

_PORT: Final = 9999

HostProgram = Callable[[Any], Awaitable[object] | object]


def replayed(
    recording: Recording | str | os.PathLike[str],
    equipment: Equipment | type[Equipment] | None = None,
    *,
    host: HostProgram | None = None,
    sessions: Sequence[int] = (),
    ignore: Iterable[str] = (),
    tolerance: float = 0.0,
    exact: bool = False,
    credentials: Mapping[str, str] | None = None,
    patience: float = REPLAY_PATIENCE,
    seed: int = 0,
) -> None:
    """
    Play a recording against your program, and compare its frames with the recorded ones.

    ::

        replayed("line.tcpcomm", MyCamera())      # the recorded host asks your equipment
        replayed("line.tcpcomm", host=my_robot)   # your host's program asks the recorded equipment

    Both ends are connected in memory, and time is virtual: a recording of an hour takes seconds. The
    handlers that are marked with ``@in_thread`` run in the test's own thread.

    Args:
        recording: the recording, or its path.
        equipment: your equipment, or its class. With ``host``, the class of the declaration, if it is not
            the recorded one.
        host: your host's program: a function that gets the proxy of the equipment. It may be async.
        sessions: the numbers of the sessions to play; none: all. With ``host``, exactly one.
        ignore: values that may differ, such as ``x``, ``result.x``, ``locate.x`` or ``locate``.
        tolerance: the amount by which two numbers may differ.
        exact: True if the bytes of frames must be the same, too.
        credentials: for the declared login.
        patience: virtual seconds that your program has for a frame, beyond the recorded time.
        seed: of the simulated network.

    Raises:
        AssertionError: your program differs from the recording. The text shows the first difference: the
            recorded and the live frame, in hex, as text and decoded.
        ConfigurationError: the recording cannot be read or played, or an argument is wrong.
    """
    __tracebackhide__ = True
    opened = recording if isinstance(recording, Recording) else Recording(recording)
    try:
        found = playable(opened, sessions)
        speech = _speech(equipment, found[0])
        comparison = Comparison(frozenset(ignore), tolerance=tolerance, exact=exact)
        with logged_errors() as errors:
            if host is None:
                rules = ReplayRules(
                    comparison=comparison, patience=patience, credentials=_credentials(speech, credentials)
                )
                run = _Run(opened, found, speech, rules, Network(seed))
                ended = run.against_equipment(equipment)
            else:
                if len(found) != 1:
                    numbers = ", ".join(str(each.number) for each in found)
                    raise ConfigurationError(
                        f"a host's program is compared with one session, and there are {numbers}: name it, "
                        "sessions=[1]"
                    )
                rules = ReplayRules(comparison=comparison, patience=patience)
                run = _Run(opened, found, speech, rules, Network(seed))
                ended = run.against_host(host, _credentials(speech, credentials))
    finally:
        if opened is not recording:
            opened.close()
    if ended.verdict is not Verdict.SAME:
        logged = f"\n  logged:   {errors[-1]}" if errors else ""
        raise AssertionError(f"{opened.path}: {ended.problem}{logged}")


def _speech(equipment: Equipment | type[Equipment] | None, session: RecordedSession) -> Speech:
    if equipment is None and not session.declaration:
        raise ConfigurationError(
            "the recording does not name a declaration: give the class of the equipment as second argument"
        )
    declaration: Declaration = declaration_of(
        load_object(session.declaration) if equipment is None else equipment
    )
    return Speech.declared(declaration)


def _credentials(speech: Speech, given: Mapping[str, str] | None) -> Mapping[str, str]:
    """Return the credentials, invented if none are given: recordings do not keep them."""
    if given is not None:
        return given
    steps = () if speech.declaration is None else speech.declaration.login
    return dict.fromkeys(credential_names(steps), "secret")


class _Run:
    """One replay on a network in memory."""

    def __init__(
        self,
        recording: Recording,
        sessions: Sequence[RecordedSession],
        speech: Speech,
        rules: ReplayRules,
        network: Network,
    ) -> None:
        self._recording = recording
        self._sessions = sessions
        self._speech = speech
        self._rules = rules
        self._network = network
        self._equipment = network.machine("equipment")
        self._host = network.machine("host")
        self._outcomes: list[Any] = []

    def against_equipment(self, given: Equipment | type[Equipment] | None) -> Ended:
        """Let the recorded host ask equipment."""
        declaration = self._speech.declaration
        assert declaration is not None
        kind = declaration.kind if given is None else given
        equipment = kind() if isinstance(kind, type) else kind
        clock = _ClockWithThreads(self._equipment)
        factory = EquipmentFactory(equipment, clock=clock)
        place = Listener("equipment", self._equipment.listening(_PORT), local=True, proves_peers=False)
        service = ServerService(factory, [place])
        service.startService()
        player = self._player(self._host, plays_host=True)
        endpoint = self._host.connecting(self._equipment, _PORT)
        try:
            return self._until_done(Deferred.fromCoroutine(player.connect(endpoint)))
        finally:
            service.stopService()
            self._network.advance(self._rules.patience)

    def against_host(self, program: HostProgram, credentials: Mapping[str, str]) -> Ended:
        """Let a host's program ask the recorded equipment."""
        declaration = self._speech.declaration
        assert declaration is not None
        player = self._player(self._equipment, plays_host=False)
        self._equipment.listening(_PORT).listen(player.factory)
        proxy: Any = remote(
            declaration.kind,
            at=self._host.connecting(self._equipment, _PORT),
            reactor=_ClockWithThreads(self._host),
            credentials=credentials,
        )
        link = link_of(proxy)
        failures: list[Failure] = []

        def program_ended(result: Any) -> None:
            problem = "the host's program ended"
            if isinstance(result, Failure):
                failures.append(result)
                problem += f" with {type(result.value).__name__}: {result.value}"
            link.stopService()
            problem += ", and its link with the equipment was not ready"
            self._host.clock.callLater(self._rules.patience, player.give_up, Verdict.NO_LINK, problem)

        def begin() -> None:
            running: Deferred[Any] = maybeDeferred(lambda: _awaited(program(proxy)))
            running.addBoth(program_ended)

        self._host.clock.callLater(0, begin)
        try:
            ended = self._until_done(player.finished)
        finally:
            link.stopService()
            self._network.advance(self._rules.patience)
        if ended.verdict is Verdict.SAME and failures:
            failures[0].raiseException()
        return ended

    def _player(self, machine: Machine, *, plays_host: bool) -> Player:
        return Player(
            self._recording,
            self._sessions,
            self._speech,
            plays_host=plays_host,
            rules=self._rules,
            clock=machine.clock,
        )

    def _until_done(self, done: Deferred[Ended]) -> Ended:
        outcomes: list[Any] = []
        done.addBoth(outcomes.append)
        if not self._network.run_until(lambda: bool(outcomes), LONGEST_REPLAY):
            return Ended(
                Verdict.TIMEOUT, None, f"the replay did not end in {LONGEST_REPLAY:g} virtual seconds"
            )
        (outcome,) = outcomes
        if isinstance(outcome, Failure):
            outcome.raiseException()
        ended: Ended = outcome
        return ended


def _awaited(result: Any) -> Any:
    """Return a Deferred for a coroutine, and anything else as it is."""
    return Deferred.fromCoroutine(result) if hasattr(result, "send") else result


class _OwnThread:
    """A pool of threads that calls everything at once, in the thread of its caller."""

    def callInThreadWithCallback(
        self,
        on_result: Callable[[bool, Any], object] | None,
        function: Callable[..., Any],
        *args: Any,
        **kw: Any,
    ) -> None:
        try:
            result, is_good = function(*args, **kw), True
        except Exception:
            result, is_good = Failure(), False
        if on_result is not None:
            on_result(is_good, result)

    def callInThread(self, function: Callable[..., Any], *args: Any, **kw: Any) -> None:
        self.callInThreadWithCallback(None, function, *args, **kw)


@implementer(IReactorTime)
class _ClockWithThreads:
    """The clock of a simulated machine, with a pool of threads for handlers that want one."""

    def __init__(self, machine: Machine) -> None:
        self._clock = machine.clock
        self.seconds = self._clock.seconds
        self.callLater = self._clock.callLater
        self.getDelayedCalls = self._clock.getDelayedCalls

    def getThreadPool(self) -> _OwnThread:
        return _OwnThread()

    def callFromThread(self, function: Callable[..., Any], *args: Any, **kw: Any) -> None:
        self._clock.callLater(0, function, *args, **kw)
