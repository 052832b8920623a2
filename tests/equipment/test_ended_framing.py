"""Frames with an end or a framing of their own, behind the preamble of a connection."""

from __future__ import annotations

from typing import Any

import pytest
from twisted.internet.protocol import Factory, Protocol

from tcpcomm import Equipment, command
from tcpcomm.codec import Template, TwoPhases
from tcpcomm.framing import Delimited, FixedSize, Lines, Preamble
from tcpcomm.testing import check_equipment
from tests.equipment.declared import PORT, Bench


class Sensor(Equipment):
    """A sensor that greets, and one of its replies has no end."""

    framing = Delimited(b"\n")
    reply_framing = Preamble(Delimited(b"\n"), b"HELLO")
    codec = Template(fault=None)

    @command("V", reply="{version:4}", reply_framing=FixedSize(4))
    def version(self) -> str:
        return "1.04"

    @command("N", reply="{count:d}")
    def count(self) -> int:
        return 3


class Robot(Equipment):
    """A robot that greets, with a command in two phases."""

    framing = Preamble(Lines(), b"HELLO")
    codec = Template(fault="ERROR: {code:d}")

    @command(TwoPhases("MOVE {#}", "OK", "{x}", end="\r"), reply="{y}", timeout=1.0)
    def move(self, x: int) -> int:
        return x


class Heard(Protocol):
    """A program that notes what it receives."""

    def connectionMade(self) -> None:
        self.heard = b""

    def dataReceived(self, data: bytes) -> None:
        self.heard += data


@pytest.mark.parametrize("kind", [Sensor, Robot])
def test_the_preamble_is_sent_beside_frames_with_an_end_or_a_framing_of_their_own(
    bench: Bench, kind: type[Equipment]
) -> None:
    """It was never sent."""
    hosts: list[Any] = []
    bench.serve(kind())
    bench.robot.connecting(bench.camera, PORT).connect(Factory.forProtocol(Heard)).addCallback(hosts.append)
    bench.until(lambda: bool(hosts) and bool(hosts[0].heard))
    assert b"HELLO" == hosts[0].heard


def test_both_ends_speak_behind_a_preamble(bench: Bench) -> None:
    bench.serve(Sensor())
    proxy = bench.remote(Sensor)
    asked = [proxy.count(), proxy.version(), proxy.count()]
    assert [3, "1.04", 3] == [bench.result(each) for each in asked]


def test_both_ends_speak_in_two_phases_behind_a_preamble(bench: Bench) -> None:
    """The check of the second request read its bytes as the preamble."""
    bench.serve(Robot())
    assert 5 == bench.result(bench.remote(Robot).move(5))


def test_two_phases_behind_a_preamble_pass_the_checks_of_all_equipment() -> None:
    check_equipment(Robot, max_examples=10)
