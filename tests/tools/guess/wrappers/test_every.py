"""Each option that stands behind any kind is guessed, or says why not."""

from __future__ import annotations

from tcpcomm.framing.notation import WRAPPER_OPTIONS
from tcpcomm.tools.guess.wrappers.every import GUESSED_OPTIONS, NOT_GUESSED_OPTIONS


def test_each_option_around_the_kinds_is_guessed_or_says_why_not() -> None:
    assert {*WRAPPER_OPTIONS} == {*GUESSED_OPTIONS, *NOT_GUESSED_OPTIONS}
    assert set() == GUESSED_OPTIONS & {*NOT_GUESSED_OPTIONS}
    assert all(reason.endswith(".") for reason in NOT_GUESSED_OPTIONS.values())
