"""Clients of OPC UA: asyncua's own, and one for Node.js that others wrote. A press is behind a TCP link."""

from __future__ import annotations

import asyncio
import json
import os
import shlex
import subprocess
import sys
from collections.abc import Callable, Coroutine, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import needs_module, needs_program, skip
from tests.docs.processes import SECONDS, Server, environment, free_port

needs_module("asyncua", "pip install tcpcomm[opcua]")

from asyncua import Client, ua  # noqa: E402

SCRIPTS = Path(__file__).with_name("opcua")
NODE_CLIENT = "node-opcua-client@2.182.2"
PRESS = "ns=2;s=press-1"
PROGRAM = f"{sys.executable} -m tests.interop.plant.opcua.press"


class Plant:
    """A press, and its OPC UA server, in processes of their own."""

    def __init__(self, folder: Path, **options: Any) -> None:
        self._port = free_port()
        self._press: subprocess.Popen[bytes] | None = None
        self.plug_in()
        given = shlex.quote(json.dumps(options))
        self._server = Server(f"{PROGRAM} opcua {self._port} {given}", folder)
        line = self._server.wait_for("...listening on 127.0.0.1:...")
        port = line.split("listening on 127.0.0.1:")[1].split()[0]
        self.address = ("127.0.0.1", int(port))
        self.endpoint = f"opc.tcp://127.0.0.1:{port}/tcpcomm"

    def plug_in(self) -> None:
        """Start the press, unless it runs."""
        if self._press is not None:
            return
        command = [*shlex.split(PROGRAM), "press", self._port]
        nowhere = subprocess.DEVNULL
        self._press = subprocess.Popen(command, env=environment(), stdout=nowhere, stderr=nowhere)

    def pull(self) -> None:
        """Kill the press."""
        if self._press is not None:
            self._press.kill()
            self._press.wait()
            self._press = None

    def stop(self) -> int:
        """Stop both, and return the exit code of the server."""
        self.pull()
        self._server.stop()
        return self._server.end()


@pytest.fixture(scope="module")
def plant(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Plant]:
    plant = Plant(tmp_path_factory.mktemp("opcua"), calls=2, sessions=8)
    try:
        yield plant
    finally:
        plant.stop()


def with_client(plant: Plant, talk: Callable[[Client], Coroutine[Any, Any, Any]]) -> Any:
    """Return what a function returns that gets a connected client."""

    async def main() -> Any:
        async with Client(plant.endpoint, timeout=SECONDS / 3) as client:
            return await talk(client)

    return asyncio.run(asyncio.wait_for(main(), SECONDS))


async def until_status(client: Client, node: str, status: str) -> Any:
    """Read a variable until it has a status, and return its value."""
    while True:
        found = await client.get_node(node).read_data_value(raise_on_bad_status=False)
        if found.StatusCode.name == status:
            return found
        await asyncio.sleep(0.05)


def status_of(error: pytest.ExceptionInfo[ua.UaStatusCodeError]) -> str:
    return str(ua.StatusCode(error.value.code).name)


def test_the_object_of_a_link_follows_from_its_declaration(plant: Plant) -> None:
    async def talk(client: Client) -> None:
        press = client.get_node(PRESS)
        kind = client.get_node(await press.read_type_definition())
        assert "A press that finds parts." == (await kind.read_description()).Text
        assert "PressType" == (await kind.read_browse_name()).Name
        names = [(await each.read_browse_name()).Name for each in await press.get_children()]
        about = ["Ready", "State", "Reason", "LastPollProblem", "LastCallProblem"]
        assert [*about, "Values", "locate"] == names
        assert "urn:tcpcomm:hall-1" == (await client.get_namespace_array())[2]

    with_client(plant, talk)


def test_polled_values_have_units_ranges_and_times(plant: Plant) -> None:
    async def talk(client: Client) -> None:
        x = f"{PRESS}/Values/locate/x"
        found = await until_status(client, x, "Good")
        assert (2.5, ua.VariantType.Double) == (found.Value.Value, found.Value.VariantType)
        assert found.SourceTimestamp is not None
        kind = await client.get_node(x).read_type_definition()
        assert ua.ObjectIds.AnalogItemType == kind.Identifier
        unit = await client.get_node(f"{x}/EngineeringUnits").read_value()
        assert ("mm", int.from_bytes(b"MMT", "big")) == (unit.DisplayName.Text, unit.UnitId)
        limits = await client.get_node(f"{x}/EURange").read_value()
        assert (-50.0, 50.0) == (limits.Low, limits.High)
        await until_status(client, f"{PRESS}/Values/temperature/result", "Good")

    with_client(plant, talk)


def test_a_method_gives_the_values_of_the_result(plant: Plant) -> None:
    async def talk(client: Client) -> None:
        await until_status(client, f"{PRESS}/Values/locate/x", "Good")
        press = client.get_node(PRESS)
        assert [3.5, -2.0, True] == await press.call_method("2:locate", 3)
        assert [1.5, -2.0, True] == await press.call_method("2:locate")
        null = ua.Variant(None, ua.VariantType.Null)
        assert [1.5, -2.0, True] == await press.call_method("2:locate", null)

    with_client(plant, talk)


@pytest.mark.parametrize(
    ("arguments", "status", "problem"),
    [
        ((12,), "BadInvalidArgument", "locate: job must be from 1 to 9, not 12"),
        (("three",), "BadInvalidArgument", "locate: job must be Int64, not String"),
        ((1, 2), "BadTooManyArguments", "locate: 2 arguments for 1 parameters"),
        ((4,), "BadInvalidState", "locate: 17: no part"),
    ],
    ids=str,
)
def test_a_call_that_fails_has_a_bad_status(
    plant: Plant, arguments: tuple[Any, ...], status: str, problem: str
) -> None:
    async def talk(client: Client) -> None:
        await until_status(client, f"{PRESS}/Values/locate/x", "Good")
        with pytest.raises(ua.UaStatusCodeError) as error:
            await client.get_node(PRESS).call_method("2:locate", *arguments)
        assert status == status_of(error)
        assert problem == await client.get_node(f"{PRESS}/LastCallProblem").read_value()
        assert "locate" == await client.get_node(f"{PRESS}/LastCallProblem/Command").read_value()
        code = "17" if status == "BadInvalidState" else ""
        assert code == await client.get_node(f"{PRESS}/LastCallProblem/Code").read_value()

    with_client(plant, talk)


def test_other_requests_are_answered_while_a_method_takes_its_time(plant: Plant) -> None:
    async def talk(client: Client) -> None:
        await until_status(client, f"{PRESS}/Values/locate/x", "Good")
        slow = asyncio.ensure_future(client.get_node(PRESS).call_method("2:locate", 5))
        await client.get_node(f"{PRESS}/Reason").read_value()
        assert not slow.done()
        assert [5.5, -2.0, True] == await slow

    with_client(plant, talk)


def test_a_call_too_many_is_refused_at_once(plant: Plant) -> None:
    async def talk(client: Client) -> None:
        await until_status(client, f"{PRESS}/Values/locate/x", "Good")
        press = client.get_node(PRESS)
        slow = [asyncio.ensure_future(press.call_method("2:locate", 5)) for _ in range(2)]
        await client.get_node(f"{PRESS}/Reason").read_value()
        with pytest.raises(ua.UaStatusCodeError) as error:
            await press.call_method("2:locate", 1)
        assert "BadTooManyOperations" == status_of(error)
        await asyncio.gather(*slow)
        assert [1.5, -2.0, True] == await press.call_method("2:locate", 1)

    with_client(plant, talk)


def test_a_session_too_many_is_refused(plant: Plant) -> None:
    async def talk(client: Client) -> None:
        host, port = plant.address
        others = [await asyncio.open_connection(host, port) for _ in range(9)]
        ended = [asyncio.ensure_future(reader.read(1)) for reader, _ in others]
        done, _ = await asyncio.wait(ended, return_when=asyncio.FIRST_COMPLETED)
        assert {b""} == {each.result() for each in done}
        assert await client.get_node(f"{PRESS}/Reason").read_value()
        for _, writer in others:
            writer.close()
        await asyncio.wait(ended)

    with_client(plant, talk)


def test_a_connection_without_a_session_is_closed(plant: Plant) -> None:
    async def wait_for_the_end() -> bytes:
        reader, writer = await asyncio.open_connection(*plant.address)
        try:
            return await reader.read(1)
        finally:
            writer.close()

    assert b"" == asyncio.run(asyncio.wait_for(wait_for_the_end(), SECONDS))


def test_a_command_that_is_not_listed_is_no_method(plant: Plant) -> None:
    async def talk(client: Client) -> None:
        with pytest.raises(ua.UaStatusCodeError):
            await client.get_node(PRESS).call_method(ua.NodeId("press-1/stop", 2))
        for method in ("types/Press/stop", "types/Press/locate"):
            with pytest.raises(ua.UaStatusCodeError):
                await client.get_node("ns=2;s=types/Press").call_method(ua.NodeId(method, 2))
        with pytest.raises(ua.UaStatusCodeError) as error:
            await client.nodes.objects.call_method(ua.NodeId("press-1/locate", 2), 1)
        assert "BadMethodInvalid" == status_of(error)

    with_client(plant, talk)


def test_nobody_can_write_a_value_or_add_a_node(plant: Plant) -> None:
    async def talk(client: Client) -> None:
        with pytest.raises(ua.UaStatusCodeError) as error:
            await client.get_node(f"{PRESS}/Values/locate/x").write_value(1.0)
        assert "BadUserAccessDenied" == status_of(error)
        with pytest.raises(ua.UaStatusCodeError):
            await client.nodes.objects.add_object(2, "mine")

    with_client(plant, talk)


class Events:
    """Keeps the events of a subscription."""

    def __init__(self) -> None:
        self.arrived: asyncio.Queue[Any] = asyncio.Queue()

    def event_notification(self, event: Any) -> None:
        self.arrived.put_nowait(event)


@pytest.mark.parametrize("source", ["i=2253", "ns=2;s=plant", PRESS], ids=["server", "plant", "link"])
def test_an_event_has_its_parameters_as_fields(plant: Plant, source: str) -> None:
    async def talk(client: Client) -> None:
        await until_status(client, f"{PRESS}/Values/locate/x", "Good")
        events = Events()
        subscription = await client.create_subscription(50, events)
        kind = client.get_node("ns=2;s=types/Press/events/alarm")
        await subscription.subscribe_events(client.get_node(source), kind)
        await client.get_node(PRESS).call_method("2:locate", 7)
        event = await events.arrived.get()
        assert (41, "oil", 800, "press-1") == (event.code, event.text, event.Severity, event.SourceName)
        assert "The press needs attention." == event.Message.Text
        assert kind.nodeid == event.EventType

    with_client(plant, talk)


def test_values_are_bad_while_the_link_is_pulled(plant: Plant) -> None:
    async def talk(client: Client) -> None:
        x = f"{PRESS}/Values/locate/x"
        await until_status(client, x, "Good")
        plant.pull()
        try:
            await until_status(client, x, "BadNoCommunication")
            assert not await client.get_node(f"{PRESS}/Ready").read_value()
            while await client.get_node(f"{PRESS}/State").read_value() == "ready":
                await asyncio.sleep(0.05)  # it is told just after the values
            assert await client.get_node(f"{PRESS}/State").read_value() in ("down", "connecting")
            assert await client.get_node(f"{PRESS}/Reason").read_value()
            with pytest.raises(ua.UaStatusCodeError) as error:
                await client.get_node(PRESS).call_method("2:locate", 1)
            assert "BadNoCommunication" == status_of(error)
        finally:
            plant.plug_in()
        await until_status(client, x, "Good")

    with_client(plant, talk)


def test_a_pull_in_the_middle_of_a_call_says_that_the_outcome_is_not_known(plant: Plant) -> None:
    async def talk(client: Client) -> None:
        await until_status(client, f"{PRESS}/Values/locate/x", "Good")
        call = asyncio.ensure_future(client.get_node(PRESS).call_method("2:locate", 6))
        await asyncio.sleep(0)
        with pytest.raises(ua.UaStatusCodeError) as error:
            await call
        assert status_of(error) in ("BadTimeout", "BadConnectionClosed")

    with_client(plant, talk)


@pytest.mark.parametrize(
    "data",
    [
        b"GET / HTTP/1.1\r\nHost: plant\r\n\r\n",
        b"HELF\xff\xff\xff\x7f" + bytes(200_000),
        b"OPNF\x10\x00\x00\x00" + bytes(64),
        bytes(100_000),
    ],
    ids=["http", "a giant announced", "a channel of zeros", "zeros"],
)
def test_a_stranger_who_speaks_something_else_harms_nobody(plant: Plant, data: bytes) -> None:
    async def stranger(client: Client) -> None:
        reader, writer = await asyncio.open_connection(*plant.address)
        writer.write(data)
        with suppress(OSError):
            await writer.drain()
        assert await client.get_node(f"{PRESS}/Reason").read_value() is not None
        if len(data) > 65_535:
            with suppress(OSError):
                assert b"" == await reader.read(1)
        writer.close()

    with_client(plant, stranger)


@pytest.fixture(scope="module")
def modules(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder in which Node.js finds its client of OPC UA."""
    needs_program("node", "apt-get install nodejs npm")
    npm = needs_program("npm", "apt-get install nodejs npm")
    folder = tmp_path_factory.mktemp("node")
    done = subprocess.run(
        [npm, "install", "--no-audit", "--no-fund", "--ignore-scripts", "--prefix", folder, NODE_CLIENT],
        capture_output=True,
        encoding="utf-8",
        timeout=4 * SECONDS,
    )
    if done.returncode:
        skip(f"npm cannot install {NODE_CLIENT}: {done.stderr}")
    return folder


def test_a_client_for_node_reads_calls_hears_events_and_sees_the_pull(plant: Plant, modules: Path) -> None:
    program = modules / "client.js"
    program.write_bytes((SCRIPTS / "client.js").read_bytes())  # Node.js finds its modules there
    with_client(plant, lambda client: until_status(client, f"{PRESS}/Values/locate/x", "Good"))

    found: dict[str, Any] = {}
    told: list[str] = []
    with subprocess.Popen(
        ["node", program, plant.endpoint],
        env={**os.environ, "HOME": str(modules), "XDG_CONFIG_HOME": str(modules)},  # it keeps certificates
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
    ) as node:
        assert node.stdout is not None
        try:
            for line in node.stdout:
                told.append(line)
                if not line.startswith("{"):
                    continue  # the client's own log
                each = json.loads(line)
                found[each["name"]] = each["value"]
                if each["name"] == "pull":
                    plant.pull()
            assert node.wait(SECONDS) == 0, "".join(told)
        finally:
            node.kill()
            plant.plug_in()

    assert {"Ready", "State", "Reason", "Values", "locate"} <= set(found["browsed"])
    assert {"value": 2.5, "type": "Double", "status": "Good", "hasTime": True} == found["x"]
    assert {"text": "mm", "id": int.from_bytes(b"MMT", "big")} == found["unit"]
    assert [-50, 50] == found["range"]
    assert {"inputs": ["job"], "outputs": ["x", "y", "good"]} == found["arguments"]
    assert {"status": "Good", "outputs": [7.5, -2, True]} == found["called"]
    assert {
        "type": "ns=2;s=types/Press/events/alarm",
        "source": "press-1",
        "message": "The press needs attention.",
        "severity": 800,
        "code": [0, 41],
        "text": "oil",
    } == found["event"]
    assert {"status": "BadInvalidState", "outputs": []} == found["fault"]
    assert {"status": "Good", "outputs": [5.5, -2, True]} == found["slow"]
    assert "BadNoCommunication" == found["pulled"]
