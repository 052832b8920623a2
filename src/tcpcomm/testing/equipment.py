"""
A declaration held to its promise: :func:`check_equipment`.

Both ends are made of it, :func:`tcpcomm.serve` and :func:`tcpcomm.remote`, and joined by a simulated
network, on which every command and event goes its whole way: values, codec, framing, bytes in arbitrary
pieces, and back.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from random import Random
from typing import Any, Final, NoReturn

from attrs import define, evolve, field, frozen
from hypothesis import HealthCheck, Phase, given, reject, settings
from hypothesis import strategies as st
from hypothesis.strategies import DataObject
from twisted.internet.defer import Deferred, maybeDeferred
from twisted.logger import ILogObserver, LogEvent, LogLevel, formatEvent, globalLogPublisher
from twisted.python.failure import Failure
from zope.interface import implementer

from tcpcomm.codec.base import Request
from tcpcomm.equipment.declaration import Declaration
from tcpcomm.equipment.equipment import Equipment, declaration_of
from tcpcomm.equipment.login import credential_names
from tcpcomm.equipment.messages import Command, DeclaredEvent
from tcpcomm.equipment.samples import SAMPLE_ID, Samples
from tcpcomm.errors import CodecError, ConfigurationError, Fault
from tcpcomm.host.host import link_of, remote
from tcpcomm.link.supervisor import LinkState, profile
from tcpcomm.server.serving import serve
from tcpcomm.server.simulator import implement_with
from tcpcomm.testing.laws.violation import Violation
from tcpcomm.testing.network.wire import Network

__all__ = ["check_equipment"]

_PORT: Final = 9999
_PATIENCE: Final = 30.0
"""Virtual seconds for what takes none in good equipment, besides a command's timeout."""

_SENTENCE: Final = "What one end says is what the other hears, and nothing else."


def check_equipment(kind: type[Equipment], *, max_examples: int | None = None) -> None:
    """
    Hold a declaration to its promise: ``check_equipment(VisionCamera)`` is a complete test.

    Every command is asked with drawn values, and answered with drawn results and faults; every event is
    told with drawn values, also in the midst of a command. All goes through the real protocols of both
    ends, and arrives in arbitrary pieces where the framing bears that.

    Args:
        kind: the declaration. Implementations that it has are not used.
        max_examples: how many conversations to try for each command and event; by default as many as the
            Hypothesis profile in force says.

    Raises:
        AssertionError: something does not arrive as it was said. The text shows the smallest example that
            was found: the command or event with its values, the bytes in hex, in the pieces in which they
            arrived, what was expected, what came.
        ConfigurationError: it is no declaration, or no values can be drawn for it.
    """
    __tracebackhide__ = True
    declaration = declaration_of(kind)
    actor = _Actor()
    device = type(implement_with(kind, actor.carry_out))  # made once, for that costs more than a conversation
    for told in _all_told(declaration):
        _hold(told, declaration, lambda: actor.plays(device()), max_examples or settings().max_examples)


def _hold(
    told: Command | DeclaredEvent,
    declaration: Declaration,
    actor: Callable[[], _Actor],
    max_examples: int,
) -> None:
    __tracebackhide__ = True
    samples = Samples(declaration)
    others = _all_told(declaration)

    @settings(
        max_examples=max_examples,
        phases=(Phase.generate, Phase.shrink),
        deadline=None,
        database=None,
        print_blob=False,
        report_multiple_bugs=False,
        suppress_health_check=list(HealthCheck),
    )
    @given(st.data())
    def hold(data: DataObject) -> None:
        random = data.draw(st.randoms(use_true_random=False))
        cuts = data.draw(st.sampled_from((0.0, 0.3, 1.0))) if _bears_cuts(declaration) else 0.0
        seed = data.draw(st.integers(0, 2**16))
        others_first = data.draw(st.lists(st.sampled_from(others), max_size=2))
        try:
            steps = [_draw_step(each, declaration, samples, random) for each in (*others_first, told)]
        except ConfigurationError:
            reject()
        _converse(declaration, steps, Network(seed, cuts=cuts, traced=True), actor())

    try:
        _draw_step(told, declaration, samples, Random(0))  # where nothing can be drawn, that is told
        hold()
    except Violation as violation:
        where = violation.where if isinstance(violation, _Complaint) else told.where
        raise AssertionError(f"{where} does not pass the wire\n  {_SENTENCE}\n{violation}") from None


def _all_told(declaration: Declaration) -> list[Command | DeclaredEvent]:
    return [*declaration.commands.values(), *declaration.events.values()]


def _bears_cuts(declaration: Declaration) -> bool:
    return declaration.received.self_delimiting and declaration.sent.self_delimiting


@frozen
class _Step:
    """One thing that is said: a command with its answer, or an event."""

    told: Command | DeclaredEvent
    values: dict[str, Any]
    answer: Any = None
    """A command's result, or the fault."""
    meanwhile: _Step | None = None
    """An event that is told while the command is carried out."""

    def __str__(self) -> str:
        return f"{self.told.name}({', '.join(f'{name}={value!r}' for name, value in self.values.items())})"


def _draw_step(
    told: Command | DeclaredEvent, declaration: Declaration, samples: Samples, random: Random
) -> _Step:
    try:
        if isinstance(told, DeclaredEvent):
            return _Step(told, samples.event(told.name, random))
        values = samples.values(told.name, random)
        answer: Any = samples.result(told.name, random)
        if told.has_reply and declaration.dialect.has_faults and random.random() > 0.75:
            answer = samples.fault(told.name, random)
    except ConfigurationError:
        raise
    except Exception as error:
        raise Violation("values that can be written", _shown(error), drawn=f"for {told.where}") from error
    meanwhile = None
    if declaration.events and _bears_cuts(declaration) and random.random() > 0.75:
        event = random.choice([*declaration.events.values()])
        meanwhile = _draw_step(event, declaration, samples, random)
    return _Step(told, values, answer, meanwhile)


class _Actor:
    """What the equipment does: it notes what it is asked, and answers as the script says."""

    def __init__(self) -> None:
        self.equipment: Any = None
        self.step: Any = None
        self.asked: list[tuple[str, dict[str, Any]]] = []

    def plays(self, equipment: Equipment) -> _Actor:
        """From now on it is this object."""
        self.equipment = equipment
        return self

    def carry_out(self, command: Command, values: dict[str, Any]) -> Any:
        """Carry out what one step of the script says."""
        self.asked.append((command.name, values))
        step: _Step = self.step
        if step.meanwhile is not None:
            self.tell(step.meanwhile)
        if isinstance(step.answer, Fault):
            raise step.answer
        return step.answer

    def tell(self, step: _Step) -> None:
        """Tell an event."""
        getattr(self.equipment, step.told.name)(**step.values)


def _converse(declaration: Declaration, steps: list[_Step], network: Network, actor: _Actor) -> None:
    """Both ends of a declaration, and all steps between them."""
    with _logged_errors() as errors:
        ends = _Ends(declaration, network, actor, errors)
        try:
            ends.begin()
            for step in steps:
                ends.take(step)
        finally:
            ends.end()


class _Complaint(Violation):
    """Something did not arrive as it was said."""

    where: str
    """What was said, by its class and method."""


@define(eq=False)
class _Ends:
    declaration: Declaration
    network: Network
    actor: _Actor
    errors: list[str]
    _heard: list[tuple[str, dict[str, Any]]] = field(init=False, factory=list)
    _proxy: Any = field(init=False, default=None)
    _service: Any = field(init=False, default=None)

    def begin(self) -> None:
        """Connect the two."""
        equipment, host = self.network.machine("equipment"), self.network.machine("host")
        self._service = serve(self.actor.equipment, at=equipment.listening(_PORT), reactor=equipment.clock)
        self._service.startService()
        self._proxy = remote(
            self.declaration.kind,
            at=host.connecting(equipment, _PORT),
            policy=evolve(profile("lan"), heartbeats=None),
            credentials=dict.fromkeys(credential_names(self.declaration.login), "secret"),
            reactor=host.clock,
        )
        for event in self.declaration.events.values():
            getattr(self._proxy, event.name).subscribe(self._hearing(event))
        link, sessions = link_of(self._proxy), self._service.factory.members

        def is_ready() -> bool:  # at both ends: one that has accepted no connection yet tells it no event
            return link.state is LinkState.READY and bool(sessions)

        if not self.network.run_until(is_ready, within=_PATIENCE):
            raise Violation("the link becomes ready", f"it is {link.state.value}: {link.reason}")

    def end(self) -> None:
        """Leave nothing behind."""
        if self._proxy is not None:
            link_of(self._proxy).stopService()
        self._service.stopService()
        self.network.advance(_PATIENCE)

    def take(self, step: _Step) -> None:
        """Have one thing said, and compare what is heard."""
        self.actor.step, self.actor.asked = step, []
        self._heard.clear()
        self._trace.clear()
        if isinstance(step.told, DeclaredEvent):
            self.actor.tell(step)
            self.network.run_until(lambda: bool(self._heard), _PATIENCE)
            self._expect([_said(step)], self._heard, step, "events heard")
            return
        outcomes: list[Any] = []
        asked: Deferred[Any] = maybeDeferred(getattr(self._proxy, step.told.name), **step.values)
        asked.addBoth(outcomes.append)
        events = 0 if step.meanwhile is None else 1

        def is_over() -> bool:
            return bool(outcomes and self.actor.asked) and len(self._heard) >= events

        self.network.run_until(is_over, step.told.timeout + _PATIENCE)
        outcome = outcomes[0] if outcomes else "nothing"
        outcome = outcome.value if isinstance(outcome, Failure) else outcome
        if not self.actor.asked and isinstance(outcome, Exception):
            self._complain("the command is carried out", _shown(outcome), step, "outcome")
        self._expect([_said(step)], self.actor.asked, step, "commands carried out")
        self._expect_answer(step, outcome)
        told = [] if step.meanwhile is None else [_said(step.meanwhile)]
        self._expect(told, self._heard, step, "events heard")

    def _expect_answer(self, step: _Step, outcome: Any) -> None:
        sent = step.answer
        if not (isinstance(sent, Fault) and isinstance(outcome, Fault)):
            self._expect(sent, outcome, step, "outcome")
            return
        # A form without a place for the code has it in the reason, and one without a reason loses that;
        # what arrived is then all that there was on the wire.
        dialect, request = self.declaration.dialect, Request(step.told.name, {}, SAMPLE_ID)
        if outcome.code != sent.code and not outcome.reason.startswith(str(sent.code)):
            self._expect(sent, outcome, step, "fault")
        try:
            again: Any = dialect.fault(request, outcome)
        except CodecError as error:
            again = error
        self._expect(dialect.fault(request, sent), again, step, "fault, written again")

    def _expect(self, expected: Any, actual: Any, step: _Step, what: str) -> None:
        if expected != actual or type(expected) is not type(actual):
            self._complain(_shown(expected), _shown(actual), step, what)

    def _complain(self, expected: str, actual: str, step: _Step, what: str) -> NoReturn:
        facts: dict[str, Any] = {"event" if isinstance(step.told, DeclaredEvent) else "command": step}
        if isinstance(step.told, Command):
            facts["answered with"] = _shown(step.answer)
        if step.meanwhile is not None:
            facts["told meanwhile"] = step.meanwhile
        facts["equipment read"] = self._read_by("<")
        facts["host read"] = self._read_by(">")
        facts["compared"] = what
        if self.errors:
            facts["logged"] = self.errors[-1].splitlines()
        complaint = _Complaint(expected, actual, **facts)
        complaint.where = step.told.where
        raise complaint

    def _read_by(self, end: str) -> list[bytes]:
        """The pieces in which bytes arrived at one end: the sockets of hosts are called ``...>``."""
        return [
            what
            for _, kind, name, what in self._trace
            if kind == "read" and name.endswith(end) and isinstance(what, bytes)
        ]

    @property
    def _trace(self) -> list[tuple[float, str, str, object]]:
        assert self.network.trace is not None
        return self.network.trace

    def _hearing(self, event: DeclaredEvent) -> Any:
        return lambda *values: self._heard.append((event.name, dict(zip(event.names, values, strict=True))))


def _said(step: _Step) -> tuple[str, dict[str, Any]]:
    return step.told.name, step.values


def _shown(value: Any) -> str:
    return f"{type(value).__name__}: {value}" if isinstance(value, Exception) else repr(value)


@contextmanager
def _logged_errors() -> Iterator[list[str]]:
    """What is logged as an error meanwhile: it says why something did not arrive."""
    errors: list[str] = []

    @implementer(ILogObserver)
    class Observer:
        def __call__(self, event: LogEvent) -> None:
            if event.get("log_level", LogLevel.info) >= LogLevel.error:
                failure = event.get("log_failure")
                reason = "" if failure is None else f": {failure.type.__name__}: {failure.value}"
                errors.append(f"{formatEvent(event)}{reason}")

    observer = Observer()
    globalLogPublisher.addObserver(observer)
    try:
        yield errors
    finally:
        globalLogPublisher.removeObserver(observer)
