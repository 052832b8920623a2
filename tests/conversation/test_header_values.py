"""Values in headers: the unit of Modbus and a session handle, through both ends of the conversation."""

from __future__ import annotations

from typing import Annotated, Any

import pytest
from twisted.internet.defer import Deferred

from tcpcomm import BadReply, CodecError, ConfigurationError, Equipment, Fault, command, event, link_of
from tcpcomm.codec import (
    ID,
    OPCODE,
    STATUS,
    U8,
    U16,
    U32,
    Binary,
    Counted,
    Echo,
    Length,
    ProtocolErrorKind,
    Rest,
    Skip,
    Var,
)
from tcpcomm.framing import LengthPrefixed
from tests.equipment.declared import Bench


class Plc(Equipment):
    """A gateway to several units."""

    framing = LengthPrefixed(2, offset=4, strip=0)
    unit = Echo(U8, 1)
    codec = Binary(
        id=U16,
        head=(ID, b"\0\0", Length(U16), unit, OPCODE),
        event_head=(Skip(4), Length(U16), unit, OPCODE),
    )

    @command(3)
    async def read(self, start: U16) -> U16:
        """Read a register."""
        raise NotImplementedError

    @event(0x40)
    def changed(self, register: U16) -> None:
        """A register has changed."""

    async def read_two(self, start: int) -> list[int]:
        return [await self.read(start), await self.read(start + 1)]


class MyPlc(Plc):
    def __init__(self) -> None:
        self.waiting: dict[int, Deferred[None]] = {}

    async def read(self, start: U16) -> U16:
        asked = self.unit.value
        if asked in self.waiting:
            await self.waiting[asked]
        if self.unit.value == 9:
            raise Fault(2)
        return 100 * self.unit.value + start


def test_a_proxy_for_another_unit_asks_on_the_same_connection(bench: Bench) -> None:
    bench.serve(MyPlc())
    plc = bench.remote(Plc)
    assert 105 == bench.result(plc.read(5))
    assert 705 == bench.result(plc.unit(7).read(5))
    assert 105 == bench.result(plc.read(5))
    assert [705, 706] == bench.result(plc.unit(7).read_two(5))
    assert (1, 7) == (plc.unit.value, plc.unit(7).unit.value)
    assert link_of(plc) is link_of(plc.unit(7))
    failed = bench.result(plc.unit(9).read(5))
    assert (Fault, 2) == (type(failed), failed.code)


def test_a_fault_is_kept_by_the_unit_of_its_request(bench: Bench) -> None:
    kept = []

    class Keeping(MyPlc):
        def keep_fault(self, fault: Fault) -> bool:
            kept.append((self.unit.value, fault.code))
            return False

    class Asks(Plc):
        @command(4)
        async def undeclared(self) -> None:
            """Not declared at the equipment."""
            raise NotImplementedError

    bench.serve(Keeping())
    plc = bench.remote(Asks)
    assert isinstance(bench.result(plc.unit(9).read(5)), Fault)
    assert isinstance(bench.result(plc.unit(7).undeclared()), Fault)
    assert [(9, 2), (7, 1)] == kept


def test_each_handler_sees_the_unit_of_its_own_request_also_after_it_waited(bench: Bench) -> None:
    served = MyPlc()
    served.waiting = {7: Deferred(), 8: Deferred()}
    bench.serve(served)
    plc = bench.remote(Plc)
    assert 105 == bench.result(plc.read(5))
    asked = {unit: plc.unit(unit).read(5) for unit in (7, 8)}
    assert 205 == bench.result(plc.unit(2).read(5))
    for unit in (8, 7):
        served.waiting[unit].callback(None)
        assert 100 * unit + 5 == bench.result(asked[unit])


def test_a_value_that_is_set_holds_for_the_link_also_on_its_next_connection(bench: Bench) -> None:
    bench.serve(MyPlc())
    plc = bench.remote(Plc)
    plc.unit.set(4)
    assert 405 == bench.result(plc.read(5))
    link_of(plc).engine.drop("a test")
    bench.until(lambda: link_of(plc).state.value == "ready")
    assert (405, 205) == (bench.result(plc.read(5)), bench.result(plc.unit(2).read(5)))


def test_a_value_that_does_not_fit_is_refused_when_a_command_is_asked(bench: Bench) -> None:
    bench.serve(MyPlc())
    plc = bench.remote(Plc)
    bench.result(plc.read(5))
    failed = bench.result(plc.unit(300).read(5))
    assert "unit: must be a whole number from 0 to 255, not 300" == str(failed)
    assert CodecError is type(failed)


def test_events_reach_the_subscribers_of_each_proxy(bench: Bench) -> None:
    served = MyPlc()
    bench.serve(served)
    plc = bench.remote(Plc)
    heard: list[tuple[int, int]] = []
    plc.unit(7).changed.subscribe(lambda register: heard.append((7, register)))
    plc.changed.subscribe(lambda register: heard.append((1, register)))
    bench.result(plc.read(5))
    served.changed(register=3)
    bench.until(lambda: len(heard) == 2)
    assert [(1, 3), (7, 3)] == sorted(heard)


def test_a_reply_for_another_unit_is_not_taken(bench: Bench) -> None:
    class Confused(MyPlc):
        async def read(self, start: U16) -> U16:
            self.unit.set(2)
            return start

    bench.serve(Confused())
    failed = bench.result(bench.remote(Plc).read(5))
    assert BadReply is type(failed)
    assert "unit: must be 1, as in the request, not 2" in str(failed)


def test_the_unit_of_equipment_itself_is_known_only_in_a_handler() -> None:
    with pytest.raises(ConfigurationError, match="unit has a value here only while a command is carried"):
        MyPlc().unit.value  # noqa: B018
    with pytest.raises(ConfigurationError, match=r"MyPlc\.unit\(\.\.\.\) is for the proxy of a host"):
        MyPlc().unit(7)


class Adapter(Equipment):
    """EtherNet/IP: RegisterSession gives a handle, which all later requests carry."""

    framing = LengthPrefixed(2, form="little", offset=2, adjust=20, strip=0)
    session = Var(U32, 0)
    codec = Binary(
        U16,
        id=U32,
        status=U32,
        byte_order="little",
        head=(OPCODE, Length(U16, adjust=-20), session, STATUS, ID, Skip(8)),
    )

    @command(0x65)
    def register(self, version: U16, flags: U16) -> Annotated[bytes, Rest()]:
        """Open a session."""
        raise NotImplementedError

    @command(0x63)
    def identity(self) -> Annotated[bytes, Counted(U16)]:
        """Return the identity."""
        raise NotImplementedError


class MyAdapter(Adapter):
    def __init__(self) -> None:
        self.handles = iter((0x11223344, 0x55667788))

    def register(self, version: U16, flags: U16) -> bytes:
        self.session.set(next(self.handles))
        return b""

    def identity(self) -> bytes:
        return f"{self.session.value:08X}".encode()


def test_a_handle_of_a_reply_is_sent_ever_after_and_not_on_the_next_connection(bench: Bench) -> None:
    bench.serve(MyAdapter())
    adapter = bench.remote(Adapter)
    assert b"00000000" == bench.result(adapter.identity())
    assert b"" == bench.result(adapter.register(1, 0))
    assert (b"11223344", 0x11223344) == (bench.result(adapter.identity()), adapter.session.value)
    assert b"00000005" == bench.result(adapter.session(5).identity())
    link_of(adapter).engine.drop("a test")
    bench.until(lambda: link_of(adapter).state.value == "ready")
    assert b"00000000" == bench.result(adapter.identity())


def test_a_step_of_the_connection_may_learn_the_handle_before_all_commands(bench: Bench) -> None:
    async def register(adapter: Adapter) -> None:
        await adapter.register(1, 0)  # type: ignore[misc]

    bench.serve(MyAdapter())
    adapter = bench.remote(Adapter, on_ready=[register])
    assert b"11223344" == bench.result(adapter.identity())
    link_of(adapter).engine.drop("a test")
    bench.until(lambda: link_of(adapter).state.value == "ready")
    assert b"55667788" == bench.result(adapter.identity())


class Router(Equipment):
    """ADS: each address changes its place in the reply."""

    target = Echo(U16, 0x0201)
    source = Echo(U16, 0x0403)
    codec = Binary(id=U8, head=(target, source, ID, OPCODE), reply_head=(source, target, ID, OPCODE))
    framing = LengthPrefixed(2)

    @command(1)
    def ping(self) -> U16:
        """Return the source of the request."""
        raise NotImplementedError


class MyRouter(Router):
    def ping(self) -> int:
        return self.source.value


def test_addresses_change_their_places_in_the_reply(bench: Bench) -> None:
    dialect = Router._declaration.dialect
    request = bytes.fromhex("0201 0403 07 01")
    assert request == dialect.request("ping", {}, 7)
    (asked,) = dialect.read_at_equipment(request).requests
    assert [bytes.fromhex("0403 0201 07 01 0005")] == dialect.reply(asked, 5)  # type: ignore[arg-type]
    bench.serve(MyRouter())
    assert 0x0999 == bench.result(bench.remote(Router).source(0x0999).ping())


def wrong(**attributes: Any) -> type[Equipment]:
    def ping(self: Any) -> None: ...

    ping.__qualname__ = "Wrong.ping"
    return type("Wrong", (Equipment,), {"ping": command(1)(ping), **attributes})


def test_a_value_without_a_name_or_of_a_wrong_type_is_refused() -> None:
    with pytest.raises(ConfigurationError, match=r"Echo\(.*\) in a header has no name: make it"):
        wrong(codec=Binary(head=(OPCODE, Echo(U8, 1))))
    unit = Echo(Annotated[str, Rest()], "")
    with pytest.raises(ConfigurationError, match="Echo: a value in a header must have a fixed size"):
        wrong(unit=unit, codec=Binary(head=(OPCODE, unit)))
    other = Echo(U8, 300)
    with pytest.raises(ConfigurationError, match="Echo: its default does not fit: must be a whole number"):
        wrong(unit=other, codec=Binary(head=(OPCODE, other)))


def test_a_name_that_equipment_uses_is_refused() -> None:
    unit = Echo(U8, 1)
    with pytest.raises(ConfigurationError, match=r"Wrong\.unknown: .* because tcpcomm has it"):
        wrong(unknown=unit, codec=Binary(head=(OPCODE, unit)))


def test_a_value_that_no_header_has_cannot_be_sent(bench: Bench) -> None:
    class Bare(Plc):
        codec = Binary(id=U16, head=(ID, b"\0\0", Length(U16), b"\1", OPCODE))

    class MyBare(Bare):
        async def read(self, start: U16) -> U16:
            return start

    bench.serve(MyBare())
    with pytest.raises(ConfigurationError, match="only if a header of the codec contains unit"):
        bench.remote(Bare).unit(7)


def test_a_refused_request_keeps_its_unit() -> None:
    dialect = Plc._declaration.dialect
    for frame, answer in (
        ("0007 0000 0004 07 2B 0005", "0007 0000 0003 07 AB 01"),
        ("0007 0000 0003 07 03 05", "0007 0000 0003 07 83 03"),
        ("0007 0001 0004 07 03 0005", "0007 0001 0003 07 83 03"),
    ):
        (refusal,) = dialect.read_at_equipment(bytes.fromhex(frame)).requests
        kind: ProtocolErrorKind = refusal.error_kind  # type: ignore[union-attr]
        assert bytes.fromhex(answer) == dialect.fault(refusal, dialect.fault_for(kind, ""))
