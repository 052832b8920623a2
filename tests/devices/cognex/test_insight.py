"""A host reads cells, triggers and changes jobs of an In-Sight, and is told each status in words."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from twisted.internet.defer import Deferred

from tcpcomm import CodecError, Fault, OutcomeUnknown, declaration_of, link_of
from tcpcomm.codec import Request
from tcpcomm.devices.cognex import Emulator, InSight, NamedFile, Status
from tcpcomm.devices.cognex.emulator import JOB_MEMORY, Value
from tcpcomm.devices.cognex.framing import checksum_of
from tcpcomm.testing import check_equipment
from tests.equipment.declared import Bench
from tests.equipment.test_forms import plain_robot

ADMIN = {"user": "admin", "password": ""}


@pytest.fixture
def bench() -> Bench:
    return Bench()


class Line(Emulator):
    """Measures a part at each trigger, and refuses limits below 0."""

    def __init__(self) -> None:
        super().__init__(
            {"A2": 3, "B2": 1.5, "C2": "lot", "Pattern_1.Pass": 0, "Limit": 0.5},
            {"1First.job": b"first", "85Second.job": bytes(range(256))},
        )
        self.triggers: list[int] = []
        self.images_sent = 0

    async def read_bmp(self) -> bytes:
        self.images_sent += 1
        return self.image

    async def on_event(self, event: int) -> None:
        self.triggers.append(event)
        self.cells["B2"] = 12.5

    def on_write(self, cell: str, value: Value) -> None:
        if not isinstance(value, str) and value < 0:
            raise Fault(Status.FAILED)


@pytest.fixture
def line(bench: Bench) -> Line:
    made = Line()
    bench.serve(made)
    return made


def host(bench: Bench, **credentials: str) -> InSight:
    return bench.remote(InSight, credentials=ADMIN | credentials)


# From the pages of the commands in the In-Sight help: what is sent, and what is answered.
GOLDEN: list[tuple[str, dict[str, Any], bytes, Any, bytes]] = [
    ("set_integer", {"column": "A", "row": 2, "value": 8}, b"SIA0028", None, b"1"),
    ("set_string", {"column": "B", "row": 2, "value": "After SS"}, b"SSB002After SS", None, b"1"),
    ("send_message", {"message": "Test", "event": None}, b'SM"Test"', None, b"1"),
    ("send_message", {"message": "Test", "event": 0}, b'SM"Test"0', None, b"1"),
    ("set_online", {"online": True}, b"SO1", None, b"1"),
    ("set_online", {"online": False}, b"SO0", None, b"1"),
    ("set_event", {"event": 0}, b"SE0", None, b"1"),
    ("set_event_and_wait", {"event": 8}, b"SW8", None, b"1"),
    ("get_value", {"cell": "A002"}, b"GVA002", "12.500", b"1\r\n12.500"),
    ("load_file", {"name": "RAMDisk/Product.job"}, b"LFRAMDisk/Product.job", None, b"1"),
    ("get_online", {}, b"GO", False, b"0"),
    ("get_job", {}, b"GJ", 85, b"1\r\n85"),
    ("read_bmp", {}, b"RB", b"\xab\xcd\xef\x01", b"1\r\n8\r\nABCDEF01\r\n" + checksum_of(b"ABCDEF01")),
    (
        "write_job",
        {"job": 86, "name": "Test.job", "data": b"\xab\xcd\xef\x01"},
        b"WJ86\r\nTest.job\r\n8\r\nABCDEF01\r\n" + checksum_of(b"ABCDEF01"),
        None,
        b"1",
    ),
]


@pytest.mark.parametrize(
    ("name", "values", "sent", "result", "answered"), GOLDEN, ids=[each[0] for each in GOLDEN]
)
def test_commands_look_as_in_the_manual_in_both_directions(
    name: str, values: dict[str, Any], sent: bytes, result: Any, answered: bytes
) -> None:
    declaration = declaration_of(InSight)
    dialect, replies = declaration.dialect, declaration.reply_framings.get(name, declaration.sent)

    assert sent + b"\r\n" == declaration.received.encode(dialect.request(name, values, 0))
    (frame,) = declaration.received.decoder().feed(sent + b"\r\n")
    asked = dialect.read_at_equipment(frame).requests[0]
    assert isinstance(asked, Request)
    assert (name, values) == (asked.name, dict(asked.values))

    (reply,) = dialect.reply(asked, result)
    assert answered + b"\r\n" == replies.encode(reply)
    (frame,) = replies.decoder().feed(answered + b"\r\n")
    (answer,) = dialect.read_at_host(frame)
    reader = dialect.reply_reader(name)
    assert reader is not None
    assert result == reader.take(answer.body)  # type: ignore[union-attr]


def test_the_declaration_holds_by_its_own_check() -> None:
    check_equipment(InSight, max_examples=1)


def test_cells_are_read_as_text_and_as_numbers(bench: Bench, line: Line) -> None:
    camera = host(bench)
    assert "3" == bench.result(camera.cells["A2"])
    assert "1.500" == bench.result(camera.cells["B002"])
    assert 1.5 == bench.result(camera.cells.number("b2"))
    assert "0" == bench.result(camera.cells["Pattern_1.Pass"])
    assert "" == bench.result(camera.cells["Z399"])
    assert "C2 holds 'lot'" in str(bench.result(camera.cells.number("C2")))


def test_cells_are_written_by_the_kind_of_their_value(bench: Bench, line: Line) -> None:
    camera = host(bench)
    values: dict[str, Value] = {"A2": 8, "B2": -0.0, "C2": "lot 7", "Pattern_1.Pass": 1, "Limit": 0.25}
    for cell, value in values.items():
        assert None is bench.result(camera.cells.write(cell, value))
        assert value == line.cells[cell]


@pytest.mark.parametrize("cell", ["A400", "A0400", "A1000", "", "A 2", "a\tb"])
def test_a_cell_that_cannot_be_is_refused_before_anything_is_sent(
    bench: Bench, line: Line, cell: str
) -> None:
    camera = host(bench)
    assert isinstance(bench.result(camera.cells[cell]), CodecError)
    assert isinstance(bench.result(camera.cells.write(cell, 1)), CodecError)


def test_a_text_for_a_tag_is_refused_because_native_mode_has_none(bench: Bench, line: Line) -> None:
    assert "name its cell" in str(bench.result(host(bench).cells.write("Limit", "x")))


def test_each_status_is_told_in_words(bench: Bench, line: Line) -> None:
    camera = host(bench)
    line.held_offline = True
    for asked, words in (
        (camera.cells["No_such_tag"], "-1: the cell, tag, number or file name is missing"),
        (camera.cells.write("A2", 1.5), "-2: the command could not be executed"),
        (camera.cells.write("A2", -1), "-2: the command could not be executed"),
        (camera.set_online(True), "-5: the camera stays offline, because its user interface"),
        (camera.load_file("1First.job"), "-2: "),
    ):
        fault = bench.result(asked)
        assert isinstance(fault, Fault)
        assert str(fault).startswith(words)
    assert 3 == line.cells["A2"]


def test_a_trigger_waits_for_the_job_and_needs_the_camera_online(bench: Bench, line: Line) -> None:
    camera = host(bench)
    assert None is bench.result(camera.trigger())
    assert 12.5 == bench.result(camera.cells.number("B2"))
    bench.result(camera.set_online(False))
    assert Status.FAILED == bench.result(camera.trigger()).code
    assert False is bench.result(camera.get_online())
    assert [8] == line.triggers


def test_a_message_may_trigger_an_event(bench: Bench, line: Line) -> None:
    camera = host(bench)
    bench.result(camera.send_message("lot 7"))
    bench.result(camera.send_message("lot 8", 3))
    assert (["lot 7", "lot 8"], [3]) == ([*line.messages], line.triggers)


def test_a_job_is_changed_and_the_camera_is_online_again(bench: Bench, line: Line) -> None:
    camera = host(bench)
    assert None is bench.result(camera.change_job("85Second.job"))
    assert ("85Second.job", 85) == (bench.result(camera.get_file()), bench.result(camera.get_job()))
    assert line.online


def test_without_the_job_the_camera_is_online_with_its_old_one(bench: Bench, line: Line) -> None:
    camera = host(bench)
    assert Status.FAILED == bench.result(camera.change_job("2Third.job")).code
    assert (True, "1First.job") == (line.online, line.job)


@pytest.mark.parametrize("broken", ["set_online", "load_file"])
def test_a_connection_that_is_lost_in_a_change_of_the_job_is_told_as_it_is(
    bench: Bench, broken: str
) -> None:
    class Breaking(Line):
        async def set_online(self, online: bool) -> None:
            await super().set_online(online)
            await self._break("set_online")

        async def load_file(self, name: str) -> None:
            await self._break("load_file")

        async def _break(self, command: str) -> None:
            if command == broken:
                bench.camera.reset()
                await Deferred()

    bench.serve(Breaking())
    outcome = bench.result(host(bench).change_job("85Second.job"))
    assert OutcomeUnknown is type(outcome)
    assert outcome.__notes__[0].startswith("the camera may be offline: ")


@pytest.mark.parametrize(
    ("cell", "value", "words"),
    [
        ("A2", None, "A2 takes an int, a float or a text, not None"),
        ("A2", [1], "A2 takes an int, a float or a text"),
        ("Limit", None, "Limit takes an int, a float or a text, not None"),
        (2, 5, "2 is neither a cell such as A2 nor a tag without blanks"),
        ("C2", "a\nSO0", "has a CR or LF inside of a line"),
        ("C2", "a\rSO0", "has a CR or LF inside of a line"),
    ],
)
def test_what_no_cell_takes_is_told_in_words(
    bench: Bench, line: Line, cell: Any, value: Any, words: str
) -> None:
    assert words in str(bench.result(host(bench).cells.write(cell, value)))
    assert "lot" == line.cells["C2"]


def test_jobs_are_read_written_and_deleted_by_name_and_by_number(bench: Bench, line: Line) -> None:
    camera = host(bench)
    assert NamedFile("85Second.job", bytes(range(256))) == bench.result(camera.read_job(85))
    assert NamedFile("1First.job", b"first") == bench.result(camera.read_file("1First.job"))
    assert Status.FAILED == bench.result(camera.write_file("3.job", b"x")).code
    bench.result(camera.set_online(False))
    bench.result(camera.write_file("Model.job", b"model"))
    bench.result(camera.write_job(86, "Test.job", b""))
    bench.result(camera.delete_job(1))
    assert {"85Second.job": bytes(range(256)), "Model.job": b"model", "86Test.job": b""} == line.jobs
    bench.result(camera.set_job(86))
    bench.result(camera.store_job("7Copy"))
    assert ("7Copy.job", b"") == (line.job, line.jobs["7Copy.job"])
    assert Status.INVALID == bench.result(camera.store_job("Copy")).code
    bench.result(camera.store_file("Copy.job"))
    assert Status.FAILED == bench.result(camera.get_job()).code
    bench.result(camera.delete_file("Copy.job"))
    assert Status.FAILED == bench.result(camera.get_file()).code


def test_images_and_settings_are_read_and_written(bench: Bench, line: Line) -> None:
    camera = host(bench)
    assert b"BM" == bench.result(camera.read_bmp())[:2]
    bench.result(camera.set_online(False))
    picture = b"BM" + bytes(100_000)
    bench.result(camera.write_bmp(picture))
    assert picture == bench.result(camera.read_image())
    assert Status.FAILED == bench.result(camera.write_image(b"GIF")).code
    bench.result(camera.write_settings(b"\x01\x02"))
    bench.result(camera.store_settings())
    assert b"\x01\x02" == bench.result(camera.read_settings())


def test_what_a_camera_tells_about_itself_has_names(bench: Bench, line: Line) -> None:
    camera = host(bench)
    assert "1" == bench.result(camera.get_info()).values["Serial Number"]
    bench.result(camera.set_ip_address_lock(True))
    assert True is bench.result(camera.get_ip_address_lock())
    bench.result(camera.reset_system())


@given(st.integers(), st.floats(allow_nan=False, allow_infinity=False))
def test_numbers_arrive_as_they_were_written(whole: int, real: float) -> None:
    dialect = declaration_of(InSight).dialect
    for name, value in (("set_integer", whole), ("set_float", real)):
        frame = dialect.request(name, {"column": "Z", "row": 399, "value": value}, 0)
        asked = dialect.read_at_equipment(frame).requests[0]
        assert isinstance(asked, Request)
        assert {"column": "Z", "row": 399, "value": value} == dict(asked.values)


def test_a_camera_whose_memory_is_full_of_jobs_takes_no_more(bench: Bench, line: Line) -> None:
    camera = host(bench)
    bench.result(camera.set_online(False))
    line.jobs = {f"{number}.job": b"x" for number in range(JOB_MEMORY // 4096)}
    assert Status.OUT_OF_MEMORY == bench.result(camera.write_file("New.job", b"x")).code
    assert None is bench.result(camera.write_file("7.job", b"y"))
    assert ("New.job" in line.jobs, line.jobs["7.job"]) == (False, b"y")


def test_a_damaged_file_is_refused_and_not_stored(bench: Bench, line: Line) -> None:
    robot = plain_robot(bench)
    line.online = False
    damaged = b"WF\r\nBad.job\r\n4\r\nABCD\r\n0000\r\nGO\r\n"
    for sent in (b"admin\r\n", b"\r\n", damaged):
        robot.transport.write(sent)
        bench.network.advance(0.2)
    assert robot.received.endswith(b"User Logged In\r\n-3\r\n0\r\n")
    assert "Bad.job" not in line.jobs


def test_half_a_file_is_not_stored_and_harms_no_other_session(bench: Bench, line: Line) -> None:
    robot = plain_robot(bench)
    line.online = False
    for sent in (b"admin\r\n", b"\r\n", b"WF\r\nHalf.job\r\n400\r\n" + b"AB" * 40 + b"\r\nABAB"):
        robot.transport.write(sent)
        bench.network.advance(0.2)
    camera = host(bench)
    assert "3" == bench.result(camera.cells["A2"])
    robot.transport.abortConnection()
    bench.network.advance(1.0)
    assert "1First.job" == bench.result(camera.get_file())
    assert "Half.job" not in line.jobs


def test_a_pull_in_the_middle_of_an_image_has_it_read_again(bench: Bench, line: Line) -> None:
    camera = host(bench)
    line.image = b"BM" + bytes(300_000)
    assert True is bench.result(camera.get_online())
    asked: Any = camera.read_bmp()
    found: list[Any] = []
    asked.addBoth(found.append)
    bench.until(lambda: line.images_sent == 1)
    bench.camera.reset()
    bench.until(lambda: bool(found), within=30.0)
    assert ([line.image], 2) == (found, line.images_sent)


def test_wrong_credentials_are_refused_and_not_shown(bench: Bench, line: Line) -> None:
    told: list[str] = []
    camera = host(bench, password="guess")
    link_of(camera).observe(lambda state, reason: told.append(reason))
    bench.until(lambda: any("login" in each or "closed" in each for each in told))
    assert [] == [each for each in told if "guess" in each]
    assert "ready" != link_of(camera).state.value


def test_a_pull_in_the_middle_of_a_write_is_told_and_nothing_is_written_twice(bench: Bench) -> None:
    class Slow(Line):
        async def on_event(self, event: int) -> None:
            await super().on_event(event)
            for socket in list(bench.camera.sockets):
                socket.close(reset=True)

    slow = Slow()
    bench.serve(slow)
    camera = host(bench)
    assert isinstance(bench.result(camera.trigger()), OutcomeUnknown)
    bench.until(lambda: link_of(camera).state.value == "ready")
    assert "3" == bench.result(camera.cells["A2"])
    assert [8] == slow.triggers
