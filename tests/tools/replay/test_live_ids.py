"""Live ids and header values in recorded frames."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import pytest

from tcpcomm import Equipment, Fault, command, declaration_of
from tcpcomm.codec import ID, OPCODE, STATUS, U16, U32, Binary, Length, Rest, Skip, Var
from tcpcomm.framing import LengthPrefixed
from tcpcomm.testing import replayed
from tcpcomm.tools.dissect.speech import Speech
from tcpcomm.tools.replay import live_ids
from tcpcomm.tools.replay.live_ids import LiveIds
from tcpcomm.tools.replay.said import ConversationReader, Said
from tests.testing.test_replayed import record


class Adapter(Equipment):
    """EtherNet/IP: the reply to register gives a handle, which later requests carry."""

    framing = LengthPrefixed(2, form="little", offset=2, adjust=20, strip=0)
    session = Var(U32, 0)
    codec = Binary(
        U16,
        id=U32,
        status=U32,
        byte_order="little",
        head=(OPCODE, Length(U16, adjust=-20), session, STATUS, ID, Skip(8)),
    )
    handle = 0x11111111

    @command(0x65)
    def register(self, version: U16 = 1, flags: U16 = 0) -> Annotated[bytes, Rest()]:
        self.session.set(self.handle)
        return b"\1\0\0\0"

    @command(0x63)
    def identity(self) -> Annotated[bytes, Rest()]:
        if self.session.value != self.handle:
            raise Fault(0x64, "there is no such session")
        return b"scale"


class Renumbered(Adapter):
    handle = 0x22222222


async def host(adapter: Any) -> None:
    await adapter.register()
    assert b"scale" == await adapter.identity()
    assert b"scale" == await adapter.identity()


def test_a_recorded_host_sends_the_handle_that_it_gets_live(tmp_path: Path) -> None:
    recording = record(tmp_path / "line.tcpcomm", Adapter(), host)
    replayed(recording, Adapter())
    replayed(recording, Renumbered())


def test_a_live_host_may_have_another_handle(tmp_path: Path) -> None:
    recording = record(tmp_path / "line.tcpcomm", Renumbered(), host)
    replayed(recording, Adapter, host=host)


SPEECH = Speech.declared(declaration_of(Adapter))


def requests(count: int) -> list[Said]:
    reader = ConversationReader(SPEECH)
    dialect = declaration_of(Adapter).dialect
    found: list[Said] = []
    for number in range(count):
        frame = dialect.request("identity", {}, number)
        found += reader.feed(SPEECH.to_equipment.encode(frame), 0.0, from_host=True)
    return found


def test_a_limited_number_of_commands_is_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live_ids, "MOST_REMEMBERED", 2)
    known = LiveIds(SPEECH, plays_host=False)
    recorded, live = requests(3), requests(3)
    for each, other in zip(recorded, live, strict=True):
        known.pair(each, other)
    found = [known.live_command(each.messages[0]) for each in recorded]
    assert [None, live[1].messages[0], live[2].messages[0]] == found
