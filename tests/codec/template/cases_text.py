"""Text, as in a chat between a vision program and a control program."""

from __future__ import annotations

from typing import Final

from tcpcomm.codec import Field, Form, Text
from tcpcomm.errors import Fault
from tests.codec.cases import Case

__all__ = ["CASES"]

CHAT: Final = (
    Form("start", "Line.start", "작업 시작"),
    Form("send", "Line.send", "좌표 전송", parameters=(Field("coordinates", str),)),
    Form("proceed", "Line.proceed", "다음 단계로 진행", "진행"),
    Form("status", "Line.status", result=str),
    Form("say", "Line.say", parameters=(Field("text", str),), result=str),
    Form("beep", "Line.beep", reply=None),
    Form("finished", "Line.finished", "끝", parameters=(Field("text", str),), is_event=True),
    Form("idle", "Line.idle", is_event=True),
)
HOSTILE: Final = (
    b"NG",
    b"NG again",
    "끝 x".encode(),
    "작업".encode(),
    "작업  시작".encode(),
    b"SAY",
    b"BEEP ",
)

CASES: Final = [
    Case("text", Text(), CHAT, (Fault("NG"), Fault("NG", "문이 열려 있다")), HOSTILE),
    Case(
        "text-cp949",
        Text("cp949", separator=":", done="[OK]", fault="실패"),
        CHAT,
        (Fault("실패", "no part"),),
        HOSTILE,
    ),
]
