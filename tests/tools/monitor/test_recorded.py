"""A recording is shown as it was when it was live."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from twisted.internet.task import Clock

from tcpcomm import LinkState, Recorder, Recording, link_of
from tcpcomm.framing import Delimited
from tcpcomm.session.observer import Observers
from tcpcomm.tools.dissect.dissector import Dissector
from tcpcomm.tools.dissect.session import OverheardSession
from tcpcomm.tools.dissect.speech import Speech
from tcpcomm.tools.monitor.model import MonitorModel
from tcpcomm.tools.monitor.recorded import RecordedTime, RecordedTraffic
from tcpcomm.tools.monitor.rows import row_values
from tcpcomm.tools.monitor.service import Monitor
from tests.equipment.declared import NO_PART, Bench, MyCamera, VisionCamera
from tests.session.stage import Logged


def shown(model: MonitorModel) -> list[Any]:
    """Return what the rows show, without times and numbers."""
    rows = [row_values(each) for each in model.kept_rows()]
    numbers = {row[0]: place for place, row in enumerate(rows)}
    return [(*row[3:9], numbers.get(row[9]), *row[11:]) for row in rows]


def replayed(path: Path) -> Monitor:
    """Return a monitor that shows a recording."""
    time = RecordedTime()
    monitor = Monitor(0, times=time, reactor=Clock())
    with Recording(path) as recording:
        for _ in RecordedTraffic(recording, monitor, time).steps():
            pass
        assert [] == recording.problems
    return monitor


def test_a_conversation_is_shown_as_it_was(bench: Bench, tmp_path: Path, logged: Logged) -> None:
    live = Monitor(0, reactor=bench.robot.clock)
    camera = MyCamera()
    camera.jobs[9] = NO_PART
    bench.serve(camera)
    with Recorder(tmp_path / "line.tcpcomm") as recorder:
        proxy = bench.remote(VisionCamera, observers=[live, recorder])
        for job in (3, 9):
            bench.result(proxy.locate(job=job))
        camera.alarm(code=7)
        bench.network.advance(1.0)
        link_of(proxy).stopService()
        bench.network.advance(5.0)
    again = replayed(tmp_path / "line.tcpcomm")
    assert [row for row in shown(live) if row[1] != "state"] == [
        row for row in shown(again) if row[1] != "state"
    ]
    overview = again.api.overview()
    (session,), link = overview["sessions"], overview["sources"][0]
    assert ("closed", "link", "down") == (session["state"], link["kind"], link["state"])
    assert all(each["can"] == [] for each in overview["sources"])


def test_faults_halves_and_alterations_are_shown(tmp_path: Path) -> None:
    live = MonitorModel(lambda: 0.0, lambda: 0.0)
    with Recorder(tmp_path / "line.tcpcomm") as recorder:
        session = OverheardSession(
            peer="10.0.0.7:50432",
            target="10.0.0.9:9999",
            speech=Speech.framed(Delimited(b"\r\n", max_frame=8)),
        )
        dissector = Dissector(session, Observers([live, recorder]), lambda: 0.0)
        dissector.open()
        dissector.feed(b"TRG,", to_host=False)
        dissector.feed(b"3\r\nTRG,4\r\n", to_host=False)
        dissector.feed(b"much too long\r\n", to_host=False)
        dissector.alter("dropped a reply", to_host=True)
        dissector.close("the host closed the connection")
    again = replayed(tmp_path / "line.tcpcomm")
    assert shown(live) == shown(again)
    assert {"state", "frame", "half", "error", "altered"} == {row[1] for row in shown(again)}


def test_an_empty_recording_is_shown(tmp_path: Path) -> None:
    Recorder(tmp_path / "line.tcpcomm").close()
    assert [] == shown(replayed(tmp_path / "line.tcpcomm"))




def test_the_sessions_of_a_link_stand_under_it(tmp_path: Path) -> None:
    class Link:
        name = "link to tcp:10.0.0.9:9999"
        observers: Any = None

    with Recorder(tmp_path / "line.tcpcomm") as recorder:
        recorder.link_state(Link(), LinkState.READY, "the peer is proven")
        session = OverheardSession(peer="10.0.0.9:9999")
        Dissector(session, Observers([recorder]), lambda: 0.0).open()
    (source,) = replayed(tmp_path / "line.tcpcomm").overview()["sources"]
    assert ("link to tcp:10.0.0.9:9999", "ready", 1) == (
        source["name"],
        source["state"],
        source["sessions"],
    )
