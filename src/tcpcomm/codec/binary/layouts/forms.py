"""
Forms: layouts as data, for people and for programs of other languages.

A form is a dictionary of plain values, as JSON has them. It has all that a program needs to read and write
the bytes. :func:`text_of` returns it as a line of text. Different forms have different texts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, TypeAlias

Form: TypeAlias = dict[str, Any]

NOTHING: Final[Form] = {"type": "nothing"}


def whole_number(size: int, *, signed: bool, order: str) -> Form:
    """Return the form of a whole number of so many bytes."""
    form: Form = {"type": "int", "bytes": size, "signed": signed}
    return form if size == 1 and order != "hex" else {**form, "order": order}


def sized(form: Form, size: Mapping[str, Any]) -> Form:
    """Return a form with one more size. Its count stands before the counts of the others."""
    return {**form, "sizes": [size, *form.get("sizes", ())]}


def hex_text(content: bytes) -> str:
    """Return bytes as hexadecimal digits in pairs: ``AA 01``."""
    return content.hex(" ").upper()


def text_of(form: Form) -> str:
    """Return a form as a line of text: ``(x:i16be y:f32be)[u8]``."""
    text = _TEXTS[form["type"]](form)
    if "name" in form:  # an inner part refers to it
        text = f"{form['name']}={text}"
    unit = "items" if form["type"] in ("list", "bit list") else "bytes"
    text += "".join(f"[{_size(each, unit)}]" for each in form.get("sizes", ()))
    return f"{text}, aligned to {form['aligned']}" if "aligned" in form else text


def body_text(form: Form) -> str:
    """Return the form of a whole message as text: a record has no parentheses."""
    return (
        fields_text(form) if form["type"] in ("record", "around") and "sizes" not in form else text_of(form)
    )


def _int(form: Form) -> str:
    if "bits" in form:
        return str(form["bits"])
    order = _order(form["order"]) if "order" in form else ""
    return f"{'i' if form['signed'] else 'u'}{8 * form['bytes']}{order}"


def _float(form: Form) -> str:
    return f"f{8 * form['bytes']}{_order(form['order'])}"


def _order(order: str) -> str:
    return {"big": "be", "little": "le"}.get(order, order)


def _members(form: Form) -> Iterable[str]:
    for each in form["values"]:
        yield f"{each['number']}={each['name']}" if each["name"] else f"{each['number']}"


def _bool(form: Form) -> str:
    number = text_of(form["in"])
    return "bool" if number in ("u8", "1") else f"bool({number})"


def _bits(form: Form) -> str:
    fields = " ".join(f"{each['name']}:{text_of(each['form'])}" for each in form["fields"])
    return f"{text_of(form['in'])}({_first(form)}{fields})"


def _first(form: Form) -> str:
    return "highest first: " if form["first"] == "highest" else ""


def _bit_list(form: Form) -> str:
    order = f"{form['order']} " if "order" in form else ""
    return f"bits({order}{_first(form)}{text_of(form['item'])})"


def _tagged(form: Form) -> str:
    if "by" in form:
        tag = _named(form) if "mask" not in form else f"{_named(form)}&{form['mask']:02X}"
    else:
        tag = text_of(form["tag"])
        if "size_bits" in form:
            tag += f", {form['size_bits']} bits for the size of the count"
    several = [f"{each['tag']}: {text_of(each['form'])}".rstrip() for each in form["alternatives"]]
    if "other" in form:
        several.append(f"other: {text_of(form['other']['form'])}")
    return f"{{{tag}: {' | '.join(several)}}}"


def _text(form: Form) -> str:
    return "text" if form["encoding"] == "ascii" else f"text({form['encoding']})"


def _record(form: Form) -> str:
    return f"({fields_text(form)})"


def fields_text(form: Form) -> str:
    """Return the fields of a record, without parentheses around them."""
    texts = []
    for each in form["fields"]:
        name = f"#{each['derived']}" if "derived" in each else each.get("name")
        texts.append(text_of(each["form"]) if name is None else f"{name}:{text_of(each['form'])}")
    return " ".join(texts)


def _named(rule: Mapping[str, Any]) -> str:
    """Return the field that tells a length or a type."""
    return f"{rule['by']} of the request" if rule.get("of") == "request" else str(rule["by"])


def _size(size: Mapping[str, Any], unit: str) -> str:
    if "fixed" in size:
        text = str(size["fixed"])
        if "count" in size:
            text = f"{text_of(size['count'])} of {text}"
        return text if size.get("pad", "00").strip("0 ") == "" else f"{text}, pad {size['pad']}"
    if "until" in size:
        return f"until {size['until']}"
    if "rest" in size:
        return "..."
    text = f"by {_named(size)}" if "by" in size else text_of(size["count"])
    if "adjust" in size:
        text += f"{size['adjust']:+}"
    if "step" in size:
        return f"{text}, in steps of {size['step']} bytes"
    return text if size["in"] == unit else f"{text}, in {size['in']}"


_TEXTS: Final[Mapping[str, Callable[[Form], str]]] = {
    "side by side": lambda form: " ".join(map(text_of, form["parts"])),
    "wish": lambda form: f"{text_of(form['in'])}({form['yes']}=wants a reply, {form['no']}=wants none)",
    "nothing": lambda form: "",
    "int": _int,
    "float": _float,
    "bool": _bool,
    "choice": lambda form: f"{text_of(form['in'])}({' '.join(_members(form))})",
    "flags": lambda form: f"{text_of(form['in'])}({' | '.join(_members(form))})",
    "bits": _bits,
    "text": _text,
    "bytes": lambda form: "bytes",
    "bit list": _bit_list,
    "int in tag": lambda form: "by tag",
    "tagged": _tagged,
    "ref": lambda form: str(form["to"]),
    "around": _record,
    "list": lambda form: f"({text_of(form['item'])})",
    "record": _record,
    "constant": lambda form: form["hex"],
    "skip": lambda form: f"skip({form['hex']})" if "hex" in form else " ".join(["xx"] * form["bytes"]),
    "optional": lambda form: f"{text_of(form['form'])}?",
}
