"""Raw bytes behind a line of a template: the format ``raw``."""

from __future__ import annotations

import re
from typing import Any

import pytest
from attrs import frozen

from tcpcomm import Equipment, command
from tcpcomm.codec import Dialect, Field, MessageSpec, Template
from tcpcomm.codec.base import Answer, Event, Refusal, Request
from tcpcomm.errors import CodecError, ConfigurationError
from tcpcomm.framing import CountedBody, Delimited, Framing, Lines
from tcpcomm.testing import check_equipment

IMAGE = bytes(range(8)) + b"\r\nOK\r\n"


@frozen
class Picture:
    width: int
    height: int
    pixels: bytes


GRAB = MessageSpec("grab", "Camera.grab", "GRAB", "IMG {#image}\r\n{image:raw}", (), bytes)
SIZED = MessageSpec(
    "sized", "Camera.sized", "SIZED", "IMG,{width},{height},{#pixels}\r\n{pixels:raw}", (), Picture
)
STOP = MessageSpec("stop", "Camera.stop", "STOP", "OK")
PUT = MessageSpec("put", "Camera.put", "PUT {#data}\r\n{data:raw}", "OK", (Field("data", bytes),))


def dialect(*specs: MessageSpec) -> Dialect:
    return Template().bind(specs)


CAMERA = dialect(GRAB, SIZED, STOP, PUT)


def result_of(name: str, frame: bytes) -> Any:
    """Return what the host's caller gets for a frame that answers a command."""
    (answer,) = CAMERA.read_at_host(frame)
    assert isinstance(answer, Answer)
    reader = CAMERA.reply_reader(name)
    assert reader is not None
    return reader.take(answer.body)


def test_the_bytes_behind_the_line_are_the_result() -> None:
    frame = b"IMG 14\r\n" + IMAGE
    assert [frame] == CAMERA.reply(Request("grab", {}), IMAGE)
    assert IMAGE == result_of("grab", frame)
    assert b"" == result_of("grab", b"IMG 0\r\n")


def test_the_line_may_have_other_fields() -> None:
    frame = b"IMG,3,2,6\r\n\xff\r\n\x00\x80a"
    picture = Picture(3, 2, b"\xff\r\n\x00\x80a")
    assert [frame] == CAMERA.reply(Request("sized", {}), picture)
    assert picture == result_of("sized", frame)


@pytest.mark.parametrize("value", [bytearray(IMAGE), memoryview(IMAGE)])
def test_other_kinds_of_bytes_can_be_sent(value: Any) -> None:
    assert [b"IMG 14\r\n" + IMAGE] == CAMERA.reply(Request("grab", {}), value)


def test_a_memoryview_is_not_copied_out_of_its_frame() -> None:
    spec = MessageSpec("grab", "Camera.grab", "GRAB", "IMG {#image}\r\n{image:raw}", (), memoryview)
    camera, frame = dialect(spec), b"IMG 14\r\n" + IMAGE
    (answer,) = camera.read_at_host(frame)
    assert isinstance(answer, Answer)
    reader = camera.reply_reader("grab")
    assert reader is not None
    image = reader.take(answer.body)
    assert (memoryview, IMAGE, frame) == (type(image), image, image.obj)
    assert [frame] == camera.reply(Request("grab", {}), image)


def test_a_command_may_carry_bytes_too() -> None:
    frame = CAMERA.request("put", {"data": IMAGE}, 1)
    assert b"PUT 14\r\n" + IMAGE == frame
    assert Request("put", {"data": IMAGE}, None, True) == CAMERA.read_at_equipment(frame)


def test_a_count_that_differs_from_the_bytes_is_told() -> None:
    with pytest.raises(CodecError, match=r"the count says 3 bytes, but there are 2"):
        result_of("grab", b"IMG 3\r\nab")
    refusal = CAMERA.read_at_equipment(b"PUT 3\r\nab")
    assert isinstance(refusal, Refusal)
    assert "put" == refusal.name


@pytest.mark.parametrize("frame", [b"IMG 3", b"OK\r\nabc", "IMG 3\udcff".encode("utf-8", "surrogatepass")])
def test_a_line_without_its_bytes_is_no_picture(frame: bytes) -> None:
    with pytest.raises(CodecError):
        result_of("grab", frame)


def test_a_line_that_is_not_text_is_told() -> None:
    with pytest.raises(CodecError, match=r"^this is not text in ascii"):
        CAMERA.read_at_host(b"IMG \xff\r\nabc")
    assert isinstance(CAMERA.read_at_equipment(b"\xff\r\nabc"), Refusal)


NOTE = MessageSpec("note", "Camera.note", "NOTE {text}", "OK", (Field("text", str),))


def test_a_text_with_line_ends_is_whole_beside_raw_bytes() -> None:
    camera = dialect(GRAB, NOTE)
    text = "first line\r\nsecond line\r\n"
    frame = camera.request("note", {"text": text}, 1)
    request = camera.read_at_equipment(frame)
    assert isinstance(request, Request)
    assert {"text": text} == request.values


def test_a_text_that_is_no_text_behind_its_line_end_is_refused() -> None:
    refusal = dialect(GRAB, NOTE).read_at_equipment(b"NOTE one\r\n\xff\xfe")
    assert isinstance(refusal, Refusal)


def test_a_text_is_not_taken_for_bytes() -> None:
    with pytest.raises(CodecError, match=r"must be bytes"):
        CAMERA.reply(Request("grab", {}), "text")


class Camera(Equipment):
    """A camera with pictures of two kinds."""

    framing = CountedBody(b"PUT {count}")
    reply_framing = CountedBody((b"IMG {count}", b"IMG,{w},{h},{count}"))
    codec = Template()

    @command("GRAB", reply="IMG {#image}\r\n{image:raw}")
    async def grab(self) -> bytes:
        """Take a picture."""
        raise NotImplementedError

    @command("SIZED", reply="IMG,{width},{height},{#pixels}\r\n{pixels:raw}")
    async def sized(self) -> Picture:
        """Take a picture, and tell its size."""
        raise NotImplementedError

    @command("PUT {#data}\r\n{data:raw}", reply="OK")
    async def put(self, data: bytes) -> None:
        """Show a picture."""
        raise NotImplementedError


def test_a_camera_with_pictures_works_at_both_ends() -> None:
    check_equipment(Camera, max_examples=10)


@pytest.mark.parametrize("framing", [Delimited(b"\r\n"), Lines(), CountedBody(b"PIC {count}")])
def test_a_framing_that_would_cut_the_bytes_from_their_line_is_refused(framing: Framing) -> None:
    reason = r"^Camera\.grab: 'IMG \{#image\}.*\{image:raw\}' holds b'IMG .*, which the framing cannot"
    with pytest.raises(ConfigurationError, match=reason):
        type("Wrong", (Camera,), {"reply_framing": framing})


def test_an_event_may_carry_bytes() -> None:
    fields = (Field("n", int), Field("data", bytes))
    template = "FRAME {n} {#data}\n{data:raw}"
    event = MessageSpec("frame", "Camera.frame", template, parameters=fields, is_event=True)
    bound = dialect(event)
    frame = bound.event("frame", {"n": 7, "data": b"a\nb"})
    assert b"FRAME 7 3\na\nb" == frame
    assert (Event("frame", {"n": 7, "data": b"a\nb"}),) == tuple(bound.read_at_host(frame))


@pytest.mark.parametrize(
    "reply", ["{image:raw}", "IMG {image:raw}", "IMG\r\n{image:raw}\r\n", "IMG\r\n[{image:raw}]"]
)
def test_raw_bytes_stand_at_the_end_behind_a_line_end(reply: str) -> None:
    reason = f"Camera.grab: {reply!r}: raw bytes must be the last field and follow a line end, as in"
    with pytest.raises(ConfigurationError, match=re.escape(reason)):
        dialect(MessageSpec("grab", "Camera.grab", "GRAB", reply, (), bytes))


def test_all_raw_bytes_follow_the_same_line_end() -> None:
    other = MessageSpec("rest", "Camera.rest", "REST", "RAW\n{data:raw}", (), bytes)
    with pytest.raises(ConfigurationError, match=r"raw bytes follow '\\n', and elsewhere '\\r\\n'"):
        dialect(GRAB, other)
