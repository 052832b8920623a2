"""Functions that make errors: a reason in words, and the path to the wrong value or declaration."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from inspect import iscoroutine, isgenerator
from reprlib import Repr
from typing import Any, Final

from tcpcomm.errors import CodecError, ConfigurationError


class _BriefRepr(Repr):
    """A repr of limited length, for values of any size and depth that a peer sent."""

    def repr_int(self, x: int, level: int) -> str:
        return repr(x) if abs(x) < 10**40 else f"a number of {x.bit_length()} bits"


_BRIEF_REPR: Final = _BriefRepr()
_BRIEF_REPR.maxlevel = 2
_BRIEF_REPR.maxstring = _BRIEF_REPR.maxother = 60


def brief_repr(value: Any) -> str:
    """Return a value for an error message, cut if it is long."""
    return _BRIEF_REPR.repr(value)


def wrong(expected: str, value: Any) -> CodecError:
    """Return the error for a value of the wrong type or range."""
    if iscoroutine(value) or hasattr(value, "__await__"):
        hint = ": did you forget await?"
    elif isgenerator(value):
        hint = ": write return, not yield"
    elif isinstance(value, tuple) and expected.startswith("a list"):
        hint = ": write list(...) around it"
    else:
        hint = ""
    return CodecError(f"must be {expected}, not {brief_repr(value)}{hint}")


def without_b(value: bytes) -> str:
    """Return the correction for bytes in a declaration that must be text: ``not b'OK': write 'OK'``."""
    return f"not {value!r}: write {value.decode('latin-1')!r}, without b"


def missing(name: str) -> CodecError:
    """Return the error for a value that is missing."""
    return CodecError("is missing", name)


def unknown(name: str) -> CodecError:
    """Return the error for a value that is not expected. A peer may have chosen its name."""
    return CodecError("is not known here", brief_name(name))


def brief_name(name: str) -> str:
    """Return a name for an error path, as a short repr if it is long or cannot be printed."""
    return name if len(name) <= 60 and name.isprintable() else brief_repr(name)


def inside(place: str, error: CodecError) -> CodecError:
    """
    Return the error with a place put in front of its path.

    Args:
        place: a name, an index such as ``[2]``, or an empty text, which changes nothing.
        error: the error of the value at that place.
    """
    if not place:
        return error
    if not error.path:
        return CodecError(error.reason, place)
    joint = "" if error.path.startswith("[") else "."
    return CodecError(error.reason, f"{place}{joint}{error.path}")


@contextmanager
def errors_at(place: str) -> Iterator[None]:
    """Put a place in front of the ConfigurationError that the block raises."""
    try:
        yield
    except ConfigurationError as error:
        raise ConfigurationError(f"{place}: {error}") from None


def taken_for_event(where: str) -> str:
    """Return why a reply or a fault is refused that a host would take for an event, and what to do."""
    return (
        f"it would take it for the event {where}. Give one of them another opcode, or the event a header "
        "with other constant bytes, by event_head or by a codec of its own"
    )
