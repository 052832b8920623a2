"""All cases of the suite, by number."""

from __future__ import annotations

from typing import Final

from tcpcomm.testing.hostile.case import Case, registered
from tcpcomm.testing.hostile.cases import (
    fairness,
    framing,
    json_rpc,
    json_text,
    lengths,
    lines,
    other_protocols,
    process,
    psk_proof,
    tcp,
    text,
    tls_records,
)

GROUPS: Final = (
    tcp, other_protocols, framing, lines, lengths, text, json_text, json_rpc, psk_proof, tls_records,
    fairness, process,
)  # fmt: skip
"""The modules of the cases. Their docstrings say what each group is."""

CASES: Final[tuple[Case, ...]] = tuple(registered())
"""All cases, by number."""


def cases_for(kind: str) -> list[Case]:
    """Return the cases that make sense for a kind of server."""
    return [case for case in CASES if kind in case.kinds]
