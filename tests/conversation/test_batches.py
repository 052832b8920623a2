"""Batches of JSON-RPC are carried out in slices, within the limits of the session."""

from __future__ import annotations

import json
import tracemalloc
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from twisted.internet.defer import Deferred

from tcpcomm import Equipment, Limits, command
from tcpcomm.codec import JsonRpc
from tcpcomm.codec.base import Refusal
from tcpcomm.codec.limits import MAX_BATCH
from tcpcomm.equipment.equipment import declaration_of
from tcpcomm.errors import CodecError, ConfigurationError
from tcpcomm.framing import Delimited
from tcpcomm.server.serving import EquipmentFactory
from tests.session.stage import Stage

MIB = 1024 * 1024


class Camera(Equipment):
    """Locates parts: at once, or when a test says so."""

    framing = Delimited(b"\n")
    codec = JsonRpc()

    def __init__(self) -> None:
        self.seconds = 0.0
        self.clock: Any = None
        self.begun: list[int] = []
        self.waiting: list[Deferred[int]] = []

    @command()
    def locate(self, job: int) -> int:
        self.begun.append(job)
        self.clock.rightNow += self.seconds
        return job

    @command()
    def expose(self, job: int) -> Deferred[int]:
        self.begun.append(job)
        self.waiting.append(Deferred())
        return self.waiting[-1]

    @command()
    def image(self) -> str:
        return "x" * 100_000


def call(method: str, number: int) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "method": method, "params": {"job": number}, "id": number}


def batch(method: str, count: int) -> bytes:
    return json.dumps([call(method, number) for number in range(count)]).encode() + b"\n"


def camera_on_stage(**options: Any) -> tuple[Camera, Stage]:
    camera = Camera()
    stage = Stage(camera, factory=EquipmentFactory, **options).connect()
    camera.clock = stage.clock
    return camera, stage


def replies(stage: Stage) -> list[Any]:
    return [json.loads(line) for line in bytes(stage.transport.received).splitlines()]


def test_a_batch_is_carried_out_in_turns_and_answered_in_one_frame() -> None:
    camera, stage = camera_on_stage()
    camera.seconds = 0.0005
    last = json.dumps(call("locate", 7) | {"id": "last"}).encode() + b"\n"
    stage.transport.arrive(batch("locate", 500), last)
    stage.transport.turn()
    assert 0 < len(camera.begun) < 10
    longest, turns = 0.0, 0
    while True:
        began = stage.clock.seconds()
        if not stage.turn():
            break
        longest, turns = max(longest, stage.clock.seconds() - began), turns + 1
    assert [*range(500), 7] == camera.begun
    found, alone = replies(stage)
    assert ([*range(500)], "last") == ([each["result"] for each in found], alone["id"])
    assert longest < 0.01
    assert turns > 20


def test_the_members_of_a_batch_count_as_handlers() -> None:
    camera, stage = camera_on_stage(limits=Limits(awaited=3))
    stage.receive(batch("expose", 10))
    assert 3 == len(camera.waiting) == stage.session.unfinished_handlers
    for number in range(10):
        assert min(10, number + 3) == len(camera.waiting)
        camera.waiting[number].callback(number)
        stage.settle()
    (found,) = replies(stage)
    assert [*range(10)] == [each["result"] for each in found]


def test_the_end_of_the_input_waits_for_the_rest_of_a_batch() -> None:
    camera, stage = camera_on_stage(limits=Limits(awaited=3))
    stage.transport.arrive(batch("expose", 5))
    stage.transport.end_input()
    stage.settle()
    for number in range(5):
        camera.waiting[number].callback(number)
        stage.settle()
    assert [5] == [len(each) for each in replies(stage)]
    assert stage.transport.lost


def test_a_close_drops_the_rest_of_a_batch() -> None:
    camera, stage = camera_on_stage(limits=Limits(awaited=3))
    stage.receive(batch("expose", 10))
    stage.session.close()
    camera.waiting[0].callback(0)
    stage.settle()
    assert (3, []) == (len(camera.waiting), replies(stage))
    assert set() == stage.factory.sessions


def test_a_batch_that_is_too_long_is_refused_by_one_error() -> None:
    camera, stage = camera_on_stage()
    stage.receive(batch("locate", MAX_BATCH), batch("locate", MAX_BATCH + 1))
    answered, refused = replies(stage)
    assert (MAX_BATCH, MAX_BATCH) == (len(answered), len(camera.begun))
    problem = "a batch may have 1000 messages (max_batch): send fewer at once"
    assert {"code": -32600, "message": problem} == refused["error"]


def test_the_length_of_a_batch_can_be_set() -> None:
    with pytest.raises(ConfigurationError, match="max_batch must be a whole number of at least 1, not 0"):
        JsonRpc(max_batch=0)

    class Strict(Camera):
        codec = JsonRpc(max_batch=2)

    dialect = declaration_of(Strict).dialect
    assert isinstance(dialect.read_at_equipment(batch("locate", 3)), Refusal)
    answers = [{"jsonrpc": "2.0", "id": number, "result": 1} for number in range(3)]
    with pytest.raises(CodecError, match="a batch may have 2 messages"):
        dialect.read_at_host(json.dumps(answers).encode())


class Small(Camera):
    """A camera whose frames are short."""

    reply_framing = Delimited(b"\n", max_frame=2000)

    @command()
    def text(self, size: int) -> str:
        return "x" * size


def texts(sizes: list[int]) -> bytes:
    """Return a batch that asks for texts of these sizes, with the place of each as its id."""
    calls = [
        {"jsonrpc": "2.0", "method": "text", "params": [size], "id": number}
        for number, size in enumerate(sizes)
    ]
    return json.dumps(calls).encode() + b"\n"


def answered(stage: Stage) -> dict[int, int]:
    """Return the size of the text, or the code of the error, by the id of each answer."""
    found: dict[int, int] = {}
    for line in bytes(stage.transport.received).splitlines():
        assert len(line) <= 2000
        frame = json.loads(line)
        for each in frame if isinstance(frame, list) else [frame]:
            assert each["id"] not in found
            found[each["id"]] = len(each["result"]) if "result" in each else each["error"]["code"]
    return found


def test_replies_of_a_batch_that_do_not_fit_one_frame_leave_in_several() -> None:
    """Every id is answered, because a program that asks in batches waits for each of them."""
    stage = Stage(Small(), factory=EquipmentFactory).connect()
    stage.receive(texts([100] * 40))
    assert dict.fromkeys(range(40), 100) == answered(stage)
    assert 1 < len(replies(stage)) < 10


def test_a_reply_of_a_batch_that_fits_no_frame_is_an_error_for_its_id() -> None:
    stage = Stage(Small(), factory=EquipmentFactory).connect()
    stage.receive(texts([10, 5000, 20, 1960, 1965, 30]))
    assert {0: 10, 1: -32603, 2: 20, 3: 1960, 4: -32603, 5: 30} == answered(stage)


@given(sizes=st.lists(st.integers(0, 2500), max_size=12))
def test_every_id_of_a_batch_is_answered_once(sizes: list[int]) -> None:
    stage = Stage(Small(), factory=EquipmentFactory).connect()
    stage.receive(texts([0, *sizes]))
    alone = len(b'{"jsonrpc":"2.0","result":"","id":0}')
    expected = {}
    for number, size in enumerate([0, *sizes]):
        fits = alone + size + (number > 9) <= 2000
        expected[number] = size if fits else -32603
    assert expected == answered(stage)


@pytest.mark.parametrize("id", ['"\\ud800"', '"a\\udfff"'])
def test_an_id_that_cannot_be_sent_back_is_refused_before_its_command_is_carried_out(id: str) -> None:
    camera, stage = camera_on_stage()
    bad = json.dumps(call("locate", 1)).replace('"id": 1', f'"id": {id}')
    stage.receive(f"[{bad},{json.dumps(call('locate', 2))}]\n".encode(), f"{bad}\n".encode())
    assert [2] == camera.begun
    (refused, good), alone = replies(stage)
    assert (None, -32600) == (refused["id"], refused["error"]["code"])
    assert (2, 2) == (good["id"], good["result"])
    assert (None, -32600) == (alone["id"], alone["error"]["code"])
    assert stage.session.is_open


@pytest.mark.parametrize(
    "answer",
    [
        b'{"jsonrpc":"2.0","result":3,"id":1}',
        b'{"jsonrpc":"2.0","error":{"code":-32600,"message":"no"},"id":null}',
        b'{"result":3,"error":null,"id":1}',
        b'[{"jsonrpc":"2.0","result":3,"id":1},{"jsonrpc":"2.0","result":4,"id":2}]',
    ],
    ids=["result", "error", "without a version", "batch"],
)
def test_an_answer_is_never_answered(answer: bytes) -> None:
    """Two servers that are connected with each other must not send errors for ever."""
    _, stage = camera_on_stage()
    stage.receive(answer + b"\n")
    assert [] == replies(stage)
    assert stage.session.is_open


@pytest.mark.parametrize(
    "frame",
    [
        b"[" + b"1," * 400_000 + b"1]",
        b"[" + b"{}," * 300_000 + b"{}]",
        b"[" * 1_000_000,
        b"[" + b'{"a":' * 100_000,
        b"[" + b'{"a":1},' * 10 + b'"' + b"," * 900_000,
        b"[" + b"9" * 1_000_000 + b"]",
        b'["' + b"\\u" * 400_000 + b'"]',
        b"[" + b" " * 1_000_000 + b"]",
    ],
    ids=["numbers", "objects", "nested lists", "nested objects", "commas", "digits", "escapes", "blanks"],
)
def test_a_refused_batch_takes_little_memory(frame: bytes) -> None:
    dialect = declaration_of(Camera).dialect
    tracemalloc.start()
    try:
        assert isinstance(dialect.read_at_equipment(frame), Refusal)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 3 * MIB


def test_an_accepted_batch_takes_little_memory() -> None:
    long = {
        "jsonrpc": "2.0",
        "method": "locate",
        "params": {"job": 1, "more": [[]] * 20, "text": "x" * 600},
        "id": 1,
    }
    frame = json.dumps([long] * 1000).encode()
    dialect = declaration_of(Camera).dialect
    tracemalloc.start()
    try:
        asked = dialect.read_at_equipment(frame)
        assert 1000 == sum(isinstance(each, Refusal) for each in asked.requests)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 4 * len(frame)
