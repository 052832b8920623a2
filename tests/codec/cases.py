"""What the conformance tests are given: codecs, each with forms of many shapes."""

from __future__ import annotations

import importlib
from functools import cached_property
from pathlib import Path
from random import Random
from typing import Any

from attrs import frozen

from tcpcomm.codec import Codec, Dialect, MessageSpec
from tcpcomm.codec.base import Answers
from tcpcomm.errors import Fault

__all__ = ["Case", "Opaque", "all_cases"]


class Opaque:
    """A type that no codec knows."""


@frozen
class Case:
    """
    One codec, and a declaration that it can express.

    Attributes:
        name: shown in the test's name.
        codec: the codec.
        forms: commands and events; several of each, of different shapes.
        faults: faults that this codec carries without loss.
        hostile: frames that were made to hurt this codec.
    """

    name: str
    codec: Codec
    forms: tuple[MessageSpec, ...]
    faults: tuple[Fault, ...] = (Fault(3, "no part"), Fault(7, "door open"))
    hostile: tuple[bytes, ...] = ()

    @cached_property
    def dialect(self) -> Dialect:
        """Made once: what one test does with it must not show in the next."""
        return self.codec.bind(self.forms)

    @property
    def commands(self) -> tuple[MessageSpec, ...]:
        return tuple(form for form in self.forms if not form.is_event)

    @property
    def answered(self) -> tuple[MessageSpec, ...]:
        return tuple(form for form in self.commands if form.reply is not None)

    @property
    def events(self) -> tuple[MessageSpec, ...]:
        return tuple(form for form in self.forms if form.is_event)


def all_cases() -> list[Case]:
    """Return the ``CASES`` of every module ``cases*`` in the folders beside this one."""
    found: list[Case] = []
    for path in sorted(Path(__file__).parent.glob("*/cases*.py")):
        found += importlib.import_module(f"tests.codec.{path.parent.name}.{path.stem}").CASES
    return found


def frames_to_host(dialect: Dialect, case: Case, random: Random) -> list[bytes]:
    """Frames of all kinds that the equipment may send: replies, faults, events."""
    frames: list[bytes] = []
    for form in case.forms:
        values = dialect.draw_values(form.name, random)
        if form.is_event:
            frames.append(dialect.event(form.name, values))
        elif form.reply is not None:
            request = dialect.read_at_equipment(dialect.request(form.name, values, 7)).requests[0]
            frames += replied(dialect, request, dialect.draw_result(form.name, random))
            frames.append(dialect.fault(request, random.choice(case.faults)))
    return frames


def replied(dialect: Dialect, request: Any, result: Any) -> list[bytes]:
    """All frames of a reply, its acknowledgement with them."""
    begun = dialect.acknowledgement(request)
    return ([] if begun is None else [begun]) + dialect.reply(request, result)


def reader(dialect: Dialect, form: MessageSpec) -> Answers:
    """A reader for the reply of a command that has one."""
    found = dialect.answers(form.name)
    assert found is not None
    return found
