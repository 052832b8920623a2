"""The kinds of losses and failures. Label values are few, whatever peers do."""

from __future__ import annotations

from typing import Any, Final

OTHER: Final = "other"

LOSSES: Final = (
    ("heartbeat", ("no heartbeat",)),
    ("no_reply", ("did not come in time", "no reply")),
    ("refused", ("refused", "no program listens")),
    (
        "no_answer",
        ("no answer", "does not answer", "no route", "nobody answered", "took longer", "timed out"),
    ),
    ("name", ("looking up", "the name", "lookup")),
    ("tls", ("tls failed", "certificate")),
    ("login", ("login", "credential", "password", "prove", "proof", "key")),
    ("reset", ("reset", "broke", "vanished")),
    ("closed", ("closed", "ended")),
    ("framing", ("frame at byte", "framing")),
)
"""The kinds of losses, each with parts of the reasons that belong to it. The first that fits counts."""

LOSS_KINDS: Final = (*(kind for kind, _ in LOSSES), OTHER)

FAULT: Final = "fault"
NO_REPLY: Final = "no_reply"
LOST: Final = "lost"
BAD_REPLY: Final = "bad_reply"
FAILURE_KINDS: Final = (FAULT, NO_REPLY, LOST, BAD_REPLY)
"""The kinds of failed requests."""

_FRAMING_FAULTS: Final = (
    "FrameTooLong", "BadLength", "BadChecksum", "BadEscape", "UnexpectedBytes", "TruncatedFrame",
)  # fmt: skip
FRAMING_KINDS: Final = (*_FRAMING_FAULTS, OTHER)
"""The kinds of framing faults: the classes of errors."""


def loss_kind(reason: str) -> str:
    """Return the kind of a loss by its reason in words."""
    lower = reason.lower()
    return next((kind for kind, parts in LOSSES if any(part in lower for part in parts)), OTHER)


def unanswered_kind(reason: str) -> str:
    """Return the kind of a request that had no answer when its session ended for this reason."""
    return NO_REPLY if loss_kind(reason) == NO_REPLY else LOST


def framing_kind(fault: Any) -> str:
    """Return the kind of a framing fault: the name of its class, if that is one of tcpcomm's."""
    names = (each.__name__ for each in type(fault).__mro__)
    return next((name for name in names if name in _FRAMING_FAULTS), OTHER)
