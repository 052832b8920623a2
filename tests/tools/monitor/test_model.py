"""The model of a monitor tells the truth about links and sessions, on a simulated network."""

from __future__ import annotations

import re
from typing import Any

import pytest
from twisted.internet.protocol import Factory, Protocol
from twisted.protocols.basic import LineReceiver

from tcpcomm import (
    Equipment,
    FrameFactory,
    FrameProtocol,
    MessageKind,
    ObservedMessage,
    OutcomeUnknown,
    ReconnectingFactory,
    command,
    declaration_of,
    link_of,
)
from tcpcomm.codec import U8, Binary
from tcpcomm.framing import Checked, Delimited, LengthPrefixed, checksum
from tcpcomm.session.observer import Observers
from tcpcomm.tools.dissect.dissector import Dissector
from tcpcomm.tools.dissect.session import OverheardSession
from tcpcomm.tools.dissect.speech import Speech
from tcpcomm.tools.monitor.model import (
    BATCH_ROWS,
    CLOSED_SESSIONS,
    KEPT_BYTES,
    KEPT_ROWS,
    LARGEST_KEPT_FRAME,
    MOST_SESSIONS_SHOWN,
    MOST_SOURCES,
    SESSIONS_WITH_HISTORY,
    SOURCES_WITH_HISTORY,
    MonitorModel,
)
from tcpcomm.tools.monitor.rows import COLUMNS, RowHistory, row_values
from tcpcomm.tools.monitor.sessions import MOST_ASKED
from tcpcomm.tools.monitor.sources import LINK, Source
from tests.equipment.declared import PORT, QUIET, Bench, MyCamera, VisionCamera
from tests.link.wired import LAN, Peers
from tests.session.stage import Logged, Spy, staged

EPOCH = 1_700_000_000.0


def model_of(bench: Bench) -> MonitorModel:
    """Return a model whose wall clock is ahead of the simulated clock by a fixed time."""
    return MonitorModel(bench.robot.clock.seconds, lambda: EPOCH + bench.robot.clock.seconds())


def shown(model: MonitorModel, *columns: str) -> list[Any]:
    """Return columns of all kept rows."""
    places = [COLUMNS.index(each) for each in columns]
    rows = [row_values(each) for each in model.kept_rows()]
    return [tuple(row[place] for place in places) for row in rows]


def the_source(model: MonitorModel) -> dict[str, Any]:
    (source,) = model.overview()["sources"]
    return dict(source)


class Line(FrameProtocol):
    """A protocol of lines that does nothing."""

    framing = Delimited(b"\r\n", max_frame=300_000)

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


class WrongChecksum(Protocol):
    """Answers all that comes with a frame whose checksum is wrong."""

    def dataReceived(self, data: bytes) -> None:
        assert self.transport is not None
        self.transport.write(b"\x03\x01\x02\xff")


def test_a_command_and_its_reply_are_joined_with_the_time_between(bench: Bench) -> None:
    model = model_of(bench)
    bench.serve(MyCamera())
    camera = bench.remote(VisionCamera, observers=[model])
    bench.result(camera.locate(job=3))
    rows = shown(model, "id", "direction", "kind", "name", "values", "answers")
    asked, reply = [row for row in rows if row[2] != "state"]
    assert ("out", "command", "locate", {"job": 3}, None) == asked[1:]
    assert ("in", "reply", "locate", asked[0]) == (*reply[1:4], reply[5])
    assert {"x", "y", "angle"} == reply[4]["result"].keys()
    (took,) = [row[0] for row in shown(model, "took") if row[0] is not None]
    source = the_source(model)
    assert pytest.approx(took, rel=0.05) == source["p50"]
    assert (1, 1, "VisionCamera", False) == (
        source["frames_in"],
        source["frames_out"],
        source["declaration"],
        source["equipment"],
    )


def test_an_outage_counts_from_its_begin_while_the_link_tries(bench: Bench, logged: Logged) -> None:
    model = model_of(bench)
    bench.serve(MyCamera())
    link = link_of(bench.remote(VisionCamera, observers=[model], policy=LAN))
    bench.until(lambda: link.state.value == "ready")
    bench.camera.kill()
    bench.until(lambda: link.state.value == "down")
    began = EPOCH + bench.robot.clock.seconds()
    bench.network.advance(30.0)
    source = the_source(model)
    assert source["state"] in ("down", "connecting")
    assert pytest.approx(began, abs=0.001) == source["since"]
    assert source["error"]["text"]
    assert 0 == source["sessions"]
    bench.camera.start()
    bench.serve(MyCamera())
    bench.until(lambda: link.state.value == "ready", 60.0)
    source = the_source(model)
    assert (1, 1) == (source["reconnects"], source["sessions"])
    assert source["since"] > began + 29


def test_an_end_that_was_wanted_is_no_error(bench: Bench) -> None:
    model = model_of(bench)
    bench.serve(MyCamera(), observers=[model])
    link = link_of(bench.remote(VisionCamera))
    bench.until(lambda: link.state.value == "ready")
    link.stopService()
    bench.network.advance(5.0)
    overview = model.overview()
    assert [None] == [each["error"] for each in overview["sources"]]
    assert [("closed", "the peer hung up")] == [
        (each["state"], each["reason"]) for each in overview["sessions"]
    ]


def test_a_server_is_shown_before_anybody_connects(bench: Bench) -> None:
    model = model_of(bench)
    bench.serve(MyCamera(), observers=[model])
    source = the_source(model)
    assert ("server", "listening", "MyCamera", True, 0) == (
        source["kind"],
        source["state"],
        source["name"],
        source["equipment"],
        source["sessions"],
    )
    assert str(PORT) in source["address"]


def test_a_link_in_the_active_role_of_equipment_is_one_source(bench: Bench) -> None:
    model = model_of(bench)
    bench.serve_actively(MyCamera(), observers=[model], policy=QUIET)
    camera = bench.remote(VisionCamera, listen=bench.robot.listening(PORT))
    bench.result(camera.locate(job=3))
    source = the_source(model)
    assert ("link", True, "ready", 1) == (
        source["kind"],
        source["equipment"],
        source["state"],
        source["sessions"],
    )


def on_stage(protocol: Any = Line) -> tuple[Any, MonitorModel]:
    model = MonitorModel(lambda: 0.0, lambda: EPOCH)
    return staged(protocol, observers=[model]), model


def test_cut_and_glued_frames_are_marked() -> None:
    stage, model = on_stage()
    stage.receive(b"TRG,1\r\nTRG,2\r\nTR")
    stage.receive(b"G,")
    stage.receive(b"3\r\n")
    stage.receive(b"TRG,4\r\n")
    rows = shown(model, "kind", "hex", "chunks", "place")
    text = [(kind, bytes.fromhex(hex), *marks) for kind, hex, *marks in rows if kind != "state"]
    assert [
        ("frame", b"TRG,1", 1, 1),
        ("frame", b"TRG,2", 1, 2),
        ("half", b"", 1, 1),
        ("frame", b"TRG,3", 3, 1),
        ("frame", b"TRG,4", 1, 1),
    ] == text


def test_a_fault_shows_its_reason_and_the_bytes(logged: Logged) -> None:
    stage, model = on_stage(Spy)
    stage.receive(b"x" * 17 + b";")
    ((_, hex, text),) = [row for row in shown(model, "kind", "hex", "text") if row[0] == "error"]
    assert b"x" * 17 + b";" == bytes.fromhex(hex)
    assert "frame at byte 0 of the stream" in text
    assert 1 == the_source(model)["faults"]
    assert the_source(model)["error"]["text"]


@pytest.mark.parametrize(
    ("reason", "shown"),
    [
        ("a reply did not come in time", "the checksum is wrong; then: a reply did not come in time"),
        ("no identity within 2 s", "the checksum is wrong; then: no identity within 2 s"),
        ("the peer reset the connection", "the peer reset the connection"),
        ("stopped here", "the checksum is wrong"),
    ],
)
def test_a_fault_is_the_cause_of_an_end_for_which_somebody_waited_in_vain(reason: str, shown: str) -> None:
    source = Source("1", LINK, object(), now=0.0, time=EPOCH, history=RowHistory(10, 1000))
    source.broke("the checksum is wrong", EPOCH)
    source.link_state("down", reason, EPOCH + 1.0)
    assert (shown, "") == (source.facts(1.0, None, history=False)["error"]["text"], source.cause)


@pytest.mark.parametrize("kind", [MessageKind.COMMAND, MessageKind.REPLY])
def test_a_fault_before_another_command_is_not_the_cause(kind: MessageKind, logged: Logged) -> None:
    stage, model = on_stage(Spy)
    stage.receive(b"x" * 17 + b";")
    (source,) = model.sources()
    assert source.cause
    model.message(stage.session, ObservedMessage(kind=kind, sent=True, frame=b"TRG,1"))
    assert not source.cause


def test_a_wrong_checksum_is_shown_as_the_cause_of_a_timeout(bench: Bench, logged: Logged) -> None:
    model = model_of(bench)
    bench.camera.listening(PORT).listen(Factory.forProtocol(WrongChecksum))
    proxy = bench.remote(Summed, observers=[model], policy=LAN)
    assert isinstance(bench.result(proxy.read(1)), OutcomeUnknown)
    bench.until(lambda: the_source(model)["state"] != "ready")
    text = the_source(model)["error"]["text"]
    assert re.match("3 bytes came whose xor .*; then: a reply did not come in time", text)


def test_a_frame_that_is_very_long_is_kept_in_part() -> None:
    stage, model = on_stage()
    stage.receive(b"x" * 200_000 + b"\r\n")
    (row,) = [row for row in model.kept_rows() if row.kind == "frame"]
    assert (200_000, LARGEST_KEPT_FRAME) == (row.size, len(row.frame))


def test_overheard_traffic_has_both_directions() -> None:
    model = MonitorModel(lambda: 0.0, lambda: EPOCH)
    session = OverheardSession(
        peer="10.0.0.7:50432",
        target="10.0.0.9:9999",
        speech=Speech.framed(Delimited(b"\r\n")),
    )
    dissector = Dissector(session, Observers([model]), lambda: 0.0)
    dissector.open()
    dissector.feed(b"TRG,3\r\n", to_host=False)
    dissector.alter("dropped a reply", to_host=True)
    dissector.feed(b"OK,1\r\nOK,2\r\n", to_host=True)
    dissector.close("the host closed the connection")
    rows = shown(model, "direction", "kind", "hex", "text", "place")
    assert [
        ("", "state", "", "opened", 1),
        ("", "state", "", "ready", 1),
        ("in", "frame", b"TRG,3".hex(), "", 1),
        ("out", "altered", "", "dropped a reply", 1),
        ("out", "frame", b"OK,1".hex(), "", 1),
        ("out", "frame", b"OK,2".hex(), "", 2),
        ("", "state", "", "closed: the host closed the connection", 1),
    ] == rows
    assert ("tap", 0) == (the_source(model)["kind"], the_source(model)["sessions"])


def test_a_batch_is_bounded_and_counts_what_is_left_out() -> None:
    stage, model = on_stage()
    model.watch(None)
    for _ in range(BATCH_ROWS // 100 + 1):
        stage.receive(b"x\r\n" * 100)
    batch, left_out = model.take_batch()
    assert BATCH_ROWS == len(batch)
    assert {"1": 100} == dict(left_out)
    assert ([], 0) == (model.take_batch()[0], model.take_batch()[1].total())


def test_only_rows_of_watched_sources_wait_for_a_page() -> None:
    stage, model = on_stage()
    model.watch({"2"})
    stage.receive(b"x\r\n")
    assert [] == model.take_batch()[0]
    assert ["frame"] == [row.kind for row in model.newest(None, 1)]


def test_closed_sessions_are_remembered_in_a_bounded_number() -> None:
    model = MonitorModel(lambda: 0.0, lambda: EPOCH)
    observers = Observers([model])
    for number in range(3 * CLOSED_SESSIONS):
        session = OverheardSession(peer=f"10.0.0.7:{number}")
        dissector = Dissector(session, observers, lambda: 0.0)
        dissector.open()
        dissector.close("closed here")
    sessions = model.overview()["sessions"]
    assert CLOSED_SESSIONS == len(sessions)
    assert f"10.0.0.7:{3 * CLOSED_SESSIONS - 1}" == sessions[-1]["peer"]


def test_sources_are_bounded_and_the_idle_ones_make_room() -> None:
    model = MonitorModel(lambda: 0.0, lambda: EPOCH)
    for _ in range(MOST_SOURCES + 10):
        model.listening(FrameFactory(Line, observers=[model]), "10.0.0.1:9999")
    assert MOST_SOURCES == len(model.sources())
    assert 10 == model.overview()["more_sources"]
    for source in model.sources()[:5]:
        source.state = "idle"
    for _ in range(5):
        model.listening(FrameFactory(Line, observers=[model]), "10.0.0.1:9999")
    assert (MOST_SOURCES, 10) == (len(model.sources()), model.overview()["more_sources"])


def test_each_source_has_the_same_share_of_the_rows() -> None:
    model = MonitorModel(lambda: 0.0, lambda: EPOCH)
    assert (20_000, 33_554_432) == (KEPT_ROWS, KEPT_BYTES)
    for _ in range(4):
        model.listening(FrameFactory(Line, observers=[model]), "10.0.0.1:9999")
    assert [(5_000, 8_388_608)] * 4 == [
        (each.history.most_rows, each.history.most_bytes) for each in model.sources()
    ]


def test_sessions_are_shown_in_a_bounded_number() -> None:
    model = MonitorModel(lambda: 0.0, lambda: EPOCH)
    observers = Observers([model])
    for number in range(1, MOST_SESSIONS_SHOWN + 6):
        Dissector(OverheardSession(peer=f"10.0.0.7:{number}"), observers, lambda: 0.0).open()
        sessions = model.overview()["sessions"]
        assert (number <= SESSIONS_WITH_HISTORY) == all("history" in each for each in sessions)
    overview = model.overview()
    assert (MOST_SESSIONS_SHOWN, 5) == (len(overview["sessions"]), overview["more_sessions"])
    assert f"10.0.0.7:{MOST_SESSIONS_SHOWN + 5}" == overview["sessions"][-1]["peer"]


def test_the_answer_to_a_very_old_command_names_no_row() -> None:
    model = MonitorModel(lambda: 0.0, lambda: EPOCH)
    session = OverheardSession(peer="10.0.0.7:50432", speech=Speech.declared(declaration_of(VisionCamera)))
    Dissector(session, Observers([model]), lambda: 0.0).open()
    asked = [
        ObservedMessage(kind=MessageKind.COMMAND, sent=False, frame=b"TRG,1", name="locate")
        for _ in range(MOST_ASKED + 1)
    ]
    for each in asked:
        model.message(session, each)
    for each in (asked[0], asked[1]):
        reply = ObservedMessage(kind=MessageKind.REPLY, sent=True, frame=b"OK", answers=each, seconds=0.1)
        model.message(session, reply)
    assert [None, 4] == [answers for _, answers in shown(model, "kind", "answers")][-2:]


def test_many_sources_have_no_history() -> None:
    model = MonitorModel(lambda: 0.0, lambda: EPOCH)
    for number in range(1, SOURCES_WITH_HISTORY + 2):
        model.listening(FrameFactory(Line, observers=[model]), "10.0.0.1:9999")
        has_history = ["history" in each for each in model.overview()["sources"]]
        assert [number <= SOURCES_WITH_HISTORY] * number == has_history


def test_a_foreign_protocol_is_shown_chunk_by_chunk(bench: Bench) -> None:
    model = model_of(bench)
    bench.camera.listening(PORT).listen(Peers(answer=lambda line: b"OK," + line))
    factory = ReconnectingFactory(LineReceiver, observers=[model], reactor=bench.robot.clock)
    factory.connect(bench.robot.connecting(bench.camera, PORT))
    bench.until(lambda: factory.state.value == "ready")
    factory.engine.protocol.sendLine(b"TRG,3")
    bench.network.advance(1.0)
    rows = [row for row in shown(model, "direction", "kind", "hex") if row[1] != "state"]
    assert [("out", "frame", b"TRG,3\r\n".hex()), ("in", "frame", b"OK,TRG,3\r\n".hex())] == rows
    source = the_source(model)
    assert ("link", "ready", 1, None) == tuple(
        source[name] for name in ("kind", "state", "sessions", "declaration")
    )
