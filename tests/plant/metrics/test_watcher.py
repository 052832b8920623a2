"""The figures tell the truth about links and sessions, on a simulated network."""

from __future__ import annotations

import sys
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from twisted.internet.protocol import Factory, Protocol
from twisted.protocols.basic import LineReceiver

from tcpcomm import (
    ConfigurationError,
    Equipment,
    FrameProtocol,
    Link,
    ReconnectingFactory,
    command,
    link_of,
)
from tcpcomm.codec import U8, Binary, Silence, Template
from tcpcomm.framing import Checked, Delimited, LengthPrefixed, checksum
from tcpcomm.plant import Metrics
from tcpcomm.plant.metrics import tallies
from tcpcomm.plant.metrics.kinds import FRAMING_KINDS, LOSS_KINDS, framing_kind, loss_kind
from tcpcomm.plant.metrics.tallies import BUCKETS, Durations
from tests.equipment.declared import NO_PART, PORT, QUIET, Bench, MyCamera, VisionCamera
from tests.link.wired import LAN
from tests.plant.metrics.figures import figures_of, value
from tests.session.stage import Stage, staged


class Line(FrameProtocol):
    """A protocol of lines that does nothing."""

    framing = Delimited(b"\n", max_frame=8)

    def frameReceived(self, frame: bytes) -> None:
        """Do nothing."""


class Summed(Equipment):
    """Equipment whose frames have a checksum."""

    framing = Checked(LengthPrefixed(1), checksum("xor"))
    codec = Binary()

    @command(1, timeout=1.0)
    def read(self, place: U8) -> U8:
        """Read a place."""
        raise NotImplementedError


class Lamp(Equipment):
    """Equipment that answers nothing when all is well."""

    framing = Delimited(b"\n")
    codec = Template(fault="ERR,{code}")

    @command("FLASH,{times}", reply=None)
    def flash(self, times: int) -> None:
        """Flash."""

    @command("DIM", reply=Silence(0.1))
    def dim(self) -> None:
        """Dim the lamp."""


class Deaf(Protocol):
    """Answers nothing."""

    def dataReceived(self, data: bytes) -> None:
        """Do nothing."""


@pytest.fixture
def metrics() -> Metrics:
    return Metrics(process=False)


def requests(metrics: Metrics, link: str, name: str) -> float:
    return value(metrics, "tcpcomm_request_seconds_count", name, link)


def test_a_command_counts_at_both_ends(bench: Bench, metrics: Metrics) -> None:
    bench.serve(MyCamera(), observers=[metrics])
    camera = bench.remote(VisionCamera, observers=[metrics.named("cam-1")])
    for job in range(3):
        bench.result(camera.locate(job=job))

    found = figures_of(metrics)
    assert 3 == requests(metrics, "cam-1", "locate") == requests(metrics, "MyCamera", "locate")
    for link, other in (("cam-1", "MyCamera"), ("MyCamera", "cam-1")):
        assert 3 == found["tcpcomm_frames_total", "sent", link]
        assert found["tcpcomm_bytes_total", "received", other] == found["tcpcomm_bytes_total", "sent", link]
    assert len(b"TRG,0\r\n") * 3 == found["tcpcomm_bytes_total", "sent", "cam-1"]
    assert 1 == found["tcpcomm_link_up", "cam-1"]
    assert [1.0, 0.0] == [found["tcpcomm_link_state", "cam-1", state] for state in ("ready", "down")]
    assert 1 == found["tcpcomm_sessions", "MyCamera"]


def test_the_time_of_a_command_falls_into_its_class(bench: Bench, metrics: Metrics) -> None:
    bench.serve(MyCamera())
    camera = bench.remote(VisionCamera, observers=[metrics.named("cam-1")])
    bench.result(camera.locate(job=1))

    found = figures_of(metrics)
    took = found["tcpcomm_request_seconds_sum", "locate", "cam-1"]
    assert took > 0
    for end in BUCKETS:
        below = found["tcpcomm_request_seconds_bucket", "locate", str(end), "cam-1"]
        assert float(took <= end) == below


def test_the_figures_of_sessions_stay_when_they_end(bench: Bench, metrics: Metrics) -> None:
    bench.serve(MyCamera(), observers=[metrics])
    camera = bench.remote(VisionCamera)
    bench.result(camera.locate(job=1))
    link_of(camera).stopService()
    bench.network.advance(5.0)

    found = figures_of(metrics)
    assert 0 == found["tcpcomm_sessions", "MyCamera"]
    assert [1, 1] == [found["tcpcomm_frames_total", way, "MyCamera"] for way in ("received", "sent")]


def test_a_fault_of_the_equipment_is_an_answer_and_a_failure(bench: Bench, metrics: Metrics) -> None:
    mine = MyCamera()
    mine.jobs[1] = NO_PART
    bench.serve(mine)
    camera = bench.remote(VisionCamera, observers=[metrics.named("cam-1")])
    bench.result(camera.locate(job=1))

    assert 1 == value(metrics, "tcpcomm_requests_failed_total", "locate", "fault", "cam-1")
    assert 1 == requests(metrics, "cam-1", "locate")


def test_a_command_without_an_answer_has_no_time(bench: Bench, metrics: Metrics, logged: list[str]) -> None:
    bench.camera.listening(PORT).listen(Factory.forProtocol(Deaf))
    camera = bench.remote(VisionCamera, observers=[metrics.named("cam-1")])
    bench.result(camera.locate(job=1))
    bench.network.advance(1.0)

    assert 1 == value(metrics, "tcpcomm_requests_failed_total", "locate", "no_reply", "cam-1")
    assert 0 == requests(metrics, "cam-1", "locate")
    assert 1 == value(metrics, "tcpcomm_reconnects_total", "cam-1", "no_reply")


def test_a_command_that_has_no_answer_did_not_fail(bench: Bench, metrics: Metrics) -> None:
    bench.serve(Lamp(), observers=[metrics])
    lamp = bench.remote(Lamp, observers=[metrics.named("lamp-1")])
    bench.result(lamp.flash(3))
    bench.result(lamp.dim())
    link_of(lamp).stopService()
    bench.network.advance(5.0)

    assert [] == [key for key in figures_of(metrics) if key[0].startswith("tcpcomm_request")]


def test_a_lost_session_counts_once_while_the_link_tries(
    bench: Bench, metrics: Metrics, logged: list[str]
) -> None:
    bench.serve(MyCamera())
    link = link_of(bench.remote(VisionCamera, observers=[metrics.named("cam-1")], policy=LAN))
    bench.until(lambda: link.state.value == "ready")
    bench.camera.kill()
    bench.network.advance(30.0)

    found = figures_of(metrics)
    assert 0 == found["tcpcomm_link_up", "cam-1"]
    assert 1 == sum(found[key] for key in found if key[0] == "tcpcomm_reconnects_total")
    failed = [key for key in found if key[0] == "tcpcomm_connect_failures_total"]
    assert failed
    assert {key[-1] for key in failed} <= {*LOSS_KINDS}
    up, links, down = metrics.link_problems()
    assert (0, 1) == (up, links)
    assert down[0].startswith("cam-1: ")

    bench.camera.start()
    bench.serve(MyCamera())
    bench.until(lambda: link.state.value == "ready", 60.0)
    assert (1, 1, []) == metrics.link_problems()


def test_a_link_that_was_stopped_is_not_down(bench: Bench, metrics: Metrics) -> None:
    bench.serve(MyCamera())
    link = link_of(bench.remote(VisionCamera, observers=[metrics.named("cam-1")]))
    bench.until(lambda: link.state.value == "ready")
    link.stopService()
    bench.network.advance(5.0)

    assert ("tcpcomm_link_up", "cam-1") not in figures_of(metrics)
    assert 0 == value(metrics, "tcpcomm_reconnects_total", "cam-1", "other")
    assert (0, 0, []) == metrics.link_problems()


def test_links_that_were_stopped_while_they_were_down_are_forgotten(
    bench: Bench, logged: list[str]
) -> None:
    metrics = Metrics(most_links=3, process=False)
    links = [link_of(bench.remote(VisionCamera, observers=[metrics.named(f"cam-{n}")])) for n in range(6)]
    for each in links:
        bench.until(lambda link=each: link.state.value == "down" and link.running)  # type: ignore[misc]
        each.stopService()

    assert len(metrics.states) <= 6
    assert (0, 0, []) == metrics.link_problems()
    assert [] == [key for key in figures_of(metrics) if key[0].startswith("tcpcomm_link")]
    assert {} == metrics.states


def test_links_have_the_name_that_the_program_gives_them(bench: Bench, metrics: Metrics) -> None:
    bench.serve(MyCamera())
    link_of(bench.remote(VisionCamera, observers=[metrics]))
    place = bench.robot.connecting(bench.camera, PORT)
    link = Link(connect=place, observers=[metrics], reactor=bench.robot.clock, policy=QUIET)
    link.setName("camera-7")  # type: ignore[no-untyped-call]
    link.startService()
    bench.network.advance(1.0)

    assert ["VisionCamera at the peer", "camera-7"] == [*metrics.links]


def test_a_link_of_a_protocol_of_another_kind_counts_bytes(bench: Bench, metrics: Metrics) -> None:
    class Other(LineReceiver):
        def connectionMade(self) -> None:
            self.sendLine(b"hello")  # type: ignore[no-untyped-call]

        def lineReceived(self, line: bytes) -> None:
            pass

    class Greeter(Protocol):
        def connectionMade(self) -> None:
            assert self.transport is not None
            self.transport.write(b"welcome\r\n")

    bench.camera.listening(PORT).listen(Factory.forProtocol(Greeter))
    factory = ReconnectingFactory(
        Other, observers=[metrics.named("old")], reactor=bench.robot.clock, policy=QUIET
    )
    factory.connect(bench.robot.connecting(bench.camera, PORT))
    bench.network.advance(1.0)

    found = figures_of(metrics)
    assert [9, 7] == [found["tcpcomm_bytes_total", way, "old"] for way in ("received", "sent")]
    assert 1 == found["tcpcomm_link_up", "old"]
    factory.stop()
    bench.network.advance(1.0)


def on_stage(metrics: Metrics, protocol: Any = Line) -> Stage:
    return staged(protocol, observers=[metrics])


def test_without_commands_no_frame_is_reported_to_it(bench: Bench) -> None:
    metrics = Metrics(commands=False, process=False)
    server = bench.serve(MyCamera(), observers=[metrics])
    camera = bench.remote(VisionCamera)
    bench.result(camera.locate(job=1))

    assert not server.factory.observers.watches_traffic
    found = figures_of(metrics)
    assert [1, 1] == [found["tcpcomm_frames_total", way, "MyCamera"] for way in ("received", "sent")]
    assert 1 == found["tcpcomm_sessions", "MyCamera"]
    assert [] == [key for key in found if key[0].startswith(("tcpcomm_bytes", "tcpcomm_request"))]
    assert type(metrics.named("other")) is type(metrics)


def test_framing_faults_count_by_their_class(metrics: Metrics, logged: list[str]) -> None:
    stage = on_stage(metrics)
    stage.receive(b"much too long\nok\n")

    assert 1 == value(metrics, "tcpcomm_framing_faults_total", "FrameTooLong", "Line")


def test_label_values_stay_few(logged: list[str]) -> None:
    metrics = Metrics(most_links=3, process=False)
    for number in range(10):
        on_stage(metrics.named(f"link-{number}")).receive(b"ok\n")

    assert ["link-0", "link-1", "link-2", "other"] == [*metrics.links]
    assert 7 == value(metrics, "tcpcomm_frames_total", "received", "other")


def test_the_kinds_of_framing_faults_are_those_of_the_classes() -> None:
    class Own(Exception):
        """An error of a user."""

    assert "other" == framing_kind(Own())
    assert len({*FRAMING_KINDS}) == 7


@given(st.text())
def test_every_reason_has_a_known_kind(reason: str) -> None:
    assert loss_kind(reason) in LOSS_KINDS


@pytest.mark.parametrize(
    ("reason", "kind"),
    [
        ("the peer closed the connection", "closed"),
        ("the peer reset the connection: its program ended, or it closed with data unread", "reset"),
        ("no heartbeat for 3.00 s", "heartbeat"),
        ("a reply did not come in time: a late one must not answer the next command", "no_reply"),
        ("refused: the machine is there, but no program listens on that port", "refused"),
        ("no answer: cable, power or address", "no_answer"),
        ("TLS failed: certificate verify failed", "tls"),
        ("something else", "other"),
    ],
    ids=["closed", "reset", "heartbeat", "reply", "refused", "cable", "tls", "other"],
)
def test_a_reason_has_a_kind(reason: str, kind: str) -> None:
    assert kind == loss_kind(reason)


def test_requests_that_wait_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tallies, "MOST_UNANSWERED", 3)
    link = tallies.LinkTally("cam-1")
    session = tallies.SessionTally(link, None)

    class Request:
        name = "locate"

    asked = [Request() for _ in range(5)]
    for each in asked:
        session.asked(each)
    session.answered(asked[0], 0.1)

    assert {("locate", "lost"): 2} == link.failed
    assert 3 == len(session.unanswered)


@given(st.lists(st.floats(0, 100)))
def test_durations_are_counted_once(times: list[float]) -> None:
    durations = Durations()
    for each in times:
        durations.add(each)

    assert len(times) == sum(durations.counts)
    for index, end in enumerate(BUCKETS):
        assert sum(each <= end for each in times) == sum(durations.counts[: index + 1])


def test_a_missing_package_is_told_with_the_command_that_installs_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in [name for name in sys.modules if name.partition(".")[0] == "prometheus_client"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setattr(sys, "path", [])
    monkeypatch.setattr(sys, "path_importer_cache", {})

    with pytest.raises(ConfigurationError, match=r'need: pip install "tcpcomm\[metrics\]"'):
        Metrics()


def test_a_wrong_limit_is_told_in_words() -> None:
    with pytest.raises(ConfigurationError, match="most_links must be from 1"):
        Metrics(most_links=0)
