"""A declaration of two sides: what hosts answer, how a session ends, and the timers of both."""

from __future__ import annotations

from typing import Any, ClassVar

import pytest
from attrs import evolve

from tcpcomm import ConfigurationError, Equipment, caller, command, declaration_of, event, link_of
from tcpcomm.codec import JsonRpc
from tcpcomm.framing import Delimited
from tcpcomm.link.policy import PROFILES
from tcpcomm.link.states import LinkState
from tests.equipment.declared import PORT, Bench

SLOW = evolve(PROFILES["fleet"], heartbeats=None, connect_timeout=7.0)


class Side(Equipment):
    """The messages that both sides have."""

    framing = Delimited(b"\n")
    codec = JsonRpc()
    goodbye = "bye"
    patience = 3.0

    @command(enters="selected", timeout="patience")
    async def select(self) -> None:
        """Begin."""

    @command(reply=None, needs="selected", leaves="selected")
    async def bye(self) -> None:
        """End the session."""
        ENDED.append(type(self).__name__)


class Host(Side):
    """The messages that a host answers."""

    @command(needs="selected", timeout="patience")
    async def report(self, part: int) -> int:
        """Take a report, and call the subscribers of the event of this name."""
        caller(Machine).reported.happened({"part": part})
        return part


class Machine(Side):
    """The messages that a machine answers."""

    ready_when: ClassVar[str | None] = "selected"
    host_side = Host
    policy = SLOW

    @command(needs="selected", timeout="patience")
    async def make(self, part: int) -> int:
        """Make a part, and report it."""
        return await caller(Host).report(part)

    @event(needs="selected")
    def reported(self, part: int) -> None:
        """A part was reported."""

    async def opening(self, *, active: bool) -> None:
        if active:
            await self.select()
        OPENED.append(await self.make(1))

    async def session_began(self, session: Any) -> None:
        if session.factory.dials:
            await session.peer_proxy.select()


ENDED: list[str] = []
OPENED: list[int] = []


@pytest.fixture(autouse=True)
def _nothing_noted() -> None:
    ENDED.clear()
    OPENED.clear()


def connected(bench: Bench, *, active: bool, **options: Any) -> Any:
    if active:
        service = bench.serve(Machine())
        return bench.remote(Machine, **options), service
    proxy = bench.remote(Machine, listen=bench.robot.listening(PORT), **options)
    return proxy, bench.serve_actively(Machine())


ROLES = pytest.mark.parametrize("active", [True, False], ids=["active host", "passive host"])


@ROLES
def test_a_declaration_brings_what_its_hosts_answer(active: bool, bench: Bench) -> None:
    proxy, _ = connected(bench, active=active)
    heard: list[int] = []
    proxy.reported.subscribe(heard.append)
    assert 5 == bench.result(proxy.make(5))
    assert ([1, 5], [1]) == (heard, OPENED), "a passive host opens when its peer has selected it"


@ROLES
def test_another_object_may_answer_in_its_place(active: bool, bench: Bench) -> None:
    class Doubling(Host):
        async def report(self, part: int) -> int:
            return 2 * part

    proxy, _ = connected(bench, active=active, serves=Doubling())
    assert 10 == bench.result(proxy.make(5))


@ROLES
def test_a_host_that_stops_says_goodbye_to_its_equipment(active: bool, bench: Bench) -> None:
    proxy, _ = connected(bench, active=active)
    assert 5 == bench.result(proxy.make(5))
    link_of(proxy).stopService()
    bench.until(lambda: ENDED == ["Machine"])


@ROLES
def test_equipment_that_stops_says_goodbye_to_its_host(active: bool, bench: Bench) -> None:
    proxy, service = connected(bench, active=active)
    assert 5 == bench.result(proxy.make(5))
    service.stopService()
    bench.until(lambda: ENDED == ["Host"])


def test_nothing_is_said_where_the_state_does_not_allow_it(bench: Bench) -> None:
    class Unselected(Machine):
        ready_when = None

        async def opening(self, *, active: bool) -> None:
            pass

    bench.serve(Machine())
    proxy = bench.remote(Unselected)
    bench.until(lambda: link_of(proxy).state is LinkState.READY)
    link_of(proxy).stopService()
    bench.network.advance(1.0)
    assert [] == ENDED


def test_the_policy_of_the_declaration_holds_unless_another_is_given(bench: Bench) -> None:
    proxy = bench.remote(Machine, policy=None)
    assert SLOW == link_of(proxy).engine.supervisor.policy
    other = bench.remote(Machine, policy="wan")
    assert 5.0 == link_of(other).engine.supervisor.policy.connect_timeout
    assert SLOW == evolve(bench.serve_actively(Machine()).engine.supervisor.policy)


def test_a_timeout_may_be_an_attribute_of_the_class() -> None:
    class Slow(Machine):
        patience = 60.0

    assert 3.0 == declaration_of(Machine).commands["make"].timeout
    assert {60.0} == {declaration_of(Slow).commands[name].timeout for name in ("make", "select")}


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        (0, "W.go: W.t3: timeout must be positive, not 0"),
        ("5", "W.go: W.t3: timeout must be a number of seconds, not '5'"),
        (
            None,
            "W.go: timeout='t3' names a class attribute, and W has none of this name: write t3 = 5.0 into "
            "the class",
        ),
    ],
    ids=["zero", "text", "missing"],
)
def test_such_an_attribute_must_be_there_and_be_a_time(value: Any, problem: str) -> None:
    body: dict[str, Any] = {} if value is None else {"t3": value}

    @command("GO", reply="OK", timeout="t3")
    def go(self: Any) -> None:
        """Go."""

    go.__qualname__ = "W.go"
    with pytest.raises(ConfigurationError) as caught:
        type("W", (Equipment,), {**body, "go": go})
    assert problem == str(caught.value)


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("leave", "W.goodbye is 'leave', but no command has that name"),
        ("select", "W.goodbye is 'select': a goodbye must have no parameters, and reply=None"),
    ],
)
def test_a_goodbye_is_a_command_without_a_reply(name: str, problem: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        type("W", (Side,), {"goodbye": name})
    assert problem == str(caught.value)


def test_the_host_side_is_a_declaration() -> None:
    with pytest.raises(ConfigurationError) as caught:
        type("W", (Side,), {"host_side": Host()})
    assert str(caught.value).startswith("W.host_side must be a subclass of Equipment, or None, not <")


def test_a_handler_that_names_another_declaration_is_told() -> None:
    with pytest.raises(ConfigurationError) as caught:
        caller(Host)
    assert "there is a current session only while a command is carried out" in str(caught.value)
