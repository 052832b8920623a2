"""Headers are proposed where each part is proven, and then read every frame."""

from __future__ import annotations

from random import Random
from typing import Annotated, Any

import pytest
from attrs import field, frozen
from hypothesis import given, settings
from hypothesis import strategies as st

import tcpcomm.codec
from tcpcomm.codec import Binary, Rest
from tcpcomm.codec.base import MISSING, Answer, Field, MessageSpec, Request
from tcpcomm.devices.fins.declaration import Fins
from tcpcomm.devices.hsms.gem import Gem
from tcpcomm.devices.modbus.declaration import Modbus
from tcpcomm.devices.slmp.declaration import Slmp
from tcpcomm.equipment.equipment import Equipment
from tcpcomm.tools.guess.binary.draft import HeaderDraft, draft_header
from tcpcomm.tools.guess.binary.fact import FactKind
from tcpcomm.tools.guess.binary.facts import find_facts
from tcpcomm.tools.guess.binary.pairs import pair_up
from tcpcomm.tools.guess.capture import ANSWERER, OPENER, Side
from tests.tools.guess.binary.conversations import Frames, device_frames, pipelined

BYTES = Annotated[bytes, Rest()]


def check_reads(draft: HeaderDraft, frames: Frames) -> None:
    """Check that the proposed code makes a codec, and that it reads the header of every exchange."""
    names: dict[str, Any] = {name: getattr(tcpcomm.codec, name) for name in draft.imports}
    names["Annotated"] = Annotated
    codec = eval(draft.text, names)
    assert isinstance(codec, Binary)
    exchanges = frames[draft.left_out :]
    facts = find_facts(exchanges)
    [opcode] = facts.of("requests", FactKind.OPCODE)
    places = slice(opcode.at, opcode.stop)
    order: Any = codec.byte_order
    specs = {}
    for request, reply in facts.paired.pairs:
        asked, answered = (int.from_bytes(each[places], order) for each in (request, reply))
        specs[asked] = MessageSpec(
            f"command_{asked}",
            "Device",
            asked,
            answered if opcode.is_own else MISSING,
            (Field("body", BYTES),),
            BYTES,
        )
    dialect = codec.bind([*specs.values()])
    for request, reply in facts.paired.pairs:
        name = f"command_{int.from_bytes(request[places], order)}"
        [asked_for] = dialect.read_at_equipment(request).requests
        assert isinstance(asked_for, Request)
        assert name == asked_for.name
        assert request.endswith(asked_for.values["body"])
        [answer] = dialect.read_at_host(reply)
        assert isinstance(answer, Answer)
        if dialect.by_id:
            assert asked_for.id == answer.id


DEVICES: list[Any] = [
    pytest.param(
        Modbus,
        ["read_holding_registers", "read_coils", "write_single_register"],
        {"faults": [2, 3]},
        r"Binary(id=U16, fault_bit=0x80, head=(ID, b'\x00\x00', Length(U16), b'\x01', OPCODE))",
        id="modbus",
    ),
    pytest.param(
        Slmp,
        ["read_words", "write_words"],
        {"count": 100},
        r"Binary(fault_head=None, byte_order='little', head=(b'P\x00\x00\xff\xff\x03\x00', Length(U16), "
        r"b'\x10\x00\x01', OPCODE), reply_head=(b'\xd0\x00\x00\xff\xff\x03\x00', Length(U16)))",
        id="slmp",
    ),
    pytest.param(
        Slmp,
        ["read_words", "write_words"],
        {"count": 100, "faults": [0xC051, 0xC056], "seed": 2},
        r"Binary(status=U16, byte_order='little', head=(b'P\x00\x00\xff\xff\x03\x00', Length(U16), "
        r"b'\x10\x00\x01', OPCODE), reply_head=(b'\xd0\x00\x00\xff\xff\x03\x00', Length(U16), STATUS))",
        id="slmp with faults",
    ),
    pytest.param(
        Fins,
        ["memory_area_read", "memory_area_write", "cpu_unit_data_read"],
        {"faults": [0x1103]},
        r"Binary(U16, id=U8, status=U16, head=(b'FINS', Length(U32), b'\x00\x00\x00\x02\x00\x00\x00\x00\x80"
        r"\x00\x02\x00\x00\x00\x00\x00\x00', ID, OPCODE), reply_head=(b'FINS', Length(U32), "
        r"b'\x00\x00\x00\x02\x00\x00\x00\x00\xc0\x00\x02\x00\x00\x00\x00\x00\x00', ID, OPCODE, STATUS))",
        id="fins",
    ),
    pytest.param(
        Gem,
        ["s1f1", "s1f3", "s2f41"],
        {},
        r"Binary(U16, id=U8, fault_head=None, head=(b'\x00\x00', OPCODE, b'\x00\x00\x00\x00\x00', ID))",
        id="hsms",
    ),
]


@pytest.mark.parametrize(("kind", "commands", "options", "text"), DEVICES)
def test_the_header_of_a_known_device_is_proposed(
    kind: type[Equipment], commands: list[str], options: dict[str, Any], text: str
) -> None:
    frames = device_frames(kind, commands, **options)
    draft = draft_header(frames)
    assert (text, ()) == (draft.text, draft.missing)
    check_reads(draft, frames)


def test_pipelined_requests_are_paired_by_their_id() -> None:
    frames = device_frames(Modbus, ["read_holding_registers", "write_single_register"], faults=[2])
    straight, ahead = draft_header(frames), draft_header(pipelined(frames, 4))
    assert straight.text == ahead.text


def test_a_handshake_at_the_beginning_is_left_out_and_told() -> None:
    frames = device_frames(Gem, ["select"], 1) + device_frames(Gem, ["s1f1", "s1f3", "s2f41"])[2:]
    draft = draft_header(frames)
    assert 2 == draft.left_out
    assert "the first 2 frames have another header, such as that of a handshake" == draft.notes[0]
    check_reads(draft, frames)


def test_frames_that_come_unasked_are_told() -> None:
    frames = device_frames(Modbus, ["read_holding_registers", "read_coils"], faults=[2])
    event: tuple[Side, bytes] = (ANSWERER, b"\xff\xff\0\0\0\3\1\x60\7")
    draft = draft_header([*frames[:20], event, *frames[20:], event])
    assert "2 frames came unasked, of which nothing is proposed" in draft.notes
    assert draft.text


def test_linktests_among_data_keep_a_header_from_being_proposed() -> None:
    draft = draft_header(device_frames(Gem, ["s1f1", "s1f3", "linktest"]))
    assert draft.codec is None
    assert "" == draft.text
    assert "the meaning of bytes 2 to 3, byte 5 of requests is not known" in draft.missing


def test_one_command_does_not_prove_an_opcode() -> None:
    draft = draft_header(device_frames(Gem, ["s1f3"]))
    assert ("no byte of requests is proven to be the opcode",) == draft.missing


def test_a_few_frames_prove_no_header() -> None:
    draft = draft_header(device_frames(Modbus, ["read_coils", "write_single_register"], 9))
    assert ("9 requests have replies, and a header needs 10 of them",) == draft.missing
    assert draft_header([]).missing


def test_counters_of_their_own_keep_a_header_from_being_proposed() -> None:
    frames = Frames()
    for number, (request, reply) in enumerate(
        pair_up(device_frames(Modbus, ["read_coils", "write_single_register"], faults=[1])).pairs
    ):
        frames.append((OPENER, (1000 + number).to_bytes(2) + request[2:]))
        frames.append((ANSWERER, (5000 + number).to_bytes(2) + reply[2:]))
    missing = draft_header(frames).missing
    assert "requests count at bytes 0 to 1, and no part of a header says that" in missing


@frozen
class PrivateHeader:
    """A header of a made-up device."""

    parts: tuple[str, ...]
    order: Any
    id_width: int
    counts: bool
    length_width: int
    adjust: int
    constant: bytes
    shows_faults: str
    unit: bool
    seed: int = field(default=0)

    def frames(self, count: int) -> Frames:
        """Return a conversation. Each command has its own shape, and some requests fail."""
        random, found = Random(self.seed), Frames()
        opcodes = random.sample(range(1, 0x60), 3)
        number = random.randrange(200)
        units = [1, 2, 7] if self.unit else [1]
        for _ in range(count):
            number = number + 1 if self.counts else random.randrange(256**self.id_width)
            command = random.randrange(3)
            unit = random.choice(units)
            body = random.randbytes((2, 4, 3 + random.randrange(8))[command])
            found.append((OPENER, self.frame(number, opcodes[command], unit, body, None)))
            opcode, status = opcodes[command], 0
            answer = random.randbytes((3 + random.randrange(6), 1, 0)[command])
            if random.random() < 1 / 6 and self.shows_faults:
                answer = bytes([random.randrange(1, 5)])
                if self.shows_faults == "bit":
                    opcode |= 0x80
                else:
                    status = answer[0]
            shown = status if self.shows_faults == "status" else None
            found.append((ANSWERER, self.frame(number, opcode, unit, answer, shown)))
        return found

    def frame(self, number: int, opcode: int, unit: int, body: bytes, status: int | None) -> bytes:
        """Return a frame with this header."""
        sizes = {
            "id": self.id_width,
            "length": self.length_width,
            "opcode": 1,
            "constant": len(self.constant),
        }
        sizes |= {"unit": 1}
        tail = (b"" if status is None else bytes([status])) + body
        found = b""
        for index, part in enumerate(self.parts):
            behind = sum(sizes[each] for each in self.parts[index + 1 :]) + len(tail)
            found += {
                "id": (number % 256**self.id_width).to_bytes(self.id_width, self.order),
                "length": (behind + self.adjust).to_bytes(self.length_width, self.order),
                "opcode": bytes([opcode]),
                "constant": self.constant,
                "unit": bytes([unit]),
            }[part]
        return found + tail


PARTS = ("id", "length", "opcode", "constant", "unit")
PRIVATE_HEADERS = st.builds(
    PrivateHeader,
    parts=st.permutations(PARTS).map(tuple),
    order=st.sampled_from(["big", "little"]),
    id_width=st.sampled_from([1, 2, 4]),
    counts=st.booleans(),
    length_width=st.sampled_from([1, 2, 4]),
    adjust=st.sampled_from([0, 0, 1, 2, 4]),
    constant=st.binary(min_size=1, max_size=4),
    shows_faults=st.sampled_from(["", "bit", "status"]),
    unit=st.booleans(),
    seed=st.integers(0, 2**32),
)


@settings(max_examples=40, deadline=None)
@given(PRIVATE_HEADERS)
def test_a_header_that_is_proposed_reads_all_frames(header: PrivateHeader) -> None:
    frames = header.frames(60)
    draft = draft_header(frames)
    assert bool(draft.text) != bool(draft.missing)
    if draft.text:
        check_reads(draft, frames)


def test_most_private_headers_are_proposed() -> None:
    random, proposed = Random(1), 0
    for seed in range(30):
        parts = list(PARTS)
        random.shuffle(parts)
        header = PrivateHeader(
            parts=tuple(parts),
            order=random.choice(("big", "little")),
            id_width=random.choice((2, 4)),
            counts=random.random() < 0.5,
            length_width=random.choice((2, 4)),
            adjust=random.choice((0, 2)),
            constant=random.randbytes(2),
            shows_faults=random.choice(("bit", "status")),
            unit=random.random() < 0.5,
            seed=seed,
        )
        draft = draft_header(header.frames(80))
        proposed += bool(draft.text)
    assert proposed >= 28
