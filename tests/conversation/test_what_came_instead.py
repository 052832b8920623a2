"""A command whose reply does not come is told what came in its place."""

from __future__ import annotations

from typing import Any, ClassVar

import pytest

from tcpcomm import Equipment, NoReply, OutcomeUnknown, ReplyTimeout, command, event
from tcpcomm.codec import U8, U16, Binary, Codec, Json, JsonRpc, Template
from tcpcomm.framing import Checked, Delimited, Enclosed, Framing, LengthPrefixed, checksum
from tests.conversation.foreign import stand
from tests.equipment.declared import Bench

CRC = checksum("crc-16/modbus").written("little")


class Meter(Equipment):
    """A meter whose frames end with a checksum."""

    framing: ClassVar[Framing] = Checked(LengthPrefixed(2), CRC)
    codec: ClassVar[Codec] = Binary(reply_bit=0x40)

    @command(1, timeout=1.0)
    async def measure(self) -> U16:
        raise NotImplementedError


class Framed(Equipment):
    """A meter whose frames are between marks."""

    framing = Enclosed(checksum=checksum("xor").written("hex"))
    codec = Template(fault=None)

    @command("M", reply="{value}", timeout=1.0)
    async def measure(self) -> int:
        raise NotImplementedError


class Numbered(Meter):
    """A meter whose replies have the id of the request."""

    framing = LengthPrefixed(1)
    codec = Binary(id=U8, reply_bit=0x40)


class Marked(Meter):
    """A meter whose frames begin with a mark."""

    framing = LengthPrefixed(1, offset=2, sync=b"\xaa\x55")


class JsonMeter(Equipment):
    """A meter that speaks JSON with ids."""

    framing = Delimited(b"\n")
    codec: ClassVar[Codec] = Json(id="id")

    @command("measure", timeout=1.0)
    async def measure(self) -> int:
        raise NotImplementedError


class RpcMeter(JsonMeter):
    """A meter that speaks JSON-RPC."""

    codec = JsonRpc()


BAD_CRC = Meter.framing.encode(b"\x41\x12\x34")[:-2] + b"\x12\x34"
BEHIND = "over bytes 0 to 2 behind the header"
GOOD_CRC = CRC.encode(b"\x41\x12\x34").hex().upper()


@pytest.mark.parametrize(
    ("kind", "came", "text"),
    [
        (Meter, BAD_CRC, f"5 bytes came whose crc-16/modbus {BEHIND} is 1234, not {GOOD_CRC}"),
        (Framed, b"\x0212\x0399", "6 bytes came whose xor over bytes 1 to 3 is 99, not 00"),
        (Numbered, b"\x04\x41\x07\x00\x01", "a reply came whose id is 7, not 1"),
        (Numbered, b"\x04\x42\x01\x00\x01", r"b'B\x01\x00\x01' came: opcode: no event and no reply has"),
        (Marked, b"READY\r\n", r"a frame must begin with b'\xaaU', not with b'RE'"),
        (JsonMeter, b'{"id":"7","result":1}\n', "a reply came whose id is '7', not 1"),
        (JsonMeter, b"ERROR\n", "b'ERROR' came: not JSON"),
        (RpcMeter, b'{"jsonrpc":"2.0","id":null,"result":1}\n', "a reply came whose id is None, not 1"),
    ],
    ids=["crc", "bcc", "id", "opcode", "text", "text id", "no json", "null id"],
)
@pytest.mark.parametrize("cuts", [0.0, 1.0])
def test_the_error_of_a_command_says_what_came_in_place_of_its_reply(
    cuts: float, kind: Any, came: bytes, text: str
) -> None:
    bench = Bench(cuts=cuts)
    at = stand(bench, kind, lambda frame: came)
    outcome = bench.result(at.proxy.measure())
    assert ReplyTimeout is type(outcome)
    assert str(outcome).startswith(f"no reply within 1 s; {text}")


@pytest.mark.parametrize(
    ("cuts", "sent"), [(0.0, r"; the peer sent b'ERROR: not ready\r\n'"), (1.0, "; the peer sent b'ERR")]
)
def test_text_where_bytes_were_expected_is_quoted_if_it_ends_the_session(cuts: float, sent: str) -> None:
    class Wide(Meter):
        framing = LengthPrefixed(4)

    bench = Bench(cuts=cuts)
    at = stand(bench, Wide, lambda frame: b"ERROR: not ready\r\n")
    outcome = bench.result(at.proxy.measure())
    assert OutcomeUnknown is type(outcome)
    assert "the framing was broken: a frame of 1163022927 bytes exceeds" in str(outcome)
    assert sent in str(outcome)


def test_what_came_before_a_command_is_not_told_of_it(bench: Bench) -> None:
    at = stand(bench, Meter, lambda frame: None)
    at.program.write(BAD_CRC)
    bench.network.advance(0.5)
    assert "no reply within 1 s" == str(bench.result(at.proxy.measure()))


class Guarded(Equipment):
    """A press that ends a session by an event."""

    framing = Delimited(b"\n")
    codec = Template(fault="NG,{code:d}")
    ready_when = "open"

    @command("OPEN", reply="OK", enters="open")
    async def open(self) -> None:
        raise NotImplementedError

    @command("PRESS", reply="DONE", needs="open")
    async def press(self) -> None:
        raise NotImplementedError

    @event("STOP,{code}", leaves="open")
    def stopped(self, code: int) -> None:
        """Somebody has opened the guard."""

    async def opening(self, *, active: bool) -> None:
        await self.open()


class MyGuarded(Guarded):
    async def open(self) -> None: ...

    async def press(self) -> None:
        self.stopped(7)
        raise NoReply


def test_a_command_is_told_the_event_that_ended_its_session(bench: Bench) -> None:
    bench.serve(MyGuarded())
    problem = bench.result(bench.remote(Guarded).press())
    assert isinstance(problem, OutcomeUnknown)
    assert "the session ended: the session left the state open; stopped(code=7) came" in str(problem)
