"""The statuses of binary replies: which of them are good, and results that contain the status."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from random import Random
from typing import Any

from attrs import frozen

from tcpcomm.codec.annotations import bare_type, fields_of, has_fields, metadata_of
from tcpcomm.codec.base import Field
from tcpcomm.codec.binary.header import STATUS
from tcpcomm.codec.binary.layouts.compiler import LayoutCompiler
from tcpcomm.codec.binary.layouts.fixed_size import class_record
from tcpcomm.codec.binary.layouts.layout import NOTHING, Layout
from tcpcomm.codec.problems import brief_repr, errors_at, inside, wrong
from tcpcomm.errors import CodecError, ConfigurationError


@frozen
class Mask:
    """
    Good statuses by their bits: those where ``status & mask == equals``.

    ``Mask(0x8000)`` means that the highest bit of 16 shows a fault, and that the others are warnings.
    A fault whose code has no ``meanings`` has those of the bits of the mask.
    """

    mask: int
    equals: int = 0

    def __attrs_post_init__(self) -> None:
        if not self.mask or self.equals & ~self.mask:
            raise ConfigurationError(f"no status has {self.equals:#x} in the bits of {self.mask:#x}")


@frozen
class GoodStatuses:
    """
    The statuses of replies that are not faults.

    Attributes:
        first: the status that the equipment sends if its result does not contain one.
        is_good: returns True for a good status; None: only ``first`` is good.
        label: the good statuses for people.
        mask: the bits that tell good from bad; None: all.
    """

    first: int
    is_good: Callable[[int], bool] | None
    label: str
    mask: int | None = None

    def accepts(self, status: int) -> bool:
        """Return True if a status is good."""
        return status == self.first if self.is_good is None else bool(self.is_good(status))


def good_statuses(ok: Any) -> GoodStatuses:
    """Return the statuses that ``Binary(ok=…)`` gives. Raises ConfigurationError if it cannot mean any."""
    if type(ok) is int:
        return GoodStatuses(ok, None, f"{ok}")
    if isinstance(ok, Mask):
        mask, equals = ok.mask, ok.equals
        return GoodStatuses(equals, lambda status: status & mask == equals, f"&{mask:X}={equals:X}", mask)
    if isinstance(ok, Collection) and ok and all(type(each) is int for each in ok):
        first = next(iter(ok)) if isinstance(ok, list | tuple | range) else min(ok)
        shown = (
            f"{ok.start}..{ok[-1]}" if isinstance(ok, range) and ok.step == 1 else "|".join(map(str, ok))
        )
        good = ok if isinstance(ok, range) else frozenset(ok)
        return GoodStatuses(first, good.__contains__, shown)
    if callable(ok):
        found = next((status for status in range(0x10000) if ok(status)), None)
        if found is not None:
            name = getattr(ok, "__name__", "")
            return GoodStatuses(found, ok, name if name.isidentifier() else "good")
    raise ConfigurationError(
        "ok must be a status, several such as (0, 4) or range(16), a Mask, or a function that returns True "
        f"for a good one, not {brief_repr(ok)}"
    )


@frozen
class ResultForm:
    """
    A result, and the status of its reply.

    Attributes:
        layout: the layout of what is in the body of the reply.
        good: the good statuses.
    """

    layout: Layout
    good: GoodStatuses

    def split(self, result: Any) -> tuple[int, Any]:
        """Return the status of a result, and its value in the body. Raises CodecError."""
        return self.good.first, result

    def combine(self, value: Any, status: int | None) -> Any:
        """Return the result of a value in the body and a good status."""
        return value

    def draw(self, random: Random) -> Any:
        """Draw a result."""
        return self.combine(self.layout.draw(random), self.good.first)

    def _checked(self, status: Any) -> int:
        if type(status) is not int:
            raise inside("status", wrong("a whole number", status))
        if not self.good.accepts(status):
            raise CodecError(f"{status} is not a good status: raise Fault({status})", "status")
        return status


class _StatusAlone(ResultForm):
    """A result that is the status."""

    def split(self, result: Any) -> tuple[int, Any]:
        return self._checked(result), None

    def combine(self, value: Any, status: int | None) -> Any:
        return status


@frozen
class _StatusInside(ResultForm):
    """A result of a class with the status as a field. The other fields are a dictionary in the body."""

    _make: Callable[[list[Any]], Any]
    _split: Callable[[Any], Any]
    _names: tuple[str, ...]
    _status: str

    def split(self, result: Any) -> tuple[int, Any]:
        values = dict(zip(self._names, self._split(result), strict=True))
        return self._checked(values.pop(self._status)), values

    def combine(self, value: Any, status: int | None) -> Any:
        values = {**value, self._status: status}
        return self._make([values[name] for name in self._names])


def result_form(
    annotation: Any, compiler: LayoutCompiler, good: GoodStatuses, parameters: Sequence[Field]
) -> ResultForm:
    """
    Return the form of a command's result. ``Annotated[int, STATUS]`` in it is the status of the reply.

    Args:
        annotation: the type of the result.
        compiler: makes its layout.
        good: the good statuses.
        parameters: the parameters of the command, which may tell the size of the result.

    Raises:
        ConfigurationError: bytes cannot carry the result.
    """
    if annotation is None:
        return ResultForm(NOTHING, good)
    if STATUS in metadata_of(annotation):
        return _StatusAlone(NOTHING, good)
    cls = bare_type(annotation)
    fields = fields_of(cls) if has_fields(cls) else ()
    statuses = [each.name for each in fields if STATUS in metadata_of(each.type)]
    if not statuses:
        return ResultForm(compiler.result(annotation, parameters), good)
    if len(statuses) > 1:
        raise ConfigurationError(f"{cls.__name__} has the status twice: {', '.join(statuses)}")
    with errors_at(cls.__name__):
        layout = compiler.values([each for each in fields if each.name != statuses[0]])
    record = class_record(cls)
    names = tuple(each.name for each in fields)
    return _StatusInside(layout, good, record.make, record.split, names, statuses[0])


def uses_status(annotation: Any) -> bool:
    """Return True if a result contains the status of its reply."""
    if STATUS in metadata_of(annotation):
        return True
    cls = bare_type(annotation)
    return has_fields(cls) and any(STATUS in metadata_of(each.type) for each in fields_of(cls))
