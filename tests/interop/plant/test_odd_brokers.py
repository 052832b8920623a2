"""Brokers that refuse, count, or speak nonsense: what the sink makes of their bytes."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Callable
from threading import Thread
from typing import Any

from twisted.internet.defer import Deferred

from tcpcomm.plant import Mqtt
from tcpcomm.plant.sinks.mqtt.packets import MQTT_IN_FLIGHT, packet_size
from tcpcomm.plant.sinks.mqtt.plain import PlainForm
from tests.conftest import needs_module
from tests.interop.plant.delivering import SinkTestCase, message

needs_module("paho.mqtt", "pip install tcpcomm[mqtt]")

ACCEPTED = bytes.fromhex("20 03 00 00 00")
TAKEN_OVER = bytes.fromhex("e0 02 8e 00")
PUBLISH, PUBACK = 3, 4

Answer = Callable[[int, bytes], bytes]


def accepted(**properties: int) -> bytes:
    """Return a CONNACK with some properties of MQTT 5, by their numbers such as ``p33`` with 2 bytes."""
    sizes = {"p33": 2, "p36": 1, "p37": 1, "p39": 4}
    packed = b"".join(
        bytes([int(name[1:])]) + value.to_bytes(sizes[name]) for name, value in properties.items()
    )
    return bytes([0x20, 3 + len(packed), 0, 0, len(packed)]) + packed


class OddBroker:
    """
    A broker that answers each packet with the bytes that a function returns.

    Args:
        answer: gets the kind of the packet and its content; empty bytes: no answer; ``CUT`` closes.
    """

    CUT = b"cut"

    def __init__(self, answer: Answer) -> None:
        self._answer = answer
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port = self._socket.getsockname()[1]
        self.packets: list[tuple[int, bytes]] = []
        self._found: socket.socket | None = None
        self._thread = Thread(target=self._serve, daemon=True)

    def __enter__(self) -> OddBroker:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        for each in (self._socket, self._found):
            if each is not None:
                with contextlib.suppress(OSError):  # it is closed already
                    each.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        self._thread.join()

    def _serve(self) -> None:
        while True:
            try:
                found, _ = self._socket.accept()
            except OSError:
                return
            self._found = found
            with found, contextlib.suppress(OSError):
                self._talk(found)

    def _talk(self, found: socket.socket) -> None:
        stream = found.makefile("rb")
        with stream:
            while head := stream.read(1):
                size = shift = 0
                while True:
                    (byte,) = stream.read(1)
                    size |= (byte & 127) << shift
                    shift += 7
                    if byte < 128:
                        break
                packet = head[0] >> 4, stream.read(size)
                self.packets.append(packet)
                answer = self._answer(*packet)
                if answer == self.CUT:
                    return
                found.sendall(answer)


def puback(kind: int, content: bytes) -> bytes:
    """Accept everybody, and confirm everything, in the words of the client's version."""
    if kind == 1:
        return ACCEPTED if content[6] == 5 else ACCEPTED[:1] + b"\x02\x00\x00"
    return b"\x40\x02" + mid_of(content) if kind == PUBLISH else b""


def length_of(content: bytes) -> int:
    """Return the length of a packet with this content."""
    return 1 + (1 if len(content) < 128 else 2 if len(content) < 16384 else 3) + len(content)


def mid_of(content: bytes) -> bytes:
    """Return the packet identifier of a PUBLISH with QoS 1."""
    size = int.from_bytes(content[:2])
    return content[2 + size : 4 + size]


SHORT = {"connect_timeout": 2.0}
"""For brokers that say too little: the whole time passes."""


class Odd(SinkTestCase):
    async def words(self, answer: Answer, **options: Any) -> str:
        """Return the error of a delivery to a broker."""
        with OddBroker(answer) as broker:
            given = {"port": broker.port, "connect_timeout": 20.0, **options}
            connection = Mqtt(**given).open("scada", self.reactor)
            try:
                return str(await self.failure(connection, [message(1)]))
            finally:
                await connection.close()

    async def test_a_broker_of_3_1_1_alone_names_the_version(self) -> None:
        assert 'set version = "3.1.1"' in await self.words(lambda *_: bytes.fromhex("20 02 00 01"))

    async def test_a_broker_without_3_1_1_names_the_version(self) -> None:
        words = await self.words(lambda *_: bytes.fromhex("20 02 00 01"), version="3.1.1")
        assert 'set version = "5"' in words

    async def test_a_cut_without_an_answer_names_what_may_be_wrong(self) -> None:
        words = await self.words(lambda *_: OddBroker.CUT)
        assert "is not an MQTT broker" in words
        assert "tls = true" in words

    async def test_nonsense_is_no_broker(self) -> None:
        for nonsense in (b"HTTP/1.1 400 Bad Request\r\n\r\n", b"\xff" * 8, b"\x20\x01\x00"):
            assert "an MQTT broker" in await self.words(lambda *_: nonsense, **SHORT)  # noqa: B023

    async def test_silence_ends_with_the_connect_timeout(self) -> None:
        assert "does not answer" in await self.words(lambda *_: b"", **SHORT)

    async def test_a_takeover_is_told_in_words(self) -> None:
        words = await self.words(
            lambda kind, _: ACCEPTED if kind == 1 else TAKEN_OVER, client_id="line-3"
        )
        assert "another client is called 'line-3' and took over the session" in words

    async def test_a_refused_will_or_quota_uses_the_brokers_words(self) -> None:
        reason = b"\x1f\x00\x04full"
        connack = bytes([0x20, 3 + len(reason), 0, 0x97, len(reason)]) + reason
        words = await self.words(lambda *_: connack)
        assert "quota is used up: raise its limit (the broker says: full)" in words

    async def test_no_confirmations_at_all_is_another_broker(self) -> None:
        assert "maximum QoS is 0" in await self.words(lambda *_: accepted(p36=0))

    async def test_the_size_of_a_packet_is_known_before_it_is_sent(self) -> None:
        sizes = [0, 1, *range(30, 100), *range(16_250, 16_390, 7)]
        messages = [message(size, b"x" * size, topic=f"측정/{size}") for size in sizes]
        for version in ("5", "3.1.1"):
            with OddBroker(puback) as broker:
                sink = Mqtt(port=broker.port, version=version)
                await self.open(sink, version).deliver(messages)
                sent = [content for kind, content in broker.packets if kind == PUBLISH]
                form = PlainForm(sink, "scada", None)
                expected = [packet_size(each, version) for _, each in form.publications(messages)]  # type: ignore[arg-type]
                assert expected == [length_of(each) for each in sent]

    async def test_no_more_messages_wait_than_the_broker_allows(self) -> None:
        assert 3 == await self.most_that_wait(accepted(p33=3), 30, 3)

    async def test_at_most_1024_wait_for_a_broker_without_a_limit(self) -> None:
        assert MQTT_IN_FLIGHT == await self.most_that_wait(ACCEPTED, 2 * MQTT_IN_FLIGHT, MQTT_IN_FLIGHT)

    async def most_that_wait(self, connack: bytes, count: int, at_once: int) -> int:
        """Return the most messages that wait for a broker that confirms so many at once."""
        waiting: list[bytes] = []
        most = 0

        def answer(kind: int, content: bytes) -> bytes:
            nonlocal most
            if kind != PUBLISH:
                return connack if kind == 1 else b""
            waiting.append(mid_of(content))
            most = max(most, len(waiting))
            if len(waiting) < at_once:
                return b""
            found = b"".join(b"\x40\x02" + each for each in waiting)
            waiting.clear()
            return found

        with OddBroker(answer) as broker:
            connection = self.open(Mqtt(port=broker.port))
            assert {} == await connection.deliver([message(number) for number in range(count)])
        return most

    async def test_confirmations_in_any_order_reach_their_messages(self) -> None:
        waiting: list[bytes] = []

        def answer(kind: int, content: bytes) -> bytes:
            if kind != PUBLISH:
                return ACCEPTED if kind == 1 else b""
            waiting.append(mid_of(content))
            if len(waiting) < 3:
                return b""
            first, second, third = waiting
            codes = ((third, 0), (first, 0x87), (second, 0x10))
            return b"".join(b"\x40\x04" + mid + bytes([code, 0]) for mid, code in codes)

        with OddBroker(answer) as broker:
            refused = await self.open(Mqtt(port=broker.port)).deliver([message(each) for each in range(3)])
            assert ["box-0"] == list(refused)

    async def test_a_cancelled_delivery_hears_no_late_confirmation(self) -> None:
        held: list[bytes] = []

        def answer(kind: int, content: bytes) -> bytes:
            if kind == PUBLISH and not held:
                held.append(mid_of(content))
                return b""
            return ACCEPTED if kind == 1 else b"\x40\x02" + mid_of(content) if kind == PUBLISH else b""

        with OddBroker(answer) as broker:
            connection = self.open(Mqtt(port=broker.port))
            delivery = Deferred.fromCoroutine(connection.deliver([message(1)]))
            await self.until(lambda: held)
            delivery.cancel()
            delivery.addErrback(lambda _: None)
            await self.persist(connection, [message(2), message(1)])
            assert [1, PUBLISH, 1, PUBLISH, PUBLISH] == [kind for kind, _ in broker.packets]
