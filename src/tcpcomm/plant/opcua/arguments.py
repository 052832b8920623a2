"""The arguments of methods: :class:`Input` describes one, and :func:`read_inputs` reads those of a call."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from asyncua import ua
from attrs import frozen

from tcpcomm.codec.annotations import union_members
from tcpcomm.codec.base import MISSING
from tcpcomm.codec.ranges import Limits, limits_of
from tcpcomm.equipment.declaration import Declaration
from tcpcomm.errors import CodecError
from tcpcomm.plant.opcua.data_types import data_type_id, type_of, value_of
from tcpcomm.plant.values import RESULT, ValueDescription, items_of, kind_of, values_of


@frozen
class Input:
    """An input argument of a method."""

    name: str
    kind: type[Any]
    items: type[Any] | None
    limits: Limits | None
    has_default: bool
    takes_none: bool

    def argument(self) -> ua.Argument:
        """Return the description that clients read."""
        words = "" if self.limits is None else self.limits.text
        if self.has_default:
            words = f"{words}; may be null".removeprefix("; ")
        return _argument(self.name, self.kind, self.items, words)

    def read(self, variant: ua.Variant) -> tuple[Any, int, str]:
        """Return the value as JSON has it, a status code, and the mistake in words, empty if it is good."""
        if variant.VariantType is ua.VariantType.Null and (self.has_default or self.takes_none):
            return (MISSING if self.has_default else None), ua.StatusCodes.Good, ""
        try:
            value = value_of(self.kind, self.items, variant)
        except CodecError as error:
            return None, ua.StatusCodes.BadTypeMismatch, f"{self.name} {error}"
        try:
            if self.limits is not None:
                self.limits.check(value)
        except CodecError as error:
            return None, ua.StatusCodes.BadOutOfRange, f"{self.name} {error}"
        return value, ua.StatusCodes.Good, ""


class BadArguments(CodecError):
    """
    The arguments of a call do not fit.

    Attributes:
        status: the status code of the call.
        results: the status codes of the arguments.
    """

    def __init__(self, reason: str, status: int, results: Sequence[int] = ()) -> None:
        super().__init__(reason)
        self.status = ua.StatusCode(status)
        self.results = [ua.StatusCode(each) for each in results]


_ARGUMENTS: Final = "arguments"
"""The only input of a method of the device that is not a command: its arguments by name, as JSON."""


def inputs_of(declaration: Declaration, name: str) -> tuple[Input, ...]:
    """Return the inputs of a command, or of a device's method that is none, such as ``holding.write``."""
    command = declaration.commands.get(name)
    if command is None:
        return (Input(_ARGUMENTS, object, None, None, has_default=True, takes_none=False),)
    found = []
    for each in command.spec.parameters:
        kind = kind_of(each.type)
        limits = limits_of(each.type) if kind in (int, float) else None
        found.append(
            Input(
                name=each.name,
                kind=kind,
                items=items_of(each.type),
                limits=limits,
                has_default=each.default is not MISSING,
                takes_none=type(None) in union_members(each.type),
            )
        )
    return tuple(found)


def outputs_of(declaration: Declaration, name: str) -> tuple[ValueDescription, ...]:
    """Return the values that a call gives."""
    if name in declaration.commands:
        return values_of(declaration, name)
    return (ValueDescription(path=f"{name}/{RESULT}", kind=object),)


def arguments_of(declaration: Declaration, name: str, values: dict[str, Any]) -> dict[str, Any]:
    """
    Return the arguments of a command by name, from the inputs of a call.

    Raises:
        BadArguments: the JSON of the arguments is not an object.
    """
    if name in declaration.commands:
        return values
    arguments = values.get(_ARGUMENTS, {})
    if not isinstance(arguments, dict):
        wrong = [ua.StatusCodes.BadTypeMismatch]
        raise BadArguments("arguments must be a JSON object", ua.StatusCodes.BadInvalidArgument, wrong)
    return arguments


def output_argument(value: ValueDescription) -> ua.Argument:
    """Return the description of an output argument, which is one value of the result."""
    name = value.path.partition("/")[2].replace("/", ".")
    words = value.unit if value.low is None and value.high is None else _limits(value).text
    return _argument(name, value.kind, value.items, words)


def _limits(value: ValueDescription) -> Limits:
    return Limits(value.low, value.high, value.unit)


def _argument(name: str, kind: type[Any], items: type[Any] | None, words: str) -> ua.Argument:
    if kind is object and items is None:
        words = f"{words}; JSON".removeprefix("; ")
    rank = type_of(kind, items)[1]
    return ua.Argument(
        Name=name,
        DataType=data_type_id(kind, items),
        ValueRank=rank,
        ArrayDimensions=[0] if rank == 1 else [],
        Description=ua.LocalizedText(words),
    )


def read_inputs(inputs: Sequence[Input], variants: Sequence[ua.Variant]) -> dict[str, Any]:
    """
    Return the arguments of a call by name, as JSON has them. One that is null or missing has its default.

    Raises:
        BadArguments: some are missing, too many, or do not fit.
    """
    if len(variants) > len(inputs):
        raise BadArguments(
            f"{len(variants)} arguments for {len(inputs)} parameters", ua.StatusCodes.BadTooManyArguments
        )
    given = [*variants, *([ua.Variant()] * (len(inputs) - len(variants)))]
    left = inputs[len(variants) :]
    missing = [each.name for each in left if not (each.has_default or each.takes_none)]
    if missing:
        raise BadArguments(f"{', '.join(missing)} is missing", ua.StatusCodes.BadArgumentsMissing)
    read = [each.read(variant) for each, variant in zip(inputs, given, strict=True)]
    problems = [problem for _, _, problem in read if problem]
    if problems:
        results = [status for _, status, _ in read[: len(variants)]]
        raise BadArguments("; ".join(problems), ua.StatusCodes.BadInvalidArgument, results)
    values = zip(inputs, read, strict=True)
    return {each.name: value for each, (value, _, _) in values if value is not MISSING}
