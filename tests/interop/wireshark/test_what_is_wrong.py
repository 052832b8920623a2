"""The dissectors tell what is wrong, link replies to requests, and survive any bytes."""

from __future__ import annotations

import subprocess
from pathlib import Path
from random import Random
from typing import Annotated

import pytest

from tcpcomm import Equipment, Login, command, declaration_of, event
from tcpcomm.codec import U8, U16, Binary, JsonRpc, Rest, Template, TwoPhases
from tcpcomm.devices.catalogue import find_device
from tcpcomm.devices.scpi import Multimeter
from tcpcomm.framing import Checked, Delimited, JsonValues, LengthPrefixed, Lines, checksum
from tests.conftest import needs_program
from tests.interop.wireshark import EQUIPMENT, HOST, Capture, Shown, dissected
from tests.interop.wireshark.captured import FIRST_PORT, script_of
from tests.system.running import DEADLINE
from tests.tools.generate.declared import Drive

PORT = FIRST_PORT


class Summed(Equipment):
    """A device whose frames have a checksum behind a sync word."""

    framing = Checked(
        LengthPrefixed(1, sync=b"\xaa", offset=1, strip=2), checksum("crc-16/modbus"), cover_header=False
    )
    codec = Binary()

    @command(1)
    def read(self, place: U8) -> U16:
        """Read a place."""
        raise NotImplementedError


class Guarded(Equipment):
    """A device that greets, and wants a password."""

    framing = Delimited(b"\r\n")
    codec = Template(fault="NG")
    greeting = "Hello"
    login = (Login(expect="User:", send="{user}"), Login(expect="Password:", send="{password}"))

    @command("GO {n:d}", reply="OK")
    def go(self, n: int) -> None:
        """Go."""
        raise NotImplementedError


class Controller(Equipment):
    """The commands that a loader sends to its host."""

    codec = JsonRpc()

    @command()
    def confirm(self, tray: str) -> int:
        """Ask where a tray may go."""
        raise NotImplementedError


class Loader(Equipment):
    """A loader that also asks its host."""

    framing = JsonValues()
    codec = JsonRpc()
    host_side = Controller

    @command()
    def load(self, trays: int) -> str:
        """Load trays."""
        raise NotImplementedError

    @event()
    def low(self, left: int) -> None:
        """Few trays are left."""


class Phased(Equipment):
    """A robot that is asked in two phases."""

    framing = Delimited(b"\r\n")
    codec = Template(fault="ERR {code:d}")

    @command(TwoPhases("RUN {#}", "OPENED", "{program}", end="\r"), reply="DONE {n:d}")
    def run(self, program: str) -> int:
        """Run a program."""
        raise NotImplementedError


class Syslog(Equipment):
    """A device whose class is called as a protocol of Wireshark."""

    framing = Lines()
    codec = Template(fault="NG")

    @command("GET {what}", reply="IS {value:d}")
    def get(self, what: str) -> int:
        """Get a value."""
        raise NotImplementedError


class Anything(Equipment):
    """A device with bytes of any size."""

    framing = LengthPrefixed(2)
    codec = Binary()

    @command(1)
    def put(self, data: Annotated[bytes, Rest()]) -> None:
        """Put bytes."""
        raise NotImplementedError


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    needs_program("tshark", "apt-get install tshark")
    return tmp_path


def shown(
    folder: Path, kind: type[Equipment], talk: list[tuple[str, bytes]], *options: str, prefix: str = ""
) -> list[Shown]:
    """Return the messages in a capture in which each text is a segment."""
    name = prefix or kind.__name__.lower()
    script = script_of(folder, name, declaration_of(kind), PORT)
    capture = Capture()
    capture.connect(PORT)
    for sender, data in talk:
        capture.send(sender, data)
    path = folder / "talk.pcap"
    capture.write(path)
    found = dissected(path, {name: script}, *options)[name]
    return [each for each in found if each.kind or each.experts or each.fields]


def test_what_is_not_declared_is_told(folder: Path) -> None:
    (unknown, short, wrong, good) = shown(
        folder,
        Drive,
        [
            (HOST, bytes.fromhex("0002 55 01")),
            (HOST, bytes.fromhex("0003 10 01 00")),
            (HOST, bytes.fromhex("0006 10 09 000003E8")),
            (HOST, bytes.fromhex("0006 10 02 000003E8")),
        ],
    )
    assert ("", ["no declared message fits"]) == (unknown.kind, unknown.experts)
    assert ("request", "move") == (short.kind, short.message)
    assert ["the body does not fit: 4 bytes are needed at byte 2, and 1 are left"] == short.experts
    assert ["9 is none of the declared values"] == wrong.experts
    assert ([], ["1000"]) == (good.experts, good.fields["move.position"])


def test_a_wrong_checksum_and_garbage_are_told(folder: Path) -> None:
    framing = Summed.framing
    good = framing.encode(b"\x01\x07")
    wrong = good[:-1] + bytes([good[-1] ^ 1])
    found = shown(folder, Summed, [(HOST, wrong), (HOST, b"\x00\x01noise" + good)])
    assert ("request", "read") == (found[0].kind, found[0].message)
    (fault,) = found[0].experts
    assert fault.startswith("the checksum (crc-16/modbus) is ")
    assert ["a frame must begin with AA"] == found[1].experts
    assert ([], ["7"]) == (found[2].experts, found[2].fields["read.place"])


def test_requests_and_replies_are_linked_both_ways(folder: Path) -> None:
    request, reply = shown(
        folder,
        Drive,
        [(HOST, bytes.fromhex("0006 10 02 000003E8")), (EQUIPMENT, bytes.fromhex("0003 10 0005"))],
        "-2",
    )
    assert [str(reply.frame)] == request.fields["response_in"]
    assert [str(request.frame)] == reply.fields["request_in"]
    assert 0.001 == pytest.approx(float(reply.fields["time"][0]))


def test_filters_name_the_declared_fields(folder: Path) -> None:
    talk = [(HOST, bytes.fromhex(f"0006 10 0{axis} 000003E8")) for axis in (1, 2, 1, 2)]
    found = shown(folder, Drive, talk, "-Y", "drive.move.axis == 2 && drive.move.position > 500")
    assert [["2"], ["2"]] == [each.fields["move.axis"] for each in found]


def test_the_port_and_the_roles_can_be_set(folder: Path) -> None:
    script = script_of(folder, "drive", declaration_of(Drive), 9)
    capture = Capture()
    capture.connect(PORT)
    capture.send(EQUIPMENT, bytes.fromhex("0006 10 02 000003E8"))
    path = folder / "talk.pcap"
    capture.write(path)
    options = ("-o", f"drive.port:{PORT}", "-o", "drive.host_listens:TRUE")
    (found,) = dissected(path, {"drive": script}, *options)["drive"]
    assert ("request", "move") == (found.kind, found.message)


def test_a_name_that_wireshark_has_gets_another_end(folder: Path) -> None:
    (found,) = shown(folder, Syslog, [(HOST, b"GET size\r\n")], prefix="syslog_device")
    assert ("request", ["size"]) == (found.kind, found.fields["get.what"])


def test_a_greeting_and_a_login_are_shown(folder: Path) -> None:
    found = shown(
        folder,
        Guarded,
        [
            (EQUIPMENT, b"Hello\r\nUser:\r\n"),
            (HOST, b"anna\r\n"),
            (EQUIPMENT, b"Password:\r\n"),
            (HOST, b"GO 3\r\n"),
            (EQUIPMENT, b"OK\r\n"),
        ],
    )
    assert ["greeting", "login", "login", "login", "request", "reply"] == [each.kind for each in found]
    assert ["anna"] == found[2].fields["login.user"]


def test_both_sides_may_ask_at_once(folder: Path) -> None:
    found = shown(
        folder,
        Loader,
        [
            (HOST, b'{"jsonrpc":"2.0","method":"load","params":{"trays":2},"id":1}'),
            (EQUIPMENT, b'{"jsonrpc":"2.0","method":"confirm","params":{"tray":"A"},"id":1}'),
            (HOST, b'{"jsonrpc":"2.0","result":7,"id":1}'),
            (EQUIPMENT, b'{"jsonrpc":"2.0","result":"done","id":1}'),
        ],
    )
    expected = [("request", "load"), ("request", "confirm"), ("reply", "confirm"), ("reply", "load")]
    assert expected == [(each.kind, each.message) for each in found]
    assert ["7"] == found[2].fields["confirm.result"]


def test_a_batch_is_shown_message_by_message(folder: Path) -> None:
    one = '{"jsonrpc":"2.0","method":"load","params":{"trays":%d},"id":%d}'
    found = shown(folder, Loader, [(HOST, f"[{one % (2, 1)},{one % (3, 2)}]".encode())])
    assert [["2"], ["3"]] == [each.fields["load.trays"] for each in found]


def test_two_phases_are_one_command(folder: Path) -> None:
    found = shown(
        folder,
        Phased,
        [
            (HOST, b"RUN 4\r\n"),
            (EQUIPMENT, b"OPENED\r\n"),
            (HOST, b"abc\r"),
            (EQUIPMENT, b"DONE 3\r"),
        ],
    )
    assert ["request", "reply", "request", "reply"] == [each.kind for each in found]
    assert ["abc"] == found[2].fields["run.program"]
    assert ["3"] == found[3].fields["run.n"]


def test_several_commands_of_scpi_stand_in_one_line(folder: Path) -> None:
    found = shown(
        folder,
        Multimeter,
        [(HOST, b"*rst;:measure:voltage:dc?;*IDN?\n"), (EQUIPMENT, b"1.25E+0;a,b,c,d\n")],
    )
    requests = [("request", "reset"), ("request", "voltage"), ("request", "identification")]
    expected = [*requests, ("reply", "voltage"), ("reply", "identification")]
    assert expected == [(each.kind, each.message) for each in found]


def test_a_capture_may_begin_in_the_middle(folder: Path) -> None:
    script = script_of(folder, "drive", declaration_of(Drive), PORT)
    capture = Capture()
    capture.connect(PORT)
    capture.packets.clear()
    capture.send(EQUIPMENT, bytes.fromhex("0003 10 0005"))
    capture.send(HOST, bytes.fromhex("0006 10 02 000003E8"))
    path = folder / "talk.pcap"
    capture.write(path)
    found = dissected(path, {"drive": script})["drive"]
    assert [("reply", "move"), ("request", "move")] == [(each.kind, each.message) for each in found]


def test_a_frame_may_come_byte_by_byte(folder: Path) -> None:
    frame = bytes.fromhex("0006 10 02 000003E8")
    (found,) = shown(folder, Drive, [(HOST, bytes([each])) for each in frame])
    assert ["1000"] == found.fields["move.position"]


def test_a_large_frame_is_joined(folder: Path) -> None:
    data = Random(1).randbytes(60_000)
    wire = Anything.framing.encode(b"\x01" + data)
    talk = [(HOST, wire[start : start + 1460]) for start in range(0, len(wire), 1460)]
    (found,) = shown(folder, Anything, talk)
    assert data.hex(":") == found.fields["put.data"][0]


DEVICES = (
    "modbus",
    "modbus-rtu",
    "slmp-ascii",
    "fins",
    "s7",
    "xgt",
    "hsms",
    "scpi",
    "keyence",
    "cognex",
    "fanuc",
)


def test_no_bytes_make_an_error_in_lua(folder: Path) -> None:
    random = Random(5)
    declarations = {
        **{name: declaration_of(find_device(name).load()) for name in DEVICES},
        **{each.__name__: declaration_of(each) for each in (Drive, Summed, Loader, Phased, Guarded)},
    }
    capture, loaded = Capture(), []
    for port, (name, declaration) in enumerate(declarations.items(), PORT):
        loaded += ["-X", f"lua_script:{script_of(folder, name, declaration, port)}"]
        for _ in range(3):
            capture.connect(port)
            for _ in range(12):
                sender = random.choice((HOST, EQUIPMENT))
                capture.send(sender, _hostile(random, declaration.received.opening))
    path = folder / "hostile.pcap"
    capture.write(path)
    done = subprocess.run(
        ["tshark", *loaded, "-r", path, "-T", "pdml"], capture_output=True, timeout=4 * DEADLINE
    )
    output = done.stdout.decode("utf-8", "replace")
    at = output.find("Lua Error")
    assert -1 == at, output[at : at + 600]
    assert 0 == done.returncode


def _hostile(random: Random, opening: bytes) -> bytes:
    """Return bytes that look a little like messages."""
    pieces = (
        random.randbytes(random.randint(1, 60)),
        b'{"Command":1e999,"a":"\\ud800","id":-0,"x":[[]]}\r\n',
        b"\x00\x00\x00\x0c\x80\x01\x81\x03\x00\x00\x00\x00\x00\x01\x01\x01",
        b"\x00\x01\x00\x00\x00\x06\x01\x03\x00\x00\xff\xff",
        b"FINS\x00\x00\x00\x1a" + random.randbytes(26),
        b"\x03\x00\x00\x16\x02\xf0\x80\x32" + random.randbytes(14),
        b"LSIS-XGT\x00\x00" + random.randbytes(30),
        b"*IDN?;#9;:::\n#512\n",
        b"1\r\n99999999\r\nZZ\r\n",
        b"\xff\xfa\xff\xf0\xff",
        opening,
    )
    return random.choice(pieces) or b"\x00"
