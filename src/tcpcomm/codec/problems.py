"""What is wrong with a message, in words and with its place: how codecs make a CodecError."""

from __future__ import annotations

from inspect import iscoroutine, isgenerator
from reprlib import Repr
from typing import Any, Final

from tcpcomm.errors import CodecError

__all__ = ["brief_name", "brief_repr", "inside", "missing", "unknown", "wrong"]


class _Brief(Repr):
    """A bounded repr: of a value that a peer sent, however large or deep."""

    def repr_int(self, x: int, level: int) -> str:
        return repr(x) if abs(x) < 10**40 else f"a number of {x.bit_length()} bits"


_BRIEF: Final = _Brief()
_BRIEF.maxlevel = 2
_BRIEF.maxstring = _BRIEF.maxother = 60


def brief_repr(value: Any) -> str:
    """A value for an error message, cut where it is long."""
    return _BRIEF.repr(value)


def wrong(expected: str, value: Any) -> CodecError:
    """The error for a value that is not what it must be."""
    if iscoroutine(value):
        return CodecError(f"must be {expected}, not {brief_repr(value)}: an await is missing")
    if isgenerator(value):
        return CodecError(f"must be {expected}, not {brief_repr(value)}: write return, not yield")
    return CodecError(f"must be {expected}, not {brief_repr(value)}")


def missing(name: str) -> CodecError:
    """The error for a value that should be there."""
    return CodecError("is missing", name)


def unknown(name: str) -> CodecError:
    """The error for a value that should not be there; its name may be whatever a peer sent."""
    return CodecError("is not known here", brief_name(name))


def brief_name(name: str) -> str:
    """A name for a path: as it is, unless it is long, or could not be printed."""
    return name if len(name) <= 60 and name.isprintable() else brief_repr(name)


def inside(step: str, error: CodecError) -> CodecError:
    """The same error, seen from outside: ``step`` is a name, a place such as ``[2]``, or empty."""
    if not step:
        return error
    if not error.path:
        return CodecError(error.reason, step)
    joint = "" if error.path.startswith("[") else "."
    return CodecError(error.reason, f"{step}{joint}{error.path}")
