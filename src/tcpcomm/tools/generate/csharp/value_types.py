"""Types of C# for the types of a declaration: :class:`CsType`, :class:`Types`."""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Iterator, Mapping, Sequence
from enum import Enum, Flag
from typing import Any, Final, get_args

from attrs import field, frozen

from tcpcomm.codec.annotations import bare_type, fields_of, has_fields, union_members
from tcpcomm.codec.base import MISSING, Field
from tcpcomm.codec.ranges import limits_of
from tcpcomm.tools.generate.csharp.names import Names, camel, pascal
from tcpcomm.tools.generate.csharp.refusal import refuse
from tcpcomm.tools.generate.csharp.source import braced, comment, literal, string, summary

Form = Mapping[str, Any]

_LOCALS: Final = ("asked", "call", "found", "message", "oldest", "received", "result", "session", "timeout")
"""The names of variables in the generated methods, which no parameter may have."""

_LEAVES: Final = {
    "any": ("object", False),
    "bool": ("bool", True),
    "float": ("double", True),
    "int": ("long", True),
    "decimal": ("decimal", True),
    "text": ("string", False),
    "bytes": ("byte[]", False),
    "date": ("DateTime", True),
    "date and time": ("DateTime", True),
    "time": ("TimeSpan", True),
    "null": ("object", False),
    "nothing": ("object", False),
}
_SIZED: Final = {
    (1, False): "byte",
    (1, True): "sbyte",
    (2, False): "ushort",
    (2, True): "short",
    (4, False): "uint",
    (4, True): "int",
    (8, False): "ulong",
    (8, True): "long",
}


@frozen
class CsType:
    """
    A type of C#.

    Attributes:
        name: its name, such as ``long`` or ``IReadOnlyList<Point>``.
        is_value: True if null is no value of it.
        is_nullable: True if a value may be absent, so that it can be null.
    """

    name: str
    is_value: bool = False
    is_nullable: bool = False

    @property
    def shown(self) -> str:
        """The type in a declaration of a variable."""
        return f"{self.name}?" if self.is_value and self.is_nullable else self.name

    def or_null(self) -> CsType:
        return CsType(self.name, self.is_value, True)


VOID: Final = CsType("void")


@frozen
class Member:
    """A parameter, or an attribute of a class: its name in Python and C#, its type, its default."""

    name: str
    camel: str
    pascal: str
    type: CsType
    annotation: Any
    default: str | None = None
    """The constant of its default, or None if it has none."""
    remark: str = ""
    """Its unit and range, in words."""
    check: str = ""
    """The arguments of a check of its range, or empty."""

    @property
    def parameter(self) -> str:
        return f"{self.type.shown} {self.camel}"


@frozen
class Record:
    """A class with values."""

    name: str
    cls: type
    members: tuple[Member, ...] = field(hash=False)

    def lines(self) -> Iterator[str]:
        """Yield the class."""
        yield from summary(_doc_of(self.cls) or f"The values of {self.cls.__name__}.")
        yield f"public sealed class {self.name}"
        yield from braced(self._body())

    def _body(self) -> Iterator[str]:
        parameters = ", ".join(with_defaults(self.members))
        yield f"public {self.name}({parameters})"
        checks = [
            f"Range.Check<{each.type.name}>({each.camel}, {each.check}, {string(each.name)});"
            for each in self.members
            if each.check
        ]
        yield from braced([*checks, *(f"{each.pascal} = {each.camel};" for each in self.members)])
        for each in self.members:
            yield ""
            if each.remark:
                yield comment("summary", each.remark)
            yield f"public {each.type.shown} {each.pascal} {{ get; }}"
        shown = ", ".join(f"{each.pascal}={{{place}}}" for place, each in enumerate(self.members))
        values = "".join(f", {each.pascal}" for each in self.members)
        yield ""
        yield "public override string ToString()"
        yield from braced(
            [f'return string.Format(CultureInfo.InvariantCulture, "{self.name} {shown}"{values});']
        )


@frozen
class EnumType:
    """An enumeration, with the value of each member in a message."""

    name: str
    cls: type[Enum]
    members: tuple[tuple[str, Any], ...]
    """The name in C#, and the value in a message, of each member."""

    @property
    def numbers(self) -> bool:
        """True if the values are whole numbers, which the members of C# have too."""
        return all(isinstance(value, int) for _, value in self.members)

    def lines(self) -> Iterator[str]:
        """Yield the enumeration."""
        yield from summary(_doc_of(self.cls) or f"The values of {self.cls.__name__}.")
        if issubclass(self.cls, Flag):
            yield "[Flags]"
        values = [value for _, value in self.members]
        small = self.numbers and all(-(2**31) <= value < 2**31 for value in values)
        base = "" if small or not self.numbers else " : long"
        yield f"public enum {self.name}{base}"
        shown = [f"{name} = {value}" if self.numbers else name for name, value in self.members]
        yield from braced([*(f"{each}," for each in shown[:-1]), shown[-1]])

    def member(self, value: Any) -> str:
        """Return the member with a value."""
        return next(f"{self.name}.{name}" for name, each in self.members if each == value)


def with_defaults(members: Sequence[Member]) -> Iterator[str]:
    """Yield the parameters of a method. Only the last ones may have a default."""
    last_required = max((place for place, each in enumerate(members) if each.default is None), default=-1)
    for place, each in enumerate(members):
        yield f"{each.parameter} = {each.default}" if place > last_required else each.parameter


class Types:
    """
    The types of one declaration, which are collected while its messages are compiled.

    Args:
        where: the class of the declaration, for errors.
        taken: the names of other classes in the generated text.
    """

    def __init__(self, where: str, taken: Sequence[str]) -> None:
        self._where = where
        self._names = Names(*taken)
        self.records: dict[type, Record] = {}
        self.enums: dict[type, EnumType] = {}
        self._open: dict[type, str] = {}

    def of(self, annotation: Any, form: Form) -> CsType:
        """Return the type of an annotation in the form that the codec gave."""
        kind = bare_type(annotation)
        match form["type"]:
            case "around":
                return self.of(annotation, value_of(form))
            case "optional":
                return self.of(without_none(annotation), form["form"]).or_null()
            case "int":
                return CsType(self._int(annotation, form), True)
            case "float":
                return CsType("float" if form.get("bytes") == 4 else "double", True)
            case "record" | "bits" | "ref":
                return CsType(self.record(kind, form).name if kind not in self._open else self._open[kind])
            case "choice" | "flags":
                return self._choice(kind, form)
            case "list" | "bit list":
                item = self.of(get_args(kind)[0], form["item"])
                return CsType(f"IReadOnlyList<{item.shown}>")
            case "map":
                item = self.of(get_args(kind)[1], form["item"])
                return CsType(f"IReadOnlyDictionary<string, {item.shown}>")
            case "tuple":
                items = [self.of(each, it) for each, it in zip(get_args(kind), form["items"], strict=True)]
                return CsType(f"Tuple<{', '.join(each.shown for each in items)}>")
            case "union" | "tagged":
                return self._union(annotation, form)
        found = _LEAVES.get(form["type"])
        if found is None:
            refuse(self._where, f"a value has the type {form['type']}")
        return CsType(*found)

    def _int(self, annotation: Any, form: Form) -> str:
        if "bits" in form:
            return "int" if form["bits"] < 32 else "long"
        if "bytes" in form:
            width = next(each for each in (1, 2, 4, 8) if each >= form["bytes"])
            return _SIZED[width, form["signed"]]
        limits = limits_of(annotation)
        if limits is not None and limits.low is not None and limits.high is not None:
            return "int" if limits.low >= -(2**31) and limits.high < 2**31 else "long"
        return "long"

    def _choice(self, kind: Any, form: Form) -> CsType:
        if isinstance(kind, type) and issubclass(kind, Enum):
            return CsType(self.enum(kind).name, True)
        if form["type"] == "choice" and "in" not in form and isinstance(form["values"][0]["value"], str):
            return CsType("string")
        return CsType("long", True)

    def _union(self, annotation: Any, form: Form) -> CsType:
        members = [each for each in union_members(annotation) or () if each is not type(None)]
        forms = [each.get("form", each) for each in form.get("members", form.get("alternatives", ()))]
        forms = [each for each in forms if each["type"] not in ("null", "nothing")]
        if len(members) == 1 and len(forms) == 1 and "other" not in form:
            return self.of(members[0], forms[0]).or_null()
        for each, found in zip(members, forms, strict=False):
            if isinstance(bare_type(each), type) and (has_fields(bare_type(each))):
                match = next((it for it in forms if it["type"] in ("record", "bits", "ref")), found)
                named = next((it for it in forms if it.get("name") == bare_type(each).__name__), match)
                self.of(each, named)
        return CsType("object", False, True)

    def record(self, cls: type, form: Form) -> Record:
        """Return the class for a class of Python."""
        if cls in self.records:
            return self.records[cls]
        if not isinstance(cls, type) or not has_fields(cls):
            refuse(self._where, f"{cls!r} is carried as another type, by functions of Python")
        name = self._names.unique(pascal(cls.__name__), "Values")
        self._open[cls] = name
        forms = {each["name"]: each["form"] for each in form.get("fields", ()) if "name" in each}
        missing = [each.name for each in fields_of(cls) if each.name not in forms]
        if missing:
            refuse(
                self._where, f"{cls.__name__}.{missing[0]} does not stand among its values in the message"
            )
        members = self.members(fields_of(cls), forms, Names(name, "ToString", "Equals", "GetType"))
        del self._open[cls]
        self.records[cls] = Record(name, cls, members)
        return self.records[cls]

    def enum(self, cls: type[Enum]) -> EnumType:
        """Return the enumeration for one of Python."""
        if cls not in self.enums:
            names = Names()
            members = tuple(
                (names.unique(pascal(name)), each.value)
                for name, each in cls.__members__.items()
                if each.name == name
            )
            self.enums[cls] = EnumType(self._names.unique(pascal(cls.__name__), "Values"), cls, members)
        return self.enums[cls]

    def members(
        self, fields: Sequence[Field], forms: Mapping[str, Form], names: Names | None = None
    ) -> tuple[Member, ...]:
        """Return parameters or attributes."""
        names = Names() if names is None else names
        camels = Names(*_LOCALS)
        return tuple(self._member(each, forms[each.name], names, camels) for each in fields)

    def _member(self, each: Field, form: Form, names: Names, camels: Names) -> Member:
        kind = self.of(each.type, form)
        if _may_be_none(each.type) and not kind.is_nullable:
            kind = kind.or_null()
        limits = limits_of(without_none(each.type))
        remark = check = ""
        if limits is not None:
            low, high = limits.low, limits.high
            bounds = f"from {low} to {high}" if None not in (low, high) else f"{low} or more"
            bounds = bounds if low is not None else f"at most {high}" if high is not None else ""
            unit = f"in {limits.unit}" if limits.unit else ""
            remark = ", ".join(filter(None, (unit, bounds)))
            remark = remark[:1].upper() + remark[1:] + "." if remark else ""
            if low is not None or high is not None:
                suffix = "m" if kind.name == "decimal" else ""
                shown = [
                    f"{kind.name}.{word}Value" if value is None else f"{value}{suffix}"
                    for word, value in (("Min", low), ("Max", high))
                ]
                check = ", ".join(shown)
        return Member(
            each.name,
            camels.unique(camel(each.name), "Value"),
            names.unique(pascal(each.name), "Value"),
            kind,
            each.type,
            self.constant(each.default, kind),
            remark,
            check,
        )

    def constant(self, value: Any, kind: CsType) -> str | None:
        """Return the constant of a value in C#, or None if it is none there."""
        if value is MISSING:
            return None
        if isinstance(value, Enum):
            if type(value) not in self.enums:
                return None
            known = self.enums[type(value)]
            if any(each == value.value for _, each in known.members):
                return known.member(value.value)
            return f"({known.name}){value.value}" if known.numbers else None
        shown = literal(value)
        if shown is None or (value is None and not kind.is_nullable and kind.is_value):
            return None
        suffix = {"decimal": "m", "float": "f", "double": "d" if isinstance(value, int) else ""}
        return shown + ("" if value is None else suffix.get(kind.name, ""))


def value_of(form: Form) -> Form:
    """Return the form of the one value of an ``around``."""
    found: Form = next(
        each["form"]
        for each in form["fields"]
        if "derived" not in each and each["form"]["type"] not in ("constant", "skip")
    )
    return found


def without_none(annotation: Any) -> Any:
    """Return an annotation without its None, if one type is left."""
    members = [each for each in union_members(annotation) or () if each is not type(None)]
    return members[0] if len(members) == 1 else annotation


def _may_be_none(annotation: Any) -> bool:
    return type(None) in (union_members(annotation) or ())


def _doc_of(cls: type) -> str:
    doc = inspect.cleandoc(vars(cls).get("__doc__") or "")
    made = dataclasses.is_dataclass(cls) and doc.startswith(f"{cls.__name__}(")
    return "" if made or doc == "An enumeration." else doc
