"""The simulated CPU keeps what is written, and refuses what makes no sense."""

from __future__ import annotations

import pytest

from tcpcomm import CodecError, Fault
from tcpcomm.devices.s7 import S7, Area, Memory, Part, ReturnCode
from tests.equipment.declared import Bench
from tests.equipment.test_forms import Robot, plain_robot

CONNECT = "11 E0 0000 0009 00 C0010A C1020100 C2020101"
SET_UP = "02F080 32010000 0001 0008 0000 F0 00 0001 0001 00F0"


class Peer:
    """A host's program that sends frames by their bytes."""

    def __init__(self, bench: Bench) -> None:
        self.bench = bench
        self.robot: Robot = plain_robot(bench)

    def ask(self, text: str) -> str:
        """Send a TPDU. Return what comes back, in hex without the header of TPKT."""
        self.robot.received = b""
        content = bytes.fromhex(text)
        self.robot.transport.write(b"\3\0" + (4 + len(content)).to_bytes(2, "big") + content)
        self.bench.network.advance(0.2)
        return self.robot.received[4:].hex().upper()

    def job(self, parameters: str, data: str = "") -> str:
        """Send a job. Return error class and code, parameters and data of its answer."""
        sizes = [len(bytes.fromhex(each)) for each in (parameters, data)]
        head = "02F080 32010000 0002" + "".join(f"{size:04X}" for size in sizes)
        answer = self.ask(head + parameters + data)
        assert answer.startswith(("02F08032020000" + "0002", "02F08032030000" + "0002")), answer
        return answer[26:]


@pytest.fixture
def memory(bench: Bench) -> Memory:
    memory = Memory(blocks={1: 300})
    bench.serve(memory)
    return memory


@pytest.fixture
def peer(memory: Memory, bench: Bench) -> Peer:
    peer = Peer(bench)
    assert "11D000090002" + "00C0010AC1020100C2020101" == peer.ask(CONNECT)
    assert "02F08032030000000100080000" + "0000F0000001000100F0" == peer.ask(SET_UP)
    return peer


def test_values_are_open_to_the_program_by_their_addresses(memory: Memory) -> None:
    memory["DB1.DBW4"] = 7
    memory["DB1.DBB20:STRING[30]"] = "LK-300"
    memory["M0.3"] = True
    memory["DB1.DBW6:INT"] = [-1, -2]
    assert [7, "LK-300", True, -2] == [
        memory[each] for each in ("DB1.DBW4", "DB1.DBB20:STRING[30]", "M0.3", "DB1.DBW8:INT")
    ]
    assert (b"\0\7", 8) == (bytes(memory.blocks[1][4:6]), memory.areas[Area.MERKERS][0])
    with pytest.raises(Fault, match="10"):
        memory["DB2.DBW0"]
    with pytest.raises(CodecError, match="WORD is a whole number"):
        memory["MW0"] = -1


def test_a_simulated_cpu_needs_no_arguments() -> None:
    assert 0 == Memory()["DB1.DBW1022"]


@pytest.mark.parametrize(
    ("item", "answer"),
    [
        ("120A1002 0004 0001 84 000020", "FF040020" "00000000"),
        ("120A1001 0001 0000 83 000003", "FF030001" "01"),
        ("120A1004 0002 0000 83 000000", "FF040020" "08000000"),
        ("120A1005 0001 0001 84 000000", "FF050010" "0000"),
        ("120A1008 0001 0001 84 000000", "FF070004" "00000000"),
        ("120A1003 0002 0001 84 000000", "FF090002" "0000"),
        ("120A101D 0001 0000 1D 000003", "FF090002" "0000"),
        ("120A1002 0004 0007 84 000000", "0A000000"),
        ("120A1002 0002 0001 84 000958", "05000000"),
        ("120A1002 0000 0001 84 000000", "05000000"),
        ("120A1002 0001 0001 84 000001", "05000000"),
        ("120A1001 0002 0000 83 000003", "07000000"),
        ("120A1002 0001 0000 1D 000003", "07000000"),
        ("120A1042 0001 0001 84 000000", "06000000"),
        ("120A1002 0001 0001 99 000000", "0A000000"),
    ],
)
def test_each_variable_of_a_read_has_its_own_code(
    item: str, answer: str, memory: Memory, peer: Peer
) -> None:
    memory["M0.3"] = True
    assert "0000" "0401" + answer == peer.job("0401" + item)


def test_a_read_beyond_the_agreed_pdu_is_refused(peer: Peer) -> None:
    assert peer.job("0401 120A1002 00DE 0001 84 000000").startswith("00000401FF0406F0")
    assert "8500" == peer.job("0401 120A1002 00DF 0001 84 000000")
    assert "8500" == peer.job("0402" + "120A1002 0064 0001 84 000000" + "120A1002 0078 0001 84 000000")


@pytest.mark.parametrize(
    ("items", "data"),
    [
        ("0501 120A1002 0002 0001 84 000000", "00040010AA"),
        ("0501 120A1002 0002 0001 84 000000", "00040010AABBCCDD"),
        ("0502 120A1002 0002 0001 84 000000 120A1002 0002 0001 84 000000", "00040010AABB"),
        ("0501 120A1002 0002 0001 84 000000", ""),
        ("0501 120B1002 0002 0001 84 000000", "00040010AABB"),
        ("0501 120A1002 0002 0001 84 0000", "00040010AABB"),
        ("0502 120A1002 0002 0001 84 000000", "00040010AABB"),
    ],
    ids=["half", "too long", "one value", "no values", "other syntax", "half an item", "one item"],
)
def test_a_write_whose_lengths_do_not_fit_is_refused_whole(
    items: str, data: str, memory: Memory, peer: Peer
) -> None:
    assert peer.job(items, data)[:4] in ("8500", "8104")
    assert not any(memory.blocks[1])
    assert "0000" "0501" "FF" == peer.job("0501 120A1002 0002 0001 84 000000", "00040010AABB")
    assert b"\xaa\xbb" == memory.blocks[1][:2]


@pytest.mark.parametrize(
    ("item", "data", "code"),
    [
        ("120A1002 0002 0001 84 000958", "00040010AABB", "05"),
        ("120A1002 0002 0007 84 000000", "00040010AABB", "0A"),
        ("120A1002 0004 0001 84 000000", "00040010AABB", "07"),
        ("120A1002 0002 0001 84 000000", "00040008AABB", "07"),
        ("120A1042 0002 0001 84 000000", "00040010AABB", "06"),
    ],
)
def test_a_write_that_does_not_fit_the_memory_stores_nothing(
    item: str, data: str, code: str, memory: Memory, peer: Peer
) -> None:
    assert "0000" "0501" + code == peer.job("0501" + item, data)
    assert not any(memory.blocks[1])


def test_bits_of_one_byte_may_be_written_in_one_job(memory: Memory, peer: Peer) -> None:
    items = "120A1001 0001 0000 83 000000" "120A1001 0001 0000 83 000007"
    assert "0000" "0502" "FFFF" == peer.job("0502" + items, "0003000101 00 0003000101")
    assert 0x81 == memory["MB0"]


@pytest.mark.parametrize(
    "parameters", ["04", "28000000000000FD000009505F50524F4752414D", "99"], ids=["half", "start", "unknown"]
)
def test_an_unknown_service_is_refused_and_the_session_goes_on(parameters: str, peer: Peer) -> None:
    assert peer.job(parameters)[:4] in ("8104", "8500")
    assert "0000" "0401" "FF04000800" == peer.job("0401 120A1002 0001 0001 84 000000")


def test_other_user_data_are_refused(peer: Peer) -> None:
    clock = peer.ask("02F080 32070000 0003 0008 0004 0001120411470100 0A000000")
    assert clock.endswith("8104")


def test_names_and_order_numbers_are_told(memory: Memory, peer: Peer) -> None:
    memory.model = "6ES7 1"
    ask = "02F080 32070000 0003 0008 0008 0001120411440100 FF090004"
    names = bytes.fromhex(peer.ask(ask + "001C0000"))
    assert b"Memory" in names
    assert b"6ES7 1" in names
    assert peer.ask(ask + "001C0007")[58:].startswith("001C000700220001" + "0007" + b"6ES7 1".hex().upper())
    assert peer.ask(ask + "00110000")[58:].startswith("00110000001C0001" + "0001" + b"6ES7 1".hex().upper())
    assert peer.ask(ask + "00110002").endswith("D401")
    assert peer.ask(ask + "09990000").endswith("D401")


def test_jobs_before_the_handshake_are_refused_in_words_of_the_protocol(
    memory: Memory, bench: Bench
) -> None:
    peer = Peer(bench)
    assert "8401" == peer.job("0401 120A1002 0001 0001 84 000000")
    peer.ask(CONNECT)
    assert "8401" == peer.job("0401 120A1002 0001 0001 84 000000")
    peer.ask(SET_UP)
    assert "0000" "0401" "FF04000800" == peer.job("0401 120A1002 0001 0001 84 000000")


def test_a_job_in_fragments_is_put_together(peer: Peer) -> None:
    first = "02F000 32010000 0002 000E 0000 0401"
    assert "" == peer.ask(first)
    assert peer.ask("02F080 120A1002 0001 0001 84 000000").endswith("FF04000800")


def test_each_session_has_its_own_pdu(memory: Memory, peer: Peer, bench: Bench) -> None:
    other = Peer(bench)
    other.ask(CONNECT)
    assert other.ask(SET_UP.replace("00F0", "FFFF")).endswith("01E0")
    wide = "0401 120A1002 0100 0001 84 000000"
    assert ("0000", "8500") == (other.job(wide)[:4], peer.job(wide)[:4])


def test_a_host_that_says_goodbye_is_left(peer: Peer, bench: Bench) -> None:
    assert "" == peer.ask("0680 0002 0009 00 00")
    assert not peer.robot.transport.connected


def test_a_subclass_hears_reads_and_refuses_writes(bench: Bench) -> None:
    class Line(Memory):
        def __init__(self) -> None:
            super().__init__()
            self.seen: list[tuple[str, bytes]] = []

        def on_read(self, part: Part) -> None:
            self["MW0"] += 1

        def on_write(self, part: Part, values: bytes) -> None:
            self.seen.append((str(part), values))
            if part.area is Area.OUTPUTS:
                raise Fault(ReturnCode.ACCESS_TO_THE_OBJECT_NOT_ALLOWED)

    line = Line()
    bench.serve(line)
    plc = bench.remote(S7)
    assert [1, 2] == [bench.result(plc.read("MW0")), bench.result(plc.read("MW0"))]
    line["DB1.DBB9"] = 2
    refused = bench.result(plc.write_many({"DB1.DBX9.0": True, "QW0": 5}))
    reason = "3: QW0: access to the object not allowed; 1 of 2 variables were written"
    assert reason == str(refused)
    assert [("DB1, bytes 9 to 9", b"\3"), ("Q, bytes 0 to 1", b"\0\5")] == line.seen
    assert (3, 0) == (line["DB1.DBB9"], line["QW0"])


def test_a_hook_may_refuse_a_whole_job(bench: Bench) -> None:
    class Locked(Memory):
        def on_write(self, part: Part, values: bytes) -> None:
            raise Fault(0xD241)

    locked = Locked()
    bench.serve(locked)
    plc = bench.remote(S7)
    refused = bench.result(plc.write("MW0", 5))
    assert (Fault, 0xD241) == (type(refused), refused.code)
    assert 0 == locked["MW0"]
