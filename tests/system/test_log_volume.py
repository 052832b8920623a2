"""No peer can make a program log more than its limit. The page has the figures for a minute."""

from __future__ import annotations

import sys

import pytest

from tests.conftest import skip
from tests.system.log_volume.__main__ import page
from tests.system.log_volume.measure import BEHAVIOURS, LIMIT, measure

if sys.platform == "win32":
    skip("Windows has no signals that end these programs")


@pytest.mark.parametrize(
    ("behaviour", "log_format"),
    [("fail", "text"), ("log", "json"), ("storm", "text"), ("mixed", "json"), ("links", "text")],
)
def test_a_short_flood_stays_within_its_share_of_the_limit(behaviour: str, log_format: str) -> None:
    volume = measure(behaviour, log_format, 2.0)
    if volume.causes <= 1000:  # the machine was busy with something else
        volume = measure(behaviour, log_format, 10.0)

    # A third may come at once, and half of the limit is spread over the minute.
    assert volume.size <= LIMIT / 2
    assert volume.causes > 1000
    assert volume.lines > 10
    assert BEHAVIOURS[behaviour] in page([volume], {}, "")
