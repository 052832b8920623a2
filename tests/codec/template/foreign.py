"""
A codec that is made from the JSON of ``tcpcomm describe`` alone, as a program in another language would be.

It shares no code with tcpcomm. It writes every form of a template, and reads what is written. Values are
plain, too: bytes are text in hex, a Decimal is text, members are their values, and an object is its
attributes, with the name of its class under an empty key.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator, Mapping, Sequence
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any

__all__ = ["ForeignTemplates"]

Form = Mapping[str, Any]
FLOATS = {16: ">e", 32: ">f", 64: ">d"}


class Misfit(Exception):
    """A value that a form cannot carry."""


class ForeignTemplates:
    """
    Writes and reads the messages of one command or event.

    Args:
        layout: the command or event, as JSON has it.
        rules: the rules for all messages.
        faults: the faults of all commands.
    """

    def __init__(self, layout: Form, rules: Form, faults: Form | None) -> None:
        self._layout = layout
        self._rules = rules
        self._faults = faults

    def request(self, values: Form, id: int) -> bytes:
        return self._frame(self._layout["request"], values, {"id": id})

    def two_requests(self, values: Form) -> tuple[bytes, bytes, bytes]:
        """Return the first request, the frame that answers it, and the second request with its end."""
        layout = self._layout
        second = self._frame(layout["second"], values, {}) + from_hex(layout.get("end", ""))
        first = self._frame(layout["request"], values, {"second": second})
        return first, self._frame(layout["opened"], {}, {}), second

    def read_request(self, frame: bytes) -> dict[str, Any]:
        return self._read_frame(self._layout["request"], frame)

    def reply(self, asked: Form, result: Any, id: int) -> list[bytes]:
        reply = self._layout["reply"]
        context = {"id": id, "request": asked}
        if "silence" in reply:
            return []
        first = [self._frame(reply["acknowledgement"], {}, context)] if "acknowledgement" in reply else []
        return first + self._in_one_form(reply["forms"], result, context)

    def fault(self, code: int | str, reason: str, data: Any, id: int, asked: Form) -> bytes:
        assert self._faults is not None
        forms = [*self._layout.get("faults", ()), *self._faults["forms"]]

        def rank(form: Form) -> int:
            return 1 if "code" not in form else 0 if form["code"] == code else 2

        for form in sorted(forms, key=rank):
            values: dict[str, Any] = {"code": code, "reason": reason}
            values["command"] = self._cut(self._layout["command"], form)
            names = {part["field"] for part in fields_in(form["parts"])}
            if "code" in form and form["code"] != code:
                if "reason" not in names:
                    continue
                values["reason"] = f"{code}: {reason}" if reason else str(code)
            for part in fields_in(form["parts"]):
                if part["field"] == "code" and part["form"]["type"] == "text":
                    values["code"] = str(code)
                if "default" in part:
                    values.setdefault(part["field"], part["default"])
            try:
                return self._frame(form, {**values, **(data or {})}, {"id": id, "request": asked})
            except (Misfit, ValueError):
                continue
        raise AssertionError(code)

    def _cut(self, word: str, form: Form) -> str:
        """Return the word of a command, cut to the width of its field in a fault."""
        for part in fields_in(form["parts"]):
            how = part.get("format", {})
            if part.get("field") == "command" and "width" in how:
                unit = self._rules["encoding"] if how["unit"] == "bytes" else None
                while len(word.encode(unit) if unit else word) > how["width"]:
                    word = word[:-1]
        return word

    # -- writing ----------------------------------------------------------------------------------------

    def _in_one_form(self, forms: Sequence[Form], value: Any, context: Form) -> list[bytes]:
        for form in forms:
            if stands_for(form["stands_for"], value):
                try:
                    return self._in_form(form, value, context)
                except Misfit:
                    continue
        raise AssertionError(value)

    def _in_form(self, form: Form, value: Any, context: Form) -> list[bytes]:
        items, frames = form["items"], [*form["frames"]]
        if items is not None and items["end"] is not None:
            frames.append(items["end"])
        names = [
            name
            for frame in frames
            for part in fields_in(frame["parts"])
            for name in [part.get("field", part.get("list"))]
            if "of" not in part and "is" not in part
        ]
        if form["stands_for"]["type"] == "record":
            values = value
            used = {*names, items["of"] if items is not None else None}
            for field in form["stands_for"]["fields"]:
                if field["name"] not in used and value[field["name"]] != field["default"]:
                    raise Misfit(field["name"])
        else:
            values = {names[0]: value} if names else {}
        listed = [] if items is None else value if items["of"] is None else value[items["of"]]
        context = {**context, "frames": len(listed)}
        written = [self._frame(each, values, context) for each in form["frames"]]
        for each in listed:
            written += self._in_one_form(items["forms"], each, context)
        if items is not None and items["end"] is not None:
            written.append(self._frame(items["end"], values, context))
        return written

    def _frame(self, template: Form, values: Form, context: Form) -> bytes:
        text = self._parts(template["parts"], values, context)
        if text in template.get("except", ()):
            raise Misfit(text)
        last = template["parts"][-1]
        if "escapes" in self._rules:
            text = self._rules["first"] + re.sub(r'<([^\s<>/"]+)([^<>]*)></\1>', r"<\1\2/>", text)
        frame = text.encode(self._rules["encoding"])
        return frame + from_hex(values[last["field"]]) if is_raw(last) else frame

    def _parts(self, parts: Sequence[Form], values: Form, context: Form) -> str:
        texts: list[str] = []
        for part in reversed(parts):  # because a count may be of what stands behind it
            if "count" in part:
                number = self._count(part, parts, values, context, "".join(reversed(texts)))
                texts.append(self._value({"type": "int"}, part.get("format", {}), number))
            elif "field" in part:
                texts.append(self._field(part, values, context))
            elif "list" in part:
                item = part["item"]
                texts.append(
                    part["separator"].join(
                        self._parts(item["parts"], members(item, each), context)
                        if "parts" in item
                        else self._value(item["form"], item.get("format", {}), each)
                        for each in values[part["list"]]
                    )
                )
            elif "optional" in part:
                absent = all(values[name] == each for name, each in part["absent"].items())
                texts.append("" if absent else self._parts(part["optional"], values, context))
            else:
                texts.append(part["text"])
        return "".join(reversed(texts))

    def _field(self, part: Form, values: Form, context: Form) -> str:
        if part.get("is") == "id":
            value = context["id"]
        else:
            value = (context["request"] if part.get("of") == "request" else values)[part["field"]]
        return self._value(part["form"], part.get("format", {}), value)

    def _count(self, part: Form, parts: Sequence[Form], values: Form, context: Form, behind: str) -> int:
        kind = part["count"]
        if kind == "frames":
            return context["frames"]  # type: ignore[no-any-return]
        if kind == "second request":
            return len(context["second"])
        if kind == "written bytes":
            if part["of"] != "all behind it":
                (counted,) = (each for each in fields_in(parts) if each.get("field") == part["of"])
                value = values[part["of"]]
                behind = "" if value is None else self._field(counted, values, context)
            return len(behind.encode(self._rules["encoding"]))
        value = values[part["of"]]
        return len(from_hex(value) if kind == "bytes" else value)

    def _value(self, form: Form, how: Form, value: Any) -> str:
        match form["type"]:
            case "bool":
                return str(how["words"][0 if value else 1])
            case "choice":
                assert value in [each["value"] for each in form["values"]]
                return (
                    self._padded(value, how) if isinstance(value, str) else self._number("int", how, value)
                )
            case "bytes":
                return self._bytes(how, from_hex(value))
            case "text":
                text = str(value)
                for character, escape in self._rules.get("escapes", {}).items():
                    text = text.replace(character, escape)
                return (
                    '"' + text.replace('"', '""') + '"'
                    if how.get("letter") == "q"
                    else self._padded(text, how)
                )
            case "int" | "float" | "decimal":
                return self._number(form["type"], how, value)
        raise AssertionError(form)

    def _bytes(self, how: Form, content: bytes) -> str:
        letter = how.get("letter")
        if letter == "raw":
            return ""
        if letter == "block":
            size = str(len(content))
            return f"#{len(size)}{size}{content.decode(self._rules['encoding'])}"
        return content.hex() if letter == "x" else content.hex().upper()

    def _padded(self, text: str, how: Form) -> str:
        if "width" not in how:
            return text
        size = len(text.encode(self._rules["encoding"]) if how["unit"] == "bytes" else text)
        if size > how["width"]:
            raise Misfit(text)
        filling: str = how.get("fill", " ") * (how["width"] - size)
        return filling + text if how.get("align") == "right" else text + filling

    def _number(self, kind: str, how: Form, value: Any) -> str:
        if isinstance(value, str) and kind == "int":
            raise Misfit(value)
        value = Decimal(value) if kind == "decimal" else value
        if "computer" in how:
            text = self._computer_number(how, value)
        elif "scale" in how:
            steps = round(value * how["scale"])
            if kind == "decimal":
                steps = int((value * how["scale"]).to_integral_value(ROUND_HALF_EVEN))
            text = format(steps, python_format({**how, "letter": "d"}))
        elif kind != "int" and "width" in how and "letter" not in how:
            text = with_free_decimals(how, value)
        else:
            text = format(value, python_format(how))
        if len(text) > how.get("width", len(text)):
            raise Misfit(text)
        return text

    @staticmethod
    def _computer_number(how: Form, value: Any) -> str:
        bits = how["bits"]
        if how["computer"] == "float":
            text = struct.pack(FLOATS[bits], value).hex().upper()
        else:
            digits = bits // 4 if how["order"] == "little" else how.get("width", 1)
            text = format(value % (1 << bits), f"0{digits}X")
        if how["order"] == "little":
            text = bytes.fromhex(text)[::-1].hex().upper()
        return text.lower() if how["letter"] == "x" else text

    # -- reading ----------------------------------------------------------------------------------------

    def _read_frame(self, template: Form, frame: bytes) -> dict[str, Any]:
        parts, body = template["parts"], None
        if is_raw(parts[-1]):
            end = re.search(r"\r\n|\n|\r", parts[-2]["text"])
            assert end is not None
            at = frame.index(end[0].encode()) + len(end[0])
            frame, body = frame[:at], frame[at:]
        text = frame.decode(self._rules["encoding"])
        for found, at in self._readings(parts, text, 0):
            if at == len(text):
                if body is not None:
                    found[parts[-1]["field"]] = to_hex(body)
                return found
        raise AssertionError(text)

    def _readings(self, parts: Sequence[Form], text: str, at: int) -> Iterator[tuple[dict[str, Any], int]]:
        """Yield the values of all readings of some parts, and the place behind each."""
        if not parts:
            yield {}, at
            return
        part, others = parts[0], parts[1:]
        for found, end in self._readings_of(part, text, at):
            for more, last in self._readings(others, text, end):
                yield {**found, **more}, last

    def _readings_of(self, part: Form, text: str, at: int) -> Iterator[tuple[dict[str, Any], int]]:
        if "text" in part:
            if text.startswith(part["text"], at):
                yield {}, at + len(part["text"])
        elif "count" in part:
            for _, end in self._values({"type": "int"}, part.get("format", {}), text, at):
                yield {}, end
        elif "field" in part:
            for value, end in self._values(part["form"], part.get("format", {}), text, at):
                yield ({} if "is" in part or "of" in part else {part["field"]: value}), end
        elif "list" in part:
            for items, end in self._items(part, text, at):
                yield {part["list"]: items}, end
            yield {part["list"]: []}, at
        else:
            yield from self._readings(part["optional"], text, at)
            yield dict(part["absent"]), at

    def _items(self, part: Form, text: str, at: int) -> Iterator[tuple[list[Any], int]]:
        item, separator = part["item"], part["separator"]
        if "parts" in item:
            firsts: Any = self._readings(item["parts"], text, at)
        else:
            firsts = self._values(item["form"], item.get("format", {}), text, at)
        for first, end in firsts:
            if end == at:
                continue
            if text.startswith(separator, end):
                for others, last in self._items(part, text, end + len(separator)):
                    yield [first, *others], last
            yield [first], end

    def _values(self, form: Form, how: Form, text: str, at: int) -> Iterator[tuple[Any, int]]:
        """Yield the values that can begin at a place, and the place behind each."""
        if "width" in how:
            end, wanted = at, how["width"]
            unit = self._rules["encoding"] if how["unit"] == "bytes" else None
            while end < len(text) and (len(text[at:end].encode(unit)) if unit else end - at) < wanted:
                end += 1
            ends: Any = (end,)
        else:
            ends = range(at, len(text) + 1)
            if form["type"] not in ("text", "bytes"):
                ends = reversed(ends)
        for end in ends:
            try:
                yield self._parsed(form, how, text[at:end]), end
            except (ValueError, KeyError, ArithmeticError):
                continue

    def _parsed(self, form: Form, how: Form, text: str) -> Any:
        match form["type"]:
            case "bool":
                return {word: not index for index, word in enumerate(how["words"])}[text]
            case "choice":
                return {self._value(form, how, each["value"]): each["value"] for each in form["values"]}[
                    text
                ]
            case "bytes":
                if how.get("letter") == "raw":
                    return {"": ""}[text]
                if re.search(r"\s", text):
                    raise ValueError(text)
                return to_hex(bytes.fromhex(text))
            case "text":
                if how.get("letter") == "q":
                    if not re.fullmatch('"([^"]|"")*"', text, re.DOTALL):
                        raise ValueError(text)
                    return text[1:-1].replace('""', '"')
                if "width" in how:
                    fill = how.get("fill", " ")
                    return text.lstrip(fill) if how.get("align") == "right" else text.rstrip(fill)
                return text
        return self._parsed_number(form["type"], how, text)

    @staticmethod
    def _parsed_number(kind: str, how: Form, text: str) -> Any:
        if how.get("computer"):
            if not re.fullmatch("[0-9A-Fa-f]+", text):
                raise ValueError(text)
            bits = how["bits"]
            if how["order"] == "little":
                text = bytes.fromhex(text)[::-1].hex()
            if how["computer"] == "float":
                return struct.unpack(FLOATS[bits], bytes.fromhex(text))[0]
            number = int(text, 16)
            return number - (1 << bits) if how["computer"] == "signed" and number >> bits - 1 else number
        fill = how.get("fill", " ")
        text = text.replace(fill, "") if how.get("align") == "behind the sign" else text.strip(fill)
        if not re.fullmatch(r"[+\- ]?[0-9A-Fa-f.]+([eE][+-]?[0-9]+)?", text):
            raise ValueError(text)
        if kind == "int":
            return int(text, 16 if how.get("letter") in ("x", "X") else 10)
        if "scale" in how:
            steps = int(text)
            places = len(str(how["scale"])) - 1
            return str(Decimal(steps).scaleb(-places)) if kind == "decimal" else steps / how["scale"]
        return str(Decimal(text.strip())) if kind == "decimal" else float(text)


def from_hex(text: str) -> bytes:
    return bytes.fromhex(text)


def to_hex(content: bytes) -> str:
    return content.hex(" ").upper()


def is_raw(part: Form) -> bool:
    return bool(part.get("format", {}).get("letter") == "raw")


def fields_in(parts: Sequence[Form]) -> Iterator[Form]:
    """Yield the parts that are fields or lists, also those of optional parts."""
    for part in parts:
        if "optional" in part:
            yield from fields_in(part["optional"])
        elif "field" in part or "list" in part:
            yield part


def members(item: Form, value: Any) -> Any:
    """Return the fields of an item."""
    if item["form"]["type"] == "record":
        return value
    (part,) = fields_in(item["parts"])
    return {part.get("field", part.get("list")): value}


def stands_for(form: Form, value: Any) -> bool:
    """Return True if a value has the type of a form."""
    match form["type"]:
        case "record":
            return isinstance(value, dict) and value[""] == form["name"]
        case "list":
            return isinstance(value, list)
        case "null":
            return value is None
        case "text":
            return isinstance(value, str)
        case "int":
            return type(value) is int
        case "float":
            return type(value) is float
    return True


def python_format(how: Form) -> str:
    """Return the format of a number for Python's function ``format``."""
    side = {"left": "<", "right": ">", "behind the sign": "="}.get(how.get("align", ""), "")
    decimals = f".{how['decimals']}" if "decimals" in how else ""
    zeros = "0" if how.get("zeros") else ""
    fill = how.get("fill", " ") + side if side else ""
    return f"{fill}{how.get('sign', '')}{zeros}{how.get('width', '')}{decimals}{how.get('letter', '')}"


def with_free_decimals(how: Form, value: Any) -> str:
    """Return a number with the decimals that it has, in a fixed width."""
    text = format(value if isinstance(value, Decimal) else Decimal(repr(value)), "f")
    if len(text) > how["width"]:
        text = text.removesuffix(".0")
    sign, digits = ("-", text[1:]) if text[0] == "-" else (how.get("sign", "").replace("-", ""), text)
    if how.get("zeros"):
        return sign + digits.rjust(how["width"] - len(sign), "0")
    fill = how.get("fill", " ")
    if how.get("align") == "behind the sign":
        return sign + digits.rjust(how["width"] - len(sign), fill)
    return (str.ljust if how.get("align") == "left" else str.rjust)(sign + digits, how["width"], fill)
