"""A gateway as a Sparkplug node, at a real broker, read by Eclipse Tahu's library."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from time import time
from typing import Any

import pytest

from tcpcomm.plant import Mqtt, OutboxMessage, Report, SinkConnection
from tcpcomm.plant.sink import BrokerCommand
from tcpcomm.plant.sinks.mqtt.sparkplug.payload import DataType, Metric, Payload, encode
from tests.conftest import needs_module, needs_program
from tests.conftest import skip as skip_test  # a module of trial must have no name skip
from tests.interop.plant.delivering import DEADLINE, SinkTestCase
from tests.plant.sinks.mqtt.declared import camera
from tests.system.brokers.mosquitto import Mosquitto, subscribed
from tests.system.running import environment

needs_module("paho.mqtt", "pip install tcpcomm[mqtt]")
needs_module("google.protobuf", "pip install tcpcomm[mqtt]")

PACKAGE = "sparkplug-payload@1.0.3"
SCRIPT = Path(__file__).parents[1] / "node" / "sparkplug_decode.js"
EVERYTHING = ("-t", "spBv1.0/#", "-F", "%t %x")
NODE = "spBv1.0/hall-2/{}/line-3"
DEVICE = "spBv1.0/hall-2/{}/line-3/camera-1"

GATEWAY = """
import sys
from twisted.internet import reactor
from tcpcomm.plant import Mqtt
from tests.plant.sinks.mqtt.declared import camera

connection = Mqtt(port=int(sys.argv[1]), form="sparkplug", group="hall-2").open("scada", reactor)
connection.describe([camera()], "line-3")
reactor.run()
"""


@pytest.fixture(scope="session")
def tahu(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder in which Node.js finds Tahu's library and the program that decodes with it."""
    needs_program("node", "apt-get install nodejs npm")
    npm = needs_program("npm", "apt-get install nodejs npm")
    folder = tmp_path_factory.mktemp("tahu")
    done = subprocess.run(
        [npm, "install", "--no-audit", "--no-fund", "--ignore-scripts", "--prefix", folder, PACKAGE],
        capture_output=True,
        encoding="utf-8",
        timeout=4 * DEADLINE,
    )
    if done.returncode:
        skip_test(f"npm cannot install {PACKAGE}: {done.stderr}")
    (folder / SCRIPT.name).write_bytes(SCRIPT.read_bytes())
    return folder


def poll(number: int, x: float = 1.5, *, link: str = "camera-1", at: float | None = None) -> OutboxMessage:
    """Return the report of one poll."""
    when = time() if at is None else at
    report = Report(
        link=link,
        kind="poll",
        name="locate",
        at=when,
        values={"result": {"x": x, "count": number, "good": number % 2 == 0}},
    )
    return posted(number, report, when)


def posted(number: int, report: Report, at: float) -> OutboxMessage:
    body = json.dumps(report.content()).encode()
    return OutboxMessage(id=f"box-{number}", number=number, body=body, posted_at=at)


class Sparkplug(SinkTestCase):
    @pytest.fixture(autouse=True)
    def _with_tahu(self, tahu: Path) -> None:
        self.tahu = tahu

    def begin(self, broker: Mosquitto, **options: Any) -> SinkConnection:
        sink = Mqtt(port=broker.port, form="sparkplug", group="hall-2", **options)
        connection = self.open(sink)
        connection.describe([camera(), camera("camera-2")], "line-3")
        return connection

    def decoded(self, lines: list[str]) -> list[dict[str, Any]]:
        """Return what Tahu's library reads, with the metrics by name or alias."""
        done = subprocess.run(
            ["node", self.tahu / SCRIPT.name],
            input="\n".join(lines),
            capture_output=True,
            encoding="utf-8",
            timeout=DEADLINE,
        )
        assert (0, "") == (done.returncode, done.stderr)
        found = [json.loads(each) for each in done.stdout.splitlines()]
        for each in found:
            each["metrics"] = {metric.get("name") or metric["alias"]: metric for metric in each["metrics"]}
        return found

    async def test_births_data_and_deaths_are_as_the_standard_says(self) -> None:
        with Mosquitto(self.folder) as broker, subscribed(broker, self.folder, *EVERYTHING) as seen:
            connection = self.begin(broker)
            connection.link_changed("camera-1", True, "")
            at = int(time()) - 59.5  # whole milliseconds, which no rounding on the way can change
            assert {} == await connection.deliver([poll(1, -2.25, at=at), poll(2)])
            values = {"code": 7, "text": "측정"}
            alarm = Report(link="camera-1", kind="event", name="alarm", at=at, values=values)
            door = Report(link="camera-1", kind="event", name="door_opened", at=at)
            assert {} == await connection.deliver([posted(3, alarm, time()), posted(4, door, time())])
            connection.link_changed("camera-1", False, "the cable is out")
            await connection.close()
            await self.until(lambda: len(seen.lines()) == 8)

            birth, device, first, second, third, fourth, lost, death = self.decoded(seen.lines())
            assert [
                NODE.format("NBIRTH"),
                DEVICE.format("DBIRTH"),
                *[DEVICE.format("DDATA")] * 4,
                DEVICE.format("DDEATH"),
                NODE.format("NDEATH"),
            ] == [each.split()[0] for each in seen.lines()]
            assert [0, 1, 2, 3, 4, 5, 6] == [
                each["seq"] for each in (birth, device, first, second, third, fourth, lost)
            ]
            assert death.get("seq") in (None, 0)
            assert birth["metrics"]["bdSeq"]["value"] == death["metrics"]["bdSeq"]["value"]
            assert "Int64" == birth["metrics"]["bdSeq"]["type"]
            rebirth = birth["metrics"]["Node Control/Rebirth"]
            assert ("Boolean", False) == (rebirth["type"], rebirth["value"])

            told = device["metrics"]
            assert {
                "locate/x": "Double",
                "locate/count": "Int64",
                "locate/good": "Boolean",
                "alarm/text": "String",
            }.items() <= {name: each["type"] for name, each in told.items()}.items()
            properties = told["locate/x"]["properties"]
            assert "mm" == properties["engUnit"]["value"]
            assert (-500, 500) == (properties["engLow"]["value"], properties["engHigh"]["value"])

            name_of = {each["alias"]: name for name, each in told.items()}
            polled = {name_of[alias]: each for alias, each in first["metrics"].items()}
            assert {"locate/x": -2.25, "locate/count": 1, "locate/good": False, "locate/problem": ""} == {
                name: each["value"] for name, each in polled.items()
            }
            assert {int(at * 1000)} == {each["timestamp"] for each in polled.values()}
            assert all(each["isHistorical"] for each in first["metrics"].values())
            assert {"alarm/code": 7, "alarm/text": "측정"} == {
                name_of[alias]: each["value"] for alias, each in third["metrics"].items()
            }
            assert {"door_opened": True} == {
                name_of[alias]: each["value"] for alias, each in fourth["metrics"].items()
            }

    async def test_a_host_gets_new_births_when_it_asks(self) -> None:
        with Mosquitto(self.folder) as broker, subscribed(broker, self.folder, *EVERYTHING) as seen:
            connection = self.begin(broker)
            connection.link_changed("camera-1", True, "")
            await connection.deliver([poll(1, 9.5)])
            request = Metric(name="Node Control/Rebirth", datatype=DataType.BOOLEAN, value=True)
            broker.publish(NODE.format("NCMD"), encode(Payload(metrics=(request,))))
            await self.until(lambda: len(seen.lines()) >= 6)

            found = [each for each in self.decoded(seen.lines()) if "CMD" not in each["topic"]]
            before, _, _, birth, device = found
            assert (0, 1) == (birth["seq"], device["seq"])
            assert before["metrics"]["bdSeq"]["value"] == birth["metrics"]["bdSeq"]["value"]
            assert 9.5 == device["metrics"]["locate/x"]["value"]

    async def test_a_killed_gateway_dies_by_its_last_will(self) -> None:
        with Mosquitto(self.folder) as broker, subscribed(broker, self.folder, *EVERYTHING) as seen:
            process = subprocess.Popen([sys.executable, "-c", GATEWAY, str(broker.port)], env=environment())
            try:
                await self.until(seen.lines)
            finally:
                process.kill()
                process.wait(DEADLINE)
            await self.until(lambda: len(seen.lines()) == 2)

            birth, death = self.decoded(seen.lines())
            assert NODE.format("NDEATH") == death["topic"]
            assert birth["metrics"]["bdSeq"]["value"] == death["metrics"]["bdSeq"]["value"]

    async def test_commands_come_by_name_and_are_answered(self) -> None:
        carried_out: list[BrokerCommand] = []

        async def carry_out(command: BrokerCommand) -> Any:
            carried_out.append(command)
            return {"x": 1.5}

        with Mosquitto(self.folder) as broker, subscribed(broker, self.folder, *EVERYTHING) as seen:
            connection = self.begin(broker)
            connection.take_commands(carry_out)
            connection.link_changed("camera-1", True, "")
            await connection.deliver([poll(1)])
            topic = DEVICE.format("DCMD")
            for metric in (
                Metric(name="commands/locate", datatype=DataType.STRING, value='{"job": 3}'),
                Metric(name="commands/locate", datatype=DataType.INT32, value=-4),
                Metric(name="commands/home", datatype=DataType.BOOLEAN, value=True),
                Metric(name="locate/x", datatype=DataType.DOUBLE, value=0.0),
            ):
                broker.publish(topic, encode(Payload(metrics=(metric,))))
            broker.publish(topic, b"no payload")
            await self.until(lambda: len([each for each in seen.lines() if "DDATA" in each]) >= 3)

            assert [{"job": 3}, {"job": -4}] == [dict(each.arguments) for each in carried_out]
            _, *answers = self.decoded([each for each in seen.lines() if "DDATA" in each])
            assert ['{"result": {"x": 1.5}}'] * 2 == [
                metric["value"] for each in answers for metric in each["metrics"].values()
            ]

    async def test_messages_wait_for_the_primary_host(self) -> None:
        with Mosquitto(self.folder) as broker, subscribed(broker, self.folder, *EVERYTHING) as seen:
            state = "spBv1.0/STATE/mes"
            broker.publish(state, '{"online": false, "timestamp": 1}', "-r")
            connection = self.begin(broker, host_id="mes")
            error = await self.failure(connection, [poll(1)])
            assert "the primary host mes is offline" == str(error)
            broker.publish(state, '{"online": true, "timestamp": 2}', "-r")
            await self.persist(connection, [poll(1)])
            broker.publish(state, '{"online": false, "timestamp": 1}', "-r")  # older: it is not heard
            await self.persist(connection, [poll(2)])
            broker.publish(state, '{"online": false, "timestamp": 3}', "-r")
            await self.until(lambda: connection.problem() == "the primary host mes is offline")
            await self.until(lambda: any("NDEATH" in each for each in seen.lines()))
            assert "offline" in str(await self.failure(connection, [poll(3)]))
            broker.publish(state, '{"online": true, "timestamp": 4}', "-r")
            await self.persist(connection, [poll(3)])

            visited = ["DBIRTH", "DDATA", "DDEATH"]  # the link is lost: it is born for its old data only
            expected = ["NBIRTH", *visited, *visited, "NDEATH", "NBIRTH", *visited]

            def topics() -> list[str]:
                return [each.split("/")[2] for each in seen.lines() if "STATE" not in each]

            await self.until(lambda: len(topics()) >= len(expected))
            assert expected == topics()

    async def test_what_is_no_report_is_refused(self) -> None:
        with Mosquitto(self.folder) as broker:
            connection = self.begin(broker)
            other = OutboxMessage(id="box-1", number=1, body=b'{"a": 1}', posted_at=time())
            refused = await connection.deliver([other, poll(2), poll(3, link="camera-9")])

            assert ["box-1", "box-3"] == list(refused)
            assert "not a report" in refused["box-1"]
            assert "camera-9" in refused["box-3"]
