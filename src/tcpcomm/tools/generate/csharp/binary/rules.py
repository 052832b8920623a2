"""Rules of the sizes and the tags of binary values, for the C# that writes and reads them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final, get_args

from attrs import define, field

from tcpcomm.codec.annotations import bare_type, fields_of, has_fields
from tcpcomm.tools.generate.csharp.names import Names, camel
from tcpcomm.tools.generate.csharp.source import braced
from tcpcomm.tools.generate.csharp.value_types import Form

SILENT: Final = ("constant", "skip")
"""The forms that are no values."""


@define
class Scope:
    """
    The names that the sizes and tags of a record may refer to.

    Attributes:
        values: the expressions of values that stand before, by their names.
        request: the expressions of the values of the request, by their names.
        derived: the expressions of computed numbers, by their names.
        names: the names of the variables of the method.
    """

    names: Names
    values: dict[str, str] = field(factory=dict)
    request: Mapping[str, str] = field(factory=dict)
    derived: dict[str, str] = field(factory=dict)

    def told(self, rule: Form) -> str | None:
        """Return the expression of the number that a rule refers to, or None if it is computed."""
        known = self.request if rule.get("of") == "request" else self.values
        first, *others = str(rule["by"]).split(".")
        if first not in known:
            return None
        return ".".join([known[first], *(each[:1].upper() + each[1:] for each in map(camel, others))])


def body_of(lines: list[str]) -> Iterator[str]:
    """Yield the body of a statement. Several lines stand between braces."""
    if len(lines) == 1:
        yield f"    {lines[0]}"
    else:
        yield from braced(lines)


def counted(length: str, size: Form) -> str:
    """Return the number that stands for a length."""
    step, adjust = size.get("step", 1), size.get("adjust", 0)
    shown = f"{length} / {step}" if step != 1 else length
    return f"{shown} + {adjust}" if adjust > 0 else f"{shown} - {-adjust}" if adjust else shown


def uncounted(number: str, size: Form) -> str:
    """Return the length that a number stands for."""
    step, adjust = size.get("step", 1), size.get("adjust", 0)
    shown = f"{number} - {adjust}" if adjust > 0 else f"{number} + {-adjust}" if adjust else number
    return f"({shown}) * {step}" if step != 1 else shown


def refers_to_request(form: Any) -> bool:
    """Return True if a size or a tag inside a form is a parameter of the request."""
    if isinstance(form, Mapping):
        return form.get("of") == "request" or any(map(refers_to_request, form.values()))
    return isinstance(form, (list, tuple)) and any(map(refers_to_request, form))


def is_kind(annotation: Any, kind: str) -> bool:
    """Return True if values of an annotation have this type in Python."""
    found = bare_type(annotation)
    return (
        getattr(found, "__name__", "") == kind
        or str(found) == kind
        or (kind == "list" and bool(get_args(found)))
    )


def class_fields(annotation: Any) -> dict[str, Any]:
    """Return the annotations of the attributes of a class by name; empty for other types."""
    kind = bare_type(annotation)
    return {each.name: each.type for each in fields_of(kind)} if has_fields(kind) else {}
