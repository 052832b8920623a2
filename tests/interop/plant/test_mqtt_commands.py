"""Commands that a real broker gives: which are carried out, which are not, and what is answered."""

from __future__ import annotations

import json
import subprocess
from typing import Any

from twisted.internet.defer import Deferred

from tcpcomm.errors import Fault
from tcpcomm.plant import Mqtt
from tcpcomm.plant.sink import BrokerCommand
from tests.conftest import needs_module
from tests.interop.plant.delivering import SinkTestCase
from tests.plant.sinks.mqtt.declared import camera
from tests.system.brokers.mosquitto import Mosquitto, subscribed

needs_module("paho.mqtt", "pip install tcpcomm[mqtt]")

COMMAND = "tcpcomm/camera-1/command/locate"


class Commands(SinkTestCase):
    def setUp(self) -> None:
        self.carried_out: list[BrokerCommand] = []

    async def carry_out(self, command: BrokerCommand) -> Any:
        self.carried_out.append(command)
        if command.arguments.get("job") == 4:
            raise Fault(4, "no such job")
        return {"x": 1.5}

    async def begin(self, broker: Mosquitto) -> None:
        connection = self.open(Mqtt(port=broker.port))
        connection.describe([camera(), camera("camera-2", commands=())], "line-3")
        connection.take_commands(self.carry_out)
        await self.until(lambda: "Sending SUBACK to tcpcomm-line-3-scada" in broker.log.read_text())

    async def test_a_command_is_carried_out_and_answered(self) -> None:
        with (
            Mosquitto(self.folder) as broker,
            subscribed(broker, self.folder, "-t", "tcpcomm/+/reply/#", "-F", "%t %p") as answers,
        ):
            await self.begin(broker)
            for content in (
                '{"id": "a", "arguments": {"job": 3}}',
                '{"job": 4}',
                '{"id": 7, "arguments": {"job": 4}}',
            ):
                broker.publish(COMMAND, content)
            await self.until(lambda: len(answers.lines()) == 3)

            assert [3, 4, 4] == [each.arguments["job"] for each in self.carried_out]
            fault = {"error": "fault", "reason": "no such job", "code": 4}
            topics = {each.partition(" ")[0] for each in answers.lines()}
            assert {"tcpcomm/camera-1/reply/locate"} == topics
            assert [
                {"id": "a", "result": {"x": 1.5}},
                fault,
                {"id": 7, **fault},
            ] == [json.loads(each.partition(" ")[2]) for each in answers.lines()]

    async def test_a_command_that_is_not_listed_is_refused_with_words(self) -> None:
        with (
            Mosquitto(self.folder) as broker,
            subscribed(broker, self.folder, "-t", "tcpcomm/+/reply/#", "-F", "%p") as answers,
        ):
            await self.begin(broker)
            broker.publish("tcpcomm/camera-1/command/home", '{"id": "h"}')
            broker.publish(COMMAND, "[3")
            broker.publish("tcpcomm/camera-2/command/locate", '{"job": 3}')
            await self.until(lambda: len(answers.lines()) == 3)

            refused, malformed, elsewhere = [json.loads(each) for each in answers.lines()]
            assert "h" == refused["id"]
            assert "refused" == refused["error"]
            assert "list it under the commands of the link" in refused["reason"]
            assert "not JSON" in malformed["reason"]
            assert "camera-2 may not get locate" in elsewhere["reason"]
            assert [] == self.carried_out

    async def test_a_retained_command_is_never_carried_out(self) -> None:
        for version in ("5", "3.1.1"):
            folder = self.folder / version
            folder.mkdir()
            with Mosquitto(folder) as broker:
                broker.publish(COMMAND, '{"job": 3}', "-r")
                connection = self.open(Mqtt(port=broker.port, version=version))
                connection.describe([camera()], "line-3")
                connection.take_commands(self.carry_out)
                await self.until(lambda: "Sending SUBACK to tcpcomm-" in broker.log.read_text())
                broker.publish(COMMAND, '{"job": 5}')
                await self.until(lambda: self.carried_out)
                assert [{"job": 5}] == [dict(each.arguments) for each in self.carried_out]
                self.carried_out.clear()
                await connection.close()

    async def test_a_command_that_is_retained_while_the_gateway_listens_is_refused(self) -> None:
        with (
            Mosquitto(self.folder) as broker,
            subscribed(broker, self.folder, "-t", "tcpcomm/+/reply/#", "-F", "%t %p") as answers,
        ):
            await self.begin(broker)
            broker.publish(COMMAND, '{"id": "a", "arguments": {"job": 3}}', "-r")
            broker.publish("tcpcomm/camera-2/command/fly", '{"id": "b"}')
            broker.publish("tcpcomm/camera-9/command/locate", '{"id": "c"}')
            broker.publish(COMMAND, '{"id": "d", "arguments": {"job": 5}}')
            await self.until(lambda: len(answers.lines()) == 3)

            assert [5] == [each.arguments["job"] for each in self.carried_out]
            answered = [json.loads(each.partition(" ")[2])["id"] for each in answers.lines()]
            assert ["a", "b", "d"] == answered

    async def test_the_same_id_is_carried_out_once_and_answered_again(self) -> None:
        with (
            Mosquitto(self.folder) as broker,
            subscribed(broker, self.folder, "-t", "tcpcomm/+/reply/#", "-F", "%p") as answers,
        ):
            await self.begin(broker)
            for _ in range(3):
                broker.publish(COMMAND, '{"id": "a", "arguments": {"job": 3}}')
            await self.until(lambda: len(answers.lines()) == 3)

            assert 1 == len(self.carried_out)
            assert 1 == len(set(answers.lines()))

    async def test_mqtt_5_answers_where_the_sender_asks(self) -> None:
        with Mosquitto(self.folder) as broker:
            await self.begin(broker)
            asking = subprocess.Popen(
                [
                    *("mosquitto_rr", "-V", "5", "-p", str(broker.port), "-q", "1"),
                    *("-t", COMMAND, "-e", "my/answer", "-m", '{"job": 3}'),
                ],
                stdout=subprocess.PIPE,
            )
            try:
                await self.until(lambda: asking.poll() is not None)
                assert asking.stdout is not None
                assert {"result": {"x": 1.5}} == json.loads(asking.stdout.read())
            finally:
                asking.kill()
                asking.communicate()

    async def test_commands_come_again_after_the_broker_was_killed(self) -> None:
        with Mosquitto(self.folder) as broker:
            await self.begin(broker)
            broker.kill()
            broker.start()
            await self.until(lambda: broker.log.read_text().count("Sending SUBACK to tcpcomm-line-3") == 2)
            broker.publish(COMMAND, '{"job": 3}')
            await self.until(lambda: self.carried_out)

    async def test_a_slow_command_does_not_keep_the_next_one(self) -> None:
        first: Deferred[int] = Deferred()

        async def carry_out(command: BrokerCommand) -> Any:
            return await first if command.arguments["job"] == 1 else 2

        with (
            Mosquitto(self.folder) as broker,
            subscribed(broker, self.folder, "-t", "tcpcomm/+/reply/#", "-F", "%p") as answers,
        ):
            self.carry_out = carry_out  # type: ignore[method-assign]
            await self.begin(broker)
            broker.publish(COMMAND, '{"job": 1}')
            broker.publish(COMMAND, '{"job": 2}')
            await self.until(lambda: answers.lines() == ['{"result": 2}'])
            first.callback(1)
            await self.until(lambda: answers.lines()[1:] == ['{"result": 1}'])
