"""
The test of an equipment declaration: :func:`check_equipment`.

It connects :func:`tcpcomm.serve` and :func:`tcpcomm.remote` for the declaration over a simulated network.
Every command and event passes all layers there: values, codec, framing, and bytes in arbitrary chunks.
"""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any, Final, NoReturn

from attrs import define, evolve, field, frozen
from hypothesis import given, reject
from hypothesis import strategies as st
from hypothesis.strategies import DataObject
from twisted.internet.defer import Deferred, maybeDeferred
from twisted.python.failure import Failure

from tcpcomm.codec.base import Request
from tcpcomm.equipment.declaration import Declaration
from tcpcomm.equipment.equipment import Equipment, declaration_of
from tcpcomm.equipment.login import credential_names
from tcpcomm.equipment.messages import Command, DeclaredEvent
from tcpcomm.equipment.samples import SAMPLE_ID, Samples
from tcpcomm.errors import CodecError, ConfigurationError, Fault
from tcpcomm.host.host import link_of, remote
from tcpcomm.link.policy import profile
from tcpcomm.link.states import LinkState
from tcpcomm.server.serving import serve
from tcpcomm.server.simulator import implement_with
from tcpcomm.testing.laws.settings import check_settings
from tcpcomm.testing.laws.violation import Violation
from tcpcomm.testing.logged_errors import logged_errors
from tcpcomm.testing.network.wire import Network

_PORT: Final = 9999
_TIMEOUT: Final = 30.0
"""The virtual seconds to wait for a result, in addition to the timeout of a command."""

_LAW: Final = "One end receives exactly the values that the other end sent."


def check_equipment(kind: type[Equipment], *, max_examples: int | None = None) -> None:
    """
    Test a declaration: ``check_equipment(VisionCamera)`` is a complete test.

    It sends every command with drawn values, and answers with drawn results and faults. It sends every
    event with drawn values, also while a command is carried out. Both ends are real, and the bytes arrive
    in arbitrary chunks if the framing allows it.

    Args:
        kind: the declaration. Its implementations are not used.
        max_examples: the number of conversations for each command and event. The default is set by
            the active Hypothesis profile.

    Raises:
        AssertionError: a value does not arrive as it was sent. The text shows the smallest example found:
            the command or event with its values, the received chunks in hex, the expected and the actual
            result.
        ConfigurationError: the class is not a declaration, or no values can be drawn for it.
    """
    __tracebackhide__ = True
    declaration = declaration_of(kind)
    script = _Script()
    device = type(implement_with(kind, script.carry_out))  # made once, because it takes long
    for member in _members(declaration):
        _hold(member, declaration, lambda: script.use(device()), max_examples)


def _hold(
    member: Command | DeclaredEvent,
    declaration: Declaration,
    new_script: Callable[[], _Script],
    max_examples: int | None,
) -> None:
    __tracebackhide__ = True
    samples = Samples(declaration)
    members = _members(declaration)

    @check_settings(max_examples)
    @given(st.data())
    def hold(data: DataObject) -> None:
        random = data.draw(st.randoms(use_true_random=False))
        cuts = data.draw(st.sampled_from((0.0, 0.3, 1.0))) if _allows_cuts(declaration) else 0.0
        seed = data.draw(st.integers(0, 2**16))
        earlier = data.draw(st.lists(st.sampled_from(members), max_size=2))
        try:
            actions = [_draw_action(each, declaration, samples, random) for each in (*earlier, member)]
        except ConfigurationError:
            reject()
        _converse(declaration, actions, Network(seed, cuts=cuts, traced=True), new_script())

    try:
        _draw_action(member, declaration, samples, Random(0))  # raises if no values can be drawn
        hold()
    except Violation as violation:
        where = violation.where if isinstance(violation, _Difference) else member.where
        raise AssertionError(f"{where} does not pass the wire\n  {_LAW}\n{violation}") from None


def _members(declaration: Declaration) -> list[Command | DeclaredEvent]:
    return [*declaration.commands.values(), *declaration.events.values()]


def _allows_cuts(declaration: Declaration) -> bool:
    return declaration.received.self_delimiting and declaration.sent.self_delimiting


@frozen
class _Action:
    """One action of a conversation: a command with its answer, or an event."""

    member: Command | DeclaredEvent
    values: dict[str, Any]
    answer: Any = None
    """The result or the fault of a command."""
    event: _Action | None = None
    """An event that is sent while the command is carried out."""

    @property
    def call(self) -> tuple[str, dict[str, Any]]:
        """The name and the values."""
        return self.member.name, self.values

    def __str__(self) -> str:
        values = ", ".join(f"{name}={value!r}" for name, value in self.values.items())
        return f"{self.member.name}({values})"


def _draw_action(
    member: Command | DeclaredEvent, declaration: Declaration, samples: Samples, random: Random
) -> _Action:
    try:
        if isinstance(member, DeclaredEvent):
            return _Action(member, samples.event(member.name, random))
        values = samples.values(member.name, random)
        answer: Any = samples.result(member.name, random)
        if member.has_reply and declaration.dialect.has_faults and random.random() > 0.75:
            answer = samples.fault(member.name, random)
    except ConfigurationError:
        raise
    except Exception as error:
        raise Violation("values that can be written", _text(error), drawn=f"for {member.where}") from error
    event = None
    if declaration.events and _allows_cuts(declaration) and random.random() > 0.75:
        chosen = random.choice([*declaration.events.values()])
        event = _draw_action(chosen, declaration, samples, random)
    return _Action(member, values, answer, event)


class _Script:
    """The implementation of the equipment: it records each command and answers as the action says."""

    def __init__(self) -> None:
        self.equipment: Any = None
        self.action: Any = None
        self.commands: list[tuple[str, dict[str, Any]]] = []

    def use(self, equipment: Equipment) -> _Script:
        """Let this object be the equipment from now on."""
        self.equipment = equipment
        return self

    def carry_out(self, command: Command, values: dict[str, Any]) -> Any:
        """Send the event of the current action, then return or raise its answer."""
        self.commands.append((command.name, values))
        action: _Action = self.action
        if action.event is not None:
            self.send(action.event)
        if isinstance(action.answer, Fault):
            raise action.answer
        return action.answer

    def send(self, event: _Action) -> None:
        """Send an event to the host."""
        getattr(self.equipment, event.member.name)(**event.values)


def _converse(declaration: Declaration, actions: list[_Action], network: Network, script: _Script) -> None:
    """Connect both ends of a declaration and carry out all actions."""
    with logged_errors() as errors:
        conversation = _Conversation(declaration, network, script, errors)
        try:
            conversation.begin()
            for action in actions:
                conversation.carry_out(action)
        finally:
            conversation.end()


class _Difference(Violation):
    """A value did not arrive as it was sent."""

    where: str
    """The class and the method of the command or event."""


@define(eq=False)
class _Conversation:
    declaration: Declaration
    network: Network
    script: _Script
    errors: list[str]
    _events: list[tuple[str, dict[str, Any]]] = field(init=False, factory=list)
    _proxy: Any = field(init=False, default=None)
    _service: Any = field(init=False, default=None)

    def begin(self) -> None:
        """Connect the two ends."""
        equipment, host = self.network.machine("equipment"), self.network.machine("host")
        self._service = serve(self.script.equipment, at=equipment.listening(_PORT), reactor=equipment.clock)
        self._service.startService()
        self._proxy = remote(
            self.declaration.kind,
            at=host.connecting(equipment, _PORT),
            policy=evolve(profile("lan"), heartbeats=None),
            credentials=dict.fromkeys(credential_names(self.declaration.login), "secret"),
            reactor=host.clock,
        )
        for event in self.declaration.events.values():
            getattr(self._proxy, event.name).subscribe(self._recorder(event))
        link, sessions = link_of(self._proxy), self._service.factory.members

        def is_ready() -> bool:  # at both ends: a server without a session sends no event
            return link.state is LinkState.READY and bool(sessions)

        if not self.network.run_until(is_ready, within=_TIMEOUT):
            raise Violation("the link becomes ready", f"it is {link.state.value}: {link.reason}")

    def end(self) -> None:
        """Stop both ends."""
        if self._proxy is not None:
            link_of(self._proxy).stopService()
        self._service.stopService()
        self.network.advance(_TIMEOUT)

    def carry_out(self, action: _Action) -> None:
        """Carry out one action, and compare the received values with the sent ones."""
        self.script.action, self.script.commands = action, []
        self._events.clear()
        self._trace.clear()
        if isinstance(action.member, DeclaredEvent):
            self.script.send(action)
            self.network.run_until(lambda: bool(self._events), _TIMEOUT)
            self._expect([action.call], self._events, action, "events received")
            return
        outcomes: list[Any] = []
        result: Deferred[Any] = maybeDeferred(getattr(self._proxy, action.member.name), **action.values)
        result.addBoth(outcomes.append)
        events = [] if action.event is None else [action.event.call]

        def is_over() -> bool:
            return bool(outcomes and self.script.commands) and len(self._events) >= len(events)

        self.network.run_until(is_over, action.member.timeout + _TIMEOUT)
        outcome = outcomes[0] if outcomes else "nothing"
        outcome = outcome.value if isinstance(outcome, Failure) else outcome
        if not self.script.commands and isinstance(outcome, Exception):
            self._differ("the command is carried out", _text(outcome), action, "outcome")
        self._expect([action.call], self.script.commands, action, "commands carried out")
        self._expect_answer(action, outcome)
        self._expect(events, self._events, action, "events received")

    def _expect_answer(self, action: _Action, outcome: Any) -> None:
        sent = action.answer
        if not (isinstance(sent, Fault) and isinstance(outcome, Fault)):
            self._expect(sent, outcome, action, "outcome")
            return
        # A fault text without a field for the code has it in the reason, and one without a field for the
        # reason loses the reason. So the two faults are compared as they are written.
        dialect, request = self.declaration.dialect, Request(action.member.name, {}, SAMPLE_ID)
        if outcome.code != sent.code and not outcome.reason.startswith(str(sent.code)):
            self._expect(sent, outcome, action, "fault")
        try:
            written: Any = dialect.fault(request, outcome)
        except CodecError as error:
            written = error
        self._expect(dialect.fault(request, sent), written, action, "fault, written again")

    def _expect(self, expected: Any, actual: Any, action: _Action, compared: str) -> None:
        if expected != actual or type(expected) is not type(actual):
            self._differ(_text(expected), _text(actual), action, compared)

    def _differ(self, expected: str, actual: str, action: _Action, compared: str) -> NoReturn:
        facts: dict[str, Any] = {"event" if isinstance(action.member, DeclaredEvent) else "command": action}
        if isinstance(action.member, Command):
            facts["answered with"] = _text(action.answer)
        if action.event is not None:
            facts["event meanwhile"] = action.event
        facts["equipment read"] = self._chunks_read("<")
        facts["host read"] = self._chunks_read(">")
        facts["compared"] = compared
        if self.errors:
            lines = self.errors[-1].splitlines()
            facts["logged"] = [lines[0], lines[-1]]
        difference = _Difference(expected, actual, **facts)
        difference.where = action.member.where
        raise difference

    def _chunks_read(self, mark: str) -> list[bytes]:
        """Return the chunks that one end read. The names of a host's sockets end with ``>``."""
        return [
            details
            for _, kind, name, details in self._trace
            if kind == "read" and name.endswith(mark) and isinstance(details, bytes)
        ]

    @property
    def _trace(self) -> list[tuple[float, str, str, object]]:
        assert self.network.trace is not None
        return self.network.trace

    def _recorder(self, event: DeclaredEvent) -> Any:
        names = event.names
        return lambda *values: self._events.append((event.name, dict(zip(names, values, strict=True))))


def _text(value: Any) -> str:
    return f"{type(value).__name__}: {value}" if isinstance(value, Exception) else repr(value)
