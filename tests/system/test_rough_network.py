"""Links on a network that loses, delays and reorders packets; the command measures them for longer."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conftest import skip
from tests.system.rough_network.__main__ import main
from tests.system.rough_network.links import RoughResult, roughen
from tests.system.rough_network.medium import obstacle
from tests.system.rough_network.report import FITTING

pytestmark = pytest.mark.slow

SECONDS = 20.0


@pytest.fixture(scope="module", autouse=True)
def _possible() -> None:
    problem = obstacle()
    if problem is not None:
        skip(problem)


@pytest.fixture(scope="module")
def rough(_possible: None) -> RoughResult:
    """The results of three profiles at the same time."""
    return roughen(["lan", *FITTING], seconds=SECONDS, progress=lambda text: None)


def test_packets_are_lost_and_overtake_each_other(rough: RoughResult) -> None:
    assert rough.packets is not None
    assert rough.packets["packets"] > 500
    assert rough.packets["packets"] / 200 < rough.packets["lost"] < rough.packets["packets"] / 10


@pytest.mark.parametrize("profile", FITTING)
def test_a_profile_that_fits_takes_no_peer_for_dead(profile: str, rough: RoughResult) -> None:
    link = rough.links[profile]

    assert {} == link.deaths
    assert link.commands.answered > 3 * SECONDS
    assert 0 == link.commands.not_sent


@pytest.mark.parametrize("profile", ["lan", *FITTING])
def test_no_command_is_answered_wrongly(profile: str, rough: RoughResult) -> None:
    commands = rough.links[profile].commands

    assert commands.answered > 0
    assert (0, 0, 0, 0) == (commands.wrong, commands.twice, commands.untrue, commands.silent)


def test_the_command_writes_a_page(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    target = tmp_path / "page.md"

    main(["--minutes", "0.02", "--write", str(target)])

    text = target.read_text("utf-8")
    assert text == capsys.readouterr().out
    assert text.startswith("# A rough network\n")
    assert "| `wan` | 5 s | 15 s | 0 |" in text
