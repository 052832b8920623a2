"""The marks of an annotation, such as ``Counted(U8)``: which it has, and which contradict each other."""

from __future__ import annotations

from typing import Any, Final, get_args

from attrs import field, frozen

from tcpcomm.codec.annotations import metadata_of
from tcpcomm.codec.binary.types import (
    Aligned,
    Bits,
    Counted,
    CountedBy,
    Derived,
    Encoded,
    EndedBy,
    Fixed,
    Float,
    HighestFirst,
    Int,
    InTag,
    Rest,
    Tagged,
    TaggedBy,
    Via,
)
from tcpcomm.errors import ConfigurationError

NUMBERS: Final = (Int, Float)
SIZES: Final = (Fixed, Counted, CountedBy, Rest, EndedBy)
TAGS: Final = (Tagged, TaggedBy)

_GROUPS: Final = (
    NUMBERS,
    SIZES,
    TAGS,
    (Encoded,),
    (Bits,),
    (HighestFirst,),
    (Aligned,),
    (Derived,),
    (InTag,),
    (Via,),
)


@frozen
class Marks:
    """
    The marks of one annotation. Contradictions among them are refused.

    Raises:
        ConfigurationError: two marks contradict each other.
    """

    _found: tuple[Any, ...] = field(converter=metadata_of)

    def __attrs_post_init__(self) -> None:
        for group in _GROUPS:
            several = self._all(group)
            if len(several) > 1 and not _is_pair(several):
                raise ConfigurationError(_contradiction(*several[:2]))

    def _all(self, group: tuple[type, ...]) -> list[Any]:
        """Return the different marks of a group, in their order."""
        found: list[Any] = []
        for mark in self._found:
            if isinstance(mark, group) and mark not in found:
                found.append(mark)
        return found

    def one(self, *group: type) -> Any:
        """Return the mark of a group, or None if there is none."""
        return next(iter(self._all(group)), None)

    @property
    def sizes(self) -> list[Any]:
        """The marks that say how long the value is: none, one, or two for a list."""
        return self._all(SIZES)

    def only(self, subject: str, *meaningful: type) -> None:
        """Raise ConfigurationError if there is a mark that has no meaning for this subject."""
        for group in _GROUPS:
            for mark in self._all(group):
                if not isinstance(mark, meaningful):
                    raise ConfigurationError(f"{mark_text(mark)} has no meaning for {subject}")


def counts_bytes(mark: Any) -> bool:
    """Return True if a mark says the size of a list in bytes."""
    return isinstance(mark, Counted | CountedBy) and (mark.in_bytes or mark.step > 1)


def _is_pair(marks: list[Any]) -> bool:
    """Return True for two marks, one for the number of items and one for the number of bytes."""
    if len(marks) != 2 or not {type(mark) for mark in marks} <= {Fixed, Counted, CountedBy}:
        return False
    in_bytes = [mark for mark in marks if counts_bytes(mark)]
    return len(in_bytes) == 1 and isinstance(in_bytes[0], Counted)


def _contradiction(first: Any, second: Any) -> str:
    text = f"{mark_text(first)} and {mark_text(second)} contradict each other: keep one of them"
    fixed = next((mark for mark in (first, second) if isinstance(mark, Fixed)), None)
    if fixed is not None and {Counted, CountedBy} & {type(first), type(second)}:
        text += f"; a count before a field of a fixed size is Fixed({fixed.size}, count=U8)"
    return text


def mark_text(mark: Any) -> str:
    """Return a mark as a person writes it: ``Counted(U8)``."""
    if isinstance(mark, Int):
        order = "" if mark.order is None else f" ({mark.order})"
        return f"{'I' if mark.signed else 'U'}{8 * mark.width}{order}"
    if isinstance(mark, Float):
        order = "" if mark.order is None else f" ({mark.order})"
        return f"F{8 * mark.width}{order}"
    return f"{type(mark).__name__}({', '.join(_arguments(mark))})"


def _arguments(mark: Any) -> list[str]:
    """Return the arguments of a mark that tell it from others of its class."""
    if isinstance(mark, Fixed):
        found = [str(mark.size)]
        if mark.pad != "\0":
            found.append(f"pad={mark.pad!r}")
        return found if mark.count is None else [*found, f"count={_type(mark.count)}"]
    if isinstance(mark, Counted | CountedBy):
        found = [_type(mark.count) if isinstance(mark, Counted) else repr(mark.name)]
        defaults = {"in_bytes": False, "step": 1, "adjust": 0}
        given = {name: getattr(mark, name) for name in defaults}
        return found + [f"{name}={value}" for name, value in given.items() if value != defaults[name]]
    if isinstance(mark, Tagged):
        return [_type(mark.type), "..."]
    if isinstance(mark, TaggedBy | Derived):
        return [repr(mark.name), "..."]
    if isinstance(mark, Encoded | EndedBy):
        return [repr(mark.encoding if isinstance(mark, Encoded) else mark.end)]
    if isinstance(mark, Aligned | Bits):
        return [str(mark.size if isinstance(mark, Aligned) else mark.width)]
    return []


def _type(annotation: Any) -> str:
    if isinstance(annotation, InTag):
        return "InTag()"
    notes = [note for note in get_args(annotation) if isinstance(note, Int | Float)]
    return mark_text(notes[-1]) if notes else str(getattr(annotation, "__name__", annotation))
