"""Json with the key names of several programs, and JsonRpc, each with every engine."""

from __future__ import annotations

from functools import cached_property
from typing import Annotated, Any, Final

from attrs import evolve, field, frozen

from tcpcomm.codec import Dialect, Field, Json, JsonRpc, MessageSpec
from tcpcomm.codec.json.engines import using
from tcpcomm.errors import Fault
from tests.codec.cases import Case
from tests.codec.values import Axis, Door, Light, Measurement, Position, Reading, Recipe, Tree
from tests.conftest import needs_module

__all__ = ["CASES", "ENGINES", "needs_engine"]

ENGINES: Final = ("standard", "msgspec")


def needs_engine(name: str) -> None:
    """Skip unless this engine is installed."""
    if name != "standard":
        needs_module(name, "pip install '.[fast]'")


@frozen
class WithEngine(Case):
    """A case with one engine."""

    engine: str = field(kw_only=True)

    @cached_property
    def dialect(self) -> Dialect:
        needs_engine(self.engine)
        with using(self.engine):
            return self.codec.bind(self.specs)


@frozen
class Weight:
    grams: float
    state: str
    number: int = 0


OBJECTS: Final = (
    MessageSpec("locate", "Camera.locate", parameters=(Field("job", int),), result=Position),
    MessageSpec(
        "measure",
        "Camera.measure",
        "MEAS",
        parameters=(Field("axis", Axis), Field("speed", float, 1.5), Field("light", Light | None, None)),
        result=Measurement,
    ),
    MessageSpec(
        "prepare",
        "Camera.prepare",
        16,
        parameters=(Field("recipe", Recipe), Field("door", Door)),
        result=Recipe,
    ),
    MessageSpec(
        "read_sensor",
        "Camera.read_sensor",
        parameters=(Field("sensor_name", Annotated[str, "mm"]),),
        result=Reading,
    ),
    MessageSpec("reset", "Camera.reset"),
    MessageSpec("blink", "Camera.blink", reply=None, parameters=(Field("times", int),)),
    MessageSpec(
        "alarm", "Camera.alarm", parameters=(Field("number", int), Field("text", str)), is_event=True
    ),
    MessageSpec(
        "moved",
        "Camera.moved",
        17,
        parameters=(Field("to", Position), Field("path", list[Position])),
        is_event=True,
    ),
    MessageSpec("idle", "Camera.idle", is_event=True),
)

ANY_RESULT: Final = (
    *OBJECTS,
    MessageSpec("count", "Camera.count", result=int),
    MessageSpec(
        "note",
        "Camera.note",
        parameters=(Field("anything", Any), Field("raw", bytes)),
        result=dict[str, float],
    ),
    MessageSpec("tree", "Camera.tree", parameters=(Field("tree", Tree),), result=Tree),
    MessageSpec("maybe", "Camera.maybe", result=Position | None),
    MessageSpec("names", "Camera.names", result=tuple[str, ...]),
)

KINDS: Final = (
    MessageSpec("connect", "Robot.connect", {"Communication": "FRC_Connect"}, result=Reading),
    MessageSpec("start", "Robot.start", "FRC_Initialize", parameters=(Field("mask", int),)),
    MessageSpec("restart", "Robot.restart", {"Instruction": "FRC_Initialize"}),
    MessageSpec("ended", "Robot.ended", {"Communication": "FRC_Terminate"}, is_event=True),
)

STATUSES: Final = (
    MessageSpec("weigh", "Scale.weigh", result=Weight),
    MessageSpec("zero", "Scale.zero"),
)

KEYED: Final = (*OBJECTS, MessageSpec("count", "Camera.count", reply="count", result=int))

METHODS: Final = tuple(
    evolve(form, wire=f"camera/{form.wire}") if isinstance(form.wire, int) else form for form in ANY_RESULT
)

FAULTS: Final = (
    Fault(3, "no part"),
    Fault(-1, "문이 열려 있다", {"door": ["left", 1.5, None]}),
    Fault(0),
)
WORDS: Final = (*FAULTS, Fault("E17", "no light"))

HOSTILE: Final = (
    b"null",
    b"true",
    b"3",
    b'"cmd"',
    b"[]",
    b"[1,2]",
    b'{"cmd":"locate","job":3',
    b'{"cmd":"locate","job":"3"}',
    b'{"cmd":"locate","job":3.0}',
    b'{"cmd":"locate","job":true}',
    b'{"cmd":"locate","job":3,"job":3}',
    b'{"cmd":"locate","job":3,"speed":1}',
    b'{"cmd":"measure","axis":1,"speed":NaN}',
    b'{"cmd":"MEAS","axis":1,"speed":1e999}',
    b'{"cmd":"MEAS","axis":1.0}',
    b'{"cmd":"MEAS","axis":true}',
    b'{"cmd":{"a":1}}',
    b'{"cmd":"locate","\\ud800":1,"job":1}',
    b'{"cmd":"locate","\\ud800":1,"\\ud800":1}',
    b'{"cmd":"locate","job":1,"' + b"x" * 100_000 + b'":1}',
    b'{"cmd":"\\ud800"}',
    b"{" + b",".join(b'"%d":1' % number for number in range(20_000)) + b',"1":1}',
    b'{"cmd":[]}',
    b'{"cmd":true}',
    b'{"cmd":null}',
    b'{"cmd":"read_sensor","sensor_name":"\\ud800"}',
    b'{"cmd":"locate","job":' + b"9" * 5000 + b"}",
    b'{"cmd":"locate","job":' + b"[" * 90_000,
    b'{"cmd":"note","raw":"","anything":' + b"[" * 700 + b"]" * 700 + b"}",
    b'{"cmd":"tree","tree":' + b'{"value":1,"children":[' * 20_000,
    b'\xef\xbb\xbf\xef\xbb\xbf{"cmd":"reset"}',
    b'{"cmd":"reset"}{"cmd":"reset"}',
    b'{"cmd":"\xb1\xb2"}',
)

RPC_HOSTILE: Final = (
    *HOSTILE,
    b'{"jsonrpc":"2.0","method":"locate","params":"x","id":1}',
    b'{"jsonrpc":"2.0","method":"locate","params":{"job":1},"id":{}}',
    b'{"jsonrpc":"2.0","method":"locate","params":{"job":1},"id":1e999}',
    b'{"jsonrpc":"2.0","method":"locate","params":{"job":1},"id":"\\ud800"}',
    b'{"jsonrpc":"2.0","method":"locate","params":[1,2],"id":1}',
    b'{"jsonrpc":"2.0","method":"locate","params":null,"id":1}',
    b'{"jsonrpc":2.0,"method":"locate","params":[1],"id":1}',
    b'{"jsonrpc":"2.0","result":1,"error":{"code":1,"message":""},"id":1}',
    b'{"jsonrpc":"2.0","error":3,"id":1}',
    b'{"jsonrpc":"2.0","error":{"code":"x","message":3},"id":1}',
    b'[[],[[]],{"jsonrpc":"2.0"}]',
)

_CASES: Final = [
    Case("json", Json(), ANY_RESULT, WORDS, HOSTILE),
    Case("json-ids", Json(id="id", parameters="params"), ANY_RESULT, WORDS, HOSTILE),
    Case(
        "json-flat",
        Json(result=None, fault=None, success={"result": "OK"}, failure={"result": "NG"}),
        KEYED,
        WORDS,
        HOSTILE,
    ),
    Case(
        "json-csharp",
        Json(
            "Type",
            parameters="Data",
            result="Data",
            fault="Error",
            event="Type",
            echo=True,
            ignore=("Timestamp",),
            naming="pascal",
            encoding="cp949",
        ),
        ANY_RESULT,
        WORDS,
    ),
    Case(
        "json-fanuc",
        Json(
            "Command",
            result=None,
            fault=None,
            code="ErrorID",
            reason=None,
            data=None,
            success={"ErrorID": 0},
            echo=True,
        ),
        KEYED,
        (Fault(2556941), Fault(7)),
    ),
    Case(
        "json-kinds",
        Json(
            "Command",
            event="Command",
            result=None,
            fault=None,
            code="ErrorID",
            reason=None,
            data=None,
            success={"ErrorID": 0},
            echo=True,
        ),
        KINDS,
        (Fault(2556941), Fault(7)),
    ),
    Case(
        "json-statuses",
        Json(
            result=None,
            fault=None,
            success={"state": ("OK", "WARN"), "number": range(10)},
            failure={"state": ("NG", "ERR")},
        ),
        STATUSES,
        WORDS,
    ),
    Case(
        "json-optional",
        Json(
            "cmdName",
            result=None,
            fault=None,
            code="errorCode",
            reason="errorMsg",
            data=None,
            success={"errorCode": ("0", 0), "errorMsg": ""},
            optional=("errorMsg", "cmdName"),
            echo=True,
        ),
        KINDS,
        (Fault("3", "permission deny"), Fault(7, "door open")),
    ),
    Case(
        "json-without-words",
        Json(event=None),
        (
            MessageSpec("brake", "Robot.brake", reply=None),
            MessageSpec("alarm", "Robot.alarm", {"type": "alarm"}, is_event=True),
            MessageSpec("state", "Robot.state", parameters=(Field("x", float),), is_event=True),
        ),
    ),
    Case(
        "json-success-and-message",
        Json(
            success={"success": True},
            failure={"success": False},
            fault=None,
            code="message",
            reason=None,
            data=None,
            result="data",
            ascii=True,
            encoding="ascii",
        ),
        ANY_RESULT,
        (Fault("no part"),),
    ),
    Case("json-error-is-the-code", Json(reason=None), ANY_RESULT, (Fault("no part"), Fault(3))),
    Case("json-rpc", JsonRpc(), METHODS, FAULTS, RPC_HOSTILE),
    Case(
        "json-rpc-by-position",
        JsonRpc(by_position=True, naming="camel", ascii=True),
        METHODS,
        FAULTS,
        RPC_HOSTILE,
    ),
]

CASES: Final = [
    WithEngine(f"{case.name}-{engine}", case.codec, case.specs, case.faults, case.hostile, engine=engine)
    for case in _CASES
    for engine in ENGINES
]
