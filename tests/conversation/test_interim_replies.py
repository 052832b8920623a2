"""Events that say, while a command is under way, that its reply still takes time."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, ClassVar

import pytest
from twisted.internet.task import deferLater

from tcpcomm import ConfigurationError, Equipment, Fault, ReplyTimeout, command, event, simulated
from tcpcomm.codec import Codec, Json, JsonRpc, Template
from tcpcomm.equipment.equipment import declaration_of
from tcpcomm.framing import Delimited
from tcpcomm.testing import check_equipment
from tcpcomm.tools.manual.facts import facts_of
from tcpcomm.tools.manual.pages import markdown
from tests.conversation.foreign import stand
from tests.equipment.declared import Bench


class Press(Equipment):
    """A press that is slow, and says so."""

    framing = Delimited(b"\r\n")
    codec: ClassVar[Codec] = Template(encoding="ascii", fault="NG,{code:d}")

    @command(
        "PRESS,{force}", reply="DONE,{travel:.2f}", timeout=1.0, interim={"busy": None, "wait": "seconds"}
    )
    async def press(self, force: int) -> float:
        """Press a part."""
        raise NotImplementedError

    @command("HOME", reply="OK", timeout=1.0)
    async def home(self) -> None:
        """Go home."""
        raise NotImplementedError

    @event("BUSY,{percent:d}")
    def busy(self, percent: int) -> None:
        """The press is at work."""

    @event("WAIT,{seconds:d}")
    def wait(self, seconds: int) -> None:
        """The reply comes within so many seconds."""


class JsonPress(Equipment):
    """A press that speaks JSON with ids."""

    framing = Delimited(b"\n")
    codec: ClassVar[Codec] = Json(id="id")

    @command("press", timeout=1.0, interim=("busy",))
    async def press(self, force: int) -> float:
        raise NotImplementedError

    @command("home", timeout=1.0)
    async def home(self) -> None:
        raise NotImplementedError

    @event("busy")
    def busy(self, percent: int) -> None: ...


class RpcPress(JsonPress):
    """A press that speaks JSON-RPC."""

    codec = JsonRpc()


def says(*lines: tuple[float, bytes]) -> Callable[[Bench, Any], None]:
    """Return a function that lets a program say each line so many seconds from now."""

    def begin(bench: Bench, at: Any) -> None:
        for seconds, line in lines:
            bench.network.clock.callLater(seconds, at.program.write, line + b"\r\n")

    return begin


@pytest.mark.parametrize(
    ("lines", "outcome", "took"),
    [
        (says((0.8, b"BUSY,50"), (1.6, b"DONE,1.25")), 1.25, 1.6),
        (says(*((0.9 * n, b"BUSY,%d" % n) for n in range(1, 9)), (8.0, b"DONE,1.25")), 1.25, 8.0),
        (says((0.5, b"WAIT,5"), (5.0, b"DONE,1.25")), 1.25, 5.0),
        (says((0.5, b"WAIT,5"), (0.6, b"BUSY,1"), (5.0, b"DONE,1.25")), ReplyTimeout, 1.6),
        (says((0.5, b"WAIT,5"), (5.4, b"NG,3")), Fault, 5.4),
        (says((0.8, b"BUSY,50"), (1.9, b"DONE,1.25")), ReplyTimeout, 1.8),
        (says((0.8, b"WAIT,0"), (1.7, b"DONE,1.25")), 1.25, 1.7),
        (says((0.8, b"BUSY,50\r\nDONE,1.25"),), 1.25, 0.8),
    ],
    ids=["busy", "busier", "longer", "shorter again", "fault", "too late", "no time", "together"],
)
def test_each_interim_reply_begins_the_timeout_anew(
    bench: Bench, lines: Callable[[Bench, Any], None], outcome: Any, took: float
) -> None:
    at = stand(bench, Press, lambda frame: None)
    began = bench.network.clock.now
    asked = at.proxy.press(3)
    lines(bench, at)
    found = bench.result(asked)
    assert outcome == (type(found) if isinstance(found, Exception) else found)
    assert took <= bench.network.clock.now - began < took + 0.05


def test_the_error_says_since_when_nothing_came(bench: Bench) -> None:
    at = stand(bench, Press, lambda frame: b"WAIT,2\r\n")
    assert "no reply within 2 s after the last wait" == str(bench.result(at.proxy.press(3)))
    assert 1 == len(at.lost)


def test_progress_can_be_watched_and_other_commands_are_not_excused(bench: Bench) -> None:
    at = stand(bench, Press, lambda frame: b"BUSY,10\r\nBUSY,60\r\n")
    seen: list[Any] = []
    at.proxy.busy.subscribe(seen.append)
    began = bench.network.clock.now
    assert ReplyTimeout is type(bench.result(at.proxy.home()))
    assert [10, 60] == seen
    assert 1.0 <= bench.network.clock.now - began < 1.05


def test_a_shorter_timeout_counts_from_the_interim_reply(bench: Bench) -> None:
    class Slow(Press):
        @command("SLOW", reply="OK", timeout=60.0, interim={"wait": "seconds"})
        async def slow(self) -> None:
            raise NotImplementedError

    at = stand(bench, Slow, lambda frame: b"WAIT,1\r\n")
    began = bench.network.clock.now
    assert ReplyTimeout is type(bench.result(at.proxy.slow()))
    assert bench.network.clock.now - began < 1.1


class SlowPress:
    """The body of a press that takes 1.6 s and says how far it is."""

    bench: Bench

    async def press(self, force: int) -> float:
        for percent in (25, 50, 75):
            await deferLater(self.bench.camera.clock, 0.4, lambda: None)
            self.busy(percent)  # type: ignore[attr-defined]
        await deferLater(self.bench.camera.clock, 0.4, lambda: None)
        return 1.25 * force

    async def home(self) -> None:
        pass


@pytest.mark.parametrize("kind", [Press, JsonPress, RpcPress])
def test_a_handler_tells_its_progress_to_the_host_that_asked(bench: Bench, kind: Any) -> None:
    class Mine(SlowPress, kind):  # type: ignore[misc]
        pass

    Mine.bench = bench
    bench.serve(Mine())
    asking, other = bench.remote(kind), bench.remote(kind)
    seen: dict[str, list[int]] = {"asking": [], "other": []}
    asking.busy.subscribe(seen["asking"].append)
    other.busy.subscribe(seen["other"].append)
    bench.result(other.home())
    assert 2.5 == bench.result(asking.press(2))
    assert {"asking": [25, 50, 75], "other": []} == seen


def test_an_event_outside_of_a_command_goes_to_all_hosts(bench: Bench) -> None:
    class Mine(SlowPress, Press):
        pass

    Mine.bench = bench
    mine = Mine()
    bench.serve(mine)
    proxies: list[Any] = [bench.remote(Press), bench.remote(Press)]
    seen: list[Any] = []
    for proxy in proxies:
        proxy.busy.subscribe(seen.append)
        bench.result(proxy.home())
    mine.busy(5)
    bench.until(lambda: len(seen) == 2)


def test_commands_behind_a_busy_one_wait_on(bench: Bench) -> None:
    class Pipelined(Press):
        pipeline = 2

    at = stand(bench, Pipelined, lambda frame: None)
    first, second = at.proxy.press(1), at.proxy.home()
    says((0.9, b"BUSY,1"), (1.8, b"BUSY,2"), (2.5, b"DONE,1.00"), (2.6, b"OK"))(bench, at)
    assert [1.0, None] == [bench.result(first), bench.result(second)]


def test_it_passes_the_checks_of_all_equipment() -> None:
    check_equipment(Press, max_examples=10)
    check_equipment(RpcPress, max_examples=10)


def test_simulated_equipment_says_its_interim_replies(bench: Bench) -> None:
    machine = simulated(Press, latency=1.8, reactor=bench.camera.clock)
    bench.serve(machine)
    proxy: Any = bench.remote(Press)
    seen: list[Any] = []
    proxy.busy.subscribe(seen.append)
    assert type(bench.result(proxy.press(3))) is float
    assert 1 == len(seen)


def test_the_manual_lists_them() -> None:
    facts = facts_of(declaration_of(Press))
    assert {"busy": None, "wait": "seconds"} == facts["commands"][0]["interim"]
    json.dumps(facts)
    row = "counted anew from each event | `busy`, `wait` (its `seconds` is the new time, in seconds)"
    assert row in markdown(facts)


@pytest.mark.parametrize(
    ("interim", "reply", "reason"),
    [
        ("alarm", "OK", "interim='alarm' must be the name of an event of the class; its events: busy"),
        (("home",), "OK", "interim='home' must be the name of an event of the class"),
        ({"busy": "left"}, "OK", "the new timeout 'left' must be a field of Odd.busy that is an int or"),
        ({"text": "words"}, "OK", "the new timeout 'words' must be a field of Odd.text that is an int or"),
        ("busy", None, "with reply=None nothing is awaited, so leave out interim"),
    ],
)
def test_an_interim_reply_that_cannot_be_one_is_refused(interim: Any, reply: Any, reason: str) -> None:
    with pytest.raises(ConfigurationError, match=rf"^Odd\.home: {reason}"):

        class Odd(Equipment):
            @command("HOME", reply=reply, interim=interim)
            async def home(self) -> None:
                raise NotImplementedError

            @event("BUSY")
            def busy(self) -> None: ...

            @event("SAY {words}")
            def text(self, words: str) -> None: ...
