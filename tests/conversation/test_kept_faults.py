"""Equipment that keeps its faults until the host asks for them answers with nothing."""

from __future__ import annotations

from tcpcomm import Equipment, Fault, command, current_session
from tcpcomm.codec import Template
from tcpcomm.framing import Delimited
from tests.server.test_observed import wire


class Supply(Equipment):
    """A supply that answers with a fault."""

    framing = Delimited(b"\n")
    codec = Template(fault="NG,{code:d}")

    @command("SET {volts:d}", reply="OK")
    def set(self, volts: int) -> None:
        """Set the voltage."""
        raise NotImplementedError


class MySupply(Supply):
    keeps = True

    def __init__(self) -> None:
        self.kept: list[tuple[int | str, str]] = []

    def set(self, volts: int) -> None:
        if volts > 30:
            raise Fault(7, "too much")
        if volts < 0:
            raise ValueError("a defect")

    def keep_fault(self, fault: Fault) -> bool:
        self.kept.append((fault.code, current_session().peer[:4]))
        return self.keeps


def test_a_fault_that_is_kept_is_not_answered() -> None:
    supply = MySupply()
    line = wire(supply)
    line.receive("SET 31", "FLY", "SET x", "SET -1", "SET 5")
    assert b"OK\n" == line.session.transport.value()  # type: ignore[union-attr]
    assert [7, 92, 93, 99] == [code for code, _ in supply.kept]


def test_a_fault_that_is_only_counted_is_answered() -> None:
    supply = MySupply()
    supply.keeps = False
    line = wire(supply)
    line.receive("SET 31", "FLY")
    assert b"NG,7\nNG,92\n" == line.session.transport.value()  # type: ignore[union-attr]
    assert 2 == len(supply.kept)


def test_a_fault_is_answered_if_keeping_it_fails() -> None:
    class Broken(MySupply):
        def keep_fault(self, fault: Fault) -> bool:
            raise ValueError("a defect")

    line = wire(Broken())
    line.receive("SET 31")
    assert b"NG,7\n" == line.session.transport.value()  # type: ignore[union-attr]
