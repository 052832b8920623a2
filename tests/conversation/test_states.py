"""Refuse a command at the equipment, and tell it at once at the host, if the state does not allow it."""

from __future__ import annotations

from functools import partial
from typing import Annotated, Any

import pytest
from twisted.internet.defer import Deferred
from twisted.internet.task import deferLater

from tcpcomm import (
    ConfigurationError,
    Equipment,
    Fault,
    FrameProtocol,
    NotReady,
    caller,
    command,
    declaration_of,
    event,
    link_of,
    raw,
    simulated,
)
from tcpcomm.codec import ID, OPCODE, STATUS, U8, U32, Binary, JsonRpc, Rest, Skip, Template
from tcpcomm.framing import Delimited, LengthPrefixed
from tcpcomm.link.states import LinkState
from tcpcomm.testing import check_equipment
from tcpcomm.tools.manual.facts import facts_of
from tcpcomm.tools.manual.pages import markdown
from tests.equipment.declared import PORT, Bench, VisionCamera


class Press(Equipment):
    """A press that takes jobs only while a host has control, and moves only while it is armed."""

    framing = Delimited(b"\r\n")
    codec = Template(fault="NG,{code},{reason}")

    @command("CTRL", reply="OK", enters="control")
    async def take_control(self) -> None:
        """Take control."""
        raise NotImplementedError

    @command("FREE", reply="OK", needs="control", leaves=("control", "armed"))
    def give_up_control(self) -> None:
        """Give up control."""
        raise NotImplementedError

    @command("ARM", reply="OK", needs="control", enters="armed")
    def arm(self) -> None:
        """Allow movements."""
        raise NotImplementedError

    @command("JOB,{job}", reply="DONE,{job}", needs="control", idempotent=True)
    def load(self, job: int) -> int:
        """Load a job. Return its number."""
        raise NotImplementedError

    @command("GO", reply=None, needs=("control", "armed"))
    def go(self) -> None:
        """Begin a stroke. There is no reply."""
        raise NotImplementedError

    @command("STAT", reply="STAT,{status}")
    def status(self) -> str:
        """Return the status, in any state."""
        raise NotImplementedError

    @command("SET,{speed:d}", reply="OK", not_in=("armed", "hot"))
    def set_speed(self, speed: int) -> None:
        """Set the speed, while it is not armed."""
        raise NotImplementedError

    @event("HOT", enters="hot")
    def heated(self) -> None:
        """It is too hot."""

    @event("IDLE", not_in="armed")
    def idled(self) -> None:
        """It did nothing for a while. A host that has armed it is not told."""

    @event("STOP", leaves="armed")
    def stopped(self) -> None:
        """The light curtain was broken."""

    @event("POS,{y:.1f}", needs="armed")
    def moved(self, y: float) -> None:
        """It moved. Only a host that has armed it is told."""


class MyPress(Press):
    """Its handlers return at once, or after a while in one of two ways."""

    def __init__(self, bench: Bench) -> None:
        self.bench = bench
        self.done: list[Any] = []
        self.problem: Exception | None = None

    async def take_control(self) -> None:
        await deferLater(self.bench.camera.clock, 0.1)
        if self.problem is not None:
            raise self.problem

    def give_up_control(self) -> None:
        self.done.append("free")

    def arm(self) -> Deferred[None]:  # type: ignore[override] # at runtime it may be either
        return deferLater(self.bench.camera.clock, 0.1)

    def load(self, job: int) -> int:
        self.done.append(job)
        return job

    def go(self) -> None:
        self.done.append("go")

    def set_speed(self, speed: int) -> None:
        self.done.append(speed)

    def status(self) -> str:
        return "READY"


@pytest.fixture
def press(bench: Bench) -> MyPress:
    made = MyPress(bench)
    bench.serve(made)
    return made


NEEDS_CONTROL = "needs the state control, which take_control enters, and the session is in no state"


def test_a_command_is_not_sent_in_a_state_that_does_not_allow_it(press: MyPress, bench: Bench) -> None:
    proxy = bench.remote(Press)
    assert "READY" == bench.result(proxy.status())
    outcomes: list[Any] = []
    asked: list[Any] = [proxy.load(3), proxy.arm()]
    for each in asked:
        each.addErrback(outcomes.append)
    assert 2 * [NotReady] == [each.type for each in outcomes], "it is told at once"
    assert f"Press.load {NEEDS_CONTROL}" == str(outcomes[0].value)
    assert f"Press.arm {NEEDS_CONTROL}" == str(outcomes[1].value)
    bench.network.advance(1.0)
    assert [] == press.done


def test_states_are_entered_and_left_by_commands_that_succeed(press: MyPress, bench: Bench) -> None:
    proxy = bench.remote(Press)
    press.problem = Fault("BUSY", "another host has control")
    assert Fault is type(bench.result(proxy.take_control()))
    assert NotReady is type(bench.result(proxy.load(1)))
    press.problem = None
    assert bench.result(proxy.take_control()) is None
    assert 1 == bench.result(proxy.load(1))
    assert (
        "Press.go needs the state armed, which arm enters, and the session is in the "
        "state control"
    ) == str(bench.result(proxy.go()))
    assert bench.result(proxy.arm()) is None
    assert bench.result(proxy.go()) is None
    bench.until(lambda: [1, "go"] == press.done)
    assert bench.result(proxy.give_up_control()) is None
    assert NotReady is type(bench.result(proxy.go()))
    assert NotReady is type(bench.result(proxy.load(2)))


def test_the_equipment_refuses_what_another_host_sends_all_the_same(press: MyPress, bench: Bench) -> None:
    proxy = bench.remote(Press)
    refused = b"NG,WRONG_STATE,load " + NEEDS_CONTROL.encode()
    assert refused == bench.result(raw(proxy, b"JOB,3"))
    assert b"OK" == bench.result(raw(proxy, b"CTRL"))
    assert b"DONE,3" == bench.result(raw(proxy, b"JOB,3"))
    assert [3] == press.done


def test_each_session_has_its_own_states_and_a_new_one_has_none(press: MyPress, bench: Bench) -> None:
    one, other = bench.remote(Press), bench.remote(Press)
    bench.result(one.take_control())
    assert 1 == bench.result(one.load(1))
    assert NotReady is type(bench.result(other.load(2)))
    assert bench.result(raw(other, b"JOB,2")).startswith(b"NG,WRONG_STATE")
    link_of(one).engine.drop("a test ends it")
    bench.until(lambda: link_of(one).state is LinkState.READY)
    assert NotReady is type(bench.result(one.load(3)))


def test_an_event_changes_states_at_both_ends(press: MyPress, bench: Bench) -> None:
    proxy = bench.remote(Press)
    stops: list[str] = []
    proxy.stopped.subscribe(lambda: stops.append("stopped"))
    for asked in (proxy.take_control, proxy.arm, proxy.go):
        assert bench.result(asked()) is None
    bench.until(lambda: ["go"] == press.done)
    press.stopped()
    bench.until(lambda: bool(stops))
    assert NotReady is type(bench.result(proxy.go()))
    assert 5 == bench.result(proxy.load(5)), "the other state stays"
    link_of(proxy).send(b"GO")
    bench.network.advance(1.0)
    assert ["go", 5] == press.done, "the equipment refuses it, too"


def test_an_event_is_sent_only_to_sessions_in_its_state(press: MyPress, bench: Bench) -> None:
    one, other = bench.remote(Press), bench.remote(Press)
    heard: list[Any] = []
    one.moved.subscribe(lambda y: heard.append(("one", y)))
    other.moved.subscribe(lambda y: heard.append(("other", y)))
    for asked in (one.take_control, one.arm, other.take_control):
        assert bench.result(asked()) is None
    press.moved(1.5)
    bench.network.advance(1.0)
    assert [("one", 1.5)] == heard


def test_steps_on_a_new_connection_enter_states_of_that_connection(press: MyPress, bench: Bench) -> None:
    async def begin(proxy: Press) -> None:
        await proxy.take_control()
        assert 9 == await proxy.load(9)  # type: ignore[misc]

    proxy = bench.remote(Press, on_ready=[begin])
    assert 1 == bench.result(proxy.load(1))
    link_of(proxy).engine.drop("a test ends it")
    bench.until(lambda: link_of(proxy).state is LinkState.READY)
    assert 2 == bench.result(proxy.load(2))
    assert [9, 1, 9, 2] == press.done


# -- readiness that the peer causes ---------------------------------------------------------------------


class HsmsHost(Equipment):
    """What a host answers: the equipment selects it, as with HSMS where the equipment is active."""

    framing = Delimited(b"\n")
    codec = JsonRpc()

    @command(enters="selected")
    def select(self) -> int:
        """Select the host. Return 0."""
        raise NotImplementedError

    @command(leaves="selected")
    def deselect(self) -> int:
        """Deselect the host. Return 0."""
        raise NotImplementedError


class HsmsMachine(Equipment):
    """What the equipment answers once it has selected its host."""

    framing = Delimited(b"\n")
    codec = JsonRpc()
    ready_when = "selected"

    @command(needs="selected")
    def online(self) -> str:
        """Go online. Return the model."""
        raise NotImplementedError


class MyHost(HsmsHost):
    def select(self) -> int:
        return 0

    def deselect(self) -> int:
        return 0


class MyMachine(HsmsMachine):
    """A machine that selects its host after some time."""

    def __init__(self, bench: Bench, after: float = 0.2) -> None:
        self.bench = bench
        self.after = after

    async def session_began(self, session: FrameProtocol) -> None:
        await deferLater(self.bench.camera.clock, self.after)
        assert 0 == await caller(HsmsHost).select()  # type: ignore[misc]

    def online(self) -> str:
        return "press 5"


def hsms(bench: Bench, machine: MyMachine, **options: Any) -> Any:
    """Return a passive host's proxy. The machine connects to it."""
    proxy = bench.remote(HsmsMachine, listen=bench.robot.listening(PORT), serves=MyHost(), **options)
    bench.serve_actively(machine, calls=HsmsHost)
    return proxy


def test_a_passive_host_is_ready_when_its_peer_has_selected_it(bench: Bench) -> None:
    proxy = hsms(bench, MyMachine(bench, after=0.5))
    link = link_of(proxy)
    bench.until(lambda: link.state is LinkState.HANDSHAKING)
    bench.network.advance(0.2)
    assert LinkState.HANDSHAKING is link.state
    assert "TCP is connected, and the session is not selected yet" == link.reason
    bench.until(lambda: link.state is LinkState.READY)
    assert "press 5" == bench.result(proxy.online())


def test_a_command_waits_for_the_selection_as_for_the_first_connection(bench: Bench) -> None:
    proxy = hsms(bench, MyMachine(bench))
    assert "press 5" == bench.result(proxy.online())


def test_a_peer_that_never_selects_is_given_up_with_the_reason(bench: Bench) -> None:
    proxy = hsms(bench, MyMachine(bench, after=1000.0))
    told: list[str] = []
    link_of(proxy).observe(lambda state, reason: told.append(reason))
    bench.network.advance(20.0)
    assert any(
        each.startswith("host answers but the program does not: the session was not selected within")
        for each in told
    ), told


def test_a_link_whose_session_leaves_the_state_connects_again(bench: Bench) -> None:
    class Deselecting(MyMachine):
        def online(self) -> str:
            caller(HsmsHost).deselect()
            return super().online()

    proxy = hsms(bench, Deselecting(bench))
    told: list[str] = []
    link_of(proxy).observe(lambda state, reason: told.append(reason))
    bench.result(proxy.online())
    bench.until(lambda: "the session left the state selected" in told)
    bench.until(lambda: link_of(proxy).state is LinkState.READY)


CONTROL = Binary(
    U8,
    id=U32,
    status=U8,
    head=(b"\xff\xff\0\0\0", OPCODE, ID),
    reply_head=(b"\xff\xff\0", STATUS, b"\0", OPCODE, ID),
)
"""The control messages of HSMS, SEMI E37."""

DATA = Binary(
    (U8, U8),
    id=U32,
    head=(b"\0\0", OPCODE, b"\0\0", ID),
    event_head=(b"\0\0", OPCODE, b"\0\0", Skip(4)),
    wants_reply_bit=0x8000,
    fault_opcode=lambda opcode: opcode & 0xFF00,
    code=None,
)
"""Its data messages, with a stream and a function."""

Items = Annotated[bytes, Rest()]


class BytesHost(Equipment):
    """What an HSMS host answers."""

    framing = LengthPrefixed(4)
    codec = DATA

    @command(1, reply=2, codec=CONTROL, enters="selected")
    def select(self) -> None:
        """Select.req."""
        raise NotImplementedError

    @command((6, 11), reply=(6, 12), needs="selected")
    def collected(self, items: Items) -> Items:
        """S6F11: an event report."""
        raise NotImplementedError


class BytesMachine(Equipment):
    """What HSMS equipment answers."""

    framing = LengthPrefixed(4)
    codec = DATA
    ready_when = "selected"

    @command((1, 1), reply=(1, 2), needs="selected")
    def are_you_there(self) -> Items:
        """S1F1."""
        raise NotImplementedError


class MyBytesHost(BytesHost):
    def __init__(self) -> None:
        self.reports: list[bytes] = []

    def select(self) -> None:
        pass

    def collected(self, items: bytes) -> bytes:
        self.reports.append(items)
        return b"\x21\x01\x00"


class MyBytesMachine(BytesMachine):
    """Equipment in the active role: it selects its host, and then reports."""

    def __init__(self) -> None:
        self.acknowledged: list[bytes] = []

    async def session_began(self, session: FrameProtocol) -> None:
        host: Any = caller(BytesHost)
        with pytest.raises(NotReady):
            await host.collected(b"")
        await host.select()
        self.acknowledged.append(await host.collected(b"\x01\x00"))

    def are_you_there(self) -> bytes:
        return b"\x01\x00"


def test_hsms_with_active_equipment_in_its_own_bytes(bench: Bench) -> None:
    """The reply to Select.req has another header than what the equipment answers: it was refused."""
    served, machine = MyBytesHost(), MyBytesMachine()
    proxy = bench.remote(BytesMachine, listen=bench.robot.listening(PORT), serves=served)
    bench.serve_actively(machine, calls=BytesHost)
    assert b"\x01\x00" == bench.result(proxy.are_you_there())
    bench.until(lambda: bool(machine.acknowledged))
    assert ([b"\x01\x00"], [b"\x21\x01\x00"]) == (served.reports, machine.acknowledged)


# -- mistakes -------------------------------------------------------------------------------------------


def declared(**arguments: Any) -> type[Equipment]:
    class A(Equipment):
        @command("SEL", reply="OK", enters="selected")
        def select(self) -> None:
            """Select."""

        @command("GO", reply="OK", **arguments)
        def go(self) -> None:
            """Go."""

    return A


@pytest.mark.parametrize(
    ("argument", "value"), [("needs", 3), ("not_in", []), ("enters", ("a", 1)), ("leaves", "")]
)
def test_a_state_is_named_by_a_text(argument: str, value: Any) -> None:
    with pytest.raises(ConfigurationError) as caught:
        declared(**{argument: value})
    assert (
        f'A.go: {argument} takes the name of a state, as in {argument}="selected", or a tuple of names, '
        f"not {value!r}"
    ) == str(caught.value)


def test_a_command_does_not_enter_and_leave_one_state() -> None:
    with pytest.raises(ConfigurationError) as caught:
        declared(enters="on", leaves="on")
    assert "A.go enters and leaves on: remove one of them" == str(caught.value)


@pytest.mark.parametrize(
    ("needed", "told"),
    [
        (
            "seleced",
            "A.go needs 'seleced', a state that no command and no event enters: did you mean 'selected'?",
        ),
        ("on", "A.go needs 'on', a state that no command and no event enters: declare one with enters="),
    ],
)
@pytest.mark.parametrize("rule", ["needs", "not_in"])
def test_a_state_that_nothing_enters_is_refused_at_both_ends(
    rule: str, needed: str, told: str, bench: Bench
) -> None:
    kind = declared(**{rule: needed})
    told = told.replace("needs", "is not_in" if rule == "not_in" else "needs")
    for make in (lambda: bench.serve(kind()), lambda: bench.remote(kind)):
        with pytest.raises(ConfigurationError) as caught:
            make()
        assert told == str(caught.value)


def test_readiness_needs_a_state_that_something_enters(bench: Bench) -> None:
    with pytest.raises(ConfigurationError) as caught:
        bench.remote(HsmsMachine)
    assert (
        "HsmsMachine.online needs 'selected', a state that no command and no event enters: "
        "declare one with enters="
    ) == str(caught.value)


def test_a_heartbeat_has_no_states() -> None:
    with pytest.raises(ConfigurationError) as caught:

        class A(Equipment):
            heartbeat = "ping"

            @command("PING", reply="PONG", needs="selected")
            def ping(self) -> None:
                """Show that it is alive."""

    assert (
        "A.heartbeat is 'ping': a heartbeat is sent in every state, so remove its needs, not_in, "
        "enters and leaves"
    ) == str(caught.value)


def test_a_command_is_refused_at_both_ends_in_a_state_that_forbids_it(press: MyPress, bench: Bench) -> None:
    proxy = bench.remote(Press)
    bench.result(proxy.set_speed(5))
    bench.result(proxy.take_control())
    bench.result(proxy.arm())
    why = "set_speed is not allowed in the state armed, which give_up_control or stopped leaves"
    refused = bench.result(proxy.set_speed(7))
    assert (NotReady, f"Press.{why}") == (type(refused), str(refused))
    assert f"NG,WRONG_STATE,{why}".encode() == bench.result(raw(proxy, b"SET,7"))
    bench.result(proxy.give_up_control())
    bench.result(proxy.set_speed(9))
    assert [5, "free", 9] == press.done


def test_a_state_that_nothing_leaves_forbids_to_the_end(press: MyPress, bench: Bench) -> None:
    proxy = bench.remote(Press)
    bench.result(proxy.status())
    press.heated()
    bench.network.advance(0.1)
    refused = bench.result(proxy.set_speed(7))
    assert "Press.set_speed is not allowed in the state hot" == str(refused)


def test_an_event_is_not_sent_to_a_session_in_a_state_that_forbids_it(press: MyPress, bench: Bench) -> None:
    came: list[str] = []
    proxies = [bench.remote(Press), bench.remote(Press)]
    for name, proxy in zip("ab", proxies, strict=True):
        proxy.idled.subscribe(partial(came.append, name))
        bench.result(proxy.take_control())
    bench.result(proxies[0].arm())
    press.idled()
    bench.network.advance(0.1)
    assert ["b"] == came


def test_a_state_is_not_both_needed_and_forbidden() -> None:
    with pytest.raises(ConfigurationError) as caught:
        declared(needs="on", not_in="on")
    assert "A.go needs on, and not_in forbids it: remove one of them" == str(caught.value)


# -- tools ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [Press, HsmsHost, HsmsMachine])
def test_the_check_of_a_declaration_enters_the_states(kind: type[Equipment]) -> None:
    check_equipment(kind, max_examples=15)


def test_a_simulated_device_keeps_states(bench: Bench) -> None:
    bench.serve(simulated(Press))
    proxy = bench.remote(Press)
    assert bench.result(raw(proxy, b"JOB,3")).startswith(b"NG,WRONG_STATE")
    bench.result(proxy.take_control())
    assert int is type(bench.result(proxy.load(3)))


def test_the_manual_tells_the_states() -> None:
    facts = facts_of(declaration_of(Press))
    by_name = {each["name"]: each for each in (*facts["commands"], *facts["events"])}
    assert {"enters": ["control"]} == states_in(by_name["take_control"])
    assert {"needs": ["control"], "leaves": ["armed", "control"]} == states_in(by_name["give_up_control"])
    assert {"needs": ["armed"]} == states_in(by_name["moved"])
    assert {} == states_in(by_name["status"])
    assert {"not_in": ["armed", "hot"]} == states_in(by_name["set_speed"])
    page = markdown(facts)
    assert "| allowed in the state | `control` |\n| leaves the state | `armed` and `control` |" in page
    assert "| not allowed in the state | `armed` or `hot` |" in page
    assert "| `WRONG_STATE` | the state of the session does not allow the command |" in page
    machine = markdown(facts_of(declaration_of(HsmsMachine)))
    assert "| a host is ready in the state | `selected` |" in machine
    assert "WRONG_STATE" not in markdown(facts_of(declaration_of(VisionCamera)))


def states_in(message: dict[str, Any]) -> dict[str, Any]:
    return {key: message[key] for key in ("needs", "not_in", "enters", "leaves") if key in message}
