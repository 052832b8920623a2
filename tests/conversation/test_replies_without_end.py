"""Replies without an end among others with one: a telescope of the LX200 kind."""

from __future__ import annotations

import json
from typing import Any

import pytest
from attrs import frozen
from twisted.internet.protocol import Factory, Protocol

from tcpcomm import (
    BadReply,
    ConfigurationError,
    Equipment,
    NotSent,
    OutcomeUnknown,
    command,
    event,
    simulated,
)
from tcpcomm.codec import OneOf, Template
from tcpcomm.equipment.equipment import declaration_of
from tcpcomm.framing import Delimited, Enclosed, FixedSize, HeaderFramed, Lines, More
from tcpcomm.testing import check_equipment
from tcpcomm.tools.manual.facts import facts_of
from tcpcomm.tools.manual.pages import markdown
from tests.conversation.foreign import stand
from tests.equipment.declared import PORT, Bench


def answer_to_slew(head: bytes) -> int | More:
    """Return the size of an answer: 0 alone, or 1 and a text with an end."""
    if head == b"1":
        return More(until=b"#")
    return len(head)


@frozen
class Angle:
    hours: int
    minutes: int
    seconds: int


class Telescope(Equipment):
    """A telescope: requests such as :GR#, the bare byte 06, and replies with # or without any end."""

    framing = Enclosed(b":", b"#", alone=(b"\x06",))
    reply_framing = Delimited(b"#")
    codec = Template(encoding="ascii", fault=None)

    @command("\x06", reply="{mode:1}", reply_framing=FixedSize(1), timeout=1.0)
    async def mode(self) -> str:
        """Return P for a polar mount, A for altazimuth, or L for land."""
        raise NotImplementedError

    @command("GR", reply="{hours:02d}:{minutes:02d}:{seconds:02d}", timeout=1.0)
    async def right_ascension(self) -> Angle:
        """Return the right ascension."""
        raise NotImplementedError

    @command("MS", reply=OneOf("0", "1{reason}#"), reply_framing=HeaderFramed(1, answer_to_slew))
    async def slew(self) -> str | None:
        """Begin to slew. Return the reason if the place cannot be reached."""
        raise NotImplementedError


class MyTelescope(Telescope):
    """A telescope with a polar mount."""

    reasons: list[str | None] = [None]  # noqa: RUF012

    async def mode(self) -> str:
        return "P"

    async def right_ascension(self) -> Angle:
        return Angle(12, 0, 0)

    async def slew(self) -> str | None:
        return self.reasons.pop(0)


ANSWERS = {b"\x06": b"P", b"GR": b"12:00:00#", b"MS": b"0"}


@pytest.mark.parametrize("cuts", [0.0, 1.0])
def test_a_telescope_is_asked_as_its_manual_says(cuts: float) -> None:
    bench = Bench(cuts=cuts)
    at = stand(bench, Telescope, ANSWERS.get)
    proxy = at.proxy
    asked = [proxy.mode(), proxy.right_ascension(), proxy.slew(), proxy.mode(), proxy.mode(), proxy.slew()]
    noon = Angle(12, 0, 0)
    assert ["P", noon, None, "P", "P", None] == [bench.result(each) for each in asked]
    assert b"\x06:GR#:MS#\x06\x06:MS#" == b"".join(at.program.chunks)
    assert [] == at.lost


@pytest.mark.parametrize("cuts", [0.0, 1.0])
def test_both_ends_speak_with_and_without_an_end(cuts: float) -> None:
    bench = Bench(cuts=cuts)
    telescope = MyTelescope()
    telescope.reasons = [None, "Object below horizon."]
    bench.serve(telescope)
    proxy = bench.remote(Telescope)
    asked = [proxy.slew(), proxy.mode(), proxy.slew(), proxy.right_ascension()]
    answers = [None, "P", "Object below horizon.", Angle(12, 0, 0)]
    assert answers == [bench.result(each) for each in asked]


def test_a_foreign_program_is_served(bench: Bench) -> None:
    got: list[bytes] = []
    hosts: list[Any] = []

    class Host(Protocol):
        def connectionMade(self) -> None:
            hosts.append(self)

        def dataReceived(self, data: bytes) -> None:
            got.append(data)

    bench.serve(MyTelescope())
    bench.robot.connecting(bench.camera, PORT).connect(Factory.forProtocol(Host))
    bench.until(lambda: bool(hosts))
    hosts[0].transport.write(b"\x06:GR#:MS#\x06")
    bench.network.advance(0.1)
    assert b"P12:00:00#0P" == b"".join(got)


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [(b"0#", OutcomeUnknown), (b"00", OutcomeUnknown), (b"x", BadReply)],
    ids=["an end too many", "twice", "nonsense"],
)
def test_a_byte_too_many_answers_no_other_command(bench: Bench, answer: bytes, outcome: Any) -> None:
    at = stand(bench, Telescope, {b"MS": answer, b"GR": b"12:00:00#"}.get)
    first, second = at.proxy.slew(), at.proxy.right_ascension()
    assert outcome is type(bench.result(first))
    found = bench.result(second)
    assert (NotSent if outcome is OutcomeUnknown else Angle) is type(found)


@pytest.mark.parametrize("rest", [b"1", b"12#"])
def test_less_than_a_frame_behind_the_reply_answers_no_other_command(bench: Bench, rest: bytes) -> None:
    """It was dropped, and what followed it was the reply to the next command."""

    class Camera(Equipment):
        framing = Delimited(b"#")
        codec = Template(encoding="ascii", fault=None)

        @command("V", reply="{version:4}", reply_framing=FixedSize(4))
        async def version(self) -> str:
            """Return the version."""
            raise NotImplementedError

        @command("N", reply="{count:d}")
        async def count(self) -> int:
            """Count."""
            raise NotImplementedError

    at = stand(bench, Camera, lambda frame: b"1.04" + rest if frame == b"V" else b"23#")
    first, second = at.proxy.version(), at.proxy.count()
    assert "1.04" == bench.result(first)
    assert NotSent is type(bench.result(second))
    assert at.lost[0].startswith(f"{rest!r} came, but no command waits for a reply")


def test_it_passes_the_checks_of_all_equipment() -> None:
    check_equipment(Telescope, max_examples=10)


def test_it_can_be_simulated(bench: Bench) -> None:
    bench.serve(simulated(Telescope, reactor=bench.camera.clock))
    proxy = bench.remote(Telescope)
    assert type(bench.result(proxy.right_ascension())) is Angle
    assert 1 == len(bench.result(proxy.mode()))


def test_the_manual_shows_the_framing_of_each_reply() -> None:
    facts = facts_of(declaration_of(Telescope))
    mode, place, _ = facts["commands"]
    assert ("fixed:1", "framing" in place) == (mode["framing"]["notation"], False)
    assert 1 == len(mode["example"]["messages"][1]["text"])
    assert place["example"]["messages"][1]["text"].endswith("#")
    assert "| the reply is framed by | `fixed:1`" in markdown(facts)
    json.dumps(facts)


@pytest.mark.parametrize(
    ("attributes", "options", "reason"),
    [
        ({}, {"reply_framing": b"#"}, "reply_framing must be a framing, such as FixedSize"),
        ({"pipeline": 2}, {}, "replies could come in another order than the host expects"),
        ({"alarm": event("ALARM")(lambda self: None)}, {}, "an event could come while the host reads"),
        ({"reply_framing": Lines()}, {}, "the LF of CR LF could be read by this framing"),
        ({}, {"reply": None}, "a command without a reply has no framing of its reply"),
    ],
)
def test_a_framing_that_a_host_could_confuse_is_refused(attributes: Any, options: Any, reason: str) -> None:
    async def go(self: Any) -> None:
        raise NotImplementedError

    declared = command("GO", **({"reply": "0", "reply_framing": FixedSize(1)} | options))(go)
    for each in attributes.values():
        if hasattr(each, "method"):
            each.name = each.method.__name__ = "alarm"
            each.method.__annotations__ = {"return": None}
    with pytest.raises(ConfigurationError, match=reason):
        type("Odd", (Equipment,), {"go": declared, **attributes})
