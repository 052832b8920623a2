"""The names of nodes: the same declaration always gives the same identifiers."""

from __future__ import annotations

from typing import Final

VALUES: Final = "Values"
READY: Final = "Ready"
STATE: Final = "State"
REASON: Final = "Reason"
POLL_PROBLEM: Final = "LastPollProblem"
CALL_PROBLEM: Final = "LastCallProblem"
PROBLEM_COMMAND: Final = "Command"
PROBLEM_CODE: Final = "Code"

OF_LINK: Final = (VALUES, READY, STATE, REASON, POLL_PROBLEM, CALL_PROBLEM)
"""The names that each object of a link has, so that no method may have them."""


def value_node(link: str, path: str) -> str:
    """Return the identifier of a polled value: ``camera-1/Values/locate/x``."""
    return f"{link}/{VALUES}/{path}"


def method_node(link: str, command: str) -> str:
    """Return the identifier of a method: ``camera-1/locate``."""
    return f"{link}/{command}"


def event_type_node(type_name: str, event: str) -> str:
    """Return the identifier of the type of an event: ``types/VisionCamera/alarm``."""
    return f"types/{type_name}/{event}"


def pascal(name: str) -> str:
    """Return a name as types have it: ``part_seen`` as ``PartSeen``."""
    return "".join(each[:1].upper() + each[1:] for each in name.split("_"))


def first_line(doc: str) -> str:
    """Return the first line of a docstring."""
    return doc.strip().partition("\n")[0].strip()
