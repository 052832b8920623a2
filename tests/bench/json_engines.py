"""
JSON by the standard library and by msgspec: messages alone, and whole exchanges over loopback.

The two give the same bytes and values, so that only the time differs.
"""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Final

from attrs import frozen

from tcpcomm.codec import Codec, Dialect, Field, Json, JsonRpc, MessageSpec
from tcpcomm.codec.base import Answer, Request
from tcpcomm.codec.json.engines import ENGINES, using
from tests.bench.echo import EchoResults, Load, measure
from tests.bench.measure import Series, interleaved
from tests.bench.peers import Peer
from tests.bench.processes import BenchmarkFailed
from tests.bench.report import Target, table
from tests.bench.section import Section, exchanges

__all__ = [
    "CODECS",
    "LOADS",
    "MESSAGES",
    "SERVERS",
    "TITLE",
    "Message",
    "cpu",
    "measure_json",
    "measure_messages",
]

TITLE = "JSON engines"
STANDARD, FAST = "standard", "msgspec"


@frozen
class Position:
    x: float
    y: float
    angle: float


FORMS: Final = (
    MessageSpec("locate", "Camera.locate", parameters=(Field("job", int),), result=Position),
    MessageSpec("outline", "Camera.outline", parameters=(Field("job", int),), result=list[Position]),
)
CODECS: Final[Mapping[str, Codec]] = {"Json": Json(), "JsonRpc": JsonRpc()}


# -- messages by themselves -------------------------------------------------------------------------------


@frozen
class Message:
    """A message that is written and read again: a command, or with a result the answer to it."""

    title: str
    command: str
    result: Any = None

    def steps(self, dialect: Dialect) -> dict[str, Callable[[], Any]]:
        """Return a function that writes the message, and one that reads it."""
        values = {"job": 3}
        ask = partial(dialect.request, self.command, values, 7)
        read = partial(dialect.read_at_equipment, ask())
        if self.result is None:
            return {"write": ask, "read": read}
        (request,) = read().requests
        assert isinstance(request, Request)
        answer = partial(dialect.reply, request, self.result)
        (frame,) = answer()

        def take() -> Any:
            (message,) = dialect.read_at_host(frame)
            reader = dialect.reply_reader(self.command)
            assert reader is not None
            assert isinstance(message, Answer)
            return reader.take(message.body)

        if take() != self.result:
            raise BenchmarkFailed(f"{self.title}: the result that arrived is not the one sent")
        return {"write": answer, "read": take}


MESSAGES: Final = (
    Message("a command", "locate"),
    Message("its answer", "locate", Position(1.25, 2.5, 0.125)),
    Message("a list of 100 points", "outline", [Position(0.37 * n, 1.21 * n, 0.0) for n in range(100)]),
)
REPEATS: Final = 2000
"""Times that a small message is written or read for one result."""


def cpu(step: Callable[[], Any], times: int) -> float:
    """Return the CPU time of one call, in microseconds."""
    gc.collect()
    began = time.process_time_ns()
    for _ in range(times):
        step()
    return (time.process_time_ns() - began) / times / 1000


def measure_messages(rounds: int, shrink: int = 1) -> dict[str, dict[str, Series]]:
    """Return microseconds by codec and message, then by step and engine."""
    figures = {}
    for name, codec in CODECS.items():
        for message in MESSAGES:
            runs: dict[str, Callable[[], float]] = {}
            for engine in ENGINES:
                with using(engine):
                    steps = message.steps(codec.bind(FORMS))
                times = max(1, REPEATS // shrink // (20 if isinstance(message.result, list) else 1))
                runs |= {f"{verb}, {engine}": partial(cpu, step, times) for verb, step in steps.items()}
            samples = interleaved(runs, rounds=rounds)
            figures[f"{name}, {message.title}"] = {run: Series(each) for run, each in samples.items()}
    return figures


# -- whole exchanges --------------------------------------------------------------------------------------

_POSITION = '{"x":1.25,"y":2.5,"angle":%d.0}'


def _json(job: int) -> tuple[bytes, bytes]:
    return (
        f'{{"cmd":"locate","job":{job}}}\r\n'.encode(),
        f'{{"result":{_POSITION % job}}}\r\n'.encode(),
    )


def _rpc(job: int) -> tuple[bytes, bytes]:
    return (
        f'{{"jsonrpc":"2.0","method":"locate","params":{{"job":{job}}},"id":{job}}}\r\n'.encode(),
        f'{{"jsonrpc":"2.0","result":{_POSITION % job},"id":{job}}}\r\n'.encode(),
    )


LOADS: Final = {
    name: Load(
        f"{name}, 20 connections, ping-pong", 20, 1, 500, exchanges=tuple(map(exchange, range(1, 10)))
    )
    for name, exchange in (("Json", _json), ("JsonRpc", _rpc))
}
SERVERS: Final = {
    name: (
        Peer(STANDARD, "json_tcpcomm", ("--at-once", *options, STANDARD)),
        Peer(FAST, "json_tcpcomm", ("--at-once", *options, FAST), needs=FAST),
    )
    for name, options in (("Json", ()), ("JsonRpc", ("--rpc",)))
}


# -- the report -----------------------------------------------------------------------------------------

_TEXT = """\
The same messages with Python's `json` and with msgspec, which the extra `fast` installs.
First each message alone, in one process: CPU µs to write it from its values, and to read it into values.
These figures include the checks of every value, which are the same for both.
Then a server that answers the command over loopback; CPU is the server's alone, for one command.
In brackets: how many times the CPU of the standard engine.
Medians, {rounds} rounds.
"""


def measure_json(*, rounds: int, shrink: int = 1, progress: Callable[[str], None]) -> Section:
    """Measure the engines that are installed."""
    progress(f"JSON messages, {rounds} rounds of {len(ENGINES)} engines")
    messages = measure_messages(rounds, shrink)
    served = {
        name: measure(SERVERS[name], (load,), rounds=rounds, shrink=shrink, progress=progress)
        for name, load in LOADS.items()
    }
    return _section(messages, served, rounds)


def _section(
    messages: Mapping[str, Mapping[str, Series]], served: Mapping[str, EchoResults], rounds: int
) -> Section:
    columns = [f"{verb}, {engine}" for verb in ("write", "read") for engine in ENGINES]
    rows = [[title, *[_cell(figures, column) for column in columns]] for title, figures in messages.items()]
    tables = ["### JSON messages\n", table(["Message", *columns], rows)]
    targets, notes = [], []
    for name, results in served.items():
        for title, figures in results.figures.items():
            tables += [f"### {title}\n", exchanges(figures, "command", STANDARD)[0]]
            if FAST in figures:
                share = figures[FAST].cpu.over(figures[STANDARD].cpu)
                targets.append(
                    Target(f"{title}: share of the standard engine's CPU", share, 1, at_least=False)
                )
        notes += [f"{name}: {peer} did not take part: {reason}" for peer, reason in results.skipped.items()]
    return Section(TITLE, _TEXT.format(rounds=rounds), tables, targets, notes=notes)


def _cell(figures: Mapping[str, Series], column: str) -> str:
    verb, engine = column.split(", ")
    text = f"{figures[column].median:.2f}"
    if engine == STANDARD:
        return text
    return f"{text} ({figures[column].over(figures[f'{verb}, {STANDARD}']):.2f} ×)"
