"""Equipment whose end marks carry a meaning, and control bytes beside its frames."""

from __future__ import annotations

from tcpcomm import Equipment, Fault, command
from tcpcomm.codec import Template
from tcpcomm.framing import ETX, STX, Delimited, Enclosed, checksum
from tcpcomm.testing import check_equipment
from tests.equipment.declared import Bench

KEPT = Delimited((b":", b"?"), keep_ends=True)


class Galil(Equipment):
    """A motion controller that ends its answer with a colon for yes, and says no by a question mark."""

    framing = Delimited(b"\r")
    reply_framing = KEPT
    codec = Template(fault="?")

    @command("PA {target:d}", reply=":")
    def position_absolute(self, target: int) -> None:
        """Set the target, in counts."""
        raise NotImplementedError

    @command("TP", reply=" {counts:.4f}\r\n:")
    def tell_position(self) -> float:
        """Tell the position, in counts."""
        raise NotImplementedError


class MyGalil(Galil):
    def position_absolute(self, target: int) -> None:
        if target > 1000:
            raise Fault("")

    def tell_position(self) -> float:
        return 12.5


class Analyser(Equipment):
    """The receiving side of ASTM E1381: each record of the sender is answered by a lone ACK or NAK."""

    framing = Enclosed(
        STX,
        (ETX, b"\x17"),
        checksum=checksum("sum8").written("hex"),
        tail=b"\r\n",
        keep_ends=True,
        alone=(b"\x04", b"\x05", b"\x06", b"\x15"),
    )
    codec = Template(fault="\x15")

    @command("\x05", reply="\x06")
    def enquire(self) -> None:
        """Say that records follow."""
        raise NotImplementedError

    @command("{number:1d}{text}\x17", reply="\x06")
    def part(self, number: int, text: str) -> None:
        """Send a part of a record."""
        raise NotImplementedError

    @command("{number:1d}{text}\x03", reply="\x06")
    def record(self, number: int, text: str) -> None:
        """Send the last part of a record."""
        raise NotImplementedError

    @command("\x04", reply=None)
    def finish(self) -> None:
        """Say that no record follows."""
        raise NotImplementedError


class MyAnalyser(Analyser):
    def __init__(self) -> None:
        super().__init__()
        self.heard: list[object] = []

    def enquire(self) -> None:
        self.heard.append("ENQ")

    def part(self, number: int, text: str) -> None:
        self.heard.append((number, text, "ETB"))

    def record(self, number: int, text: str) -> None:
        self.heard.append((number, text, "ETX"))

    def finish(self) -> None:
        self.heard.append("EOT")


def test_a_refused_command_of_a_galil_raises(bench: Bench) -> None:
    bench.serve(MyGalil())
    galil = bench.remote(Galil)
    refused = bench.result(galil.position_absolute(2000))
    answers = [bench.result(galil.position_absolute(5)), bench.result(galil.tell_position())]
    assert (Fault, [None, 12.5]) == (type(refused), answers)


def test_records_of_an_analyser_are_acknowledged_one_by_one(bench: Bench) -> None:
    served = MyAnalyser()
    bench.serve(served)
    analyser = bench.remote(Analyser)
    assert bench.result(analyser.enquire()) is None
    assert bench.result(analyser.part(1, "H|one")) is None
    assert bench.result(analyser.record(2, "two\r")) is None
    assert bench.result(analyser.finish()) is None
    bench.until(lambda: len(served.heard) == 4)
    assert ["ENQ", (1, "H|one", "ETB"), (2, "two\r", "ETX"), "EOT"] == served.heard


def test_both_declarations_hold_for_any_values() -> None:
    check_equipment(Galil, max_examples=20)
    check_equipment(Analyser, max_examples=20)
