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
Talks = dict[str, list[Shown]]


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


ONE = '{"jsonrpc":"2.0","method":"load","params":{"trays":%d},"id":%d}'
GOOD = Summed.framing.encode(b"\x01\x07")
LARGE = Random(1).randbytes(60_000)
SENT = Anything.framing.encode(b"\x01" + LARGE)
MOVE = bytes.fromhex("0006 10 02 000003E8")

TALKS: dict[str, tuple[type[Equipment], list[tuple[str, bytes]]]] = {
    "unknown": (
        Drive,
        [
            (HOST, bytes.fromhex("0002 55 01")),
            (HOST, bytes.fromhex("0003 10 01 00")),
            (HOST, bytes.fromhex("0006 10 09 000003E8")),
            (HOST, MOVE),
        ],
    ),
    "checksum": (
        Summed,
        [(HOST, GOOD[:-1] + bytes([GOOD[-1] ^ 1])), (HOST, b"\x00\x01noise" + GOOD)],
    ),
    "name": (Syslog, [(HOST, b"GET size\r\n")]),
    "login": (
        Guarded,
        [
            (EQUIPMENT, b"Hello\r\nUser:\r\n"),
            (HOST, b"anna\r\n"),
            (EQUIPMENT, b"Password:\r\n"),
            (HOST, b"GO 3\r\n"),
            (EQUIPMENT, b"OK\r\n"),
        ],
    ),
    "both": (
        Loader,
        [
            (HOST, b'{"jsonrpc":"2.0","method":"load","params":{"trays":2},"id":1}'),
            (EQUIPMENT, b'{"jsonrpc":"2.0","method":"confirm","params":{"tray":"A"},"id":1}'),
            (HOST, b'{"jsonrpc":"2.0","result":7,"id":1}'),
            (EQUIPMENT, b'{"jsonrpc":"2.0","result":"done","id":1}'),
        ],
    ),
    "batch": (Loader, [(HOST, f"[{ONE % (2, 1)},{ONE % (3, 2)}]".encode())]),
    "phases": (
        Phased,
        [
            (HOST, b"RUN 4\r\n"),
            (EQUIPMENT, b"OPENED\r\n"),
            (HOST, b"abc\r"),
            (EQUIPMENT, b"DONE 3\r"),
        ],
    ),
    "scpi": (
        Multimeter,
        [(HOST, b"*rst;:measure:voltage:dc?;*IDN?\n"), (EQUIPMENT, b"1.25E+0;a,b,c,d\n")],
    ),
    "bytes": (Drive, [(HOST, bytes([each])) for each in MOVE]),
    "large": (Anything, [(HOST, SENT[start : start + 1460]) for start in range(0, len(SENT), 1460)]),
}
PREFIXES: dict[type[Equipment], str] = {Syslog: "syslog_device"}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    needs_program("tshark", "apt-get install tshark")
    return tmp_path


@pytest.fixture(scope="module")
def talks(tmp_path_factory: pytest.TempPathFactory) -> Talks:
    """Return what is shown of each talk, by one run of tshark."""
    needs_program("tshark", "apt-get install tshark")
    folder = tmp_path_factory.mktemp("talks")
    kinds = [*dict.fromkeys(kind for kind, _ in TALKS.values())]
    ports = {kind: PORT + number for number, kind in enumerate(kinds)}
    names = {kind: PREFIXES.get(kind, kind.__name__.lower()) for kind in kinds}
    scripts = {
        names[kind]: script_of(folder, names[kind], declaration_of(kind), ports[kind]) for kind in kinds
    }
    capture = Capture()
    packets = {}
    for name, (kind, talk) in TALKS.items():
        begin = len(capture.packets)
        capture.connect(ports[kind])
        for sender, data in talk:
            capture.send(sender, data)
        packets[name] = range(begin + 1, len(capture.packets) + 1)
    path = folder / "talks.pcap"
    capture.write(path)
    shown = dissected(path, scripts)
    return {
        name: [
            each
            for each in shown[names[kind]]
            if each.frame in packets[name] and (each.kind or each.experts or each.fields)
        ]
        for name, (kind, _) in TALKS.items()
    }


def captured(folder: Path, talk: list[tuple[str, bytes]], *options: str, port: int = PORT) -> list[Shown]:
    """Return the messages of a drive in a capture of its own."""
    script = script_of(folder, "drive", declaration_of(Drive), port)
    capture = Capture()
    capture.connect(PORT)
    for sender, data in talk:
        capture.send(sender, data)
    path = folder / "talk.pcap"
    capture.write(path)
    return dissected(path, {"drive": script}, *options)["drive"]


def test_what_is_not_declared_is_told(talks: Talks) -> None:
    unknown, short, wrong, good = talks["unknown"]
    assert ("", ["no declared message fits"]) == (unknown.kind, unknown.experts)
    assert ("request", "move") == (short.kind, short.message)
    assert ["the body does not fit: 4 bytes are needed at byte 2, and 1 are left"] == short.experts
    assert ["9 is none of the declared values"] == wrong.experts
    assert ([], ["1000"]) == (good.experts, good.fields["move.position"])


def test_a_wrong_checksum_and_garbage_are_told(talks: Talks) -> None:
    wrong, garbage, good = talks["checksum"]
    assert ("request", "read") == (wrong.kind, wrong.message)
    (fault,) = wrong.experts
    assert fault.startswith("the checksum (crc-16/modbus) is ")
    assert ["a frame must begin with AA"] == garbage.experts
    assert ([], ["7"]) == (good.experts, good.fields["read.place"])


def test_requests_and_replies_are_linked_both_ways(folder: Path) -> None:
    reply_of_move = bytes.fromhex("0003 10 0005")
    request, reply = captured(folder, [(HOST, MOVE), (EQUIPMENT, reply_of_move)], "-2")
    assert [str(reply.frame)] == request.fields["response_in"]
    assert [str(request.frame)] == reply.fields["request_in"]
    assert 0.001 == pytest.approx(float(reply.fields["time"][0]))


def test_filters_name_the_declared_fields(folder: Path) -> None:
    talk = [(HOST, bytes.fromhex(f"0006 10 0{axis} 000003E8")) for axis in (1, 2, 1, 2)]
    found = captured(folder, talk, "-Y", "drive.move.axis == 2 && drive.move.position > 500")
    assert [["2"], ["2"]] == [each.fields["move.axis"] for each in found]


def test_the_port_and_the_roles_can_be_set(folder: Path) -> None:
    options = ("-o", f"drive.port:{PORT}", "-o", "drive.host_listens:TRUE")
    (found,) = captured(folder, [(EQUIPMENT, MOVE)], *options, port=9)
    assert ("request", "move") == (found.kind, found.message)


def test_a_name_that_wireshark_has_gets_another_end(talks: Talks) -> None:
    (found,) = talks["name"]
    assert ("request", ["size"]) == (found.kind, found.fields["get.what"])


def test_a_greeting_and_a_login_are_shown(talks: Talks) -> None:
    found = talks["login"]
    assert ["greeting", "login", "login", "login", "request", "reply"] == [each.kind for each in found]
    assert ["anna"] == found[2].fields["login.user"]


def test_both_sides_may_ask_at_once(talks: Talks) -> None:
    found = talks["both"]
    expected = [("request", "load"), ("request", "confirm"), ("reply", "confirm"), ("reply", "load")]
    assert expected == [(each.kind, each.message) for each in found]
    assert ["7"] == found[2].fields["confirm.result"]


def test_a_batch_is_shown_message_by_message(talks: Talks) -> None:
    assert [["2"], ["3"]] == [each.fields["load.trays"] for each in talks["batch"]]


def test_two_phases_are_one_command(talks: Talks) -> None:
    found = talks["phases"]
    assert ["request", "reply", "request", "reply"] == [each.kind for each in found]
    assert ["abc"] == found[2].fields["run.program"]
    assert ["3"] == found[3].fields["run.n"]


def test_several_commands_of_scpi_stand_in_one_line(talks: Talks) -> None:
    requests = [("request", "reset"), ("request", "voltage"), ("request", "identification")]
    expected = [*requests, ("reply", "voltage"), ("reply", "identification")]
    assert expected == [(each.kind, each.message) for each in talks["scpi"]]


def test_a_capture_may_begin_in_the_middle(folder: Path) -> None:
    script = script_of(folder, "drive", declaration_of(Drive), PORT)
    capture = Capture()
    capture.connect(PORT)
    capture.packets.clear()
    capture.send(EQUIPMENT, bytes.fromhex("0003 10 0005"))
    capture.send(HOST, MOVE)
    path = folder / "talk.pcap"
    capture.write(path)
    found = dissected(path, {"drive": script})["drive"]
    assert [("reply", "move"), ("request", "move")] == [(each.kind, each.message) for each in found]


def test_a_frame_may_come_byte_by_byte(talks: Talks) -> None:
    (found,) = talks["bytes"]
    assert ["1000"] == found.fields["move.position"]


def test_a_large_frame_is_joined(talks: Talks) -> None:
    (found,) = talks["large"]
    assert [LARGE.hex(":")] == found.fields["put.data"]


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
