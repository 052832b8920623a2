"""A fault that comes without words gets the meaning of its code, whatever the codec."""

from __future__ import annotations

from enum import IntEnum, StrEnum
from random import Random
from typing import Annotated, Any

import pytest

from tcpcomm import ConfigurationError, Equipment, Fault, command, declaration_of
from tcpcomm.codec import U8, U16, Binary, Codec, Counted, Json, Template
from tcpcomm.codec.base import Answer, Request
from tcpcomm.equipment.samples import Samples
from tcpcomm.framing import LengthPrefixed, Lines
from tcpcomm.tools.manual.facts import facts_of
from tcpcomm.tools.manual.pages import markdown


class ErrorCode(IntEnum):
    ILLEGAL_FUNCTION = 1
    ILLEGAL_DATA_ADDRESS = 2


class Word(StrEnum):
    NOT_READY = "E02"


def declared(of: Codec, wire: Any) -> type[Equipment]:
    """Declare equipment with one command and this codec."""
    options: dict[str, Any] = {"reply": "OK,{value}"} if isinstance(of, Template) else {}

    class Plc(Equipment):
        framing = LengthPrefixed(2) if isinstance(of, Binary) else Lines()
        codec = of

        @command(wire, **options)
        def read(self) -> U16:
            """Read a register."""
            raise NotImplementedError

    return Plc


def told(kind: type[Equipment], fault: Fault) -> Fault:
    """Send a fault, and return the one that the host is told."""
    dialect = declaration_of(kind).dialect
    (answer,) = dialect.read_at_host(dialect.fault(Request("read", {}, 1), fault))
    assert isinstance(answer, Answer)
    reader = dialect.reply_reader("read")
    assert reader is not None
    with pytest.raises(Fault) as caught:
        reader.take(answer.body)
    return caught.value


CODECS = {
    "binary": (Binary(meanings=ErrorCode), 3),
    "binary with a status": (Binary(status=U16, meanings=ErrorCode), 3),
    "binary with a status at the end": (Binary(status=U16, status_last=True, meanings=ErrorCode), 3),
    "template": (Template(fault="E{code:02d}", meanings=ErrorCode), "RD"),
    "json": (Json(reason=None, meanings=ErrorCode), "read"),
}


@pytest.mark.parametrize("kind", [declared(*each) for each in CODECS.values()], ids=[*CODECS])
def test_the_meaning_of_a_code_is_the_reason_of_a_fault_without_one(kind: type[Equipment]) -> None:
    assert "2: illegal data address" == str(told(kind, Fault(2)))
    assert "77" == str(told(kind, Fault(77)))


def test_words_that_the_equipment_sends_are_kept() -> None:
    kind = declared(Binary(reason=Annotated[str, Counted(U8)], meanings=ErrorCode), 3)
    assert "2: D9999 does not exist" == str(told(kind, Fault(2, "D9999 does not exist")))
    assert "2: illegal data address" == str(told(kind, Fault(2)))


def test_codes_may_be_words_and_meanings_a_mapping() -> None:
    kind = declared(Template(fault="NG,{code}", meanings=Word), "RD")
    assert "E02: not ready" == str(told(kind, Fault("E02")))
    kind = declared(Template(fault="NG,{code}", meanings={"E02": "the lamp is cold"}), "RD")
    assert "E02: the lamp is cold" == str(told(kind, Fault("E02")))


@pytest.mark.parametrize("codec", [Binary, Template, Json])
@pytest.mark.parametrize("wrong", [ErrorCode(1), {2: 3}, {2.0: "no"}], ids=["one", "text", "code"])
def test_meanings_that_are_no_words_for_codes_are_refused(codec: Any, wrong: Any) -> None:
    with pytest.raises(ConfigurationError, match="meanings"):
        codec(meanings=wrong)


def test_the_manual_lists_the_meanings_and_the_simulator_uses_their_codes() -> None:
    kind = declared(Binary(meanings=ErrorCode), 3)
    assert "| `2` | illegal data address |" in markdown(facts_of(declaration_of(kind)))
    drawn = {Samples(declaration_of(kind)).fault("read", Random(seed)).code for seed in range(30)}
    assert {1, 2} <= drawn
