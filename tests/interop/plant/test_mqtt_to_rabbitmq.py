"""RabbitMQ's plugin for MQTT as a second broker, which speaks MQTT 3.1.1."""

from __future__ import annotations

import subprocess

from tcpcomm.plant import Mqtt
from tcpcomm.plant.sink import BrokerCommand
from tests.conftest import needs_module, needs_program
from tests.interop.plant.delivering import SinkTestCase, message
from tests.plant.sinks.mqtt.declared import camera
from tests.system.brokers.guard import free_port
from tests.system.brokers.rabbitmq import RabbitCluster

needs_module("paho.mqtt", "pip install tcpcomm[mqtt]")


class ToRabbitMq(SinkTestCase):
    timeout = 300.0

    async def test_messages_states_and_commands_pass_through_rabbitmq(self) -> None:
        needs_program("mosquitto_sub", "apt-get install mosquitto-clients")
        port = free_port()
        settings = {"mqtt.listeners.tcp.1": f"127.0.0.1:{port}", "mqtt.allow_anonymous": "true"}
        cluster = RabbitCluster(settings=settings)
        (cluster.folder / "plugins").write_text("[rabbitmq_mqtt].")
        with cluster:
            old = self.open(Mqtt(port=port), "too-new")
            error = await self.failure(old, [message(1)])
            assert 'set version = "3.1.1"' in str(error)
            await old.close()
            await self.talk(port)

    async def talk(self, port: int) -> None:
        carried_out: list[BrokerCommand] = []

        async def carry_out(command: BrokerCommand) -> int:
            carried_out.append(command)
            return 7

        connection = self.open(Mqtt(port=port, version="3.1.1"))
        connection.describe([camera()], "line-3")
        connection.take_commands(carry_out)
        await self.persist(connection, [message(0)])
        path = self.folder / "seen.txt"
        with path.open("wb") as file:
            # RabbitMQ sends what it retained only to a subscription without wildcards.
            topics = ["-t", "tcpcomm/#", "-t", "tcpcomm/camera-1/state"]
            command = ["mosquitto_sub", "-p", str(port), "-q", "1", *topics, "-F", "%t %p"]
            watcher = subprocess.Popen(command, stdout=file)
        try:
            await self.until(lambda: "camera-1/state" in path.read_text())
            assert {} == await connection.deliver([message(number) for number in range(1, 300)])
            topic = "tcpcomm/camera-1/command/locate"
            subprocess.run(
                ["mosquitto_pub", "-p", str(port), "-q", "1", "-t", topic, "-m", '{"job": 3}'], check=True
            )
            await self.until(lambda: 'reply/locate {"result": 7}' in path.read_text())
            expected = [f'tcpcomm/camera-1/locate {{"n": {number}}}' for number in range(1, 300)]
            await self.until(lambda: expected[-1] in path.read_text())
            assert expected == [each for each in path.read_text().splitlines() if "/locate {\"n\"" in each]
            assert [{"job": 3}] == [dict(each.arguments) for each in carried_out]
            await connection.close()
        finally:
            watcher.kill()
            watcher.wait()
