"""The receiver at the other end of the queue, which records every message: :class:`Recorder`."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from threading import Event, Lock, Thread
from typing import Any

import pika
from attrs import frozen

__all__ = ["Received", "Recorder"]


@frozen
class Received:
    """One message as it came."""

    id: str
    source: str
    place: tuple[int, int]
    """The life of the publisher, and the number in it: later messages of a source have larger ones."""
    redelivered: bool


class Recorder:
    """
    Consume a queue in a thread, with acknowledgements, and go to another node when one fails.

    Args:
        queue: the name of the queue.
        ports: the ports of the nodes.
    """

    def __init__(self, queue: str, ports: Sequence[int]) -> None:
        self._queue = queue
        self._ports = ports
        self._lock = Lock()
        self._received: list[Received] = []
        self._ids: set[str] = set()
        self.failures: list[str] = []
        self._stopping = Event()
        self._thread = Thread(target=self._run, daemon=True)
        self._thread.start()

    def received(self) -> list[Received]:
        """Return all messages so far, in the order in which they came."""
        with self._lock:
            return list(self._received)

    def has(self, ids: set[str]) -> bool:
        """Return True if all of these messages came."""
        with self._lock:
            return ids <= self._ids

    def stop(self) -> None:
        """End the thread."""
        self._stopping.set()
        self._thread.join(30)

    def _run(self) -> None:
        turn = 0
        while not self._stopping.is_set():
            turn += 1
            try:
                self._consume(self._ports[turn % len(self._ports)])
            except Exception as error:  # pika raises many kinds for a node that is about to die
                self.failures.append(repr(error))
                time.sleep(0.3)

    def _consume(self, port: int) -> None:
        parameters = pika.ConnectionParameters(
            "127.0.0.1",
            port,
            heartbeat=4,
            socket_timeout=3,
            stack_timeout=5,
            blocked_connection_timeout=20,
        )
        connection = pika.BlockingConnection(parameters)
        try:
            channel = connection.channel()
            channel.basic_qos(prefetch_count=200)
            self._wait_for_the_last_consumer(connection, channel)
            for method, properties, body in channel.consume(self._queue, inactivity_timeout=0.3):
                if method is not None:
                    self._record(method, properties, body)
                    channel.basic_ack(method.delivery_tag)
                if self._stopping.is_set():
                    return
        finally:
            if connection.is_open:
                connection.close()

    def _wait_for_the_last_consumer(self, connection: Any, channel: Any) -> None:
        """
        Wait until the broker knows that the connection before this one is gone.

        Until then it keeps the messages that it had given to that connection, and gives later ones to this
        one: the order of the queue would be lost here, and not on the way.
        """
        while channel.queue_declare(self._queue, passive=True).method.consumer_count:
            if self._stopping.is_set():
                return
            connection.sleep(0.2)

    def _record(self, method: Any, properties: Any, body: bytes) -> None:
        about = json.loads(body)
        place = (about["life"], about["n"])
        with self._lock:
            self._received.append(
                Received(properties.message_id, about["source"], place, bool(method.redelivered))
            )
            self._ids.add(properties.message_id)
