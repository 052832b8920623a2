"""Equipment that says no in several ways: faults of all commands, and of one command."""

from __future__ import annotations

from random import Random
from typing import Annotated, Any, Literal

import pytest
from attrs import frozen

from tcpcomm.codec import Field, MessageSpec, OneOf, Range, Template
from tcpcomm.codec.base import Dialect, ProtocolErrorKind, Refusal, Request
from tcpcomm.errors import CodecError, ConfigurationError, Fault
from tests.codec.template.templates import Point, results_of


@frozen
class Coded:
    code: int = 0


WEIGH = MessageSpec(
    "weigh",
    "Scale.weigh",
    "S",
    OneOf("S S {grams:10.2f} g", "S D {grams:10.2f} g"),
    (),
    float,
    faults={"S I": "I", "S +": "+", "S -": "-"},
)
ZERO = MessageSpec("zero", "Scale.zero", "Z", "Z A", faults={"Z I": "I", "Z +": "+"})
SCALE = Template(fault=("ES", "ET", "EL"), codes={ProtocolErrorKind.INTERNAL: "EL"})


@pytest.fixture
def scale() -> Dialect:
    """METTLER TOLEDO's MT-SICS, level 0."""
    return SCALE.bind([WEIGH, ZERO])


def fault_in(dialect: Dialect, frame: bytes, name: str = "weigh") -> Fault:
    with pytest.raises(Fault) as caught:
        results_of(dialect, frame, name=name)
    return caught.value


@pytest.mark.parametrize(
    ("frame", "code"),
    [(b"S I", "I"), (b"S +", "+"), (b"S -", "-"), (b"ES", "ES"), (b"ET", "ET"), (b"EL", "EL")],
)
def test_each_fault_has_its_code(scale: Dialect, frame: bytes, code: str) -> None:
    assert code == fault_in(scale, frame).code
    assert frame == scale.fault(Request("weigh", {}), Fault(code))


def test_the_good_forms_stand_beside_the_faults(scale: Dialect) -> None:
    assert [100.0] == results_of(scale, b"S S     100.00 g", name="weigh")
    assert [-1.5] == results_of(scale, b"S D      -1.50 g", name="weigh")
    assert [b"S S     100.00 g"] == scale.reply(Request("weigh", {}), 100.0)


def test_a_fault_of_one_command_is_none_of_another(scale: Dialect) -> None:
    assert "I" == fault_in(scale, b"Z I", "zero").code
    with pytest.raises(CodecError):
        results_of(scale, b"S I", name="zero")
    assert b"Z I" == scale.fault(Request("zero", {}), Fault("I"))


def test_a_code_that_no_fault_carries_is_refused(scale: Dialect) -> None:
    with pytest.raises(CodecError) as caught:
        scale.fault(Request("zero", {}), Fault(5))
    problem = "none of the faults 'Z I', 'Z +', 'ES', 'ET', 'EL' can carry 5"
    assert f"code: {problem}: the fault 'Z I' cannot carry a code, such as 5" == str(caught.value)


def test_protocol_errors_have_codes_that_the_faults_can_carry(scale: Dialect) -> None:
    codes = [scale.fault_for(kind, "").code for kind in ProtocolErrorKind]
    assert ["ES", "ES", "ES", "ES", "ES", "EL"] == codes
    (refusal,) = scale.read_at_equipment(b"XY").requests
    assert isinstance(refusal, Refusal)
    assert b"ES" == scale.fault(refusal, scale.fault_for(refusal.error_kind, ""))


def test_the_template_that_names_a_code_is_written_before_one_with_a_field() -> None:
    dialect = Template(fault={"BUSY": 7, "ERR {code:d}[ {reason}]": None}).bind(
        [MessageSpec("go", "R.go", "GO", "OK")]
    )
    request = Request("go", {})
    assert b"BUSY" == dialect.fault(request, Fault(7, "moving"))
    assert b"ERR 8 hot" == dialect.fault(request, Fault(8, "hot"))
    assert (7, 8) == (fault_in(dialect, b"BUSY", "go").code, fault_in(dialect, b"ERR 8 hot", "go").code)
    assert "BUSY (code 7) or ERR {code:d}[ {reason}]" == dialect.fault_notation()
    assert 99 == dialect.fault_for(ProtocolErrorKind.INTERNAL, "").code


def test_one_command_can_fail_where_others_cannot() -> None:
    specs = [
        MessageSpec("go", "R.go", "GO", "OK", faults="NO {code:d}"),
        MessageSpec("ask", "R.ask", "ASK", "A"),
    ]
    dialect = Template(fault=None).bind(specs)
    assert (True, False) == (dialect.can_fail("go"), dialect.can_fail("ask"))
    assert 3 == fault_in(dialect, b"NO 3", "go").code
    assert b"NO 3" == dialect.fault(Request("go", {}), Fault(3))
    with pytest.raises(CodecError, match="the equipment has no faults"):
        dialect.fault(Request("ask", {}), Fault(3))


def test_the_codes_of_protocol_errors_hold_for_the_faults_of_one_command() -> None:
    specs = [
        MessageSpec("go", "R.go", "GO", "OK", faults="NO {code:d}"),
        MessageSpec("say", "R.say", "SAY", "OK", faults={"NO {reason}": "no", "BUSY": None}),
        MessageSpec("weigh", "R.weigh", "SI", "S S", faults={"S I": "I", "S +": "overload"}),
        MessageSpec("ask", "R.ask", "ASK", "A"),
    ]
    wrong, state = ProtocolErrorKind.BAD_PARAMETERS, ProtocolErrorKind.WRONG_STATE
    dialect = Template(fault=None, codes={wrong: 7}).bind(specs)
    told = {each.name: [dialect.tells(each.name, kind) for kind in (wrong, state)] for each in specs}
    assert {"go": [True] * 2, "say": [True] * 2, "weigh": [False] * 2, "ask": [False] * 2} == told
    assert (7, 94) == tuple(dialect.fault_for_request("go", kind, "").code for kind in (wrong, state))
    assert (7, "no") == tuple(dialect.fault_for_request("say", kind, "").code for kind in (wrong, state))
    assert b"NO 7: bad" == dialect.fault(Request("say", {}), dialect.fault_for_request("say", wrong, "bad"))
    dialect = Template(fault=None, codes={wrong: "I"}).bind(specs[2:])
    assert (True, False) == (dialect.tells("weigh", wrong), dialect.tells("weigh", state))
    assert b"S I" == dialect.fault(Request("weigh", {}), dialect.fault_for_request("weigh", wrong, "bad"))


@pytest.mark.parametrize("faults", [None, {"S I": "I"}])
def test_codes_that_no_fault_tells_are_refused(faults: Any) -> None:
    spec = MessageSpec("weigh", "R.weigh", "SI", "S S", faults=faults)
    with pytest.raises(ConfigurationError) as caught:
        Template(fault=None, codes={ProtocolErrorKind.WRONG_STATE: "STATE"}).bind([spec])
    assert (
        "codes gives WRONG_STATE the code 'STATE', but with fault=None no fault can tell it: give a "
        "command a fault with a {code} by @command(faults=...), or leave out codes"
    ) == str(caught.value)


def test_a_code_that_the_faults_of_one_command_cannot_carry_is_refused() -> None:
    spec = MessageSpec("go", "R.go", "GO", "OK", faults="NO {code:1d}")
    with pytest.raises(ConfigurationError, match=r"R\.go: the fault 'NO {code:1d}' cannot carry 90, the"):
        Template(fault=None).bind([spec])


def test_a_fault_of_one_command_may_name_it() -> None:
    spec = MessageSpec("go", "R.go", "MOVE,{x:d}", "OK", (Field("x", int),), faults="!{command}:{code:d}")
    dialect = Template().bind([spec])
    assert b"!MOVE:3" == dialect.fault(Request("go", {}), Fault(3))
    assert 3 == fault_in(dialect, b"!MOVE:3", "go").code
    assert "E1" == fault_in(dialect, b"NG,E1,", "go").code


def test_the_notation_has_the_faults_of_a_command(scale: Dialect) -> None:
    assert ("S I (code I)", "S + (code +)", "S - (code -)") == scale.notation("weigh").faults
    assert "ES or ET or EL" == scale.fault_notation()


def test_the_equipment_knows_the_faults_of_its_kind(scale: Dialect) -> None:
    """Two scales on one connection must not answer each other's faults with faults."""
    for frame in (b"S I", b"Z +", b"ES"):
        (found,) = scale.read_at_equipment(frame).requests
        assert isinstance(found, Refusal)
        assert (True, False) == (found.foreign, found.wants_reply)


@frozen
class Rejected:
    device: int = 0
    axis: int = 0
    status: Literal["IDLE", "BUSY"] = "IDLE"
    warning: str = "--"


HOME = MessageSpec(
    "home",
    "Stage.home",
    "/{device} {axis} home",
    "@{device:02d} {axis:d} OK {status} {warning:<2} 0",
    (Field("device", int), Field("axis", int)),
    Rejected,
)


def test_a_fault_may_carry_more_than_a_code_as_its_data() -> None:
    """Zaber's stages tell their address and state, also when they reject a command."""
    codec = Template(fault="@{device:02d} {axis:d} RJ {status} {warning:<2} {code}", data=Rejected)
    dialect = codec.bind([HOME])
    found = fault_in(dialect, b"@01 2 RJ BUSY WR BADDATA", "home")
    assert ("BADDATA", Rejected(1, 2, "BUSY", "WR")) == (found.code, found.data)
    request = Request("home", {"device": 1, "axis": 2})
    sent = Fault("BADDATA", data=Rejected(1, 2, "BUSY", "WR"))
    assert b"@01 2 RJ BUSY WR BADDATA" == dialect.fault(request, sent)
    assert b"@00 0 RJ IDLE -- INTERNAL" == dialect.fault(
        request, dialect.fault_for(ProtocolErrorKind.INTERNAL, "")
    )
    with pytest.raises(CodecError, match="must be a Rejected, not 5"):
        dialect.fault(request, Fault("BADDATA", data=5))
    assert [Rejected(1, 2)] == results_of(dialect, b"@01 2 OK IDLE -- 0", name="home")


def test_a_fault_without_fields_of_the_data_has_none() -> None:
    dialect = Template(fault=("E{code:d}@{axis:d}", "BUSY"), data=Rejected).bind([HOME])
    assert Rejected(axis=7) == fault_in(dialect, b"E3@7", "home").data
    assert fault_in(dialect, b"BUSY", "home").data is None


@pytest.mark.parametrize(
    ("data", "options", "message"),
    [
        (int, {}, "data must be an attrs class or a dataclass, not"),
        (Point, {}, "Point.x needs a default, because the faults of tcpcomm itself have no data"),
        (Coded, {}, "Coded.code: a fault has a code of its own; rename it"),
        (
            Rejected,
            {"id": "axis", "fault": "E{code:d}@{axis:d}"},
            "the data have the field {axis}, which is the id",
        ),
    ],
)
def test_data_of_faults_that_cannot_work_are_refused(
    data: type[Any], options: dict[str, Any], message: str
) -> None:
    with pytest.raises(ConfigurationError) as caught:
        Template(data=data, **options)
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("codec", "faults", "message"),
    [
        (Template(), {"OK": 1}, "the fault 'OK' can both be the frame 'OK'"),
        (Template(), {"E": 1, "{code:d}": None}, ""),
        (
            Template(fault="E{code:d}"),
            {"E5": "hot"},
            "the fault 'E5' and the fault 'E{code:d}' can both be the frame 'E5'",
        ),
        (
            Template(),
            {"A{code:d}": 5},
            "the fault 'A{code:d}' has a {code}, so it cannot have the code 5: give it None",
        ),
        (Template(), {"A": True}, "the code of the fault 'A' must be a number or a word, not True"),
        (Template(), ("S I", "S +"), "the faults 'S I' and 'S +' both have the code 'S': give each a code"),
        (Template(), 5, "faults must be a template, several, or templates with their codes, not 5"),
        (
            Template(),
            ("EV{code:d}",),
            "the event R.alarm, 'EV{n:d}', and the fault 'EV{code:d}' can both be",
        ),
        (Template(), (3,), "a fault must be a template, not 3"),
        (Template(), "문", "cannot be written in ascii"),
    ],
)
def test_faults_that_cannot_be_told_apart_are_refused(codec: Template, faults: Any, message: str) -> None:
    specs = [
        MessageSpec("go", "R.go", "GO", "OK", faults=faults),
        MessageSpec("alarm", "R.alarm", "EV{n:d}", parameters=(Field("n", int),), is_event=True),
    ]
    if not message:
        codec.bind(specs)
        return
    with pytest.raises(ConfigurationError) as caught:
        codec.bind(specs)
    assert message in str(caught.value)
    assert str(caught.value).startswith("R.")


def test_faults_of_the_codec_that_can_be_the_same_text_are_refused() -> None:
    codec = Template(fault=("E{code:d}", "E1{code:d}"))
    with pytest.raises(ConfigurationError, match=r"the fault 'E1\{code:d\}' and the fault 'E\{code:d\}'"):
        codec.bind([MessageSpec("go", "R.go", "GO", "OK")])


def test_codes_with_forms_of_their_own_are_known(scale: Dialect) -> None:
    assert ["I", "+", "-", "ES", "ET", "EL"] == [*scale.fault_codes("weigh")]
    assert isinstance(scale.draw_result("weigh", Random(1)), float)


@frozen
class OnAxis:
    axis: Annotated[int, Range(1, 3)] = 1


@pytest.mark.parametrize("frame", [b"NG,5,9", b"NG," + b"9" * 5000 + b",1"])
def test_a_fault_with_wrong_values_is_foreign_at_the_equipment(frame: bytes) -> None:
    """The equipment raised CodecError for it, and the session ended with a traceback."""
    dialect = Template(fault="NG,{code:d},{axis}", data=OnAxis).bind(
        [MessageSpec("stop", "Axis.stop", "STOP", "OK")]
    )
    refused = dialect.read_at_equipment(frame)
    assert isinstance(refused, Refusal)
    assert (True, False) == (refused.foreign, refused.wants_reply)
    reader = dialect.reply_reader("stop")
    assert reader is not None
    with pytest.raises(CodecError):
        reader.take(frame.decode())
