"""
The test of an equipment declaration: :func:`check_equipment`.

It connects the two ends of the declaration, a served object and a proxy, over a simulated network.
Every command and event passes all layers there: values, codec, framing, and bytes in arbitrary chunks.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from random import Random
from types import new_class
from typing import Any, Final, NoReturn

from attrs import define, evolve, field, frozen
from hypothesis import reject
from hypothesis import strategies as st
from twisted.internet.defer import Deferred, maybeDeferred
from twisted.python.failure import Failure

from tcpcomm.codec.base import Request
from tcpcomm.equipment.declaration import Declaration
from tcpcomm.equipment.equipment import Equipment, declaration_of
from tcpcomm.equipment.login import credential_names
from tcpcomm.equipment.messages import Command, DeclaredEvent
from tcpcomm.equipment.samples import SAMPLE_ID, Samples
from tcpcomm.errors import CodecError, ConfigurationError, Fault
from tcpcomm.host.host import link_of
from tcpcomm.host.link import HostLink
from tcpcomm.host.options import HostOptions
from tcpcomm.link.policy import profile
from tcpcomm.link.states import LinkState
from tcpcomm.net.endpoints import Listener
from tcpcomm.server.service import ServerService
from tcpcomm.server.serving import EquipmentFactory
from tcpcomm.server.simulator import implement_with
from tcpcomm.session.protocol import FrameProtocol
from tcpcomm.testing.laws.examples import Draw, try_examples
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
    check = _Check(declaration_of(kind))
    for member in check.members:
        check.hold(member, max_examples)


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
        return self.member.name, self.values

    def __str__(self) -> str:
        values = ", ".join(f"{name}={value!r}" for name, value in self.values.items())
        return f"{self.member.name}({values})"


class _Check:
    """The check of one declaration. It draws actions and carries them out in conversations."""

    def __init__(self, declaration: Declaration) -> None:
        self._declaration = _without_opening(declaration)
        declaration = self._declaration
        self.members: list[Command | DeclaredEvent] = [*declaration.commands.values()]
        self.members += declaration.events.values()
        self._can_be_cut = declaration.received.self_delimiting and declaration.sent.self_delimiting
        self._samples = Samples(declaration)
        self._conversation: Any = None
        self._device = type(implement_with(declaration.kind, self._answer))  # made once: it takes long
        self._where = ""
        """The class and the method of the command or event that is tried."""

    def _answer(self, command: Command, values: dict[str, Any]) -> Any:
        return self._conversation.answer(command, values)

    def hold(self, member: Command | DeclaredEvent, max_examples: int | None) -> None:
        __tracebackhide__ = True
        self._where = member.where
        try:
            self._draw(member, Random(0))  # raises if no values can be drawn
            try_examples(partial(self._try, member), max_examples)
        except Violation as violation:
            text = f"{self._where} does not pass the wire\n  {_LAW}\n{violation}"
            raise AssertionError(text) from None

    def _try(self, member: Command | DeclaredEvent, draw: Draw) -> None:
        self._where = member.where
        random = draw(st.randoms(use_true_random=False))
        cuts = draw(st.sampled_from((0.0, 0.3, 1.0))) if self._can_be_cut else 0.0
        seed = draw(st.integers(0, 2**16))
        earlier = draw(st.lists(st.sampled_from(self.members), max_size=2))
        try:
            actions = [self._draw(each, random) for each in (*earlier, member)]
        except ConfigurationError:
            reject()
        network = Network(seed, cuts=cuts, traced=True)
        with logged_errors() as errors:
            self._conversation = _Conversation(self._declaration, self._device(), network, errors)
            try:
                self._conversation.begin()
                for action in actions:
                    self._where = action.member.where
                    self._conversation.carry_out(action)
            finally:
                self._conversation.end()

    def _draw(self, member: Command | DeclaredEvent, random: Random) -> _Action:
        declaration, samples = self._declaration, self._samples
        try:
            if isinstance(member, DeclaredEvent):
                return _Action(member, samples.event(member.name, random))
            values = samples.values(member.name, random)
            answer: Any = samples.result(member.name, random, values)
            if member.has_reply and declaration.dialect.can_fail(member.name) and random.random() > 0.75:
                answer = samples.fault(member.name, random)
        except ConfigurationError:
            raise
        except Exception as error:
            drawn = f"for {member.where}"
            raise Violation("values that can be written", _text(error), drawn=drawn) from error
        event = None
        if declaration.events and self._can_be_cut and random.random() > 0.75:
            among = [each for each in declaration.events.values() if _can_come_meanwhile(each, member)]
            event = self._draw(random.choice(among), random) if among else None
        return _Action(member, values, answer, event)


def _without_opening(declaration: Declaration) -> Declaration:
    """Return the declaration without its opening, because a handshake needs true answers."""
    kind = declaration.kind
    if kind.opening is Equipment.opening:
        return declaration
    namespace = {"__doc__": kind.__doc__, "__module__": kind.__module__, "opening": Equipment.opening}
    return declaration_of(new_class(kind.__name__, (kind,), exec_body=lambda body: body.update(namespace)))


def _can_come_meanwhile(event: DeclaredEvent, command: Command) -> bool:
    """
    Return True if an event can come while a command is carried out.

    An event that gives the command another timeout cannot, because a drawn timeout may be too short.
    """
    if command.interim.get(event.name) is not None:
        return False
    if event.states is None or command.states is None:
        return True
    one, other = event.states, command.states
    return one.needs.isdisjoint(other.not_in) and other.needs.isdisjoint(one.not_in)


@define(eq=False)
class _Conversation:
    """The two connected ends of a declaration. The equipment answers each command as its action says."""

    _declaration: Declaration
    _equipment: Equipment
    _network: Network
    _errors: list[str]
    _action: Any = field(init=False, default=None)
    _commands: list[tuple[str, dict[str, Any]]] = field(init=False, factory=list)
    _events: list[tuple[str, dict[str, Any]]] = field(init=False, factory=list)
    _proxy: Any = field(init=False, default=None)
    _service: Any = field(init=False, default=None)

    def begin(self) -> None:
        equipment, host = self._network.machine("equipment"), self._network.machine("host")
        factory = EquipmentFactory(self._equipment, clock=equipment.clock)
        place = Listener("equipment", equipment.listening(_PORT), local=True, proves_peers=False)
        self._service = ServerService(factory, [place])
        self._service.startService()
        options = HostOptions(
            connect=host.connecting(equipment, _PORT),
            policy=evolve(profile("lan"), heartbeats=None),
            credentials=dict.fromkeys(credential_names(self._declaration.login), "secret"),
            reactor=host.clock,
        )
        # The peer may have to cause the state that readiness needs, and here there is no such peer. What a
        # host answers is another declaration, which has its own check.
        link = HostLink(evolve(self._declaration, ready_when=None, host_side=None), options)
        link.start_with_reactor()
        self._proxy = link.host_proxy.proxy
        for event in self._declaration.events.values():
            getattr(self._proxy, event.name).subscribe(partial(self._event_arrived, event))
        sessions = factory.members

        def is_ready() -> bool:  # at both ends: a server without a session sends no event
            return link.state is LinkState.READY and bool(sessions)

        if not self._network.run_until(is_ready, within=_TIMEOUT):
            raise Violation("the link becomes ready", f"it is {link.state.value}: {link.reason}")

    def _event_arrived(self, event: DeclaredEvent, *values: Any) -> None:
        self._events.append((event.name, dict(zip(event.names, values, strict=True))))

    def end(self) -> None:
        if self._proxy is not None:
            link_of(self._proxy).stopService()
        self._service.stopService()
        self._network.advance(_TIMEOUT)

    def answer(self, command: Command, values: dict[str, Any]) -> Any:
        """Record a command, send the event of its action, and return or raise its answer."""
        self._commands.append((command.name, values))
        if self._action.event is not None:
            self._send(self._action.event)
        if isinstance(self._action.answer, Fault):
            raise self._action.answer
        return self._action.answer

    def _send(self, event: _Action) -> None:
        getattr(self._equipment, event.member.name)(**event.values)

    def _sessions(self) -> list[FrameProtocol]:
        """Return the sessions of both ends."""
        return [*self._service.factory.members, link_of(self._proxy).ready_requester().session]

    def _enter_needed_states(self, actions: Sequence[_Action]) -> None:
        """Let both ends be in states that allow the actions, because the way there is another action."""
        rules = [each.member.states for each in actions if each.member.states]
        if rules:
            for session in self._sessions():
                session.states -= {state for rule in rules for state in rule.not_in}
                session.states |= {state for rule in rules for state in rule.needs}

    def carry_out(self, action: _Action) -> None:
        """Carry out one action, and compare the received values with the sent ones."""
        self._action = action
        self._enter_needed_states([action, *([] if action.event is None else [action.event])])
        self._commands.clear()
        self._events.clear()
        self._network.trace = []
        if isinstance(action.member, DeclaredEvent):
            self._send(action)
            self._network.run_until(lambda: bool(self._events), _TIMEOUT)
            self._expect([action.call], self._events, "events received")
            return
        outcomes: list[Any] = []
        result: Deferred[Any] = maybeDeferred(getattr(self._proxy, action.member.name), **action.values)
        result.addBoth(outcomes.append)
        events = [] if action.event is None else [action.event.call]

        def is_over() -> bool:
            return bool(outcomes and self._commands) and len(self._events) >= len(events)

        self._network.run_until(is_over, action.member.timeout + _TIMEOUT)
        outcome = outcomes[0] if outcomes else "nothing"
        outcome = outcome.value if isinstance(outcome, Failure) else outcome
        if not self._commands and isinstance(outcome, Exception):
            self._differ("the command is carried out", _text(outcome), "outcome")
        self._expect([action.call], self._commands, "commands carried out")
        self._expect_answer(action, outcome)
        self._expect(events, self._events, "events received")
        if self._declaration.has_states:
            at_equipment, at_host = self._sessions()
            self._expect(at_equipment.states, at_host.states, "states at both ends")

    def _expect_answer(self, action: _Action, outcome: Any) -> None:
        sent = action.answer
        if not (isinstance(sent, Fault) and isinstance(outcome, Fault)):
            self._expect(sent, outcome, "outcome")
            return
        # A fault text without a field for the code has it in the reason, and one without a field for the
        # reason loses the reason. So the two faults are compared as they are written.
        dialect, request = self._declaration.dialect, Request(action.member.name, {}, SAMPLE_ID)
        if outcome.code != sent.code and not outcome.reason.startswith(str(sent.code)):
            self._expect(sent, outcome, "fault")
        try:
            written: Any = dialect.fault(request, outcome)
        except CodecError as error:
            written = error
        self._expect(dialect.fault(request, sent), written, "fault, written again")

    def _expect(self, expected: Any, actual: Any, compared: str) -> None:
        if expected != actual or type(expected) is not type(actual):
            self._differ(_text(expected), _text(actual), compared)

    def _differ(self, expected: str, actual: str, compared: str) -> NoReturn:
        action = self._action
        facts: dict[str, Any] = {"event" if isinstance(action.member, DeclaredEvent) else "command": action}
        if isinstance(action.member, Command):
            facts["answered with"] = _text(action.answer)
        if action.event is not None:
            facts["event meanwhile"] = action.event
        facts["equipment read"] = self._chunks_read("<")
        facts["host read"] = self._chunks_read(">")
        facts["compared"] = compared
        if self._errors:
            lines = self._errors[-1].splitlines()
            facts["logged"] = [lines[0], lines[-1]]
        raise Violation(expected, actual, **facts)

    def _chunks_read(self, mark: str) -> list[object]:
        """Return the chunks that one end read. The names of a host's sockets end with ``>``."""
        trace = self._network.trace or ()
        return [chunk for _, kind, name, chunk in trace if kind == "read" and name.endswith(mark)]


def _text(value: Any) -> str:
    return f"{type(value).__name__}: {value}" if isinstance(value, Exception) else repr(value)
