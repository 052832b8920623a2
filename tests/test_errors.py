"""Methods of the error classes."""

from __future__ import annotations

from enum import Enum, IntEnum, StrEnum

import pytest

from tcpcomm.codec import Codec, Json, JsonRpc, MessageSpec, Template, Text
from tcpcomm.codec.base import Request
from tcpcomm.errors import Fault


class Number(IntEnum):
    NO_PART = 3


class Word(StrEnum):
    NO_PART = "E3"


@pytest.mark.parametrize(("member", "value"), [(Number.NO_PART, 3), (Word.NO_PART, "E3")])
def test_the_code_of_a_fault_may_be_a_member_of_an_enumeration(member: Enum, value: int | str) -> None:
    fault = Fault(member, "no part")  # type: ignore[arg-type]  # it is an int, or a str, besides

    assert (type(value), value) == (type(fault.code), fault.code)
    assert f"{value}: no part" == str(fault)


@pytest.mark.parametrize("codec", [Template(fault="NG,{code:d},{reason}"), Text(), Json(), JsonRpc()])
def test_every_codec_writes_an_enumeration_member_as_its_value(codec: Codec) -> None:
    dialect = codec.bind([MessageSpec("stop", "Axis.stop", wire="STOP", reply=_reply_of(codec))])
    request = Request("stop", {}, 1)

    written = dialect.fault(request, Fault(Number.NO_PART, "no part"))

    assert dialect.fault(request, Fault(3, "no part")) == written


def _reply_of(codec: Codec) -> object:
    unsaid = MessageSpec("stop", "Axis.stop").reply
    return "OK" if isinstance(codec, Template) else unsaid
