"""Declarations of Template that hypothesis draws, with replies and faults of every form."""

from __future__ import annotations

from typing import Any, Final

from attrs import frozen
from hypothesis import assume
from hypothesis import strategies as st

from tcpcomm.codec import Acknowledged, Field, MessageSpec, OneOf, Silence, Template
from tcpcomm.errors import ConfigurationError, Fault
from tests.codec.cases import Case
from tests.codec.drawn import Drawn
from tests.codec.template.rebuilt import RebuiltTemplates
from tests.codec.template.test_reply_forms import Measured, declared_replies

__all__ = ["DRAWN"]


@frozen
class Place:
    """The data of a fault."""

    axis: int = 0
    note: str = "-"


JOB: Final = Field("job", int)
CODECS: Final[tuple[tuple[Template, tuple[Fault, ...]], ...]] = (
    (Template(fault="NG,{code},{reason}"), (Fault(3, "no part"), Fault("DOOR", ""))),
    (Template(fault="NG {command},{code:02d}"), (Fault(3), Fault(17))),
    (Template(fault="NG {code:04X}[ {reason:<12}]"), (Fault(255), Fault(1, "hot"))),
    (Template(fault={"S I": "I", "S +": 7, "ER,{code:d}": None}), (Fault("I"), Fault(7), Fault(8))),
    (Template(fault=("ES", "ET {reason}")), (Fault("ES"), Fault("ET", "x"), Fault(5, "why"))),
    (Template(fault="NG{code:d}[,{axis:d},{note}]", data=Place), (Fault(3), Fault(4, "", Place(2, "a")))),
    (Template(fault="ST{code:02d}", ok=(0, 4)), (Fault(3), Fault(12))),
    (Template("cp949", fault="알람 {code}[ {reason}]"), (Fault("HOT", "뜨거움"),)),
)
NUMBERED: Final[tuple[Any, ...]] = (
    ("OK{id:04d} {y:.2f}", float),
    (("ACK{id:04d}", "OK{id:04d} {y}"), int),
    (OneOf("A{id:04d} {y:.2f}", "B{id:04d} {s}", "C{id:04d}"), float | str | None),
    (Acknowledged("ACK{id:04d}", "OK{id:04d} {x:.1f}[ {warning}]"), Measured),
)
REPEATING: Final[tuple[Any, ...]] = (
    ("OK {job:08d} {y:.2f}", float),
    (("GO {job}", "OK {job} {y}"), int),
    (Acknowledged("GO {job:d}", "OK"), None),
    (OneOf("A {job} {y:.2f}", "B {job}"), float | None),
    (Silence(0.3), None),
)


@st.composite
def replies(draw: st.DrawFn) -> Case:
    """Draw one command with its reply, and all faults."""
    if draw(st.integers(0, 3)) == 0:
        reply, result = draw(st.sampled_from(NUMBERED))
        codec = Template(id="id", fault="NG{id:04d},{code:d}[,{reason}]")
        spec = MessageSpec("ask", "Device.ask", "ASK{id:04d} {job:d}", reply, (JOB,), result)
        return Case("drawn", codec, (spec,), (Fault(3), Fault(4, "no part")))
    if draw(st.integers(0, 2)) == 0:
        reply, result = draw(st.sampled_from(REPEATING))
    else:
        reply, result = draw(declared_replies())
    codec, faults = draw(st.sampled_from(CODECS))
    own = draw(st.sampled_from([None, None, {"X {reason}": 90}, {"X {code:d}": None}]))
    if own == {"X {code:d}": None}:
        faults = (*faults, Fault(900))
    spec = MessageSpec("ask", "Device.ask", "ASK {job}", reply, (JOB,), result, faults=own)
    return Case("drawn", codec, (spec,), faults)


@st.composite
def declarations(draw: st.DrawFn) -> Case:
    case = draw(replies())
    try:
        case.dialect.layout("ask")
    except ConfigurationError:
        assume(False)
    return case


DRAWN: Final = Drawn("template-replies", declarations(), replies(), RebuiltTemplates)
