"""Texts about recorded values, for comments, cells and objects."""

from __future__ import annotations

import json
from collections.abc import Mapping
from math import isfinite
from typing import Any

from tcpcomm.tools.record.values import RecordedFault, RecordedGap, RecordedMessage, RecordedState, time_of


def message_text(message: RecordedMessage, asked: str = "") -> str:
    """
    Return a message in words, such as ``reply: result=4.5, answers locate(job=3) after 0.326 ms``.

    Args:
        message: the message.
        asked: the command that it answers, in words.
    """
    values = ", ".join(
        f"{name}={_value(value)}" for name, value in message.values.items() if value is not None
    )
    parts = [values if message.answers is not None or not message.name else f"{message.name}({values})"]
    if message.answers is not None:
        took = f" after {message.seconds * 1000:.3f} ms" if message.seconds is not None else ""
        parts.append(f"answers {asked or 'a command'}{took}")
    if message.problem:
        parts.append(f"problem: {message.problem}")
    return f"{message.kind.value}: {', '.join(part for part in parts if part)}".rstrip(": ")


def fault_text(fault: RecordedFault) -> str:
    """Return a fault in words."""
    details = f": {fault.details}" if fault.details else ""
    return f"{fault.kind}: {fault.text}{details}"


def state_text(state: RecordedState) -> str:
    """Return a state in words, with its time."""
    reason = f": {state.reason}" if state.reason else ""
    return f"{time_text(state.at)} {state.name} {state.state}{reason}"


def gap_text(gap: RecordedGap) -> str:
    """Return a gap in words."""
    size = f" ({gap.size:,} bytes)" if gap.size else ""
    return (
        f"{gap.count:,} values{size} are missing from {time_text(gap.at)} to {time_text(gap.until)}: "
        f"{gap.reason}"
    )


def time_text(at: int) -> str:
    """Return a time as ISO 8601 in UTC, to the microsecond."""
    return time_of(at).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def json_text(value: Any) -> str:
    """Return a value as JSON that every reader takes: NaN and infinite numbers are texts."""
    return json.dumps(_strict(value), ensure_ascii=False)


def _strict(value: Any) -> Any:
    if isinstance(value, float) and not isfinite(value):
        return str(value)
    if isinstance(value, Mapping):
        return {name: _strict(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [_strict(each) for each in value]
    return value


def _value(value: Any) -> str:
    return value if isinstance(value, str) and value.isprintable() else json_text(value)
