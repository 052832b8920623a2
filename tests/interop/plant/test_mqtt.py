"""Messages to a real Mosquitto, as JSON: what is confirmed, what is refused, and what faults cost."""

from __future__ import annotations

import contextlib
import json
import re
import subprocess
import sys

import pytest
from attrs import evolve
from twisted.internet.defer import Deferred

from tcpcomm.plant import Mqtt, SinkUnavailable
from tcpcomm.plant.outbox.outbox import Outbox
from tcpcomm.plant.sink import LinkDescription, SinkConnection
from tests.certificates import Authority
from tests.conftest import needs_module
from tests.interop.plant.delivering import DEADLINE, SinkTestCase, message
from tests.plant.sinks.mqtt.declared import camera
from tests.system.brokers.mosquitto import Mosquitto, Subscriber, subscribed
from tests.system.running import environment

needs_module("paho.mqtt", "pip install tcpcomm[mqtt]")

GATEWAY = """
import sys

import pytest
from attrs import evolve
from twisted.internet import reactor
from tcpcomm.plant import Mqtt, SinkUnavailable
from tcpcomm.plant.outbox.outbox import Outbox
from tests.plant.sinks.mqtt.declared import camera

connection = Mqtt(port=int(sys.argv[1])).open("scada", reactor)
connection.describe([camera()], "line-3")
connection.link_changed("camera-1", True, "")
reactor.run()
"""


def described(connection: SinkConnection, *links: LinkDescription) -> None:
    connection.describe(links or [camera()], "line-3")


class Delivering(SinkTestCase):
    async def test_a_third_party_client_sees_each_message_in_its_topic_and_order(self) -> None:
        with Mosquitto(self.folder) as broker, self.all_of(broker) as seen:
            for version in ("5", "3.1.1"):
                connection = self.open(Mqtt(port=broker.port, version=version), f"scada-{version}")
                assert {} == await connection.deliver([message(number) for number in range(300)])

            await self.until(lambda: len(seen.lines()) == 600)
            expected = [f'tcpcomm/camera-1/locate {{"n": {number}}}' for number in range(300)]
            assert [*expected, *expected] == seen.lines()

    async def test_mqtt_5_carries_id_source_and_content_type(self) -> None:
        with (
            Mosquitto(self.folder) as broker,
            subscribed(broker, self.folder, "-V", "5", "-t", "#", "-F", "%P|%C|%q|%r") as seen,
        ):
            await self.open(Mqtt(port=broker.port)).deliver([message(7)])

            await self.until(seen.lines)
            properties, kind, qos, retained = seen.lines()[0].split("|")
            assert "id:box-7 source:camera-1 posted:" in properties
            assert ("application/json", "1", "0") == (kind, qos, retained)

    async def test_a_killed_broker_costs_duplicates_at_most(self) -> None:
        with Mosquitto(self.folder) as broker:
            connection = self.open(Mqtt(port=broker.port))
            count = 3000
            messages = [message(number, topic=f"n/{number}") for number in range(count)]
            delivery = Deferred.fromCoroutine(self.persist(connection, messages))

            def received() -> list[int]:
                found = re.findall(r"Received PUBLISH .*'tcpcomm/n/(\d+)'", broker.log.read_text())
                return [int(each) for each in found]

            for _ in range(3):
                before = len(received())
                # The messages since the last start show that the connection is a new one.
                await self.until(lambda: len(received()) > before + 200)  # noqa: B023
                broker.kill()
                broker.start()
            failed = await delivery

            came = received()
            assert failed >= 3
            assert list(range(count)) == sorted(set(came))
            assert list(range(count)) == list(dict.fromkeys(came)), "the first of each comes in order"
            assert "" == connection.problem()

    async def test_an_outbox_brings_everything_through_kills_of_the_broker(self) -> None:
        with Mosquitto(self.folder) as broker:
            outbox = Outbox(self.folder / "results.outbox", {"scada": Mqtt(port=broker.port, batch=50)})
            self.addCleanup(outbox.stopService)
            outbox.startService()
            count = 400
            for number in range(count):
                await outbox.post({"n": number}, to="scada", topic=f"n/{number}")
                if number % 150 == 100:
                    broker.kill()
                if number % 150 == 120:
                    broker.start()
            await self.until(lambda: outbox.figures().sinks["scada"].depth == 0)

            received = re.findall(r"Received PUBLISH .*'tcpcomm/n/(\d+)'", broker.log.read_text())
            came = [int(each) for each in received]
            assert list(range(count)) == list(dict.fromkeys(came))

    async def test_a_lost_connection_tells_what_was_confirmed_before(self) -> None:
        options = ["max_inflight_messages 4"]
        with Mosquitto(self.folder, options=options) as broker:
            connection = self.open(Mqtt(port=broker.port))
            delivery = Deferred.fromCoroutine(
                self.failure(connection, [message(n, b"x" * 20_000) for n in range(3000)])
            )
            await self.until(lambda: broker.log.read_text().count("Sending PUBACK") > 20)
            broker.kill()
            error = await delivery

            assert 0 < len(error.confirmed) < 3000
            assert {f"box-{n}" for n in range(len(error.confirmed))} == error.confirmed

    async def test_a_hung_broker_is_dropped_when_the_outbox_gives_up(self) -> None:
        with Mosquitto(self.folder) as broker:
            connection = self.open(Mqtt(port=broker.port, connect_timeout=1.0))
            await self.persist(connection, [message(1)])
            broker.hang()
            delivery = Deferred.fromCoroutine(connection.deliver([message(2)]))
            delivery.cancel()
            with pytest.raises(SinkUnavailable):
                await delivery
            assert "did not confirm in time" in connection.problem()
            error = await self.failure(connection, [message(2)])  # a hung broker's backlog still accepts
            assert "does not answer" in str(error)
            broker.go_on()

            with self.all_of(broker) as seen:
                await self.persist(connection, [message(3)])
                await self.until(lambda: any('"n": 3' in each for each in seen.lines()))

    async def test_an_access_list_refuses_with_the_topic(self) -> None:
        acl = ["user gateway", "topic write tcpcomm/allowed"]
        with Mosquitto(self.folder, users={"gateway": "secret"}, acl=acl) as broker:
            sink = Mqtt(port=broker.port, username="gateway", password="secret")
            refused = await self.open(sink).deliver(
                [message(1, topic="allowed"), message(2, topic="denied"), message(3, topic="allowed")]
            )

            assert ["box-2"] == list(refused)
            assert "'tcpcomm/denied': change its access list" in refused["box-2"]
            old = Mqtt(port=broker.port, username="gateway", password="secret", version="3.1.1")
            assert {} == await self.open(old, "old").deliver([message(2, topic="denied")])

    async def test_a_message_larger_than_the_broker_takes_is_refused(self) -> None:
        with Mosquitto(self.folder, options=["max_packet_size 2000"]) as broker:
            connection = self.open(Mqtt(port=broker.port))
            refused = await connection.deliver([message(1), message(2, b"x" * 2000), message(3)])

            assert ["box-2"] == list(refused)
            assert "takes at most 2000" in refused["box-2"]

    async def test_odd_texts_do_not_cost_the_connection(self) -> None:
        with Mosquitto(self.folder) as broker, self.all_of(broker) as seen:
            connection = self.open(Mqtt(port=broker.port))
            odd = [evolve(message(1), source="a\0\x01\ud800" + "측" * 70_000), message(2, b"\0\x01")]
            assert {} == await connection.deliver([*odd, message(3, b"")])
            refused = await connection.deliver(
                [message(4, topic="a\x01b"), message(5, topic="a\x9fb"), message(6, topic="\ufffe")]
            )
            assert ["box-4", "box-5", "box-6"] == list(refused)
            await self.until(lambda: len(seen.lines()) == 3)
            assert 1 == broker.log.read_text().count("as tcpcomm-"), "one connection was enough"

    async def test_a_topic_with_a_wildcard_is_refused(self) -> None:
        with Mosquitto(self.folder) as broker:
            messages = [message(1, topic="a/#"), message(2, topic="a//b"), message(3, topic="a/b")]
            refused = await self.open(Mqtt(port=broker.port)).deliver(messages)

            assert ["box-1", "box-2"] == list(refused)

    def all_of(self, broker: Mosquitto) -> contextlib.AbstractContextManager[Subscriber]:
        """Subscribe the messages of camera-1."""
        return subscribed(broker, self.folder, "-t", "tcpcomm/camera-1/locate", "-F", "%t %p")


class Refusing(SinkTestCase):
    async def test_a_wrong_password_says_what_to_check(self) -> None:
        with Mosquitto(self.folder, users={"gateway": "secret"}) as broker:
            for version in ("5", "3.1.1"):
                sink = Mqtt(port=broker.port, username="gateway", password="wrong", version=version)
                error = await self.failure(self.open(sink), [message(1)])
                assert "check username and password" in str(error)

    async def test_no_broker_says_where(self) -> None:
        with Mosquitto(self.folder) as broker:
            broker.kill()
            error = await self.failure(self.open(Mqtt(port=broker.port)), [message(1)])

            assert f"no program listens on 127.0.0.1:{broker.port}" in str(error)

    async def test_tls_with_an_unknown_authority_names_ca_file(self) -> None:
        authority = Authority(self.folder)
        other = Authority(self.folder, "other")
        own = authority.issue("localhost")
        files = (own.certificate, own.key, authority.certificate)
        with Mosquitto(self.folder, certificate=files) as broker:
            good = Mqtt(host="localhost", port=broker.port, ca_file=str(authority.certificate))
            assert {} == await self.open(good, "good").deliver([message(1)])
            bad = Mqtt(host="localhost", port=broker.port, ca_file=str(other.certificate))
            error = await self.failure(self.open(bad, "bad"), [message(1)])
            assert "is not trusted" in str(error)
            assert "set ca_file" in str(error)
            plain = Mqtt(host="localhost", port=broker.port)
            error = await self.failure(self.open(plain, "plain"), [message(1)])
            assert "wants TLS (then set tls = true)" in str(error)

    async def test_tls_to_a_port_without_tls_names_the_port(self) -> None:
        with Mosquitto(self.folder) as broker:
            error = await self.failure(self.open(Mqtt(port=broker.port, tls=True)), [message(1)])

            assert "check" in str(error)
            assert "TLS" in str(error)

    async def test_two_gateways_with_one_name_do_not_fight(self) -> None:
        with Mosquitto(self.folder) as broker:
            sink = Mqtt(port=broker.port, client_id="line-3")
            both = [self.open(sink, "first"), self.open(sink, "second")]
            while not any("another client" in each.problem() for each in both):
                for each in both:
                    with contextlib.suppress(SinkUnavailable):
                        await each.deliver([message(1)])
                await self.until(lambda: any(each.problem() for each in both))

            loser, winner = sorted(both, key=lambda each: "another client" not in each.problem())
            assert "is called 'line-3' (give each gateway its own name)" in loser.problem()
            await self.failure(loser, [message(2)])
            await self.persist(winner, [message(3)])


class States(SinkTestCase):
    async def test_links_and_gateway_are_retained_and_taken_back_in_order(self) -> None:
        with Mosquitto(self.folder) as broker:
            connection = self.open(Mqtt(port=broker.port))
            described(connection)
            await self.persist(connection, [message(1)])
            connection.link_changed("camera-1", True, "")
            connection.link_changed("camera-1", False, "the cable is out")
            await connection.deliver([message(2)])
            with subscribed(broker, self.folder, "-t", "#", "-F", "%t %p %r") as seen:
                await self.until(lambda: len(seen.lines()) == 2)
                assert [
                    'tcpcomm/camera-1/state {"state": "down", "reason": "the cable is out"} 1',
                    'tcpcomm/gateway/line-3 {"state": "online"} 1',
                ] == sorted(seen.lines())
                await connection.close()
                await self.until(lambda: len(seen.lines()) == 3)
                assert 'tcpcomm/gateway/line-3 {"state": "offline"} 0' == seen.lines()[-1]

    async def test_the_broker_tells_that_a_gateway_was_killed(self) -> None:
        with (
            Mosquitto(self.folder) as broker,
            subscribed(broker, self.folder, "-t", "tcpcomm/gateway/#", "-F", "%p") as seen,
        ):
            process = subprocess.Popen(
                [sys.executable, "-c", GATEWAY, str(broker.port)], env=environment()
            )
            try:
                await self.until(lambda: seen.lines() == ['{"state": "online"}'])
            finally:
                process.kill()
                process.wait(DEADLINE)
            await self.until(lambda: len(seen.lines()) == 2)
            assert {"state": "offline"} == json.loads(seen.lines()[1])
