"""The kept inputs of all fuzz targets, without atheris: no law is broken, and broken code is found out."""

from __future__ import annotations

import hmac
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

import pytest
from twisted.internet.defer import maybeDeferred

from tcpcomm.conversation.requester import Requester
from tcpcomm.conversation.responder import Responder
from tcpcomm.framing.base import Decoder
from tcpcomm.runtime.timer import DeadlineTimer
from tests.conftest import skip
from tests.fuzz.__main__ import fuzz
from tests.fuzz.source import Target
from tests.fuzz.targets import CORPUS, CRASHES, TARGETS, fewest, kept

each_target = pytest.mark.parametrize("target", TARGETS.values(), ids=lambda target: target.name)


@each_target
def test_the_kept_inputs_break_no_law(target: Target) -> None:
    paths = kept(CORPUS, target.name)
    assert paths, f"python -m tests.fuzz {target.name} --keep makes them"
    for path in paths:
        target.run(path.read_bytes())


@each_target
def test_inputs_that_failed_once_do_not_fail_again(target: Target) -> None:
    for path in kept(CRASHES, target.name):
        target.run(path.read_bytes())


@each_target
def test_the_seeds_break_no_law(target: Target) -> None:
    for seed in target.seeds():
        target.run(seed)


def nothing(*arguments: Any) -> None:
    """Do nothing, in place of a method."""


def overtaken(self: Any, outcome: Any) -> Any:
    """Finish a command as a responder once did: requests that were held back overtook those that waited."""
    self._running -= 1
    while self._queue and not self._running:
        request, frame, send, turn = self._queue.popleft()
        maybeDeferred(self._take, request, frame, send).chainDeferred(turn)
    return outcome


BROKEN: Final[dict[str, tuple[str, Any, str, Callable[..., Any]]]] = {
    "the rest of a chunk is forgotten": ("framings", Decoder, "_keep_rest", nothing),
    "every proof is good": ("psk", hmac, "compare_digest", lambda ours, theirs: True),
    "a session leaves its timer": ("served", DeadlineTimer, "cancel", nothing),
    "requests overtake others": ("served", Responder, "_done", overtaken),
    "commands never time out": ("host", Requester, "_tick", nothing),
}


@pytest.mark.parametrize("broken", BROKEN)
def test_the_inputs_find_broken_code(broken: str, monkeypatch: pytest.MonkeyPatch) -> None:
    name, owner, method, replacement = BROKEN[broken]
    monkeypatch.setattr(owner, method, replacement)
    inputs = [path.read_bytes() for folder in (CORPUS, CRASHES) for path in kept(folder, name)]

    def fails(data: bytes) -> bool:
        try:
            TARGETS[name].run(data)
        except Exception:
            return True
        return False

    assert any(map(fails, inputs))


def test_few_inputs_are_chosen_that_reach_all_code() -> None:
    target = TARGETS["psk"]
    inputs = [*target.seeds()]

    chosen = fewest(target, [*inputs, *inputs])

    assert set(chosen) < set(inputs)
    assert chosen == fewest(target, chosen)


@pytest.mark.slow
def test_a_target_is_fuzzed_in_a_process_of_its_own(tmp_path: Path) -> None:
    if find_spec("atheris") is None:
        skip("the module atheris is not installed (the extra fuzz, for Linux)", for_comparison=True)

    result = fuzz(TARGETS["psk"], 1.0, tmp_path)

    assert result.is_good, result.output
    assert result.runs > len([*TARGETS["psk"].seeds()])
    assert result.edges > 20
