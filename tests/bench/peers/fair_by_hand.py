"""The same server as ``fair_tcpcomm``, by hand: it answers one line, whatever the kind."""

from __future__ import annotations

import json
from typing import Any

__all__ = ["answer"]


def answer(line: bytes) -> bytes:
    """Return the reply to one line."""
    if line == b"PING":
        return b"PONG"
    if line.startswith(b"TRG,"):
        return b"OK,1.000,2.000,%.3f" % float(line[4:])
    if line.startswith((b"[", b"{")):
        called = json.loads(line)
        made = [_called(each) for each in called] if isinstance(called, list) else _called(called)
        return json.dumps(made).encode()
    return line


def _called(call: dict[str, Any]) -> dict[str, Any]:
    if call["method"] == "ping":
        result: Any = "PONG"
    else:
        result = {"x": 1.0, "y": 2.0, "angle": float(call["params"]["job"])}
    return {"jsonrpc": "2.0", "result": result, "id": call["id"]}
