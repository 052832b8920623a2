"""Functions that write replies and faults, also those with a framing of their own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tcpcomm.codec.base import Refusal, Request
from tcpcomm.equipment.declaration import Declaration
from tcpcomm.errors import Fault


def reply_writer(declaration: Declaration, name: str) -> Callable[[Request, Any], list[bytes]]:
    """Return the function that writes the reply of a command."""
    write = declaration.dialect.replier(name)
    if declaration.commands[name].is_silent:
        return lambda request, result: write(request, result)[:0]  # raises if the result is not None
    if declaration.commands[name].reply_framing is None:
        return write
    return lambda request, result: declaration.framed(name, write(request, result))


def fault_writer(declaration: Declaration) -> Callable[[Request | Refusal, Fault], bytes]:
    """Return the function that writes a fault."""
    write = declaration.dialect.fault
    if not declaration.reply_framings:
        return write
    return lambda request, fault: declaration.framed(request.name or "", [write(request, fault)])[0]


def do_nothing(**values: Any) -> None:
    """Carry out the first request of a command in two phases: only the second one does something."""


def answer_with(frame: bytes, request: Request, result: Any) -> list[bytes]:
    """Write the answer to the first request of a command in two phases, which is always the same."""
    return [frame]
