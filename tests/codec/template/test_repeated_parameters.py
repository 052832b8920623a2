"""Replies that repeat parameters of their command: they are filled in, and compared."""

from __future__ import annotations

from typing import Any, Literal

import pytest
from attrs import evolve, frozen

from tcpcomm.codec import Acknowledged, CountedLines, Field, MessageSpec, OneOf, Silence, Template, Until
from tcpcomm.codec.base import MORE, Dialect, Refusal, ReplyReader, Request
from tcpcomm.errors import CodecError, ConfigurationError, Fault


@frozen
class State:
    status: str
    warning: str


def bound(
    wire: str, reply: Any, result: Any, *, codec: Template | None = None, **types: Any
) -> tuple[Dialect, MessageSpec]:
    """Return a dialect with one command, and the command."""
    parameters = tuple(Field(name, kind) for name, kind in types.items())
    spec = MessageSpec("do", "Device.do", wire, reply, parameters, result)
    return (codec or Template()).bind([spec]), spec


def asked(dialect: Dialect, **values: Any) -> ReplyReader:
    """Return the reader of the reply to a command with these values."""
    reader = dialect.reader_for("do", values)
    assert reader is not None
    return reader


def test_a_reply_repeats_its_parameters() -> None:
    reply = "@{device:02d} {axis:d} OK {status} {warning:<2}"
    dialect, _ = bound("/{device} {axis} home", reply, State, device=int, axis=int)
    assert dialect.reads_by_request
    request = Request("do", {"device": 1, "axis": 2})
    assert [b"@01 2 OK IDLE --"] == dialect.replier("do")(request, State("IDLE", "--"))
    assert State("IDLE", "--") == asked(dialect, device=1, axis=2).take("@01 2 OK IDLE --")


def test_a_reply_that_repeats_another_value_belongs_to_another_command() -> None:
    dialect, _ = bound("GET {n}", "{n}={x:.1f}", float, n=int)
    assert 2.5 == asked(dialect, n=3).take("3=2.5")
    with pytest.raises(CodecError, match="n: is 4, so this is not the reply to 3"):
        asked(dialect, n=3).take("4=2.5")
    with pytest.raises(Fault):
        asked(dialect, n=3).take("NG,E1,")


def test_what_is_repeated_is_rounded_as_it_is_written() -> None:
    dialect, _ = bound("MOVE {x}", "AT {x:.1f}", None, x=float)
    assert asked(dialect, x=1.26).take("AT 1.3") is None
    with pytest.raises(CodecError, match=r"x: is 1\.2"):
        asked(dialect, x=1.26).take("AT 1.2")


def test_what_an_optional_part_or_an_end_repeats_is_rounded_too() -> None:
    spec = MessageSpec("do", "Device.do", "MOVE {x}", "AT[ {x:.1f}]", (Field("x", float, 0.0),))
    dialect: Dialect = Template().bind([spec])
    assert asked(dialect, x=1.26).take("AT 1.3") is None
    with pytest.raises(CodecError, match=r"x: is 1\.2, so this is not the reply to 1\.26"):
        asked(dialect, x=1.26).take("AT 1.2")
    with pytest.raises(CodecError, match=r"x: is 0\.0, so this is not the reply to 1\.26"):
        asked(dialect, x=1.26).take("AT")

    dialect, _ = bound("LIST {x}", Until("END {x:.1f}", "- {line}"), list[str], x=float)
    assert [] == asked(dialect, x=1.26).take("END 1.3")


def test_a_repeated_value_that_is_left_out_is_none() -> None:
    spec = MessageSpec("do", "Device.do", "MOVE[ {x}]", "AT[ {x:.1f}]", (Field("x", float | None, None),))
    dialect = Template().bind([spec])
    assert asked(dialect, x=None).take("AT") is None
    with pytest.raises(CodecError, match=r"x: is None, so this is not the reply to 1\.26"):
        asked(dialect, x=1.26).take("AT")
    with pytest.raises(CodecError, match=r"x: is 1\.3, so this is not the reply to None"):
        asked(dialect, x=None).take("AT 1.3")


def test_a_field_that_the_result_needs_is_the_result() -> None:
    dialect, _ = bound("SET {x}", "OK {x}", float, x=float)
    assert not dialect.reads_by_request
    assert 7.0 == asked(dialect, x=3.0).take("OK 7")
    dialect, _ = bound("SET {status}", "OK {status} {warning:<2}", State, status=str)
    assert not dialect.reads_by_request


def test_every_form_may_repeat_parameters() -> None:
    dialect, _ = bound("GET {n}", OneOf("{n}={x:.1f}", "{n} EMPTY"), float | None, n=int)
    assert 2.5 == asked(dialect, n=3).take("3=2.5")
    assert asked(dialect, n=3).take("3 EMPTY") is None
    with pytest.raises(CodecError):
        asked(dialect, n=3).take("4 EMPTY")
    assert [b"3 EMPTY"] == dialect.reply(Request("do", {"n": 3}), None)

    dialect, _ = bound("LIST {n}", ("LIST {n}", Until("END {n}", "- {line}")), list[str], n=int)
    request = Request("do", {"n": 3})
    assert [b"LIST 3", b"- a", b"END 3"] == dialect.reply(request, ["a"])
    reader = asked(dialect, n=3)
    assert [MORE, MORE, ["a"]] == [reader.take(text) for text in ("LIST 3", "- a", "END 3")]

    dialect, _ = bound("LIST {n}", CountedLines("{n}:{#}", "{line}"), list[str], n=int)
    assert [b"3:1", b"a"] == dialect.reply(request, ["a"])


def test_an_acknowledgement_may_repeat_parameters() -> None:
    dialect, _ = bound("RUN {n}", Acknowledged("RUN {n} TAKEN", "DONE {x:d}"), int, n=int)
    assert b"RUN 3 TAKEN" == dialect.acknowledgement(Request("do", {"n": 3}))
    assert dialect.acknowledgement(Request("do", {})) is not None
    reader = asked(dialect, n=3)
    assert [MORE, 7] == [reader.take("RUN 3 TAKEN"), reader.take("DONE 7")]
    with pytest.raises(CodecError, match="n: is 4, so this does not acknowledge 3"):
        asked(dialect, n=3).take("RUN 4 TAKEN")


def test_what_an_acknowledgement_repeats_is_rounded_as_it_is_written() -> None:
    dialect, _ = bound("RUN {x}", Acknowledged("RUN {x:.1f}", "DONE"), None, x=float)
    assert b"RUN 1.3" == dialect.acknowledgement(Request("do", {"x": 1.26}))
    assert MORE == asked(dialect, x=1.26).take("RUN 1.3")
    with pytest.raises(CodecError, match=r"x: is 1\.2, so this does not acknowledge 1\.26"):
        asked(dialect, x=1.26).take("RUN 1.2")


def test_a_simulation_does_not_need_the_parameters() -> None:
    dialect, _ = bound("GET {n:03d}", "{n:03d}={x:.1f}", float, n=int)
    (frame,) = dialect.reply(Request("do", {}), 2.5)
    assert frame.endswith(b"=2.5")


@pytest.mark.parametrize(
    ("reply", "result", "message"),
    [
        ("{n}={m}", float, "for float there must be exactly one field, and the template has 2: n, m"),
        ("{n}={x}{y}", float, "there must be exactly one field"),
        ("OK {x}", None, "the reply has the field {x}, but the command returns None"),
        ("{n}{x:d}", int, "is ambiguous"),
    ],
)
def test_what_cannot_be_told_is_refused(reply: str, result: Any, message: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        bound("GET {n},{m}", reply, result, n=int, m=int)
    assert message in str(caught.value)


@frozen
class Place:
    parameter: int = 0


ADDRESS = Field("address", int)
SPEED = MessageSpec(
    "speed", "Pump.speed", "{address:03d}00309=?", "{address:03d}10309{hertz:06d}", (ADDRESS,), int
)
ADJUST = MessageSpec(
    "adjust",
    "Pump.adjust",
    "{address:03d}10741{point:03d}",
    "{address:03d}10741{point:03d}",
    (ADDRESS, Field("point", int)),
    faults={"{address:03d}10741!R{point:03d}": "_RANGE"},
)
PUMP = Template(fault={"{address:03d}10{parameter:03d}!N": "NO_DEF"}, data=Place)


def fault_in(dialect: Dialect, name: str, text: str, **values: Any) -> Any:
    """Return the fault that a host reads in the reply to a command with these values, or the problem."""
    reader = dialect.reader_for(name, values)
    assert reader is not None
    with pytest.raises((Fault, CodecError)) as caught:
        reader.take(text)
    return caught.value


def test_a_fault_repeats_the_parameters_of_its_command() -> None:
    """Pfeiffer Vacuum's units repeat the address. It had to be data of the fault before."""
    dialect = PUMP.bind([SPEED, ADJUST])
    request = Request("adjust", {"address": 7, "point": 3})
    assert b"00710741!R003" == dialect.fault(request, Fault("_RANGE"))
    assert b"00710309!N" == dialect.fault(request, Fault("NO_DEF", data=Place(309)))
    assert dialect.reads_by_request
    found = fault_in(dialect, "adjust", "00710741!R003", address=7, point=3)
    assert (Fault, "_RANGE") == (type(found), found.code)
    found = fault_in(dialect, "speed", "00710309!N", address=7)
    assert (Fault, Place(309)) == (type(found), found.data)


def test_a_fault_that_repeats_another_value_belongs_to_another_command() -> None:
    dialect = PUMP.bind([SPEED, ADJUST])
    for name, text, values in (
        ("speed", "00810309!N", {"address": 7}),
        ("adjust", "00810741!R003", {"address": 7, "point": 3}),
    ):
        found = fault_in(dialect, name, text, **values)
        assert (CodecError, "address: is 8, so this does not answer 7") == (type(found), str(found))


@pytest.mark.parametrize(
    ("frame", "answer"),
    [
        (b"00710741xyz", b"00710000!N"),  # the point is not a number
        (b"00799999=?", b"00710000!N"),  # no such command
        (b"xyz", b"00010000!N"),
        (b"\xff07", b"00010000!N"),
    ],
)
def test_a_fault_for_a_request_that_is_refused_repeats_what_could_be_read(
    frame: bytes, answer: bytes
) -> None:
    dialect = PUMP.bind([SPEED, ADJUST])
    (refusal,) = dialect.read_at_equipment(frame).requests
    assert isinstance(refusal, Refusal)
    assert answer == dialect.fault(refusal, dialect.fault_for(refusal.error_kind, ""))


def test_a_fault_may_repeat_a_parameter_in_an_optional_part() -> None:
    spec = MessageSpec("go", "Axis.go", "GO {x}", "OK", (Field("x", float, 0.0),))
    dialect = Template(fault="NG,{code}[,{x:.1f}]").bind([spec])
    assert b"NG,E1,1.3" == dialect.fault(Request("go", {"x": 1.26}), Fault("E1"))
    assert isinstance(fault_in(dialect, "go", "NG,E1,1.3", x=1.26), Fault)
    for text, found in (("NG,E1,1.2", "1.2"), ("NG,E1", "0.0")):
        problem = fault_in(dialect, "go", text, x=1.26)
        assert f"x: is {found}, so this does not answer 1.26" == str(problem)
    (refusal,) = dialect.read_at_equipment(b"STOP").requests
    assert b"NG,E1" == dialect.fault(refusal, Fault("E1"))


@pytest.mark.parametrize(
    ("frame", "answer"),
    [(b"GO a 3", b"NG,E1,3"), (b"GO a 3 4", b"NG,E1,3"), (b"GO a", b"NG,E1"), (b"GO", b"NG,E1")],
)
def test_a_fault_repeats_what_stands_in_an_optional_part_of_a_request(frame: bytes, answer: bytes) -> None:
    parameters = (Field("axis", Literal["a", "b"]), Field("job", int | None))
    spec = MessageSpec("go", "Axis.go", "GO {axis}[ {job}]", "OK", parameters)
    dialect = Template(fault="NG,{code}[,{job}]").bind([spec])
    (request,) = dialect.read_at_equipment(frame).requests
    assert answer == dialect.fault(request, Fault("E1"))


def test_a_fault_repeats_the_field_itself_though_its_count_stands_before_it() -> None:
    spec = MessageSpec("put", "Camera.put", "A{#t},{t}", "OK", (Field("t", str),))
    dialect = Template(fault="NG,{t},{code}").bind([spec])
    (refusal,) = dialect.read_at_equipment(b"A5,x").requests
    assert b"NG,x,E1" == dialect.fault(refusal, Fault("E1"))


def test_a_fault_repeats_what_stands_in_place_of_silence_too() -> None:
    spec = MessageSpec("set", "Axis.set", "S{axis:d}", Silence(0.3), (Field("axis", int),))
    dialect = Template(fault="E{axis:d},{code:d}").bind([spec])
    assert b"E2,5" == dialect.fault(Request("set", {"axis": 2}), Fault(5))
    assert isinstance(fault_in(dialect, "set", "E2,5", axis=2), Fault)
    assert isinstance(fault_in(dialect, "set", "E3,5", axis=2), CodecError)


def test_a_fault_with_an_id_may_repeat_parameters() -> None:
    spec = MessageSpec("set", "Axis.set", "S{axis:d} #{id:d}", "A{axis:d} #{id:d}", (Field("axis", int),))
    dialect = Template(fault="E{axis:d},{code:d} #{id:d}", id="id").bind([spec])
    assert b"E2,5 #9" == dialect.fault(Request("set", {"axis": 2}, 9), Fault(5))
    assert isinstance(fault_in(dialect, "set", "E2,5 #9", axis=2), Fault)
    assert isinstance(fault_in(dialect, "set", "E3,5 #9", axis=2), CodecError)
    (refusal,) = dialect.read_at_equipment(b"S2 #8 now").requests
    assert b"E2,5 #8" == dialect.fault(refusal, Fault(5))


def test_a_common_fault_repeats_only_what_all_commands_have() -> None:
    beep = MessageSpec("beep", "Pump.beep", "BEEP", "OK")
    with pytest.raises(ConfigurationError) as caught:
        PUMP.bind([SPEED, beep])
    assert (
        "the template of faults: a fault repeats {address}, which is not a parameter of Pump.beep: give "
        "the other commands this fault with @command(faults=...)"
    ) == str(caught.value)
    PUMP.bind([SPEED, evolve(beep, reply=None)])
    other = MessageSpec("stop", "Pump.stop", "STOP{address}", "OK", (Field("address", str),))
    with pytest.raises(ConfigurationError, match=r"Pump\.speed and Pump\.stop declare it in diff"):
        PUMP.bind([SPEED, other])
