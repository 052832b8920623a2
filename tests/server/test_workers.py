"""Workers: when they count as started, when one is started again, and how they are stopped."""

from __future__ import annotations

import os
import signal
import socket
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, closing
from typing import Any, cast

import pytest
from twisted.internet.error import ProcessTerminated
from twisted.internet.task import Clock
from twisted.logger import ILogObserver, LogEvent, LogLevel, globalLogPublisher
from twisted.python.failure import Failure

from tcpcomm.server.worker import STATUS, VARIABLE
from tcpcomm.server.worker_process import WorkerProcess
from tcpcomm.server.workers import (
    FIRST_WAIT,
    KILL_AFTER,
    LONGEST_WAIT,
    PROVEN_AFTER,
    START_TIMEOUT,
    STOP_ACCEPTING,
    Workers,
    WorkersFailed,
)

pytestmark = pytest.mark.skipif(not hasattr(socket, "SO_REUSEPORT"), reason="--workers needs Linux")

GRACE = 5.0


class Pipe:
    """The end of a pipe that the first process reads; it has nothing to read, or has ended."""

    def __init__(self, *, ended: bool) -> None:
        self._read, write = os.pipe()
        self._write = os.fdopen(write, "wb")
        self._ended = ended
        if ended:
            self._write.close()

    def fileno(self) -> int:
        return self._read

    def doRead(self) -> object:
        return "ended" if self._ended else None

    def close(self) -> None:
        os.close(self._read)
        self._write.close()


class Transport:
    """The process behind a WorkerProcess; ``told`` has what was asked of it, in order."""

    def __init__(self, pipes: Mapping[int, Pipe]) -> None:
        self.pipes = pipes
        self.told: list[str] = []

    def closeStdin(self) -> None:
        self.told.append("stop")

    def signalProcess(self, name: str) -> None:
        self.told.append(name)

    def reapProcess(self) -> None:
        """Do nothing: the process has not ended yet."""


class Starting(Clock):
    """A reactor that starts processes which serve at once, or as ``behave`` says."""

    def __init__(self) -> None:
        super().__init__()
        self.started: list[tuple[Any, Transport]] = []
        self.environments: list[Mapping[str, str]] = []
        self.behave: Callable[[Any], None] = serve
        self.pipes: Mapping[int, Pipe] = {}

    def spawnProcess(self, process: Any, *command: Any, childFDs: Mapping[int, int | str]) -> None:
        transport = Transport(self.pipes)
        self.started.append((process, transport))
        self.environments.append(command[2])
        process.makeConnection(transport)
        self.behave(process)


def serve(process: WorkerProcess) -> None:
    process.childDataReceived(STATUS, b"\n")


def die(process: WorkerProcess, number: int = signal.SIGKILL) -> None:
    process.processExited(Failure(ProcessTerminated(signal=number)))


@pytest.fixture
def reactor() -> Starting:
    return Starting()


@pytest.fixture
def workers(reactor: Starting) -> Workers:
    return Workers(2, ["-n", "tcpcomm"], folder=".", reactor=reactor)


@pytest.fixture
def place(workers: Workers) -> Iterator[tuple[str, int]]:
    """The address that two workers share."""
    with closing(socket.create_server(("127.0.0.1", 0))) as bound:
        workers.share(bound.fileno(), 10)
        yield bound.getsockname()


def reaches(place: tuple[str, int]) -> bool:
    try:
        socket.create_connection(place, timeout=10).close()
    except ConnectionRefusedError:
        return False
    return True


class TestStart:
    def test_all_workers_serve_when_it_returns(self, workers: Workers, reactor: Starting) -> None:
        workers.start()

        assert ["worker 1", "worker 2"] == [process.name for process, _ in reactor.started]
        assert ["1,0", "2,0"] == [each[VARIABLE] for each in reactor.environments]

    def test_the_second_is_not_started_if_the_first_one_fails(
        self, workers: Workers, reactor: Starting
    ) -> None:
        def fail(process: WorkerProcess) -> None:
            process.childDataReceived(2, b"twistd tcpcomm: --app x: no\ntwistd tcpcomm: --framing: no\n")

        reactor.behave = fail

        with pytest.raises(WorkersFailed, match=r"^worker 1 did not start: --app x: no; --framing: no$"):
            workers.start()
        assert 1 == len(reactor.started)

    def test_the_last_line_is_the_reason_if_no_mistake_was_printed(
        self, workers: Workers, reactor: Starting
    ) -> None:
        reactor.behave = lambda process: process.childDataReceived(2, b"Traceback\nKeyError: 1\n")

        with pytest.raises(WorkersFailed, match=r"^worker 1 did not start: KeyError: 1$"):
            workers.start()

    def test_one_that_does_not_serve_in_time_is_a_failure(
        self, workers: Workers, reactor: Starting, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        times = iter([0.0, START_TIMEOUT + 1])
        monkeypatch.setattr(reactor, "seconds", lambda: next(times))
        reactor.behave = lambda process: None
        with ExitStack() as stack:
            reactor.pipes = {STATUS: stack.enter_context(closing(Pipe(ended=False)))}

            with pytest.raises(WorkersFailed, match=r"^worker 1 did not start within 60 s$"):
                workers.start()

    def test_a_pipe_that_ends_is_read_no_more(self, workers: Workers, reactor: Starting) -> None:
        reactor.behave = lambda process: None
        with ExitStack() as stack:
            reactor.pipes = {STATUS: stack.enter_context(closing(Pipe(ended=True)))}

            with pytest.raises(WorkersFailed, match=r"^worker 1 did not start: it ended and gave"):
                workers.start()


class TestReplacing:
    def test_each_time_it_waits_twice_as_long_up_to_the_longest(
        self, workers: Workers, reactor: Starting
    ) -> None:
        workers.start()
        waits = []
        for _ in range(9):
            die(reactor.started[-1][0])
            (call,) = reactor.getDelayedCalls()
            waits.append(call.getTime() - reactor.seconds())
            reactor.advance(waits[-1])

        assert [FIRST_WAIT * 2**each for each in range(6)] == waits[:6]
        assert [LONGEST_WAIT] * 3 == waits[6:]
        assert {"worker 2"} == {process.name for process, _ in reactor.started[2:]}

    def test_one_that_has_served_for_long_is_replaced_soon(
        self, workers: Workers, reactor: Starting
    ) -> None:
        workers.start()
        for _ in range(3):
            die(reactor.started[-1][0])
            reactor.advance(LONGEST_WAIT)
        reactor.advance(PROVEN_AFTER)

        die(reactor.started[-1][0])

        assert [FIRST_WAIT] == [call.getTime() - reactor.seconds() for call in reactor.getDelayedCalls()]

    def test_connections_go_to_the_other_until_it_is_replaced(
        self, workers: Workers, reactor: Starting, place: tuple[str, int]
    ) -> None:
        workers.start()
        for process, _ in [*reactor.started]:
            die(process)
        assert not reaches(place)

        reactor.advance(FIRST_WAIT)

        assert 4 == len(reactor.started)
        assert all(reaches(place) for _ in range(10))
        workers.stop()
        workers.ended(GRACE)


class TestStop:
    def test_it_waits_until_no_worker_accepts(self, workers: Workers, reactor: Starting) -> None:
        workers.start()
        (first, told), (second, _) = reactor.started
        stopped: list[object] = []

        workers.stop().addCallback(stopped.append)
        first.childConnectionLost(STATUS)
        assert ["stop"] == told.told
        assert [] == stopped
        die(second)

        assert 1 == len(stopped)

    def test_it_does_not_wait_for_ever(self, workers: Workers, reactor: Starting) -> None:
        workers.start()
        stopped: list[object] = []

        workers.stop().addCallback(stopped.append)
        reactor.advance(STOP_ACCEPTING)

        assert [None] == stopped

    def test_one_that_does_not_end_is_killed(self, workers: Workers, reactor: Starting) -> None:
        workers.start()
        (first, _), (second, told) = reactor.started
        workers.stop()
        ended: list[object] = []

        workers.ended(GRACE).addCallback(ended.append)
        die(first)
        reactor.advance(GRACE + KILL_AFTER)
        assert ["stop", "KILL"] == told.told
        assert [] == ended
        die(second)

        assert 1 == len(ended)

    def test_none_is_started_again(self, workers: Workers, reactor: Starting) -> None:
        workers.start()
        die(reactor.started[0][0])

        workers.stop()
        die(reactor.started[1][0])
        workers.ended(GRACE)
        reactor.advance(LONGEST_WAIT)

        assert 2 == len(reactor.started)
        assert [] == reactor.getDelayedCalls()

    def test_a_signal_goes_to_those_that_serve(self, workers: Workers, reactor: Starting) -> None:
        workers.start()
        reactor.behave = lambda process: None
        die(reactor.started[0][0])
        reactor.advance(FIRST_WAIT)

        workers.signal("HUP")

        assert [[], ["HUP"], []] == [transport.told for _, transport in reactor.started]


def event_of(data: bytes) -> LogEvent:
    """Return the event that is logged for what a worker writes."""
    events: list[LogEvent] = []
    observer = cast("ILogObserver", events.append)
    globalLogPublisher.addObserver(observer)
    try:
        WorkerProcess(1, lambda process: None, reactor=Clock()).childDataReceived(1, data)
    finally:
        globalLogPublisher.removeObserver(observer)
    (event,) = events
    return event


class TestLog:
    def test_an_event_keeps_its_logger_level_and_fields(self) -> None:
        line = b'{"level": "warn", "logger": "my.Camera", "message": "{x} lost", "peer": "p"}\n'

        event = event_of(line)

        assert ("my.Camera", LogLevel.warn) == (event["log_namespace"], event["log_level"])
        assert "worker 1: {x} lost" == event["log_format"].format_map(event)
        assert "p" == event["peer"]

    def test_other_lines_are_warnings(self) -> None:
        event = event_of(b"Segmentation \xff\n")

        assert LogLevel.warn == event["log_level"]
        assert r"worker 1: Segmentation \xff" == event["log_format"].format_map(event)

    def test_a_line_without_an_end_is_logged_when_it_is_long(self) -> None:
        event = event_of(b"x" * 100_000)

        assert event["text"].endswith("100,000 characters in all")
