"""Conversations of binary links, as frames in the order in which they pass, for tests."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import Any

from tcpcomm.codec.base import Request
from tcpcomm.equipment.equipment import Equipment, declaration_of
from tcpcomm.equipment.samples import Samples
from tcpcomm.errors import Fault
from tcpcomm.tools.guess.capture import ANSWERER, OPENER, Side

Frames = list[tuple[Side, bytes]]
"""Frames with the side that sent them."""


def device_frames(
    kind: type[Equipment],
    commands: Sequence[str],
    count: int = 40,
    *,
    faults: Sequence[int] = (),
    fixed: dict[str, Any] | None = None,
    seed: int = 1,
) -> Frames:
    """
    Return a conversation with equipment that is declared, as its own codec writes it.

    Args:
        kind: the equipment.
        commands: the names of the commands that the host sends, drawn at random.
        count: the requests.
        faults: the codes of faults, which answer about one request of eight.
        fixed: values for parameters that are not drawn.
        seed: the seed of all that is drawn.
    """
    declared, random, frames = declaration_of(kind), Random(seed), Frames()
    dialect, samples = declared.dialect, Samples(declared)
    for number in range(1, count + 1):
        name = random.choice(commands)
        values = samples.values(name, random)
        values.update({key: each for key, each in (fixed or {}).items() if key in values})
        sent = dialect.request(name, values, number)
        asked = dialect.read_at_equipment(sent).requests[0]
        assert isinstance(asked, Request)
        frames.append((OPENER, sent))
        if faults and random.random() < 1 / 8:
            frames.append((ANSWERER, dialect.fault(asked, Fault(random.choice(faults)))))
        else:
            result = samples.result(name, random, values)
            frames += [(ANSWERER, reply) for reply in dialect.reply(asked, result)]
    return frames


def pipelined(frames: Frames, ahead: int) -> Frames:
    """Return the same frames with so many requests sent before the first reply."""
    requests = [each for each in frames if each[0] == OPENER]
    replies = [each for each in frames if each[0] == ANSWERER]
    ordered = requests[:ahead]
    for index, reply in enumerate(replies):
        ordered.append(reply)
        ordered += requests[ahead + index : ahead + index + 1]
    return ordered
