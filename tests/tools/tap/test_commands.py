"""Lines and keys that a running tap understands."""

from __future__ import annotations

import pytest

from tcpcomm.errors import ConfigurationError
from tcpcomm.tools.tap.commands import KEYS, OFFERED, help_text, keys_text
from tcpcomm.tools.tap.disturbances import DISTURBANCES
from tests.tools.tap.world import World


def test_each_key_and_each_offered_line_is_understood() -> None:
    for line in [*KEYS, *(line for line, _ in OFFERED)]:
        world = World()
        world.connect()
        assert world.tap.disturb(line)


def test_a_key_ends_what_it_began() -> None:
    world = World()
    world.tap.disturb("p")
    assert world.tap.is_pulled
    assert "ended 1" == world.tap.disturb("p")
    assert not world.tap.is_pulled

    world.tap.disturb("n")
    assert world.client() is None
    world.tap.disturb("n")
    assert world.client() is not None


def test_lists_and_states() -> None:
    world = World()
    assert "listening; 0 connections open\nno disturbance is active" == world.tap.disturb("status")
    assert "1: drop reply 3" == world.tap.disturb("drop reply 3")
    assert "2: pull" == world.tap.disturb("pull")
    assert "3: refuse" == world.tap.disturb("refuse")
    assert "1: drop reply 3 (0 so far)\n2: pull\n3: refuse" == world.tap.disturb("list")
    assert world.tap.disturb("status").startswith("refusing new connections; 0 connections open")
    assert "removed 1" == world.tap.disturb("remove 1")
    assert "ended 2" == world.tap.disturb("restore")
    assert "nothing was active" == world.tap.disturb("clear")


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("remove", "write the number that 'list' shows"),
        ("remove x", "write the number that 'list' shows"),
        ("remove 9", "no disturbance has the number 9; there are: none is active"),
        ("reset", "there is no open connection"),
        ("list 3", "no disturbance is called 'list'"),
    ],
)
def test_a_line_that_cannot_be_carried_out_is_refused(line: str, problem: str) -> None:
    with pytest.raises(ConfigurationError, match=problem):
        World().tap.disturb(line)


def test_the_help_names_all() -> None:
    assert all(kind.usage in help_text() for kind in DISTURBANCES)
    assert all(f"  {key}  " in keys_text() for key in KEYS)
