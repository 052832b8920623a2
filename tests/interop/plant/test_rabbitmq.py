"""RabbitMQ, the real broker: what it takes, refuses, forgets, and what happens when it hangs or is full."""

from __future__ import annotations

import gc
import json
import re
import time
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any, ClassVar

import pytest
from attrs import evolve, frozen
from twisted.internet.defer import Deferred
from twisted.internet.error import ConnectionLost
from twisted.trial.unittest import TestCase

from tcpcomm import Equipment, Fault, command
from tcpcomm.codec import Template
from tcpcomm.equipment.equipment import declaration_of
from tcpcomm.framing import Delimited
from tcpcomm.plant import (
    CommandRefused,
    NotTheOwner,
    OutboxMessage,
    RabbitMq,
    RabbitOwnership,
    SinkUnavailable,
)
from tcpcomm.plant.sink import BrokerCommand, LinkDescription, SinkConnection
from tests.certificates import Authority, PemFiles
from tests.conftest import ROOT, needs_module
from tests.reactor import DEADLINE, reactor, until
from tests.system.brokers.guard import free_port
from tests.system.brokers.rabbitmq import RabbitCluster, RabbitNode

needs_module("pika", "pip install 'tcpcomm[rabbitmq]'")

from pika import BasicProperties  # noqa: E402 - after the check
from pika.exceptions import AMQPError  # noqa: E402 - after the check

from tcpcomm.plant.sinks.rabbitmq import ownership  # noqa: E402 - after the check
from tcpcomm.plant.sinks.rabbitmq.broker_session import BrokerSession  # noqa: E402 - after the check
from tcpcomm.plant.sinks.rabbitmq.dialler import Dialler  # noqa: E402 - after the check

LARGEST = 100_000


class Camera(Equipment):
    """A camera of the tests."""

    framing = Delimited(b"\r\n")
    codec = Template()

    @command("TRG,{job}", reply="OK,{x}")
    async def locate(self, job: int) -> float:
        """Locate the part."""
        raise NotImplementedError


@frozen
class Secured:
    """The TLS port of the node, and the authority of its certificate."""

    port: int
    authority: Path


@pytest.fixture(scope="module")
def secured(tmp_path_factory: pytest.TempPathFactory) -> tuple[Secured, PemFiles]:
    authority = Authority(tmp_path_factory.mktemp("tls"))
    return Secured(free_port(), authority.certificate), authority.issue()


@pytest.fixture(scope="module")
def cluster(secured: tuple[Secured, PemFiles]) -> Iterator[RabbitCluster]:
    place, files = secured
    settings = {
        "max_message_size": str(LARGEST),
        "listeners.ssl.1": f"127.0.0.1:{place.port}",
        "ssl_options.cacertfile": str(place.authority),
        "ssl_options.certfile": str(files.certificate),
        "ssl_options.keyfile": str(files.key),
    }
    with RabbitCluster(1, settings=settings) as started:
        yield started


@pytest.fixture(scope="class", autouse=True)
def _node(
    request: pytest.FixtureRequest, cluster: RabbitCluster, secured: tuple[Secured, PemFiles]
) -> None:
    if request.cls is not None:
        request.cls.node = cluster.nodes[0]
        request.cls.secured = secured[0]


def message(
    number: int, *, topic: str = "line-3/camera-1/locate", body: bytes = b'{"x": 1}'
) -> OutboxMessage:
    return OutboxMessage(
        id=f"4f9c-{number}",
        number=number,
        topic=topic,
        source="camera-1",
        body=body,
        posted_at=1.7e9 + number,
    )


def messages(count: int) -> list[OutboxMessage]:
    return [message(number) for number in range(count)]


class RabbitTest(TestCase):
    """The node of this module, and connections to it that end with the test."""

    node: ClassVar[RabbitNode]
    secured: ClassVar[Secured]
    timeout = DEADLINE

    def setUp(self) -> None:
        self.queue = self.id().rpartition(".")[2]
        self.addCleanup(self._forget_calls_of_pika)  # the last one

    def _forget_calls_of_pika(self) -> None:
        """Drop the errors that pika logs of calls which it refused while its connection closed."""
        gc.collect()
        self.flushLoggedErrors(ConnectionLost)  # type: ignore[no-untyped-call]

    def options(self, **more: Any) -> RabbitMq:
        return RabbitMq(**{"urls": self.node.url, "queue": self.queue, "connect_timeout": 20.0, **more})

    def opened(self, **more: Any) -> SinkConnection:
        connection = self.options(**more).open("mes", reactor)
        self.addCleanup(lambda: Deferred.fromCoroutine(connection.close()))
        return connection

    async def channel(self) -> Any:
        """Return a channel of another program."""

        async def prepare(session: BrokerSession) -> Any:
            return await session.channel()

        session, channel = await Dialler(self.options(), "a test", reactor).connect(prepare)
        self.addCleanup(session.finish)
        return channel

    async def until_consumed(self, queue: str) -> None:
        """Wait until a gateway takes commands from a queue."""
        channel = await self.channel()
        while True:
            try:
                if (await channel.queue_declare(queue, passive=True)).method.consumer_count:
                    return
            except AMQPError:
                channel = await self.channel()

    async def refused(self, awaitable: Awaitable[Any]) -> SinkUnavailable:
        with pytest.raises(SinkUnavailable) as raised:
            await awaitable
        return raised.value


class DeliveryTests(RabbitTest):
    """Results on their way to a queue and to an exchange."""

    async def test_messages_come_in_order_with_all_that_a_receiver_needs(self) -> None:
        connection = self.opened()
        sent = [*messages(300), evolve(message(300), expires_at=1.7e9, content_type="text/plain")]
        assert {} == await connection.deliver(sent)
        channel = await self.channel()
        found = [await channel.basic_get(self.queue, auto_ack=True) for _ in sent]
        assert [each.id for each in sent] == [each.properties.message_id for each in found]
        first, last = found[0].properties, found[-1].properties
        assert b'{"x": 1}' == found[0].body
        assert (2, "application/json", 1_700_000_000) == (
            first.delivery_mode,
            first.content_type,
            first.timestamp,
        )
        headers = {"source": "camera-1", "topic": "line-3/camera-1/locate", "number": 0}
        assert headers == {name: first.headers[name] for name in headers}
        assert ("text/plain", "2023-11-14T22:13:20.000Z") == (last.content_type, last.headers["expires_at"])
        assert "" == connection.problem()

    async def test_a_message_that_no_queue_gets_is_refused_and_no_other(self) -> None:
        connection = self.opened(exchange=f"{self.queue}.x", routing_key="results.{topic}.{source}")
        assert {"4f9c-0"} == {*await connection.deliver([message(0)])}
        channel = await self.channel()
        await channel.queue_declare(self.queue, durable=True)
        await channel.queue_bind(self.queue, f"{self.queue}.x", "results.line.#")
        sent = [message(number, topic="line/a" if number % 3 else "none") for number in range(60)]
        refused = await connection.deliver(sent)
        assert {f"4f9c-{number}" for number in range(0, 60, 3)} == {*refused}
        place = f"the exchange {self.queue}.x with the routing key results.none.camera-1"
        assert {f"no queue is bound to {place}"} == {*refused.values()}

    async def test_what_cannot_be_sent_is_refused_and_the_rest_arrives(self) -> None:
        connection = self.opened(exchange="amq.topic")
        channel = await self.channel()
        await channel.queue_declare(self.queue, durable=True)
        await channel.queue_bind(self.queue, "amq.topic", f"{self.queue}.#")
        topic = f"{self.queue}/a"
        sent = [message(number, topic=topic) for number in range(4)]
        sent[1] = message(1, topic="x" * 300)
        sent[2] = message(2, topic=topic, body=b"x" * (LARGEST + 1))
        for _ in range(2):
            refused = dict(await connection.deliver(sent))
            assert "its routing key has 300 bytes, and AMQP takes 255" == refused.pop("4f9c-1")
            assert {"4f9c-2": "it has 100001 bytes, and the broker takes at most 100000"} == refused
        found = [(await channel.basic_get(self.queue, True)).properties.message_id for _ in range(4)]
        assert ["4f9c-0", "4f9c-3"] == sorted(set(found))

    async def test_a_deleted_queue_is_declared_again_and_nothing_is_refused(self) -> None:
        connection = self.opened()
        await connection.deliver(messages(3))
        channel = await self.channel()
        await channel.queue_delete(self.queue)
        unavailable = await self.refused(connection.deliver(messages(3)))
        assert f"the queue {self.queue} was deleted" == str(unavailable)
        assert {} == await connection.deliver(messages(3))

    async def test_a_full_queue_is_the_brokers_trouble_and_not_the_messages(self) -> None:
        connection = self.opened(max_length=10)
        unavailable = None
        sent = 0
        while unavailable is None:
            try:
                await connection.deliver([message(sent)])
                sent += 1
            except SinkUnavailable as error:
                unavailable = error
        reason = f"the queue {self.queue} takes no messages: it is full, or its node failed"
        assert reason == str(unavailable)
        channel = await self.channel()
        await channel.queue_purge(self.queue)
        assert {} == await connection.deliver([message(sent)])

    async def test_a_cancelled_delivery_drops_the_connection(self) -> None:
        connection = self.opened()
        await connection.deliver(messages(1))
        delivery = Deferred.fromCoroutine(connection.deliver(messages(100)))
        delivery.cancel()
        assert "the broker did not confirm in time" == str(await self.refused(delivery))
        assert {} == await connection.deliver(messages(1))


class TroubleTests(RabbitTest):
    """A broker that refuses, hangs, forgets, or has no space."""

    async def test_what_a_broker_refuses_is_told_with_what_to_do(self) -> None:
        await self.opened().deliver(messages(1))
        url, queue = self.node.url, self.queue
        cases: dict[str, tuple[dict[str, Any], str]] = {
            "password": ({"password": "wrong"}, "the broker refuses the user or the password"),
            "host": ({"urls": f"{url}/nowhere"}, "the broker has no virtual host nowhere: correct the url"),
            "arguments": ({"max_length": 5}, f"the queue {queue} exists with another x-max-length"),
            "missing": ({"queue": "none", "declare": False}, "there is no queue none in the virtual"),
            "type": ({"exchange": "amq.direct"}, "the exchange amq.direct exists with another type"),
            "port": ({"urls": "amqp://127.0.0.1:1"}, "127.0.0.1:1: refused"),
        }
        for more, words in cases.values():
            connection = self.opened(**more)
            unavailable = await self.refused(connection.deliver(messages(1)))
            assert words in str(unavailable)
            assert str(unavailable) == connection.problem()

    async def test_another_broker_is_used_if_the_first_cannot_be(self) -> None:
        connection = self.opened(urls=["amqp://127.0.0.1:1", self.node.url])
        assert {} == await connection.deliver(messages(3))

    async def test_a_hung_broker_is_left_and_used_again_when_it_goes_on(self) -> None:
        connection = self.opened(heartbeat=2, connect_timeout=1.0)
        await until_delivered(connection)
        self.node.suspend()
        try:
            unavailable = await self.refused(connection.deliver(messages(3)))
            assert "the broker was silent for" in str(unavailable)
            unavailable = await self.refused(connection.deliver(messages(3)))
            assert "it did not answer within 1 s" in str(unavailable)
        finally:
            self.node.resume()
        await until_delivered(connection)

    async def test_a_deleted_virtual_host_is_told(self) -> None:
        self.node.ctl("add_vhost", "plant")
        self.node.ctl("set_permissions", "-p", "plant", "guest", ".*", ".*", ".*")
        connection = self.opened(urls=f"{self.node.url}/plant")
        await connection.deliver(messages(1))
        self.node.ctl("delete_vhost", "plant")
        await until(lambda: connection.problem() != "")
        unavailable = await self.refused(connection.deliver(messages(1)))
        assert "the broker has no virtual host plant" in str(unavailable)

    async def test_the_permissions_of_the_page_are_enough_and_others_are_told(self) -> None:
        page = (ROOT / "docs/howto/send-to-rabbitmq.md").read_text("utf-8")
        (patterns,) = re.findall(r"set_permissions mes '(.*)' '(.*)' '(.*)'", page)
        self.node.ctl("add_user", "mes", "secret")
        self.node.ctl("set_permissions", "mes", *patterns)
        login: dict[str, Any] = {"urls": self.node.url.replace("guest", "mes"), "password": "secret"}
        other = self.opened(**login, queue="other")
        reason = str(await self.refused(other.deliver(messages(1))))
        assert "the user mes lacks a permission for the queue other" in reason
        allowed = self.opened(**login, queue="tcpcomm")
        allowed.describe([description()], "line-3")
        allowed.take_commands(_no_command)
        assert {} == await allowed.deliver(messages(1))
        owner = RabbitOwnership(self.options(**login), "plant", "line-3", reactor)
        owner.claim("camera-1", lambda: None, lambda reason: None)
        owner.start()
        await until(lambda: owner.owns("camera-1"))
        await owner.stop()
        await self.until_consumed("tcpcomm.commands")
        assert "" == allowed.problem()

    async def test_tls_proves_the_broker(self) -> None:
        url = f"amqps://guest@localhost:{self.secured.port}"
        connection = self.opened(urls=url, ca=str(self.secured.authority))
        assert {} == await connection.deliver(messages(3))
        stranger = self.opened(urls=url)
        assert "TLS failed" in str(await self.refused(stranger.deliver(messages(3))))

    async def test_a_broker_without_space_is_waited_for_and_told(self) -> None:
        connection = self.opened(heartbeat=60)  # the program of this test waits for that of the broker
        await connection.deliver(messages(1))
        self.node.ctl("set_disk_free_limit", "900000GB")
        delivery = Deferred.fromCoroutine(connection.deliver(messages(3)))
        try:
            await until(lambda: "the broker takes no messages: low on disk" == connection.problem())
        finally:
            self.node.ctl("set_disk_free_limit", "1MB")
        assert {} == await delivery
        assert "" == connection.problem()


async def _no_command(command: BrokerCommand) -> Any:
    raise CommandRefused("no command is allowed")


async def until_delivered(connection: SinkConnection) -> None:
    while True:
        try:
            await connection.deliver(messages(3))
            return
        except SinkUnavailable:
            continue


class CommandTests(RabbitTest):
    """Commands that a host gives through the broker."""

    async def take(self, gateway: str = "line-3", **more: Any) -> SinkConnection:
        async def carry_out(command: BrokerCommand) -> Any:
            self.carried_out.append((gateway, command))
            if command.command == "forbidden":
                raise CommandRefused("forbidden is not allowed for camera-1")
            if command.command == "fails":
                raise Fault(7, "no part")
            if command.command == "crashes":
                raise RuntimeError("oh")
            if command.link != "camera-1":
                raise NotTheOwner("another gateway owns it")
            return {"x": command.arguments["job"]}

        connection = self.opened(**{"heartbeat": 20, "command_ttl": 60.0, **more})
        connection.describe([description()], gateway)
        connection.take_commands(carry_out)
        return connection

    def setUp(self) -> None:
        super().setUp()
        self.carried_out: list[tuple[str, BrokerCommand]] = []

    async def host(self) -> Callable[..., Awaitable[Any]]:
        """Return a function that gives a command and returns the reply."""
        channel = await self.channel()
        replies = (await channel.queue_declare("", exclusive=True)).method.queue
        queue, _ = await channel.basic_consume(replies, auto_ack=True)

        async def give(body: Any, **more: Any) -> Any:
            sent = body if isinstance(body, bytes) else json.dumps(body).encode()
            properties = BasicProperties(**{"reply_to": replies, "correlation_id": "17", **more})
            await channel.basic_publish("", f"{self.queue}.commands", sent, properties)
            reply = await queue.get()
            assert "17" == reply.properties.correlation_id
            return json.loads(reply.body)

        return give

    async def until_taken(self) -> None:
        """Wait until a gateway takes commands."""
        await self.until_consumed(f"{self.queue}.commands")

    async def test_a_command_is_carried_out_and_answered(self) -> None:
        await self.take()
        await self.until_taken()
        give = await self.host()
        locate = {"link": "camera-1", "command": "locate", "arguments": {"job": 3}}
        assert {"result": {"x": 3}} == await give(locate, timestamp=int(time.time()))
        refused = {"error": "refused", "reason": "forbidden is not allowed for camera-1"}
        assert refused == await give({"link": "camera-1", "command": "forbidden"})
        fault = {"error": "fault", "reason": "no part", "code": 7}
        assert fault == await give({**locate, "command": "fails"})
        assert "failed" == (await give({**locate, "command": "crashes"}))["error"]
        assert 1 == len(self.flushLoggedErrors(RuntimeError))  # type: ignore[no-untyped-call]
        assert 4 == len(self.carried_out)

    async def test_what_is_malformed_or_too_old_is_not_carried_out(self) -> None:
        await self.take()
        await self.until_taken()
        give = await self.host()
        for body in (
            b"{",
            b"\xff",
            b"[" * 60_000,
            b"[]",
            b'{"link": "a"}',
            b'{"link": "a", "command": 5}',
            b'{"link": "a", "command": "b", "arguments": []}',
            b'{"link": "a", "command": "b", "arguments": {"x": NaN}}',
            b'{"link": "a", "command": "b", "more": 1}',
            b" " * 70_000,
        ):
            assert "malformed" == (await give(body))["error"]
        old = await give({"link": "camera-1", "command": "locate"}, timestamp=int(time.time()) - 120)
        assert "too-old" == old["error"]
        assert "commands older than 60 s are not carried out" in old["reason"]
        assert [] == self.carried_out

    async def test_what_the_broker_gives_again_is_not_carried_out(self) -> None:
        # Another consumer takes the command and dies, as a gateway may that carried it out.
        first = await self.take()
        await self.until_taken()
        await first.close()
        dying = await self.channel()
        queue, _ = await dying.basic_consume(f"{self.queue}.commands")
        give = await self.host()
        answer = Deferred.fromCoroutine(_result(give({"link": "camera-1", "command": "locate"})))
        await queue.get()
        dying.close()
        await self.take()
        assert "repeated" == (await answer)["error"]
        assert [] == self.carried_out

    async def test_a_command_for_another_gateways_link_is_passed_on(self) -> None:
        await self.take("one")
        await self.until_taken()
        give = await self.host()
        reply = await give({"link": "other", "command": "locate"})
        assert "no-owner" == reply["error"]
        assert len(self.carried_out) > 2

    async def test_a_second_gateway_with_a_name_takes_no_commands_and_delivers(self) -> None:
        first = await self.take()
        await self.until_taken()
        second = await self.take(heartbeat=2)  # it waits for two silences before it tells
        await until(lambda: "another gateway is called line-3: give each its own name" == second.problem())
        assert {} == await second.deliver(messages(3))
        assert "" == first.problem()
        await first.close()
        await until(lambda: second.problem() == "")


async def _result(awaitable: Awaitable[Any]) -> Any:
    return await awaitable


def description() -> LinkDescription:
    return LinkDescription(
        name="camera-1", declaration=declaration_of(Camera), values=(), commands=("locate",)
    )


class OwnershipTests(RabbitTest):
    """Gateways that share links."""

    def gateway(self, name: str, *links: str, heartbeat: float = 20.0) -> RabbitOwnership:
        made = RabbitOwnership(self.options(heartbeat=heartbeat), self.queue, name, reactor)
        for link in links:
            made.claim(
                link,
                lambda link=link: self.told.append((name, link, "gained")),  # type: ignore[misc]
                lambda reason, link=link: self.told.append((name, link, "lost")),  # type: ignore[misc]
            )
        self.addCleanup(lambda: Deferred.fromCoroutine(made.stop()))
        made.start()
        return made

    def setUp(self) -> None:
        super().setUp()
        self.told: list[tuple[str, str, str]] = []

    async def test_the_standby_takes_over_when_the_owner_stops(self) -> None:
        first = self.gateway("one", "a", "b")
        await until(lambda: first.owns("a") and first.owns("b"))
        second = self.gateway("two", "a", "b")
        assert not second.owns("a")
        await first.stop()
        await until(lambda: second.owns("a") and second.owns("b"))
        assert not first.owns("a")
        assert [("one", "a", "gained"), ("one", "a", "lost"), ("two", "a", "gained")] == [
            each for each in self.told if each[1] == "a"
        ]

    async def test_a_deleted_queue_is_lost_and_gained_again(self) -> None:
        # Tokens are replaced all the time, so that most queues go while a token is on its way.
        self.patch(ownership, "RENEW_TOKEN", 0.01)  # type: ignore[no-untyped-call]
        # Only the missing queue can end the link in time: not the limit for putting a token in.
        self.patch(ownership, "RENEW_WITHIN", 2 * DEADLINE)  # type: ignore[no-untyped-call]
        owner = self.gateway("one", "a", "b")
        await until(lambda: owner.owns("a") and owner.owns("b"))
        channel = await self.channel()
        for _ in range(3):
            await channel.queue_delete(f"{self.queue}.links.a")
            await until(lambda: ("one", "a", "lost") in self.told)
            self.told.remove(("one", "a", "lost"))
            await until(lambda: owner.owns("a"))
        assert ("one", "b", "lost") not in self.told

    async def test_a_link_whose_queue_is_wrong_harms_no_other(self) -> None:
        channel = await self.channel()
        await channel.queue_declare(f"{self.queue}.links.a", durable=True)
        owner = self.gateway("one", "a", "b")
        await until(lambda: owner.owns("b"))
        reason = f"a: the queue {self.queue}.links.a exists with another x-"
        await until(lambda: reason in owner.problem())
        assert not owner.owns("a")

    async def test_a_second_gateway_with_a_name_owns_nothing(self) -> None:
        first = self.gateway("one", "a")
        await until(lambda: first.owns("a"))
        second = self.gateway("one", "a", heartbeat=2)
        await until(lambda: "another gateway is called one: give each its own name" == second.problem())
        assert (True, False) == (first.owns("a"), second.owns("a"))
