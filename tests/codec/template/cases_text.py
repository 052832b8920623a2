"""Text, as in a chat between a vision program and a control program."""

from __future__ import annotations

from typing import Final

from tcpcomm.codec import Field, MessageSpec, Text
from tcpcomm.errors import Fault
from tests.codec.cases import Case

__all__ = ["CASES"]

CHAT: Final = (
    MessageSpec("start", "Line.start", "작업 시작"),
    MessageSpec("send", "Line.send", "좌표 전송", parameters=(Field("coordinates", str),)),
    MessageSpec("proceed", "Line.proceed", "다음 단계로 진행", "진행"),
    MessageSpec("status", "Line.status", result=str),
    MessageSpec("say", "Line.say", parameters=(Field("text", str),), result=str),
    MessageSpec("beep", "Line.beep", reply=None),
    MessageSpec("finished", "Line.finished", "끝", parameters=(Field("text", str),), is_event=True),
    MessageSpec("idle", "Line.idle", is_event=True),
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
