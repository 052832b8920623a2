"""``check_equipment`` accepts correct declarations and shows the smallest example of an error."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import pytest
from attrs import field, frozen

from tcpcomm import ConfigurationError, Equipment, Fault, command, event
from tcpcomm.codec import U16, Binary, Codec, CountedLines, Json, MessageSpec, Silence, Template
from tcpcomm.codec.base import Answer, Dialect, Request
from tcpcomm.codec.template.dialect import TextDialect
from tcpcomm.framing import Decoder, Delimited, FixedSize, Framing, Unframed
from tcpcomm.server.simulator import simulated
from tcpcomm.testing import check_equipment
from tests.equipment.declared import RpcCamera, Scale, VisionCamera
from tests.framing.broken.lines import MissesSplitEndDecoder, WholeLines
from tests.server.test_simulator import Guarded
from tests.tools.manual.test_facts import Finder

FEW = 15


class Tampered(Template):
    """Templates with a modified dialect."""

    tamper: Callable[[Any], None]

    def bind(self, forms: Sequence[MessageSpec]) -> TextDialect:
        dialect: Any = super().bind(forms)
        dialect.replier = partial(Dialect.replier, dialect)  # it uses reply, which may be replaced
        dialect.recognition = lambda source, names: (["number = 0"], [])  # all go the general way
        type(self).tamper(dialect)
        made: TextDialect = dialect
        return made


def tampered(tamper: Callable[[Any], None]) -> Codec:
    kind = type("Tampered", (Tampered,), {"tamper": staticmethod(tamper)})
    made: Codec = kind(fault="NG,{code:d},{reason}")
    return made


def axis(codec: Codec | None = None, framing: Framing | None = None) -> type[Equipment]:
    """Return the declaration of an axis with this codec and framing."""
    chosen = codec or Template(fault="NG,{code:d},{reason}"), framing or Delimited(b"\r\n")

    class Axis(Equipment):
        codec, framing = chosen

        @command("MOVE,{x},{y}", reply="AT,{x}")
        def move(self, x: int, y: int) -> int:
            raise NotImplementedError

        @event("STOP,{x}")
        def stopped(self, x: int) -> None: ...

    return Axis


def complaint(kind: type[Equipment]) -> str:
    with pytest.raises(AssertionError) as found:
        check_equipment(kind, max_examples=50)
    return str(found.value)


class JsonCamera(RpcCamera):
    codec = Json()  # type: ignore[assignment]


class Opened(VisionCamera):
    """A camera whose hosts take a picture first, and need a true answer."""

    async def opening(self, *, active: bool) -> None:
        if (await self.locate(1)).x != 1.0:
            raise Fault(7, "this is not the right camera")


@pytest.mark.parametrize(
    "kind", [VisionCamera, RpcCamera, JsonCamera, Guarded, Finder, Scale, Opened, axis()]
)
def test_sound_declarations_pass(kind: type[Equipment]) -> None:
    check_equipment(kind, max_examples=FEW)


def test_the_smallest_example_is_shown_with_its_values_and_bytes() -> None:
    def swap(dialect: Any) -> None:
        write = dialect.request
        dialect.request = lambda name, values, id: write(name, {"x": values["y"], "y": values["x"]}, id)

    assert (
        "Axis.move does not pass the wire\n"
        "  One end receives exactly the values that the other end sent.\n"
        "  command:        move(x=0, y=-1)\n"
        "  answered with:  0\n"
        "  equipment read: 4d 4f 56 45 2c 2d 31 2c 30 0d 0a  b'MOVE,-1,0\\r\\n'\n"
        "  host read:      41 54 2c 30 0d 0a  b'AT,0\\r\\n'\n"
        "  compared:       commands carried out\n"
        "  expected:       [('move', {'x': 0, 'y': -1})]\n"
        "  actual:         [('move', {'x': -1, 'y': 0})]"
    ) == complaint(axis(tampered(swap)))


def test_results_that_change_on_their_way_are_found() -> None:
    def halve(dialect: Any) -> None:
        write = dialect.reply
        dialect.reply = lambda request, result: write(request, result // 2)

    assert "compared:       outcome" in complaint(axis(tampered(halve)))


def test_events_that_are_taken_for_replies_are_found() -> None:
    def deaf(dialect: Any) -> None:
        dialect.read_at_host = lambda frame: (Answer(frame.decode()),)

    assert "STOP," in complaint(axis(tampered(deaf)))


def test_faults_that_lose_their_code_are_found() -> None:
    def nameless(dialect: Any) -> None:
        write = dialect.fault
        dialect.fault = lambda request, fault: write(request, Fault(0, fault.reason))

    report = complaint(axis(tampered(nameless)))
    assert "compared:       fault\n" in report
    assert "actual:         Fault: 0: a simulated fault" in report


def test_a_codec_that_fails_to_read_is_found_with_what_was_logged() -> None:
    def broken(dialect: Any) -> None:
        def read(frame: bytes) -> Any:
            raise KeyError("no such word")

        dialect.read_at_equipment = read

    report = complaint(axis(tampered(broken)))
    assert "logged:" in report
    assert "KeyError: 'no such word'" in report
    assert "expected:       the command is carried out\n  actual:         OutcomeUnknown: " in report


def test_a_codec_that_fails_to_write_is_found_with_what_it_raised() -> None:
    def broken(dialect: Any) -> None:
        def reply(request: Request, result: Any) -> list[bytes]:
            if result > 500:
                raise KeyError("no such word")
            return [f"AT,{result}".encode()]

        dialect.reply = reply

    report = complaint(axis(tampered(broken)))
    assert report.endswith(
        "  drawn:    for Axis.move\n"
        "  expected: values that can be written\n"
        "  actual:   KeyError: 'no such word'"
    )


def test_a_framing_that_loses_bytes_of_cut_chunks_is_found() -> None:
    class MissesSplitEnds(WholeLines):
        def decoder(self) -> Decoder:
            return MissesSplitEndDecoder(self.max_frame)

    report = complaint(axis(framing=MissesSplitEnds()))

    # A chunk that is cut there is drawn at random, for the command or else for the event.
    assert any(f"Axis.{name} does not pass the wire" in report for name in ("move", "stopped"))
    assert "  0a  b'\\n'\n" in report  # it arrived in a separate chunk


def test_a_framing_that_cannot_carry_the_declared_replies_is_found() -> None:
    class Lister(Equipment):
        framing = Unframed()
        codec = Template(fault="NG")

        @command("LIST", reply=CountedLines("{#}", "{x}"))
        def items(self) -> list[int]:
            raise NotImplementedError

    assert "Lister.items does not pass the wire" in complaint(Lister)


def test_a_class_whose_values_do_not_compare_equal_is_found() -> None:
    def drift(x: int) -> int:
        return x + 1

    @frozen
    class Drifting:
        x: int = field(converter=drift)

    class Drift(Equipment):
        codec = Template(fault="NG")

        @command("WHERE", reply="{x}")
        def where(self) -> Drifting:
            raise NotImplementedError

    assert "expected:       Drifting(x=" in complaint(Drift)


class Strict(Equipment):
    """A lamp whose framing fits its requests, and refuses what a reply would be."""

    framing = FixedSize(3)
    codec = Binary(code=U16)

    @command(0x10, reply=None)
    async def flash(self, duration: U16) -> None:
        """Flash. Nothing is answered."""
        raise NotImplementedError

    @command(0x11, reply=Silence(0.1))
    async def glow(self, duration: U16) -> None:
        """Glow. Nothing is answered, but for faults."""
        raise NotImplementedError


def test_no_reply_is_encoded_where_none_is_sent() -> None:
    """The framing refused it, so that nothing could be drawn."""
    check_equipment(Strict, max_examples=FEW)
    lamp: Any = simulated(Strict)
    assert (None, None) == (lamp.flash(1), lamp.glow(1))


def test_a_class_that_declares_nothing_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="declares no command and no event"):
        check_equipment(type("Nothing", (Equipment,), {}))
