"""The console refuses to begin where it cannot be shown, and says what to do."""

from __future__ import annotations

import asyncio
import sys
from typing import Any

import pytest

from tcpcomm import ConfigurationError
from tcpcomm.cli import main
from tcpcomm.tools.console.acts import ReactorActs
from tcpcomm.tools.console.running import Console, check_textual
from tcpcomm.tools.monitor.actions import Actions
from tests.tools.console.stage import Stage

CAMERA = "tests.equipment.declared:VisionCamera"


class NoTerminal:
    """A stream that is not a terminal."""

    def isatty(self) -> bool:
        return False


def refusal(words: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    """Return what the command says when it refuses."""
    with pytest.raises(SystemExit) as ended:
        main(words)
    assert 1 == ended.value.code
    return capsys.readouterr().err


def test_without_textual_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "textual", None)
    with pytest.raises(ConfigurationError, match=r'pip install "tcpcomm\[console\]"'):
        check_textual()


@pytest.mark.parametrize("stream", ["input", "error"])
def test_without_a_terminal_it_says_so(stream: str, monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal(NoTerminal):
        def isatty(self) -> bool:
            return True

    kinds: dict[str, Any] = {"input": Terminal(), "error": Terminal(), stream: NoTerminal()}
    monkeypatch.setattr(sys, "__stdin__", kinds["input"])
    monkeypatch.setattr(sys, "__stderr__", kinds["error"])
    with pytest.raises(ConfigurationError, match=f"needs a terminal, and standard {stream} is not one"):
        Console()


def test_options_without_effect_are_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert "--lang has no effect without --console" in refusal(["simulate", CAMERA, "--lang", "ko"], capsys)
    told = refusal(["simulate", CAMERA, "--console", "--frames"], capsys)
    assert "--frames has no effect with --console" in told


def test_actions_are_carried_out_in_the_reactor_and_refused_in_words() -> None:
    stage = Stage()
    acts = ReactorActs(stage.feed, Actions(stage.model, stage.clock.seconds))

    async def act() -> None:
        assert await acts.describe("1") is None
        for refused in (
            acts.command("1", "locate", {}),
            acts.close(7),
            acts.retry("1"),
            acts.disturb("1", "pull"),
            acts.copy(7),
        ):
            with pytest.raises(Exception, match=r"is over|not shown any more|not kept any more"):
                await refused

    asyncio.run(act())
