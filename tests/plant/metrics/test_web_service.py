"""The pages for Prometheus and the health, request by request."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

import pytest
from attrs import frozen
from twisted.internet.error import CannotListenError
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport

from tcpcomm import ConfigurationError
from tcpcomm.plant import Health, Metrics, MetricsService
from tcpcomm.plant.metrics.health_checks import MOST_CHECKS
from tcpcomm.plant.outbox.figures import OutboxFigures, SinkFigures
from tcpcomm.server.service import CannotListen
from tcpcomm.tools.monitor.web import MOST_BROWSERS
from tests.plant.metrics.figures import figures_of, openmetrics


class Listening(Clock):
    """A test's clock at which a service listens."""

    def __init__(self) -> None:
        super().__init__()
        self.places: list[tuple[str, int]] = []
        self.error: Exception | None = None

    def listenTCP(self, port: int, site: Any, interface: str) -> Any:
        if self.error is not None:
            raise self.error
        self.places.append((interface, port))
        return SimpleNamespace(
            stopListening=lambda: self.places.remove((interface, port)),
            getHost=lambda: SimpleNamespace(host=interface, port=port),
        )


@frozen
class Answer:
    """The answer to a request."""

    status: int
    headers: dict[str, str]
    body: bytes


class FakeOutbox:
    """An outbox with two sinks."""

    def __init__(self) -> None:
        self.problem = ""
        self.state = "delivering"

    def figures(self) -> OutboxFigures:
        counts = {"delivered": 90, "refused": 2, "expired": 3, "set_aside": 1}
        sinks = {
            "mes": SinkFigures(depth=5, oldest_age=12.5, state=self.state, **counts),
            "files": SinkFigures(depth=0, oldest_age=0.0, state="delivering", **counts),
        }
        return OutboxFigures(sinks=sinks, posted=100, not_taken=4, bytes=8192, problem=self.problem)


def service_at(place: int | str = 9100, metrics: Metrics | None = None) -> tuple[MetricsService, Listening]:
    clock = Listening()
    return MetricsService(place, metrics or Metrics(process=False), reactor=clock), clock


def ask(
    service: MetricsService, path: str, *headers: str, method: str = "GET", host: str = "localhost:9100"
) -> Answer:
    """Send one request, and return the answer."""
    channel: Any = service.site.buildProtocol(None)
    transport = StringTransport()
    transport.abortConnection = transport.loseConnection  # type: ignore[method-assign]
    channel.makeConnection(transport)
    lines = [f"{method} {path} HTTP/1.1", f"Host: {host}", "Connection: close", *headers, "", ""]
    channel.dataReceived("\r\n".join(lines).encode())
    head, _, body = transport.value().partition(b"\r\n\r\n")
    status, *rest = head.decode().split("\r\n")
    found = dict(line.lower().split(": ", 1) for line in rest)
    channel.setTimeout(None)
    service.site.connections.discard(channel)
    return Answer(int(status.split()[1]), found, body)


def test_prometheus_reads_the_figures_in_both_forms() -> None:
    service, _ = service_at()

    plain = ask(service, "/metrics")
    assert 200 == plain.status
    assert plain.headers["content-type"].startswith("text/plain; version=0.0.4")
    assert b"tcpcomm_info{" in plain.body

    modern = ask(service, "/metrics", "Accept: application/openmetrics-text; version=1.0.0")
    assert modern.headers["content-type"].startswith("application/openmetrics-text; version=1.0.0")
    assert "tcpcomm" in {family.name for family in openmetrics(modern.body.decode())}  # type: ignore[no-untyped-call]


def test_a_head_has_the_headers_only() -> None:
    service, _ = service_at()

    answer = ask(service, "/metrics", method="HEAD")

    assert (200, b"") == (answer.status, answer.body)
    assert int(answer.headers["content-length"]) > 100


def test_the_figures_of_an_outbox_are_shown() -> None:
    metrics = Metrics(process=False)
    metrics.add_outbox(FakeOutbox(), "line-3")

    found = figures_of(metrics)

    assert {
        "tcpcomm_outbox_depth": 5,
        "tcpcomm_outbox_age_seconds": 12.5,
        "tcpcomm_outbox_set_aside": 1,
    } == {
        key[0]: found[key]
        for key in found
        if key[-1] == "mes" and key[0].endswith(("depth", "age_seconds", "aside"))
    }
    assert 90 == found["tcpcomm_outbox_delivered_total", "line-3", "mes"]
    assert [100, 4, 8192, 1] == [
        found[f"tcpcomm_outbox_{name}", "line-3"]
        for name in ("posted_total", "not_taken_total", "bytes", "up")
    ]
    assert 1 == found["tcpcomm_outbox_sink_up", "line-3", "mes"]


def test_an_outbox_whose_figures_fail_costs_no_others() -> None:
    metrics = Metrics(process=False)
    broken: Any = SimpleNamespace(figures=lambda: 1 // 0)
    metrics.add_outbox(broken, "broken")
    metrics.add_outbox(FakeOutbox(), "good")

    assert 5 == figures_of(metrics)["tcpcomm_outbox_depth", "good", "mes"]


def test_a_program_is_ready_while_its_outbox_takes_messages() -> None:
    metrics = Metrics(process=False)
    outbox = FakeOutbox()
    metrics.add_outbox(outbox)
    service, _ = service_at(metrics=metrics)
    outbox.state = "the broker does not answer"

    answer = ask(service, "/readyz")
    assert 200 == answer.status
    assert {
        "outbox": {"problem": "", "required": True},
        "outbox: mes": {"problem": "the broker does not answer", "required": False},
        "outbox: files": {"problem": "", "required": False},
    } == json.loads(answer.body)["checks"]

    outbox.problem = "the disk is full"
    answer = ask(service, "/readyz")
    assert (503, "not ready") == (answer.status, json.loads(answer.body)["status"])
    assert "the disk is full" == json.loads(answer.body)["checks"]["outbox"]["problem"]


def test_a_check_of_the_program_counts_and_one_that_fails_is_a_problem() -> None:
    metrics = Metrics(process=False)
    service, _ = service_at(metrics=metrics)
    metrics.health.add("recipe", lambda: "no recipe is loaded", required=False)
    assert 200 == ask(service, "/readyz").status

    metrics.health.add("lamp", lambda: str(1 // 0))
    answer = ask(service, "/readyz")

    assert 503 == answer.status
    assert "the check failed: ZeroDivisionError" in json.loads(answer.body)["checks"]["lamp"]["problem"]


def test_checks_are_bounded() -> None:
    health = Health({f"check {number}": str for number in range(MOST_CHECKS)})
    health.add("check 1", str)

    with pytest.raises(ConfigurationError, match="there are 1000 checks already"):
        health.add("one more", str)


def test_the_lag_of_the_reactor_is_told_for_a_minute() -> None:
    service, clock = service_at()
    service.startService()
    clock.advance(1.0)
    clock.rightNow += 3.0  # the reactor hung
    clock.advance(0.0)

    assert pytest.approx(2.0) == json.loads(ask(service, "/healthz").body)["reactor_lag_seconds"]
    for _ in range(60):
        clock.advance(1.0)
    assert pytest.approx(0.0) == json.loads(ask(service, "/healthz").body)["reactor_lag_seconds"]
    service.stopService()
    assert [] == clock.getDelayedCalls()


@pytest.mark.parametrize(
    ("request_line", "status"),
    [
        (("/", "GET"), 404),
        (("/metrics/x", "GET"), 404),
        (("/metrics", "POST"), 405),
        (("/metrics", "DELETE"), 405),
    ],
    ids=["root", "below", "post", "delete"],
)
def test_nothing_else_is_served(request_line: tuple[str, str], status: int) -> None:
    service, _ = service_at()

    assert status == ask(service, request_line[0], method=request_line[1]).status


def test_a_page_of_another_site_cannot_read_it_through_a_browser_here() -> None:
    service, _ = service_at()

    answer = ask(service, "/metrics", host="evil.example")

    assert (403, b"ask by localhost or 127.0.0.1: other names are refused\n") == (
        answer.status,
        answer.body,
    )


def test_other_machines_may_call_it_by_any_name() -> None:
    service, _ = service_at("0.0.0.0:9100")

    assert 200 == ask(service, "/metrics", host="line3.factory:9100").status


def test_connections_are_bounded() -> None:
    service, _ = service_at()

    made = [service.site.buildProtocol(None) for _ in range(MOST_BROWSERS + 5)]

    assert MOST_BROWSERS == len([each for each in made if each is not None])


@pytest.mark.parametrize(
    ("place", "where"),
    [
        (9100, ("127.0.0.1", 9100)),
        ("9100", ("127.0.0.1", 9100)),
        ("localhost:9100", ("127.0.0.1", 9100)),
        ("10.0.0.5:9100", ("10.0.0.5", 9100)),
        ("[::1]:9100", ("::1", 9100)),
    ],
    ids=["number", "port", "localhost", "address", "IPv6"],
)
def test_it_listens_at_its_place_while_it_runs(place: int | str, where: tuple[str, int]) -> None:
    service, clock = service_at(place)
    service.privilegedStartService()
    service.startService()
    assert [where] == clock.places

    service.stopService()

    assert [] == clock.places


@pytest.mark.parametrize("place", ["", "x", "10.0.0.5", "tcp:9100", "70000", "-1"], ids=repr)
def test_a_wrong_place_is_told_in_words(place: str) -> None:
    with pytest.raises(ConfigurationError, match="must be a port, such as 9100, or ADDRESS:PORT"):
        service_at(place)


def test_a_port_in_use_is_told_in_words() -> None:
    service, clock = service_at()
    clock.error = CannotListenError("127.0.0.1", 9100, OSError(98, "Address already in use"))

    with pytest.raises(CannotListen, match=r"the metrics cannot listen on 127.0.0.1:9100: Address already"):
        service.startService()
