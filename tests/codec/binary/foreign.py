"""
A codec that is made from the JSON of ``tcpcomm describe`` alone, as a program in another language would be.

It shares no code with tcpcomm. Values are plain, too: bytes are text in hex, members are their numbers, and
a value of one of several types is ``{"kind": …, "value": …}``.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from typing import Any

__all__ = ["ForeignBinary", "plain"]

Form = Mapping[str, Any]


def from_hex(text: str) -> bytes:
    return bytes.fromhex(text)


def to_hex(content: bytes) -> str:
    return content.hex(" ").upper()


class ForeignBinary:
    """
    Writes and reads the messages of one layout.

    Args:
        layout: the header and the body of a message, as JSON has them.
        request: the values of the request, if this is the layout of its reply.
    """

    def __init__(self, layout: Form, request: Any = None) -> None:
        self._request = request
        self._header = layout["header"]
        self._body = layout["body"]
        self._names: dict[str, Form] = {}
        self._find_names(self._body)
        self._size_in_tag = 0

    def _find_names(self, form: Any) -> None:
        if isinstance(form, list):
            for each in form:
                self._find_names(each)
        elif isinstance(form, dict):
            if "type" in form and "name" in form:
                self._names[form["name"]] = form
            for each in form.values():
                self._find_names(each)

    def write(self, value: Any, numbers: Mapping[str, int]) -> bytes:
        """Return the message with this value in its body, and these numbers in its header."""
        body = self._write(self._body, value, {})
        parts: list[bytes] = []
        after = len(body)
        for item in reversed(self._header):
            if "always" in item:
                part = from_hex(item["always"])
            elif item.get("name") == "length":
                part = self._write(item["form"], after + item["adjust"], {})
            elif item["form"]["type"] == "wish":
                wish = item["yes"] if numbers["wants a reply"] else item["no"]
                part = self._write(item["form"]["in"], wish, {})
            elif item.get("name") not in numbers and "default" in item:
                part = from_hex(item["default"])
            else:
                part = self._write(item["form"], numbers.get(item.get("name", ""), None), {})
            parts.insert(0, part)
            after += len(part)
        return b"".join([*parts, body])

    def read(self, frame: bytes) -> Any:
        """Return the value in the body of a message."""
        at = 0
        for item in self._header:
            start = at
            found, at = self._read(item["form"], frame, at, len(frame), {})
            if "always" in item:
                assert from_hex(item["always"]) == frame[start:at]
            elif item.get("name") == "length":
                assert len(frame) - at + item["adjust"] == found
        value, at = self._read(self._body, frame, at, len(frame), {})
        assert at == len(frame)
        return value

    # -- writing ----------------------------------------------------------------------------------------

    def _write(self, form: Form, value: Any, scope: dict[str, Any]) -> bytes:
        form = self._names[form["to"]] if form["type"] == "ref" else form
        content, items = self._content(form, value, scope)
        sizes = form.get("sizes", ())
        if "aligned" in form and not any("until" in size for size in sizes):
            padded = content + bytes(-len(content) % form["aligned"])
        else:
            padded = content
        length = {"items": items, "bytes": len(content)}
        for index, size in enumerate(reversed(sizes)):
            if index:
                length["bytes"] = len(padded)
            padded = self._sized(size, padded, length, scope)
        if "aligned" in form and any("until" in size for size in sizes):
            padded += bytes(-len(padded) % form["aligned"])
        return padded

    def _sized(self, size: Form, content: bytes, length: dict[str, int], scope: dict[str, Any]) -> bytes:
        if "fixed" in size:
            pad = from_hex(size.get("pad", "00"))
            room = scope.pop("room", size["fixed"])
            content += pad * ((room - len(content)) // len(pad)) if room > len(content) else b""
            if "count" not in size:
                return content
        if "until" in size:
            return content + from_hex(size["until"])
        if "rest" in size:
            return content
        number = length[size["in"]] // size.get("step", 1) + size.get("adjust", 0)
        if "by" in size:
            scope.setdefault("facts", {})[size["by"]] = number
            return content
        if size["count"]["type"] == "int in tag":
            self._size_in_tag = max(1, -(-number.bit_length() // 8))
            count = {**size["count"], "type": "int", "bytes": self._size_in_tag, "signed": False}
            return self._number(count, number) + content
        return self._write(size["count"], number, {}) + content

    def _content(self, form: Form, value: Any, scope: dict[str, Any]) -> tuple[bytes, int]:
        """Return the bytes of a value without its size, and how many items it has."""
        match form["type"]:
            case "int" | "float":
                return self._number(form, value), 0
            case "bool" | "choice" | "flags":
                return self._write(form["in"], int(value), {}), 0
            case "bits":
                return self._write(form["in"], self._joined_bits(form, value), {}), 0
            case "side by side":
                raise AssertionError("only in headers with their bytes")
            case "text":
                return value.encode(form["encoding"]), 0
            case "bytes":
                return from_hex(value), 0
            case "constant":
                return from_hex(form["hex"]), 0
            case "skip":
                return (from_hex(form["hex"]) if "hex" in form else bytes(form["bytes"])), 0
            case "nothing":
                return b"", 0
            case "list":
                parts = [self._write(form["item"], each, {}) for each in value]
                self._note_room(form, len(parts), sum(map(len, parts)), scope)
                return b"".join(parts), len(parts)
            case "bit list":
                content = self._bit_list(form, value)
                for size in form.get("sizes", ()):
                    if "fixed" in size:
                        scope["room"] = -(-size["fixed"] * form["bits"] // 8)
                return content, len(value)
            case "record" | "around":
                return self._record(form, value), 0
            case "optional":
                return (b"" if value is None else self._write(form["form"], value, {})), 0
            case "tagged":
                return self._tagged(form, value, scope), 0
        raise AssertionError(form)

    def _note_room(self, form: Form, items: int, size: int, scope: dict[str, Any]) -> None:
        """Note the bytes of a list that always has room for the same number of items."""
        for each in form.get("sizes", ()):
            if "fixed" in each:
                scope["room"] = each["fixed"] * self._item_size(form["item"]) if "count" in each else size

    def _item_size(self, form: Form) -> int:
        """Return the size of a form whose size is always the same."""
        for size in form.get("sizes", ()):
            if form["type"] != "list":
                return int(size["fixed"]) + (self._item_size(size["count"]) if "count" in size else 0)
        match form["type"]:
            case "int" | "float" | "skip":
                return int(form["bytes"]) * (2 if form.get("order") == "hex" else 1)
            case "bool" | "choice" | "flags" | "bits":
                return self._item_size(form["in"])
            case "constant":
                return len(from_hex(form["hex"]))
            case "record" | "around":
                return sum(self._item_size(each["form"]) for each in form["fields"])
            case "list":
                (size,) = form["sizes"]
                count = self._item_size(size["count"]) if "count" in size else 0
                return count + int(size["fixed"]) * self._item_size(form["item"])
            case "bit list":
                (size,) = form["sizes"]
                count = self._item_size(size["count"]) if "count" in size else 0
                return count + -(-int(size["fixed"]) * int(form["bits"]) // 8)
        raise AssertionError(form)

    def _number(self, form: Form, value: Any) -> bytes:
        if form.get("order") == "hex":
            return self._number({**form, "order": "big"}, value).hex().upper().encode()
        big = form.get("order", "big") == "big"
        if form["type"] == "float":
            return struct.pack((">" if big else "<") + {4: "f", 8: "d"}[form["bytes"]], value)
        return int(value).to_bytes(form["bytes"], "big" if big else "little", signed=form["signed"])

    def _joined_bits(self, form: Form, value: Any) -> int:
        total, place = 0, 0
        available = 8 * form["in"]["bytes"]
        for field in form["fields"]:
            width = self._width(field["form"])
            shift = place if form["first"] == "lowest" else available - place - width
            total |= int(value[field["name"]]) << shift
            place += width
        return total

    def _width(self, form: Form) -> int:
        return int(form["bits"]) if form["type"] == "int" else self._width(form["in"])

    @staticmethod
    def _bit_list(form: Form, value: Any) -> bytes:
        width = form["bits"]
        size = -(-len(value) * width // 8)
        total = 0
        for index, each in enumerate(value):
            shift = index * width if form["first"] == "lowest" else 8 * size - (index + 1) * width
            total |= int(each) << shift
        return total.to_bytes(size, "little" if form["first"] == "lowest" else "big")

    def _record(self, form: Form, value: Any) -> bytes:
        scope: dict[str, Any] = {"values": value, "facts": {}}
        parts: list[Any] = []
        for field in form["fields"]:
            if "derived" in field:
                parts.append(field)
            elif form["type"] == "around" and field["form"]["type"] not in ("constant", "skip"):
                parts.append(self._write(field["form"], value, scope))
            else:
                given = value[field["name"]] if "name" in field else None
                parts.append(self._write(field["form"], given, scope))
        facts = scope["facts"]
        return b"".join(
            part
            if isinstance(part, bytes)
            else self._write(part["form"], facts.get(part["derived"], 0), {})
            for part in parts
        )

    def _tagged(self, form: Form, value: Any, scope: dict[str, Any]) -> bytes:
        alternative = next((each for each in form["alternatives"] if each["kind"] == value["kind"]), None)
        if "by" in form:
            told = self._told(form, scope)
            if told is not None:
                alternative = self._alternative(form, told)
                return self._write(alternative["form"], value["value"], {})
            assert alternative is not None
            facts = scope["facts"]
            tag = alternative["tag"]
            facts[form["by"]] = facts.get(form["by"], 0) | tag if "mask" in form else tag
            return self._write(alternative["form"], value["value"], {})
        assert alternative is not None
        content = self._write(alternative["form"], value["value"], {})
        tag = alternative["tag"]
        if bits := form.get("size_bits"):
            tag = tag << bits | self._size_in_tag
        return self._write(form["tag"], tag, {}) + content

    def _told(self, rule: Form, scope: Mapping[str, Any]) -> Any:
        """Return the length or tag that a field before it tells, or a parameter of its request."""
        return self._named(rule["by"], {"values": self._request} if rule.get("of") == "request" else scope)

    @staticmethod
    def _named(path: str, scope: Mapping[str, Any]) -> Any:
        value = scope.get("values")
        for name in path.split("."):
            if not isinstance(value, dict) or name not in value:
                return None
            value = value[name]
        return value

    @staticmethod
    def _alternative(form: Form, tag: Any) -> Any:
        if "mask" in form:
            tag &= form["mask"]
        found = next((each for each in form["alternatives"] if each["tag"] == tag), None)
        return found if found is not None else form["other"]

    # -- reading ----------------------------------------------------------------------------------------

    def _read(self, form: Form, data: bytes, at: int, end: int, scope: dict[str, Any]) -> tuple[Any, int]:
        form = self._names[form["to"]] if form["type"] == "ref" else form
        sizes = list(form.get("sizes", ()))
        items: int | None = None
        limit, behind, start = end, None, at
        for size in sizes:
            if "until" in size:
                return self._read_until(form, size, data, at, end)
            if "rest" in size:
                behind = end
                continue
            if "fixed" in size and "count" not in size:
                if form["type"] in ("list", "bit list"):
                    items = size["fixed"]
                else:
                    limit = behind = at + size["fixed"]
                continue
            number, at = self._count(size, data, at, end, scope)
            length = (number - size.get("adjust", 0)) * size.get("step", 1)
            if "fixed" in size:
                room = size["fixed"]
                if form["type"] == "list":
                    room *= self._item_size(form["item"])
                elif form["type"] == "bit list":
                    room = -(-room * form["bits"] // 8)
                behind = at + room
            if size["in"] == "items":
                items = length
            else:
                limit = at + length
                behind = limit if behind is None or "fixed" not in size else behind
        start = at
        value, at = self._read_content(form, data, at, limit, items, scope)
        if "aligned" in form:
            return value, at + -(at - start) % form["aligned"]
        if behind is not None and "rest" not in (sizes[-1] if sizes else ()):
            return value, behind
        return value, at

    def _count(self, size: Form, data: bytes, at: int, end: int, scope: dict[str, Any]) -> tuple[int, int]:
        if "by" in size:
            return self._told(size, scope), at
        if size["count"]["type"] == "int in tag":
            width = self._size_in_tag
            return int.from_bytes(data[at : at + width], size["count"]["order"]), at + width
        return self._read(size["count"], data, at, end, {})

    def _read_until(self, form: Form, size: Form, data: bytes, at: int, end: int) -> tuple[Any, int]:
        mark, start = from_hex(size["until"]), at
        if form["type"] == "list":
            found = []
            while not data.startswith(mark, at):
                value, at = self._read(form["item"], data, at, end, {})
                found.append(value)
            at += len(mark)
        else:
            step = len("a".encode(form["encoding"])) if form["type"] == "text" else 1
            place = data.index(mark, at)
            while (place - at) % step:
                place = data.index(mark, place + 1)
            content, at = data[at:place], place + len(mark)
            found = content.decode(form["encoding"]) if form["type"] == "text" else to_hex(content)  # type: ignore[assignment]
        return found, at + -(at - start) % form.get("aligned", 1)

    def _read_content(  # noqa: PLR0917 - these are all that a place in a frame has
        self, form: Form, data: bytes, at: int, end: int, items: int | None, scope: dict[str, Any]
    ) -> tuple[Any, int]:
        match form["type"]:
            case "int" | "float":
                return self._read_number(form, data, at)
            case "bool" | "choice" | "flags":
                value, at = self._read(form["in"], data, at, end, {})
                return (bool(value) if form["type"] == "bool" else value), at
            case "bits":
                number, at = self._read(form["in"], data, at, end, {})
                return self._split_bits(form, number), at
            case "text":
                return self._read_text(form, data[at:end]), end
            case "bytes":
                return to_hex(data[at:end]), end
            case "constant":
                content = from_hex(form["hex"])
                assert content == data[at : at + len(content)]
                return None, at + len(content)
            case "skip":
                return None, at + form["bytes"]
            case "nothing":
                return None, at
            case "list":
                found: list[Any] = []
                while at < end if items is None else len(found) < items:
                    value, at = self._read(form["item"], data, at, end, {})
                    found.append(value)
                return found, at
            case "bit list":
                return self._read_bit_list(form, data, at, end, items)
            case "record" | "around":
                return self._read_record(form, data, at, end)
            case "optional":
                return (None, at) if at == end else self._read(form["form"], data, at, end, {})
            case "tagged":
                return self._read_tagged(form, data, at, end, scope)
        raise AssertionError(form)

    def _read_number(self, form: Form, data: bytes, at: int) -> tuple[Any, int]:
        if form.get("order") == "hex":
            end = at + 2 * form["bytes"]
            digits = bytes.fromhex(data[at:end].decode())
            return self._read_number({**form, "order": "big"}, digits, 0)[0], end
        big = form.get("order", "big") == "big"
        end = at + form["bytes"]
        if form["type"] == "float":
            return struct.unpack((">" if big else "<") + {4: "f", 8: "d"}[form["bytes"]], data[at:end])[
                0
            ], end
        return int.from_bytes(data[at:end], "big" if big else "little", signed=form["signed"]), end

    def _split_bits(self, form: Form, number: int) -> dict[str, Any]:
        found: dict[str, Any] = {}
        place, available = 0, 8 * form["in"]["bytes"]
        for field in form["fields"]:
            width = self._width(field["form"])
            shift = place if form["first"] == "lowest" else available - place - width
            value = number >> shift & (1 << width) - 1
            found[field["name"]] = bool(value) if field["form"]["type"] == "bool" else value
            place += width
        return found

    @staticmethod
    def _read_text(form: Form, content: bytes) -> str:
        fixed: Form = next((size for size in form["sizes"] if "fixed" in size and "count" not in size), {})
        if fixed and fixed["pad"] == "00":
            content = content.partition(b"\0")[0]
        text = content.decode(form["encoding"])
        pad = from_hex(fixed["pad"]).decode(form["encoding"]) if fixed else ""
        if not fixed:
            return text
        return text.partition("\0")[0] if pad == "\0" else text.rstrip(pad)

    @staticmethod
    def _read_bit_list(
        form: Form, data: bytes, at: int, end: int, items: int | None
    ) -> tuple[list[Any], int]:
        width = form["bits"]
        number = 8 * (end - at) // width if items is None else items
        size = end - at if items is None else -(-number * width // 8)
        lowest = form["first"] == "lowest"
        total = int.from_bytes(data[at : at + size], "little" if lowest else "big")
        found = []
        for index in range(number):
            shift = index * width if lowest else 8 * size - (index + 1) * width
            value = total >> shift & (1 << width) - 1
            found.append(bool(value) if form["item"]["type"] == "bool" else value)
        return found, at + size

    def _read_record(self, form: Form, data: bytes, at: int, end: int) -> tuple[Any, int]:
        values: dict[str, Any] = {}
        whole: Any = values
        scope: dict[str, Any] = {"values": dict(values)}
        for field in form["fields"]:
            value, at = self._read(field["form"], data, at, end, scope)
            name = field.get("name", field.get("derived"))
            if name is not None:
                scope["values"][name] = value
            if "name" in field:
                values[name] = value
            elif form["type"] == "around" and "derived" not in field:
                whole = value if field["form"]["type"] not in ("constant", "skip") else whole
        return whole, at

    def _read_tagged(
        self, form: Form, data: bytes, at: int, end: int, scope: dict[str, Any]
    ) -> tuple[Any, int]:
        if "by" in form:
            tag = self._told(form, scope)
        else:
            tag, at = self._read(form["tag"], data, at, end, {})
        if bits := form.get("size_bits"):
            self._size_in_tag = tag & (1 << bits) - 1
            tag >>= bits
        alternative = self._alternative(form, tag)
        value, at = self._read(alternative["form"], data, at, end, {})
        return {"kind": alternative["kind"], "value": value}, at


def plain(form: Form, value: Any, names: Mapping[str, Form] | None = None, *, of: Any = None) -> Any:
    """Return a value of Python as :class:`ForeignBinary` has it. A reply is ``of`` a request."""
    names = dict(names or {})
    if "name" in form:
        names[form["name"]] = form
    match form["type"]:
        case "ref":
            return plain(names[form["to"]], value, names)
        case "choice" | "flags":
            return getattr(value, "value", value)
        case "bits":
            return {
                each["name"]: plain(each["form"], getattr(value, each["name"]), names)
                for each in form["fields"]
            }
        case "bytes":
            return to_hex(bytes(value))
        case "list" | "bit list":
            return [plain(form["item"], each, names) for each in value]
        case "around":
            (inner,) = [
                each["form"]
                for each in form["fields"]
                if "derived" not in each and each["form"]["type"] not in ("constant", "skip")
            ]
            found = plain(inner, value, names)
            return _with_kinds({"fields": [{"name": "x", "form": inner}]}, {"x": found}, of)["x"]
        case "record":
            found = {}
            for each in form["fields"]:
                if "name" in each:
                    given = value[each["name"]] if isinstance(value, dict) else getattr(value, each["name"])
                    found[each["name"]] = plain(each["form"], given, names)
            return _with_kinds(form, found, of)
        case "optional":
            return None if value is None else plain(form["form"], value, names)
        case "tagged":
            return _plain_union(form, value, names)
    return value


def _plain_union(form: Form, value: Any, names: Mapping[str, Form]) -> Any:
    kind = "None" if value is None else type(value).__name__
    several = [each for each in form["alternatives"] if each["kind"] == kind]
    several += [form["other"]] if "other" in form and form["other"]["kind"] == kind else []
    found = {"kind": kind, "value": value, "several": several, "names": names}
    return found if len(several) > 1 or "other" in form else _settled(found, several[0])


def _settled(found: Mapping[str, Any], alternative: Form) -> dict[str, Any]:
    return {"kind": found["kind"], "value": plain(alternative["form"], found["value"], found["names"])}


def _with_kinds(form: Form, found: dict[str, Any], of: Any) -> dict[str, Any]:
    """Return the values of a record, with unions of the same type in Python told by their tags."""
    for each in form["fields"]:
        inner = each["form"]
        given = found.get(each.get("name", ""))
        if isinstance(given, dict) and "several" in given:
            tag = ForeignBinary._named(inner["by"], {"values": of if inner.get("of") else found})
            found[each["name"]] = _settled(given, ForeignBinary._alternative(inner, tag))
    return found
