"""
The program that is killed: it posts under load, and delivers to a receiver over TCP.

``python -m tests.system.outbox_kills.program FILE PORT RUN STEP COUNT SEED``. It kills itself at the
COUNT-th time of the STEP. With the step ``finish`` it posts nothing, and ends when the outbox is empty. It
prints a line for each message that the outbox has acknowledged: its id, its source and its place.
"""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import sys
import threading
from collections.abc import Mapping, Sequence
from random import Random
from time import sleep
from typing import Any, ClassVar

from attrs import frozen
from twisted.internet import defer, endpoints, protocol, task
from twisted.protocols.basic import LineReceiver

from tcpcomm.plant import Outbox, OutboxMessage, Sink, SinkConnection, SinkUnavailable

SOURCES = 5
AT_ONCE = 20
MOST_WAITING = 200
MOST_BEHIND = 1000
RUN = 1_000_000
"""The first place of each run, times its number."""


class Killer:
    """Kills this process at the n-th time of one step, at a moment by chance around it."""

    def __init__(self, step: str, count: int, seed: int) -> None:
        self.step = step
        self._left = count
        self._random = Random(seed)
        self._lock = threading.Lock()

    def begins(self, step: str) -> bool:
        """Note that a step begins. Return True if the process must die at its end."""
        if step != self.step:
            return False
        with self._lock:
            self._left -= 1
            if self._left != 0:
                return False
        match self._random.randrange(3):
            case 0:
                kill()
            case 1:  # in the midst: the thread waits for the disk or the network meanwhile
                delay = self._random.uniform(0.0, 0.003)
                threading.Thread(target=kill, args=(delay,), daemon=True).start()
                return False
        return True


def kill(delay: float = 0.0) -> None:
    """End this process, as ``kill -9`` does, after some seconds."""
    sleep(delay)
    os.kill(os.getpid(), getattr(signal, "SIGKILL", signal.SIGTERM))


def opener(killer: Killer) -> Any:
    """Return a function that opens a database whose statements are steps."""

    class Connection(sqlite3.Connection):
        deletes = False

        def execute(self, statement: str, *values: Any) -> sqlite3.Cursor:
            step = {"COMMIT": "committing", "INSERT INTO aside": "setting aside"}.get(
                statement[:17].strip()
            )
            if statement == "COMMIT" and self.deletes:
                step, self.deletes = "deleting", False
            dies = step is not None and killer.begins(step)
            found = super().execute(statement, *values)
            if dies:
                kill()
            return found

        def executemany(self, statement: str, rows: Any) -> sqlite3.Cursor:
            found = super().executemany(statement, rows)
            self.deletes = self.deletes or statement.startswith("DELETE FROM deliveries")
            return found

    return lambda path: sqlite3.connect(path, timeout=5.0, isolation_level=None, factory=Connection)


class _Client(LineReceiver):
    MAX_LENGTH = 10_000_000

    def __init__(self) -> None:
        self.reply: defer.Deferred[Any] | None = None

    def lineReceived(self, line: bytes) -> None:
        if self.reply is not None:
            reply, self.reply = self.reply, None
            reply.callback(json.loads(line))

    def connectionLost(self, reason: Any = None) -> None:
        if self.reply is not None:
            reply, self.reply = self.reply, None
            reply.errback(SinkUnavailable("the receiver closed the connection"))


@frozen(kw_only=True)
class ReceiverSink(Sink):
    """A sink that sends batches as lines of JSON, and reads the ids that the receiver refused."""

    kind: ClassVar[str] = "receiver"
    port: int
    killer: Killer

    def open(self, name: str, reactor: Any) -> SinkConnection:
        return _Connection(self.port, self.killer, reactor)


class _Connection(SinkConnection):
    def __init__(self, port: int, killer: Killer, reactor: Any) -> None:
        self._endpoint = endpoints.TCP4ClientEndpoint(reactor, "127.0.0.1", port)
        self._killer = killer
        self._client: _Client | None = None

    async def deliver(self, messages: Sequence[OutboxMessage]) -> Mapping[str, str]:
        if self._client is None:
            self._client = await endpoints.connectProtocol(self._endpoint, _Client())
        self._client.reply = defer.Deferred()
        reply = self._client.reply
        dies = self._killer.begins("delivering")
        rows = [[each.id, each.source, each.body.decode()] for each in messages]
        self._client.sendLine(json.dumps(rows).encode())
        refused: dict[str, str] = await reply
        if dies:
            kill()
        return refused

    async def close(self) -> None:
        if self._client is not None and self._client.transport is not None:
            self._client.transport.loseConnection()


async def run(reactor: Any, path: str, port: int, number: int, killer: Killer) -> None:
    """Post and deliver until something kills this process, or all is delivered."""
    sinks = {"receiver": ReceiverSink(port=port, killer=killer, attempts=2, batch=64)}
    outbox = Outbox(path, sinks, opener=opener(killer))
    outbox.startService()
    if killer.step == "finish":
        while outbox.figures().sinks["receiver"].depth:
            await task.deferLater(reactor, 0.02, lambda: None)
        await outbox.stopService()
        return
    waiting = 0
    place = number * RUN

    def acknowledged(id: str, source: str, place: int) -> None:
        nonlocal waiting
        waiting -= 1
        os.write(1, f"{id} {source} {place}\n".encode())

    while True:
        is_behind = outbox.figures().sinks["receiver"].depth > MOST_BEHIND or waiting > MOST_WAITING
        for _ in range(0 if is_behind else AT_ONCE):
            place += 1
            waiting += 1
            source = f"s{place % SOURCES}"
            dies = killer.begins("posting")
            done = outbox.post(f"{source} {place} " + "x" * 200, to="receiver", source=source)
            done.addCallback(acknowledged, source, place)
            if dies:
                kill()
        await task.deferLater(reactor, 0.001, lambda: None)


def main() -> None:
    """Run with the words of the command line."""
    path, port, number, step, count, seed = sys.argv[1:]
    protocol.Factory.noisy = False
    task.react(
        lambda reactor: defer.Deferred.fromCoroutine(
            run(reactor, path, int(port), int(number), Killer(step, int(count), int(seed)))
        )
    )


if __name__ == "__main__":
    main()
