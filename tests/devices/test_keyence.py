"""
Vision systems of KEYENCE: the lines of the command list, both ways, and what becomes of results.

The lines are those of the command list of the manuals: requests, answers and error answers.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from tcpcomm import (
    ConfigurationError,
    Fault,
    LinkState,
    NotReady,
    OutcomeUnknown,
    ReplyTimeout,
    declaration_of,
    link_of,
)
from tcpcomm.devices.keyence import (
    ERRORS,
    CvX,
    CvXError,
    Program,
    SimulatedCvX,
    TriggeredCvX,
    numbers_in,
)
from tcpcomm.link.policy import PROFILES
from tcpcomm.testing import check_equipment
from tests.equipment.declared import Bench


@pytest.fixture
def bench() -> Bench:
    """A network with a controller and a host."""
    return Bench()


GOLDEN = [
    ("run", {}, b"R0", None, b"R0"),
    ("setup", {}, b"S0", None, b"S0"),
    ("is_running", {}, b"RM", True, b"RM,1"),
    ("is_running", {}, b"RM", False, b"RM,0"),
    ("reset", {}, b"RS", None, b"RS"),
    ("clear_error", {}, b"CE", None, b"CE"),
    ("program", {}, b"PR", Program(1, 0), b"PR,1,000"),
    ("program", {}, b"PR", Program(2, 999), b"PR,2,999"),
    ("change_program", {"card": 1, "number": 5}, b"PW,1,005", None, b"PW"),
    ("condition", {}, b"EXR", 12, b"EXR,12"),
    ("change_condition", {"number": 7}, b"EXW,7", None, b"EXW"),
    ("register_image", {"camera": 4, "number": 20}, b"BS,4,20", None, b"BS"),
    ("trigger_all", {}, b"TA", None, b"TA"),
    ("trigger_1", {}, b"T1", None, b"T1"),
    ("trigger_4", {}, b"T4", None, b"T4"),
]


@pytest.mark.parametrize(("name", "values", "asked", "result", "answer"), GOLDEN)
def test_the_lines_of_the_command_list_both_ways(
    name: str, values: dict[str, Any], asked: bytes, result: Any, answer: bytes
) -> None:
    dialect = declaration_of(CvX).dialect
    assert asked == dialect.request(name, values, 0)
    (request,) = dialect.read_at_equipment(asked).requests
    assert (name, values) == (request.name, request.values)  # type: ignore[union-attr]
    assert [answer] == dialect.reply(request, result)  # type: ignore[arg-type]
    reader: Any = dialect.reply_reader(name)
    assert result == reader.take(dialect.read_at_host(answer)[0].body)  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("asked", "answer"),
    [
        (b"ZZ,1", b"ER,ZZ,02"),
        (b"T5", b"ER,T5,02"),
        (b"PW,3,005", b"ER,PW,22"),
        (b"PW,1", b"ER,PW,22"),
        (b"EXW,100", b"ER,EXW,22"),
        (b"EXW,x", b"ER,EXW,22"),
    ],
)
def test_a_wrong_command_gets_the_error_answer_of_the_manual(asked: bytes, answer: bytes) -> None:
    dialect = declaration_of(CvX).dialect
    refused: Any = dialect.read_at_equipment(asked)
    assert answer == dialect.fault(refused, dialect.fault_for(refused.error_kind, ""))


@pytest.mark.parametrize("code", [*CvXError])
def test_an_error_answer_is_told_in_words(code: CvXError) -> None:
    reader: Any = declaration_of(CvX).dialect.reply_reader("change_program")
    with pytest.raises(Fault) as told:
        reader.take(f"ER,PW,{code:02d}")
    assert f"{code.value}: {ERRORS[code]}" == str(told.value)


def test_a_line_ends_in_cr_and_cr_lf_is_read_too() -> None:
    framing = declaration_of(CvX).received
    assert b"TA\r" == framing.encode(b"TA")
    assert [b"TA", b"RM"] == framing.decoder().feed(b"TA\r\nRM\r")


@pytest.mark.parametrize("kind", [CvX, TriggeredCvX])
def test_every_command_passes_the_wire(kind: type[Any]) -> None:
    check_equipment(kind, max_examples=2)


class Camera(SimulatedCvX):
    """A controller whose results follow from the camera that was triggered."""

    def measured(self, camera: int) -> Sequence[float | str]:
        return [camera + 0.5, -1.25, *self.values]


def controller(bench: Bench, processing: float = 0.1) -> Camera:
    mine = Camera(processing, bench.camera.clock)
    mine.values = ()
    bench.serve(mine)
    return mine


def test_the_mode_the_program_and_the_condition_are_changed(bench: Bench) -> None:
    mine = controller(bench)
    mine.programs = {Program(1, 0), Program(1, 5)}
    camera = bench.remote(CvX)
    assert bench.result(camera.is_running()) is True
    bench.result(camera.change_program(1, 5))
    assert Program(1, 5) == bench.result(camera.program())
    assert 22 == bench.result(camera.change_program(2, 5)).code
    bench.result(camera.change_condition(42))
    assert 42 == bench.result(camera.condition())
    bench.result(camera.register_image(2, 7))
    assert [(2, 7)] == [*mine.images]
    assert bench.result(camera.reset()) is None
    mine.shows_error = True
    bench.result(camera.clear_error())
    assert not mine.shows_error
    bench.result(camera.setup())
    assert bench.result(camera.is_running()) is False
    fault = bench.result(camera.trigger_all())
    assert (3, ERRORS[3]) == (fault.code, fault.reason)
    assert 3 == bench.result(camera.program()).code
    bench.result(camera.run())
    assert Program(1, 5) == bench.result(camera.program())


def test_results_are_events_whoever_triggers(bench: Bench) -> None:
    mine = controller(bench)
    mine.values = ("AB-12",)
    camera = bench.remote(CvX)
    lines: list[str] = []
    camera.result.subscribe(lambda line: lines.append(line))  # noqa: PLW0108 - its parameter has a name
    bench.result(camera.trigger())
    bench.until(lambda: len(lines) == 1)
    bench.result(camera.trigger(3))
    bench.until(lambda: len(lines) == 2)
    mine.result("9.000,8.000")  # an input of the controller triggered it
    bench.until(lambda: len(lines) == 3)
    assert ["0.500,-1.250,AB-12", "3.500,-1.250,AB-12", "9.000,8.000"] == lines
    assert [9.0, 8.0] == numbers_in(lines[2])


def test_a_trigger_returns_its_results(bench: Bench) -> None:
    controller(bench)
    camera = bench.remote(TriggeredCvX)
    for number in range(5):
        assert [number + 0.5, -1.25] == bench.result(camera.inspect(number))


def test_a_trigger_while_an_image_is_processed_is_refused(bench: Bench) -> None:
    controller(bench)
    camera = bench.remote(CvX)
    bench.result(camera.trigger_all())
    assert CvXError.DISABLED == bench.result(camera.trigger_1()).code
    bench.network.advance(0.2)
    assert bench.result(camera.trigger_1()) is None


def test_a_trigger_that_the_controller_refuses_does_not_keep_it_busy(bench: Bench) -> None:
    class Dark(SimulatedCvX):
        def measured(self, camera: int) -> Sequence[float | str]:
            if camera == 1:
                raise Fault(CvXError.PARAMETER)
            return super().measured(camera)

    bench.serve(Dark(clock=bench.network.clock))
    camera = bench.remote(CvX)
    assert CvXError.PARAMETER == bench.result(camera.trigger_1()).code
    assert bench.result(camera.trigger_2()) is None


def test_a_camera_that_does_not_exist_is_refused_before_anything_is_sent(bench: Bench) -> None:
    controller(bench)
    for refused in (bench.remote(CvX).trigger(5), bench.remote(TriggeredCvX).inspect(-1)):
        assert isinstance(bench.result(refused), ConfigurationError)


def test_a_late_result_never_answers_the_next_trigger(bench: Bench) -> None:
    """The results came 6 s after the trigger. Each is for one trigger, or the session ends."""
    mine = controller(bench, processing=6.0)
    camera = bench.remote(TriggeredCvX, wait=10.0)
    first = bench.result(camera.inspect(1), 20.0)
    assert isinstance(first, ReplyTimeout)
    bench.network.advance(2.0)
    mine._processing = 0.1
    assert [2.5, -1.25] == bench.result(camera.inspect(2), 20.0)


def test_a_pull_between_a_trigger_and_its_results_is_told(bench: Bench) -> None:
    mine = controller(bench, processing=1.0)
    camera = bench.remote(TriggeredCvX)
    asked = camera.inspect_all()
    bench.until(lambda: mine._busy)
    bench.camera.reset()
    outcome = bench.result(asked, 60.0)
    assert isinstance(outcome, OutcomeUnknown)
    assert not isinstance(outcome, NotReady)


def test_the_mode_is_a_heartbeat(bench: Bench) -> None:
    class Watched(CvX):
        heartbeat = "is_running"

    controller(bench)
    camera = bench.remote(Watched, policy=PROFILES["lan"])
    assert bench.result(camera.trigger()) is None
    bench.network.advance(30.0)
    bench.camera.hang()
    bench.until(lambda: link_of(camera).state is not LinkState.READY, 60.0)


def test_text_in_the_results_of_a_trigger_is_told_and_not_guessed(bench: Bench) -> None:
    mine = controller(bench)
    mine.values = ("AB-12",)
    outcome = bench.result(bench.remote(TriggeredCvX).inspect())
    assert "AB-12" in str(outcome)
    assert isinstance(outcome, OutcomeUnknown)
