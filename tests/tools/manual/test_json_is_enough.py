"""A program that has only the JSON of ``tcpcomm describe`` sends the bytes of the manual's examples."""

from __future__ import annotations

import json
from typing import Annotated, Any

import pytest

from tcpcomm import Equipment, command, declaration_of, event
from tcpcomm.codec import Binary, Json, Silence, Template
from tcpcomm.codec.binary.types import Int
from tcpcomm.equipment.samples import SAMPLE_ID
from tcpcomm.framing import CountedBody, Delimited, LengthPrefixed
from tcpcomm.tools.manual.facts import facts_of
from tests.codec.binary.foreign import ForeignBinary
from tests.codec.json.foreign import ForeignJson
from tests.codec.template.foreign import ForeignTemplates
from tests.equipment.declared import RpcCamera, Scale, VisionCamera


class Reader(Equipment):
    """A reader of codes, with an event that is any text, a raw picture, and a command in JSON."""

    framing = Delimited(b"\r\n")
    reply_framing = CountedBody(b"IMG,{count}")
    codec = Template(fault="NG {code}")

    @command("GRAB {lamp:ON|OFF}", reply="IMG,{#pixels}\r\n{pixels:raw}")
    async def grab(self, lamp: bool) -> bytes:
        """Take a picture."""
        raise NotImplementedError

    @event("{code}")
    def code(self, code: str) -> None:
        """A code was read."""


class Valve(Equipment):
    framing = LengthPrefixed(1)
    codec = Binary()

    @command(1, reply=Silence(0.3))
    async def open(self, share: Annotated[int, Int(2)]) -> None:
        """Open it by so many thousandths."""


def facts(kind: type[Equipment]) -> Any:
    return json.loads(json.dumps(facts_of(declaration_of(kind))))


@pytest.mark.parametrize(
    ("kind", "foreign", "end"),
    [
        (VisionCamera, ForeignTemplates, "0d 0a"),
        (Scale, ForeignTemplates, "0d 0a"),
        (Reader, ForeignTemplates, "0d 0a"),
        (RpcCamera, ForeignJson, "0a"),
    ],
    ids=lambda it: getattr(it, "__name__", it),
)
def test_requests_and_events_have_the_bytes_of_the_examples(
    kind: type[Equipment], foreign: Any, end: str
) -> None:
    known = facts(kind)
    for message in (*known["commands"], *known["events"]):
        program = foreign(message["layout"], known["rules"], known["faults"]["layout"])
        frame = program.request(message["example"]["values"], SAMPLE_ID)
        assert f"{frame.hex(' ')} {end}" == message["example"]["messages"][0]["hex"]


def test_a_message_of_another_codec_has_its_own_rules_and_fault() -> None:
    class Mixed(Equipment):
        framing = Delimited(b"\n")
        codec = Template(fault="NG {code}")

        @command("start", codec=Json(ascii=True))
        async def start(self, job: str) -> None:
            """Start a job."""

    (start,) = facts(Mixed)["commands"]
    layout = start["layout"]
    program = ForeignJson(layout, layout["rules"], layout["fault"])
    assert b'{"cmd":"start","job":"\\uac00"}' == program.request({"job": "가"}, 0)
    assert b'{"error":{"code":3,"reason":"no"}}' == program.fault(3, "no", None, 0)


def test_success_by_silence_is_told_for_bytes_too() -> None:
    (opened,) = facts(Valve)["commands"]
    assert {"silence": 0.3} == opened["layout"]["reply"]
    frame = ForeignBinary(opened["layout"]["request"]).write(opened["example"]["values"], {})
    assert frame.hex(" ") == opened["example"]["messages"][0]["hex"][3:]
