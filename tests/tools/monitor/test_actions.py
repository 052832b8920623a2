"""What a page can change, on a simulated network."""

from __future__ import annotations

from typing import Annotated, Any

import pytest
from twisted.internet.task import Clock

from tcpcomm import Equipment, FrameFactory, command, link_of, per_session
from tcpcomm.codec import JsonRpc, Range
from tcpcomm.framing import Delimited
from tcpcomm.session.observer import Observers
from tcpcomm.tools.dissect.dissector import Dissector
from tcpcomm.tools.dissect.session import OverheardSession
from tcpcomm.tools.monitor.access import Denied
from tcpcomm.tools.monitor.actions import MOST_LINES
from tcpcomm.tools.monitor.rows import SHOWN_ITEMS
from tcpcomm.tools.monitor.service import Monitor
from tcpcomm.tools.tap.tap import Tap
from tests.equipment.declared import NO_PART, Bench, MyCamera, VisionCamera
from tests.session.stage import Logged
from tests.tools.monitor.test_model import Line


class Stand:
    """A camera that is served, a host with a link to it, and a monitor of each."""

    def __init__(self, bench: Bench, equipment: Any = None) -> None:
        self.bench = bench
        self.at_host = Monitor(0, reactor=bench.robot.clock)
        self.at_camera = Monitor(0, reactor=bench.camera.clock)
        self.equipment = MyCamera() if equipment is None else equipment
        bench.serve(self.equipment, observers=[self.at_camera])
        self.camera = bench.remote(VisionCamera, observers=[self.at_host])
        self.link = link_of(self.camera)
        bench.until(lambda: self.link.state.value == "ready")
        bench.network.advance(0.1)  # the camera is ready, too

    def post(self, path: str, *, at_camera: bool = False, **body: Any) -> Any:
        """Send a request of a page. Return its answer, or the refusal."""
        monitor = self.at_camera if at_camera else self.at_host
        answer = monitor.api.post(path, body)
        return self.bench.result(answer) if not isinstance(answer, dict) else answer

    def command(self, name: str, **values: str) -> Any:
        return self.post("command", source="1", name=name, values=values)


@pytest.fixture
def stand(bench: Bench) -> Stand:
    return Stand(bench)


def test_a_command_has_its_reply_and_its_time(stand: Stand) -> None:
    answer = stand.command("locate", job="3")
    assert "reply" == answer["outcome"]
    assert ["x: 1.0", "y: 2.0", "angle: 3.0"] == answer["lines"]
    assert {"x": 1.0, "y": 2.0, "angle": 3.0} == answer["result"]
    assert 0 < answer["took"] < 1


def test_a_command_without_a_result_is_done_or_sent(stand: Stand) -> None:
    assert "done" == stand.command("light", lamp="ON")["outcome"]
    assert "sent" == stand.command("reset")["outcome"]


def test_a_fault_is_an_outcome(stand: Stand) -> None:
    stand.equipment.jobs[0] = NO_PART
    answer = stand.command("locate", job="0")
    assert ("fault", True) == (answer["outcome"], "the equipment says no" in answer["error"])
    assert {"code", "reason", "took"} <= answer.keys()


def test_a_command_that_cannot_be_sent_says_why(stand: Stand, logged: Logged) -> None:
    stand.bench.camera.kill()
    stand.bench.until(lambda: stand.link.state.value != "ready")
    answer = stand.command("locate", job="3")
    assert ("not_sent", True) == (answer["outcome"], answer["error"].startswith("not sent: "))


@pytest.mark.parametrize(
    ("name", "values", "field", "words"),
    [
        ("locate", {"job": "x"}, "job", "must be a whole number"),
        ("locate", {}, "job", "is missing"),
        ("locate", {"job": "1", "speed": "2"}, "speed", "there is no field 'speed'"),
        ("locate", {"job": 3}, "job", "must be a text"),
        ("light", {"lamp": "PURPLE"}, "lamp", "must be one of"),
    ],
)
def test_a_wrong_argument_is_told_with_its_field(
    stand: Stand, name: str, values: dict[str, Any], field: str, words: str
) -> None:
    with pytest.raises(Denied, match=words) as refused:
        stand.command(name, **values)
    assert (400, field) == (refused.value.status, refused.value.field)


class Stage(Equipment):
    """A stage that moves within a range."""

    framing = Delimited(b"\n")
    codec = JsonRpc()

    @command()
    def move(self, x: Annotated[float, Range(0, 50)]) -> None:
        """Move."""


def test_a_value_beyond_its_range_is_told_with_its_field(bench: Bench) -> None:
    monitor = Monitor(0, reactor=bench.robot.clock)
    bench.serve(Stage())
    link = link_of(bench.remote(Stage, observers=[monitor]))
    bench.until(lambda: link.state.value == "ready")
    body = {"source": "1", "name": "move", "values": {"x": "51"}}
    refused = bench.result(monitor.api.post("command", body))
    assert isinstance(refused, Denied)
    assert ("x", 400) == (refused.field, refused.status)
    assert "from 0 to 50" in refused.text


def test_what_is_not_there_is_refused(stand: Stand) -> None:
    for path, body in (
        ("command", {"source": "7", "name": "locate"}),
        ("command", {"source": "1", "name": "fly"}),
        ("event", {"source": "1", "name": "alarm"}),
        ("send", {"session": 99, "hex": "41"}),
        ("close", {"session": 99}),
        ("disturb", {"source": "1", "text": "pull"}),
        ("clear", {"source": "7"}),
        ("clear", {"source": 1}),
        ("send", {"session": "1", "hex": "41"}),
        ("send", {"session": 1, "hex": "4"}),
        ("send", {"session": 1, "hex": ""}),
        ("command", {"source": "1", "name": "locate", "values": []}),
        ("command", {"source": "1", "name": "locate", "values": {"job": "1"}, "timeout": -1}),
    ):
        with pytest.raises(Denied):
            stand.post(path, **body)


def test_an_event_reaches_the_hosts(stand: Stand) -> None:
    seen: list[int] = []

    def note(code: int) -> None:
        seen.append(code)

    stand.camera.alarm.subscribe(note)
    answer = stand.post("event", at_camera=True, source="1", name="alarm", values={"code": "7"})
    assert {"outcome": "sent", "sessions": 1} == answer
    stand.bench.until(lambda: seen == [7])
    with pytest.raises(Denied, match="this session is over"):
        stand.post("event", at_camera=True, source="1", name="alarm", values={"code": "7"}, session=99)


def test_an_event_of_equipment_for_each_session_reaches_its_host(bench: Bench) -> None:
    stand = Stand(bench, per_session(MyCamera))
    seen: list[int] = []

    def note(code: int) -> None:
        seen.append(code)

    stand.camera.alarm.subscribe(note)
    answer = stand.post("event", at_camera=True, source="1", name="alarm", values={"code": "7"})
    assert 1 == answer["sessions"]
    bench.until(lambda: seen == [7])


def test_a_raw_frame_of_a_host_has_its_reply(stand: Stand) -> None:
    answer = stand.post("send", session=1, hex=b"TRG,3".hex())
    assert bytes.fromhex(answer["reply"]).startswith(b"OK,")
    assert "ready" == stand.link.state.value


def test_bytes_are_sent_as_they_are(stand: Stand) -> None:
    answer = stand.post("send", session=1, hex="52 45 53 45 54 0d 0a", framed=False)
    assert {"outcome": "sent", "bytes": 7} == answer
    stand.bench.network.advance(1.0)
    sessions = stand.at_camera.overview()["sessions"]
    assert 1 == sessions[-1]["frames_in"]


def test_a_session_that_is_kicked_comes_again_and_that_is_no_error(stand: Stand) -> None:
    assert {"outcome": "done"} == stand.post("close", session=1)
    stand.bench.until(lambda: stand.at_host.sources()[0].reconnects == 1, 30.0)
    (source,) = stand.at_host.overview()["sources"]
    assert (1, None) == (source["reconnects"], source["error"])


def test_a_link_that_is_down_tries_at_once(bench: Bench, logged: Logged) -> None:
    monitor = Monitor(0, reactor=bench.robot.clock)
    link = link_of(bench.remote(VisionCamera, observers=[monitor]))
    bench.network.advance(60.0)
    bench.serve(MyCamera())
    assert {"outcome": "done"} == monitor.api.post("retry", {"source": "1"})
    bench.until(lambda: link.state.value == "ready", 5.0)


def test_each_source_says_what_can_be_done(stand: Stand) -> None:
    (host,) = stand.at_host.api.overview()["sources"]
    (server,) = stand.at_camera.api.overview()["sources"]
    assert ["command", "send", "close", "retry"] == host["can"]
    assert ["event", "send", "close"] == server["can"]
    plain = Monitor(0, reactor=stand.bench.robot.clock)
    plain.listening(FrameFactory(Line, observers=[plain]), "10.0.0.1:9999")
    assert [["send", "close"]] == [each["can"] for each in plain.api.overview()["sources"]]


def test_the_rows_of_a_source_can_be_forgotten(stand: Stand) -> None:
    assert {"outcome": "done"} == stand.post("clear", source="1")
    assert [] == list(stand.at_host.kept_rows())


def test_a_tap_is_disturbed_by_its_words() -> None:
    monitor = Monitor(0, reactor=Clock())
    tap = Tap("tcp:127.0.0.1:9", observers=[monitor], reactor=Clock())
    monitor.listening(tap, "127.0.0.1:9998")
    answer = monitor.api.post("disturb", {"source": "1", "text": "drop reply 3"})
    assert ("done", ["drop reply 3"]) == (answer["outcome"], answer["active"])
    with pytest.raises(Denied, match="push") as refused:
        monitor.api.post("disturb", {"source": "1", "text": "push"})
    assert (400, "text") == (refused.value.status, refused.value.field)
    (shown,) = monitor.api.overview()["sources"]
    assert ("tap", ["disturb", "close"]) == (shown["kind"], shown["can"])
    assert ["drop reply 3"] == shown["disturbances"]["active"]
    assert "0 to 127.0.0.1:9" == shown["name"]
    assert {"text", "help"} == shown["disturbances"]["known"][0].keys()


def test_a_connection_through_a_tap_is_reset() -> None:
    ended: list[str] = []

    class Connection:
        def reset(self) -> None:
            ended.append("reset")

    monitor = Monitor(0, reactor=Clock())
    session = OverheardSession(peer="10.0.0.7:50432", control=Connection())
    Dissector(session, Observers([monitor]), lambda: 0.0).open()
    assert {"outcome": "done"} == monitor.api.post("close", {"session": 1})
    assert ["reset"] == ended
    with pytest.raises(Denied, match="nothing can be sent"):
        monitor.api.post("send", {"session": 1, "hex": "41"})


class Logbook(Equipment):
    """Equipment with a long result."""

    framing = Delimited(b"\n", max_frame=100_000)
    codec = JsonRpc()

    @command()
    def entries(self) -> list[int]:
        """Return all entries."""
        return list(range(1000))


def test_a_long_result_is_shown_in_part(bench: Bench) -> None:
    monitor = Monitor(0, reactor=bench.robot.clock)
    bench.serve(Logbook())
    link = link_of(bench.remote(Logbook, observers=[monitor]))
    bench.until(lambda: link.state.value == "ready")
    answer = bench.result(monitor.api.post("command", {"source": "1", "name": "entries"}))
    assert (MOST_LINES, SHOWN_ITEMS + 1) == (len(answer["lines"]), len(answer["result"]))
