"""The mistakes of the first hour with a declaration are told with their correction."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from twisted.logger import capturedLogs, formatEvent

from tcpcomm import (
    CodecError,
    ConfigurationError,
    Equipment,
    command,
    declaration_of,
    event,
    per_session,
    remote,
    serve,
)
from tcpcomm.codec import Binary, Json, JsonRpc, Template
from tcpcomm.codec.base import Codec, Request
from tcpcomm.framing import LengthPrefixed
from tcpcomm.runtime import right_thread
from tcpcomm.runtime.right_thread import asyncio_advice, check_thread
from tests.equipment.declared import Bench, MyCamera, VisionCamera

CODECS = {"template": Template(), "rpc": JsonRpc(), "json": Json(), "binary": Binary()}


def refusal(make: Callable[[], Any]) -> str:
    with pytest.raises(ConfigurationError) as caught:
        make()
    return str(caught.value)


def declared(codec_: Codec, *wire: Any, result: Any = None, parameter: Any = None, **more: Any) -> Any:
    """Declare one command of equipment A."""

    def pos(self: Any) -> result:
        """Return the position."""

    def pos_with_x(self: Any, x: parameter) -> result:
        """Move there."""

    method = pos if parameter is None else pos_with_x
    method.__name__, method.__qualname__ = "pos", "A.pos"
    body = {"codec": codec_, "framing": LengthPrefixed(2), "pos": command(*wire, **more)(method)}
    return type("A", (Equipment,), body)


def test_a_field_of_the_reply_needs_a_result() -> None:
    told = refusal(lambda: declared(Template(), "POS?", reply="{x:.2f}"))
    assert (
        "A.pos: the reply has the field {x}, but the command returns None: annotate its result, as in "
        "-> float"
    ) == told


@pytest.mark.parametrize(
    ("codec", "told"),
    [
        ("template", "A.pos: its template must be text, not b'POS?': write 'POS?', without b"),
        ("rpc", "A.pos: a method of JSON-RPC must be text, not b'POS?': write 'POS?', without b"),
        (
            "json",
            "A.pos: its word in JSON must be text or a whole number, not b'POS?': write 'POS?', without b",
        ),
    ],
)
def test_bytes_in_place_of_text_are_told_without_b(codec: str, told: str) -> None:
    assert told == refusal(lambda: declared(CODECS[codec], b"POS?"))


def test_bytes_in_a_reply_and_in_an_event_are_told_without_b() -> None:
    told = refusal(lambda: declared(Template(), "POS?", reply=b"{x:.2f}", result=float))
    assert "A.pos: the reply must be text, not b'{x:.2f}': write '{x:.2f}', without b" == told
    told = refusal(lambda: declared(Template(), "POS?", reply=("A", b"{x:.2f}"), result=float))
    assert "A.pos: the reply must be text, not b'{x:.2f}': write '{x:.2f}', without b" == told

    def make() -> None:
        class B(Equipment):
            @event(b"ALM")
            def alarm(self) -> None:
                """Something is wrong."""

    assert "B.alarm: its template must be text, not b'ALM': write 'ALM', without b" == refusal(make)


ARRAY = (
    "ndarray does not say what is in it: write list[float], or list[list[float]] for a table; numpy's "
    "arrays may be sent as such lists, and lists arrive"
)


@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize("array", [np.ndarray, npt.NDArray[np.float64]], ids=["ndarray", "NDArray"])
def test_an_array_of_numpy_is_told_to_be_a_list(codec: str, array: Any) -> None:
    wire: tuple[Any, ...] = {"template": ("POS {x}",), "binary": (1,)}.get(codec, ())
    told = refusal(lambda: declared(CODECS[codec], *wire, result=array))
    assert f"A.pos: the result: {ARRAY}" == told
    told = refusal(lambda: declared(CODECS[codec], *wire, parameter=array))
    assert f"A.pos: x: {ARRAY}" == told


def test_a_number_of_numpy_is_told_to_be_a_number() -> None:
    told = refusal(lambda: declared(JsonRpc(), result=np.float32))
    assert (
        "A.pos: the result: float32 is numpy's: write float or int; numpy's numbers may be sent as such"
    ) == told


def test_the_class_and_its_object_are_told_apart() -> None:
    told = refusal(lambda: serve(MyCamera, at="tcp:0:interface=127.0.0.1"))  # type: ignore[arg-type]
    assert "serve takes an object, not the class: write serve(MyCamera(), at=...)" == told
    told = refusal(lambda: per_session(MyCamera()))  # type: ignore[arg-type]
    assert "per_session takes the class, not an object: write per_session(MyCamera)" == told


class Lists(Equipment):
    """Lists in text."""

    @command("SET {x*,}", reply="{y*,}")
    def set(self, x: list[float]) -> list[float]:
        """Set them."""
        return x


class RpcLists(Equipment):
    """Lists in JSON."""

    codec = JsonRpc()

    @command()
    def set(self, x: list[float]) -> list[float]:
        """Set them."""
        return x


@pytest.mark.parametrize("kind", [Lists, RpcLists])
def test_a_tuple_is_told_to_be_a_list_and_an_array_is_one(kind: type[Equipment]) -> None:
    dialect = declaration_of(kind).dialect
    with pytest.raises(CodecError) as caught:
        dialect.request("set", {"x": (1.0, 2.0)}, 1)
    assert "x: must be a list, not (1.0, 2.0): write list(...) around it" == str(caught.value)
    with pytest.raises(CodecError) as caught:
        dialect.reply(Request("set", {}, 1), (1.0, 2.0))
    assert str(caught.value).endswith("must be a list, not (1.0, 2.0): write list(...) around it")
    as_list = dialect.request("set", {"x": [1.5, 2.0]}, 1)
    assert as_list == dialect.request("set", {"x": np.array([1.5, 2.0])}, 1)


# -- await ----------------------------------------------------------------------------------------------


def test_a_handler_that_forgot_await_is_told_in_the_log(bench: Bench, logged: list[str]) -> None:
    class Forgetful(MyCamera):
        async def measure(self) -> Any:
            return 1.0

        async def locate(self, job: int) -> Any:
            begun.append(self.measure())
            return begun[0]

    begun: list[Any] = []
    bench.serve(Forgetful())
    proxy: Any = bench.remote(VisionCamera)
    with capturedLogs() as lines:
        bench.result(proxy.locate(1))
    (told,) = [formatEvent(each) for each in lines if "cannot be sent" in str(each.get("log_format"))]
    assert "Forgetful.locate returned what cannot be sent: must be a Position, not <coroutine" in told
    assert told.endswith(": did you forget await?")
    begun[0].close()
    logged.clear()


FORGOT = "did you forget await? (in asyncio: await as_future(...); in Jupyter: use tcpcomm.blocking)"


def test_a_script_that_forgot_await_is_told_when_it_uses_the_reply(bench: Bench) -> None:
    bench.serve(MyCamera())
    proxy: Any = bench.remote(VisionCamera)
    first = proxy.locate(1)  # waits for the link
    bench.result(first)
    for reply in (proxy.locate(2), proxy.locate(3)):
        with pytest.raises(AttributeError) as caught:
            print(reply.x)
        assert "'Reply (did you forget await?)' object has no attribute 'x'" == str(caught.value)
        with pytest.raises(TypeError) as compared:
            print(reply > 3)
        assert "between instances of 'Reply (did you forget await?)' and 'int'" in str(compared.value)
        assert f"<a reply that has not come: {FORGOT}>" == repr(reply) == str(reply)
    with pytest.raises(CodecError) as told:
        declaration_of(Lists).dialect.request("set", {"x": proxy.locate(4)}, 1)
    assert str(told.value).endswith(": did you forget await?")
    bench.network.advance(1.0)
    assert FORGOT not in repr(reply)


def test_a_proxy_that_is_awaited_is_told_to_be_there_at_once(bench: Bench) -> None:
    proxy: Any = bench.remote(VisionCamera)

    async def begin() -> Any:
        return await proxy

    outcome = bench.result(begin())
    assert (
        "a proxy is there at once: write remote(...) without await; its commands are awaited, as in await "
        "camera.locate(3)"
    ) == str(outcome)


def test_a_reply_that_waits_for_the_link_can_be_cancelled_and_says_the_same(bench: Bench) -> None:
    proxy: Any = bench.remote(VisionCamera)
    reply = proxy.locate(1)
    assert f"<a reply that has not come: {FORGOT}>" == repr(reply)
    outcomes: list[Any] = []
    reply.addErrback(outcomes.append)
    reply.cancel()
    assert "CancelledError" == outcomes[0].type.__name__


def test_asyncio_says_what_to_do_with_a_reply() -> None:
    """The text of asyncio, "Task got bad yield", shows the reply, and so the advice."""
    reply: Any = Bench().remote(VisionCamera).locate(1)

    async def wait() -> None:
        await reply

    with pytest.raises(RuntimeError) as caught:
        asyncio.run(wait())
    assert f"Task got bad yield: <a reply that has not come: {FORGOT}>" == str(caught.value)


def test_asyncio_in_a_handler_is_told_in_the_log(bench: Bench, logged: list[str]) -> None:
    class Sleeping(MyCamera):
        async def locate(self, job: int) -> Any:
            await asyncio.sleep(0.1)

    bench.serve(Sleeping())
    proxy: Any = bench.remote(VisionCamera)
    with capturedLogs() as lines:
        bench.result(proxy.locate(1))
    (line,) = [formatEvent(each) for each in lines if "failed" in str(each.get("log_format"))]
    assert line.endswith(
        "Sleeping.locate failed; a fault is the answer; asyncio's functions, such as asyncio.sleep, do not "
        "work here: write await deferLater(reactor, 0.1), from twisted.internet.task"
    )
    logged.clear()


def test_only_the_errors_of_asyncio_get_its_advice() -> None:
    assert "" == asyncio_advice(RuntimeError("something else"))
    assert "" == asyncio_advice(None)
    assert "deferLater" in asyncio_advice(RuntimeError("await wasn't used with future"))


# -- threads and loops ----------------------------------------------------------------------------------


class RunningReactor:
    """A reactor that runs in some thread."""

    running = True

    def callFromThread(self, *call: Any) -> None:
        raise AssertionError("nothing is called")


def test_another_thread_than_the_reactors_is_told_to_use_blocking(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(right_thread, "isInIOThread", lambda: False)
    monkeypatch.setattr(threading.current_thread(), "name", "worker 3")
    for called in ("remote", "serve"):
        assert (
            f"{called}() was called in the thread 'worker 3', but the reactor runs in another one: use "
            f"tcpcomm.blocking.{called}, which works in every thread"
        ) == refusal(lambda called=called: check_thread(RunningReactor(), called))  # type: ignore[misc]
    monkeypatch.setattr(right_thread, "isInIOThread", lambda: True)
    check_thread(RunningReactor(), "remote")


def test_a_notebook_is_told_to_use_blocking() -> None:
    class Waiting(RunningReactor):
        running = False
        seconds = staticmethod(float)

    async def cell() -> str:
        return refusal(lambda: remote(VisionCamera, at="tcp:127.0.0.1:9", reactor=Waiting()))

    assert (
        "remote() was called where an asyncio loop runs, as in Jupyter, and Twisted's reactor does not "
        "run on it: use tcpcomm.blocking.remote, which works there, without await, or install Twisted's "
        "asyncioreactor on the loop first, as docs/howto/use-from-asyncio.md shows"
    ) == asyncio.run(cell())


def test_a_program_on_asyncio_may_use_remote() -> None:
    async def main() -> None:
        reactor: Any = RunningReactor()
        reactor.running, reactor._asyncioEventloop = False, asyncio.get_running_loop()
        check_thread(reactor, "remote")

    asyncio.run(main())
    check_thread(Bench().robot.clock, "remote")
