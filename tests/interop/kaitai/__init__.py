"""Values that parsers of Kaitai Struct read, as plain values: :func:`whole`."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from enum import Enum
from typing import Any

from tcpcomm.tools.generate.kaitai.names import identifier

__all__ = ["whole"]

Form = Mapping[str, Any]


def whole(form: Form, parsed: Any) -> Any:
    """Return the value of a form from the type that was made for it, as ``ForeignBinary`` has it."""
    if form["type"] == "nothing":
        return None
    if form["type"] not in ("record", "around") or "sizes" in form or "aligned" in form:
        return one(form, parsed.value)
    if form["type"] == "record":
        named = [each for each in form["fields"] if "name" in each]
        return {each["name"]: one(each["form"], member(parsed, each)) for each in named}
    (inner,) = [
        each["form"]
        for each in form["fields"]
        if "derived" not in each and each["form"]["type"] not in ("constant", "skip")
    ]
    return one(inner, parsed.value)


def member(parsed: Any, field: Form) -> Any:
    """Return a field of a parsed type, or None if it is optional and absent."""
    name = identifier(field["name"])
    return getattr(parsed, name, None) if field["form"]["type"] == "optional" else getattr(parsed, name)


def one(form: Form, value: Any) -> Any:
    """Return the value of a form from the field that was made for it."""
    match form["type"]:
        case "bits":
            return {each["name"]: one(each["form"], member(value, each)) for each in form["fields"]}
        case "choice":
            return value.value if isinstance(value, Enum) else value
        case "flags":
            return getattr(value, "number", value)
        case "text" | "bytes":
            content = getattr(value, "value", value)
            return content if form["type"] == "text" else content.hex(" ").upper()
        case "list" | "bit list":
            items = getattr(value, "items", value)
            is_record = form["item"]["type"] in ("record", "around") and "sizes" not in form["item"]
            return [whole(form["item"], each) if is_record else item(form["item"], each) for each in items]
        case "record" | "around":
            return whole({key: each for key, each in form.items() if key != "sizes"}, value)
        case "optional":
            return None if value is None else whole(form["form"], value)
        case "tagged":
            return tagged(form, value)
    return value


def item(form: Form, value: Any) -> Any:
    return one(form, getattr(value, "value", value))


def tagged(form: Form, value: Any) -> Any:
    """Return the value of the alternative that fits, of those whose type has the name of the parsed one."""
    name = type(value).__name__.rstrip("0123456789").lower()
    others = [{**form["other"], "kind": form["other"]["kind"], "of": "other"}] if "other" in form else []
    for each in (*form["alternatives"], *others):
        if name.endswith(each.get("of", identifier(each["kind"])).replace("_", "")):
            with suppress(AttributeError):
                return {"kind": each["kind"], "value": whole(each["form"], value)}
    raise AssertionError(name)
