"""Reads drafts as their users do: as a module in a file, by which captured bytes are decoded."""

from __future__ import annotations

import importlib.util
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any

from tcpcomm import Equipment, MessageKind, ObservedMessage, declaration_of
from tcpcomm.tools.dissect.speech import Speech
from tcpcomm.tools.guess.capture import Capture, Side
from tcpcomm.tools.guess.draft.declaration import Draft
from tests.tools.dissect.listening import Heard

__all__ = ["drafted", "read_part", "replies_read"]

_numbers = count()


@contextmanager
def drafted(draft: Draft, folder: Path, name: str = "Drafted") -> Iterator[type[Equipment]]:
    """Import the class of a draft from a file."""
    assert not draft.problem, draft.problem
    module_name = f"draft_{next(_numbers)}"
    path = folder / f"{module_name}.py"
    path.write_text(draft.text, encoding="utf-8")
    spec = importlib.util.spec_from_file_location(module_name, path)
    assert spec is not None
    assert spec.loader is not None
    module: Any = importlib.util.module_from_spec(spec)
    sys.modules[module_name] = module
    try:
        spec.loader.exec_module(module)
        yield getattr(module, name)
    finally:
        del sys.modules[module_name]


def messages_read(kind: type[Equipment], capture: Capture, host: Side = 0) -> list[ObservedMessage]:
    """Return the messages that a declaration reads in a capture."""
    heard = Heard(Speech.declared(declaration_of(kind)))
    for chunk in capture.chunks:
        (heard.host if chunk.side == host else heard.equipment)(chunk.data)
    return heard.messages


def read_part(kind: type[Equipment], capture: Capture, host: Side = 0) -> float:
    """Return the part of the equipment's messages that a declaration reads."""
    counts = Counter(
        each.kind is MessageKind.UNREADABLE or bool(each.problem)
        for each in messages_read(kind, capture, host)
        if each.sent
    )
    return counts[False] / max(1, sum(counts.values()))


def replies_read(kind: type[Equipment], capture: Capture) -> Counter[str]:
    """Return how often each kind of message was read."""
    return Counter(each.kind.value for each in messages_read(kind, capture))
