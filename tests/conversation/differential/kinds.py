"""The kinds of random sessions: a declaration each, with good frames, wrong frames and broken bytes."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Any, Final

from attrs import frozen

from tcpcomm import Heartbeat, declaration_of
from tests.conversation.differential import equipment as e
from tests.conversation.differential.equipment import LONGEST

Calls = tuple[tuple[str, Mapping[str, Any]], ...]

LONG_TEXT: Final = "long " * 1000
VERY_LONG_TEXT: Final = "longer" * 8000


@frozen(slots=False, eq=False)
class Kind:
    """
    A kind of session.

    Attributes:
        name: the name, for messages.
        bodies: the class of the equipment.
        calls: good commands.
        wrong: frames that are not good commands.
        broken: bytes that break the rule of the framing, or of the encoding.
        ends: the ends of frames, if the framing knows several.
        opening: what a host sends first.
        frame: a frame that a handler may send by itself.
        long_calls: good commands with much text.
        per_session: True if each session has an object of its own.
        heartbeat: frames for a session that answers heartbeats by itself.
    """

    name: str
    bodies: type[Any]
    calls: Calls
    wrong: tuple[bytes, ...]
    broken: tuple[bytes, ...]
    frame: bytes
    heartbeat: Heartbeat
    ends: tuple[bytes, ...] = ()
    opening: bytes = b""
    long_calls: Calls = ()
    per_session: bool = False

    @cached_property
    def declaration(self) -> Any:
        """The declaration."""
        return declaration_of(self.bodies)

    def wire(self, frame: bytes, number: int = 0) -> bytes:
        """Return a frame as it is sent."""
        if self.ends:
            return frame + self.ends[number % len(self.ends)]
        encoded: bytes = self.declaration.received.encode(frame)
        return encoded

    def _frames(self, calls: Calls) -> tuple[bytes, ...]:
        request = self.declaration.dialect.request
        return tuple(
            self.wire(request(name, dict(values), number), number)
            for number, (name, values) in enumerate(calls, start=1)
        )

    @cached_property
    def good(self) -> tuple[bytes, ...]:
        """Good commands, as they are sent."""
        return self._frames(self.calls * 3)

    @cached_property
    def long(self) -> tuple[bytes, ...]:
        """Good commands with much text, as they are sent."""
        return self._frames(self.long_calls)

    @cached_property
    def bad(self) -> tuple[bytes, ...]:
        """Frames that are not good commands, as they are sent."""
        return tuple(self.wire(each, number) for number, each in enumerate(self.wrong))

    @cached_property
    def long_frame(self) -> bytes:
        """A long frame that a handler may send by itself."""
        if self.name in ("plc", "simple plc"):  # the header tells the length
            return b"\0\0\0\0\x9c\x40\x01\x50" + bytes(39_998)
        return self.frame + b"x" * 70_000


CAMERA_CALLS: Final[Calls] = (
    *(("locate", {"job": job}) for job in (1, 2, 3, -7, 123456)),
    ("stop", {}),
    *(("get_value", {"channel": channel}) for channel in (1, 5)),
    *(("say", {"text": text}) for text in ("hi", "", "a,b", "가나", "x" * 300)),
    ("reset", {}),
)
CAMERA_WRONG: Final = (
    b"",
    b"NOPE",
    b"TRG,x",
    b"TRG",
    b"TRG,1,2",
    b"NG,1,x",
    b"OK",
    b"STOPX",
    b"\xff\xfe",
    b"SAY,\xff",
    b"TRG,99999999999999999999999999",
    b"GET,1.5",
    b"stop",
    b"ALM,1",
)
CAMERA_BROKEN: Final = (
    b"TRG," + b"9" * (LONGEST + 10) + b"\r\n",
    b"\0\x1b[2J\r\n",
    b"x" * (LONGEST + 50_000),
)
TEXT_BEATS: Final = Heartbeat(b"HB", b"HB OK")
WORDS_CALLS: Final[Calls] = (
    *(("measure", {"place": place}) for place in (1, 2, 250)),
    *(("read", {"start": start, "count": count}) for start, count in ((0, 10), (5, 1), (7, 0), (900, 125))),
    ("write", {"values": [1, 2, 3]}),
    ("write", {"values": []}),
    ("echo", {"text": "hi"}),
    ("echo", {"text": ""}),
)
WORDS_LONG: Final[Calls] = (
    ("echo", {"text": LONG_TEXT}),
    ("echo", {"text": VERY_LONG_TEXT}),
    ("write", {"values": [7] * 5000}),
)
JSON_CALLS: Final[Calls] = (
    *(("locate", {"job": job}) for job in (1, 2, -3)),
    ("read", {"start": 3, "count": 4}),
    ("read", {"start": 0, "count": 0}),
    ("stop", {}),
    *(("echo", {"text": text}) for text in ("hi", "", '"{', "가나\n")),
    ("reset", {}),
)
JSON_LONG: Final[Calls] = (("echo", {"text": LONG_TEXT}), ("echo", {"text": VERY_LONG_TEXT}))
JSON_WRONG: Final = (
    b"",
    b"{",
    b"[]",
    b"null",
    b'{"cmd":"nope"}',
    b'{"cmd":"locate"}',
    b'{"cmd":"locate","job":"x"}',
    b'{"cmd":"locate","id":4,"job":1.5}',
    b'{"cmd":"stop","more":1}',
    b'{"id":4}',
    b'{"event":"alarm","code":1}',
    b'{"cmd":"echo","text":"\xff"}',
    b"\xff\xfe",
    b'{"cmd":5}',
    b'{"cmd":"read","start":1,"count":2,"id":"x"}',
)


def _mbap(*bodies: bytes) -> tuple[bytes, ...]:
    return tuple(b"\0\x09\0\0" + (len(body) + 1).to_bytes(2, "big") + b"\x01" + body for body in bodies)


def _hsms(*texts: str) -> tuple[bytes, ...]:
    return tuple(bytes.fromhex(text) for text in texts)


PLC_WRONG: Final = (
    *_mbap(b"\x7f", b"", b"\x01", b"\x01\x01\x02", b"\x03\0\x05\0\1", b"\x04\0\x02\xff\xff", b"\x81\x01"),
    b"\0\x09\x12\x34\0\x03\x01\x01\x01",
)
PLC_BROKEN: Final = (b"\0\1\0\0\0\0", b"\0\1\0\0\xff\xff\x01", b"\0\1\0\0\0\x01\x01")

CAMERA: Final = Kind(
    name="camera",
    bodies=e.CameraBodies,
    calls=CAMERA_CALLS,
    wrong=CAMERA_WRONG,
    broken=CAMERA_BROKEN,
    frame=b"<frame>",
    heartbeat=TEXT_BEATS,
    long_calls=(("say", {"text": LONG_TEXT}), ("say", {"text": VERY_LONG_TEXT})),
)
ROBOT: Final = Kind(
    name="robot",
    bodies=e.RobotBodies,
    calls=(
        ("take_control", {}),
        ("load", {"job": 3}),
        ("load", {"job": 44}),
        ("where", {}),
        ("where", {}),
        ("rename", {"name": "R2"}),
        ("rename", {"name": "로봇"}),
        ("give_up_control", {}),
        ("log_lines", {}),
        ("weigh", {}),
        ("take_control", {}),
        ("load", {"job": -1}),
    ),
    wrong=(b"", b"JOB", b"JOB x", b"NAME \xff\xff", b"\x80", b"WHERE?", b"where", b"LOG 1", b"\xc7\xd1"),
    broken=(b"NAME " + b"x" * (LONGEST + 10) + b"\r\n", b"\x80\x80\n", b"y" * (LONGEST + 50_000)),
    frame=b"<frame>",
    heartbeat=TEXT_BEATS,
    ends=(b"\r\n", b"\n", b"\r"),
    long_calls=(("rename", {"name": LONG_TEXT + "."}), ("rename", {"name": VERY_LONG_TEXT})),
)
SCALE: Final = Kind(
    name="scale",
    bodies=e.ScaleBodies,
    calls=(
        ("ping", {}),
        *(("weigh", {"place": place}) for place in (1, 2, 33, -4)),
        ("tare", {}),
        ("show", {"text": "kg"}),
        ("show", {"text": ""}),
    ),
    wrong=(b"", b"W", b"Wx", b"PING1", b"TXT", b"\xe9", b"TXT \xff", b"E5"),
    broken=(b"TXT " + b"x" * (LONGEST + 10) + b";", b"\n", b"z" * (LONGEST + 50_000)),
    frame=b"<frame>",
    heartbeat=TEXT_BEATS,
    ends=(b";", b"\r"),
    long_calls=(("show", {"text": LONG_TEXT}), ("show", {"text": VERY_LONG_TEXT})),
    per_session=True,
)
GAUGE: Final = Kind(
    name="gauge",
    bodies=e.GaugeBodies,
    calls=(*WORDS_CALLS, ("reset", {})),
    wrong=(b"", b"\1", b"\1\1\1", b"\x7f", b"\3\0\5\0\1", b"\4\0\2\xff\xff", b"\x41\0\1"),
    broken=(b"\x7f\xff\xff\xff", (LONGEST + 1).to_bytes(4, "big") + b"\x04"),
    frame=b"\x50frame",
    heartbeat=Heartbeat(b"\x60", b"\x61"),
    long_calls=WORDS_LONG,
)
PLC: Final = Kind(
    name="plc",
    bodies=e.PlcBodies,
    calls=(*WORDS_CALLS, ("reset", {})),
    wrong=PLC_WRONG,
    broken=PLC_BROKEN,
    frame=b"\0\0\0\0\0\3\1\x50\1",
    heartbeat=Heartbeat(b"\0\0\0\0\0\2\1\x60", b"\0\0\0\0\0\2\1\x61"),
    long_calls=WORDS_LONG,
)
SIMPLE_PLC: Final = Kind(
    name="simple plc",
    bodies=e.SimplePlcBodies,
    calls=(*WORDS_CALLS, ("reset", {})),
    wrong=PLC_WRONG,
    broken=PLC_BROKEN,
    frame=PLC.frame,
    heartbeat=PLC.heartbeat,
    long_calls=WORDS_LONG,
)
TOOL: Final = Kind(
    name="tool",
    bodies=e.ToolBodies,
    calls=WORDS_CALLS,
    wrong=_hsms(
        "",
        "0000",
        "0000 8101 0000 00000007",  # without its parameter
        "0000 0101 0000 00000007 03",  # it wants no reply
        "0000 8303 0000 00000007",
        "0000 8202 0000 00000007",
        "FFFF 0000 0005 00000002",
        "0000 8101 0001 00000007 03",
    ),
    broken=GAUGE.broken,
    frame=bytes.fromhex("0000 0903 0000 00000000 01"),
    heartbeat=Heartbeat(b"\x60", b"\x61"),
    long_calls=WORDS_LONG,
)
JSON: Final = Kind(
    name="json",
    bodies=e.JsonCameraBodies,
    calls=JSON_CALLS,
    wrong=JSON_WRONG,
    broken=(b"{" + b" " * (LONGEST + 10) + b"}\n", b"x" * (LONGEST + 50_000)),
    frame=b'{"own":1}',
    heartbeat=TEXT_BEATS,
    ends=(b"\n", b"\r\n"),
    long_calls=JSON_LONG,
)
JSON_BY_ID: Final = Kind(
    name="json by id",
    bodies=e.JsonByIdBodies,
    calls=JSON_CALLS,
    wrong=JSON_WRONG,
    broken=GAUGE.broken,
    frame=b'{"own":1}',
    heartbeat=TEXT_BEATS,
    long_calls=JSON_LONG,
)
RPC: Final = Kind(
    name="rpc",
    bodies=e.RpcCameraBodies,
    calls=JSON_CALLS,
    wrong=(
        b"",
        b"{",
        b"[]",
        b'{"jsonrpc":"2.0","method":"nope","id":1}',
        b'{"jsonrpc":"2.0","method":"locate","params":["x"],"id":2}',
        b'{"jsonrpc":"2.0","method":"locate","params":[1],"id":"two"}',
        b'[{"jsonrpc":"2.0","method":"stop","id":1},{"jsonrpc":"2.0","method":"locate","params":[4],"id":2}]',
        b'[{"jsonrpc":"2.0","method":"reset"},5,{"jsonrpc":"2.0","method":"stop","id":3}]',
        b'{"jsonrpc":"2.0","result":1,"id":1}',
        b'{"method":"stop"}',
        b"\xff",
    ),
    broken=(b"[" + b" " * (LONGEST + 10) + b"]\n",),
    frame=b'{"own":1}',
    heartbeat=TEXT_BEATS,
    long_calls=JSON_LONG,
)
WATCHFUL: Final = Kind(
    name="watchful camera",
    bodies=e.WatchfulCamera,
    calls=CAMERA_CALLS,
    wrong=CAMERA_WRONG,
    broken=CAMERA_BROKEN,
    frame=b"<frame>",
    heartbeat=TEXT_BEATS,
    long_calls=CAMERA.long_calls,
)
LOGIN: Final = Kind(
    name="camera with a login",
    bodies=e.LoginCamera,
    calls=CAMERA_CALLS,
    wrong=CAMERA_WRONG,
    broken=CAMERA_BROKEN,
    frame=b"<frame>",
    heartbeat=TEXT_BEATS,
    opening=b"somebody\r\n",
    long_calls=CAMERA.long_calls,
)
CAMERA_EACH: Final = Kind(
    name="camera for each session",
    bodies=e.CameraBodies,
    calls=CAMERA_CALLS,
    wrong=CAMERA_WRONG,
    broken=CAMERA_BROKEN,
    frame=b"<frame>",
    heartbeat=TEXT_BEATS,
    long_calls=CAMERA.long_calls,
    per_session=True,
)
TWO_WAY: Final = Kind(
    name="camera that may ask",
    bodies=e.TwoWayBodies,
    calls=CAMERA_CALLS,
    wrong=(*CAMERA_WRONG, b"PART,5"),
    broken=CAMERA_BROKEN,
    frame=b"<frame>",
    heartbeat=TEXT_BEATS,
    long_calls=CAMERA.long_calls,
)
TELESCOPE: Final = Kind(
    name="telescope",
    bodies=e.TelescopeBodies,
    calls=(
        ("where", {}),
        ("version", {}),
        ("where", {}),
        ("stop", {}),
        ("say", {"text": "hi"}),
        ("say", {"text": ""}),
        ("say", {"text": "a#b"}),
    ),
    wrong=(b"", b"GR1", b"SAY", b"NOPE", b"\xff", b"V ", b"E5"),
    broken=(b"SAY " + b"x" * (LONGEST + 10) + b"\r", b"\n"),
    frame=b"<frame>",
    heartbeat=TEXT_BEATS,
    long_calls=(("say", {"text": LONG_TEXT}), ("say", {"text": VERY_LONG_TEXT})),
)

KINDS: Final = (
    CAMERA,
    CAMERA_EACH,
    WATCHFUL,
    LOGIN,
    ROBOT,
    SCALE,
    GAUGE,
    PLC,
    SIMPLE_PLC,
    TOOL,
    JSON,
    JSON_BY_ID,
    RPC,
    TWO_WAY,
    TELESCOPE,
)

USUAL_KINDS: Final = tuple(each for each in KINDS if each not in (PLC, TOOL, TWO_WAY))
"""The kinds that can go the generated way: no header carries values, and the equipment asks nothing."""
