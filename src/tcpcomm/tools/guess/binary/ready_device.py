"""The ready device that reads a capture: :func:`with_device` finds it by the header of its protocol."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from attrs import evolve

from tcpcomm.devices.catalogue import find_device
from tcpcomm.equipment.equipment import declaration_of
from tcpcomm.tools.guess.answer import Guess, Verdict
from tcpcomm.tools.guess.capture import ANSWERER, OPENER, Capture, Side
from tcpcomm.tools.guess.draft.trial import read_capture

_HEADER_OF: Final = "this is the header of "
"""The beginning of the evidence that a header is that of a public protocol."""

DEVICES: Final = {
    "Modbus TCP": "modbus",
    "HSMS": "hsms",
    "SLMP 3E": "slmp",
    "SLMP 4E": "slmp-4e",
    "SLMP 3E in ASCII": "slmp-ascii",
    "FINS/TCP": "fins",
    "TPKT": "s7",
    "XGT": "xgt",
}
"""The devices by the names of their protocols."""

NOTATIONS: Final = {"modbus-rtu": "modbus-rtu"}
"""The devices by the beginnings of framings that no other protocol has."""

_LEAST_READ: Final = 0.9
_MOST_CHUNKS: Final = 2_000


def with_device(capture: Capture, guess: Guess) -> Guess:
    """
    Return a guess with the ready device that reads nine of ten messages of the capture, if there is one.

    Args:
        capture: the bytes of both sides.
        guess: the framings of the capture, with the evidence for them.
    """
    sample = evolve(capture, chunks=capture.chunks[guess.skipped :][:_MOST_CHUNKS])
    sides: tuple[Side, Side] = (OPENER, ANSWERER)
    for name in dict.fromkeys(_names(guess)):
        declaration = declaration_of(find_device(name).load())
        trial = max((read_capture(sample, declaration, host) for host in sides), key=lambda each: each.part)
        messages, read = trial.answers + trial.requests, trial.read + trial.requests_read
        if messages and read >= _LEAST_READ * messages:
            fact = f"the ready device {name} reads {read} of {messages} messages"
            return evolve(guess, device=name, facts=(fact, *guess.facts))
    return guess


def _names(guess: Guess) -> Iterator[str]:
    """Yield the names of devices that may speak this protocol."""
    if guess.best is None or guess.verdict is Verdict.NOTHING:
        return
    for sentence in guess.best.evidence:
        name = DEVICES.get(sentence.removeprefix(_HEADER_OF))
        if name is not None:
            yield name
    for notation in guess.best.framings:
        for begin, name in NOTATIONS.items():
            if notation is not None and notation.startswith(begin):
                yield name


def device_page(name: str) -> str:
    """Return the path of the page about a ready device, in the documentation."""
    return f"docs/devices/{name.partition('-')[0]}.md"
