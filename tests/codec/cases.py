"""The cases of the conformance tests: codecs, each with commands and events of many shapes."""

from __future__ import annotations

import importlib
from functools import cached_property
from pathlib import Path
from random import Random
from typing import Any

from attrs import frozen

from tcpcomm.codec import Codec, Dialect, MessageSpec
from tcpcomm.codec.base import ReplyReader
from tcpcomm.errors import Fault

__all__ = ["Case", "Opaque", "all_cases"]


class Opaque:
    """A type that no codec knows."""


@frozen
class Case:
    """
    One codec, and a declaration that it can express.

    Attributes:
        name: the part of the test's name.
        codec: the codec.
        specs: several commands and events of different shapes.
        faults: faults that this codec carries without loss.
        hostile: frames that are made to harm this codec.
    """

    name: str
    codec: Codec
    specs: tuple[MessageSpec, ...]
    faults: tuple[Fault, ...] = (Fault(3, "no part"), Fault(7, "door open"))
    hostile: tuple[bytes, ...] = ()

    @cached_property
    def dialect(self) -> Dialect:
        """The dialect, made once for all tests, because a test must not change it."""
        return self.codec.bind(self.specs)

    @property
    def commands(self) -> tuple[MessageSpec, ...]:
        return tuple(spec for spec in self.specs if not spec.is_event)

    @property
    def answered(self) -> tuple[MessageSpec, ...]:
        return tuple(spec for spec in self.commands if spec.reply is not None)

    @property
    def events(self) -> tuple[MessageSpec, ...]:
        return tuple(spec for spec in self.specs if spec.is_event)


def all_cases() -> list[Case]:
    """Return the ``CASES`` of every module ``cases*`` in the folders of the codecs."""
    found: list[Case] = []
    for path in sorted(Path(__file__).parent.glob("*/cases*.py")):
        found += importlib.import_module(f"tests.codec.{path.parent.name}.{path.stem}").CASES
    assert found
    return found


def frames_to_host(dialect: Dialect, case: Case, random: Random) -> list[bytes]:
    """Return frames of all kinds that the equipment can send: replies, faults, events."""
    frames: list[bytes] = []
    for spec in case.specs:
        values = dialect.draw_values(spec.name, random)
        if spec.is_event:
            frames.append(dialect.event(spec.name, values))
        elif spec.reply is not None:
            request = dialect.read_at_equipment(dialect.request(spec.name, values, 7)).requests[0]
            frames += replied(dialect, request, dialect.draw_result(spec.name, random))
            frames.append(dialect.fault(request, random.choice(case.faults)))
    return frames


def replied(dialect: Dialect, request: Any, result: Any) -> list[bytes]:
    """Return all frames of a reply, including its acknowledgement."""
    begun = dialect.acknowledgement(request)
    return ([] if begun is None else [begun]) + dialect.reply(request, result)


def reader(dialect: Dialect, spec: MessageSpec) -> ReplyReader:
    """Return a reader for the reply of a command that has one."""
    found = dialect.reply_reader(spec.name)
    assert found is not None
    return found
