"""Declarations made of the cases of the codecs: :func:`declaration_of_case`."""

from __future__ import annotations

import inspect
from functools import partial

from attrs import evolve

from tcpcomm import Equipment, command, declaration_of
from tcpcomm.codec.base import MISSING, MessageSpec
from tcpcomm.equipment.declaration import Declaration
from tcpcomm.equipment.messages import Command, DeclaredEvent
from tcpcomm.framing import Framing, LengthPrefixed
from tests.codec.cases import Case

__all__ = ["declaration_of_case"]


class _Any(Equipment):
    """A declaration, of which all is replaced."""

    @command("PING", reply="PONG")
    def ping(self) -> None:
        """Do nothing."""


def declaration_of_case(name: str, case: Case, framing: Framing | None = None) -> Declaration:
    """Return the declaration of a case, with lengths before its frames if no framing is given."""
    framing = framing or LengthPrefixed(4)
    members = {"framing": framing, "reply_framing": None, "codec": case.codec}
    dialect = case.dialect
    return evolve(
        declaration_of(_Any),
        kind=type(name, (), members),
        dialect=dialect,
        received=framing,
        sent=framing,
        commands={
            each.name: Command(
                name=each.name,
                where=each.where,
                doc="",
                spec=each,
                signature=_signature(each),
                timeout=1.0,
                idempotent=False,
            )
            for each in case.commands
        },
        events={
            each.name: DeclaredEvent(
                name=each.name,
                where=each.where,
                doc="",
                spec=each,
                signature=_signature(each),
                encode=partial(dialect.event, each.name),
            )
            for each in case.events
        },
    )


def _signature(spec: MessageSpec) -> inspect.Signature:
    kind, empty = inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.empty
    return inspect.Signature(
        [
            inspect.Parameter(each.name, kind, default=empty if each.default is MISSING else each.default)
            for each in sorted(spec.parameters, key=lambda it: it.default is not MISSING)
        ]
    )
