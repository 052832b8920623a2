"""The types of Kaitai Struct for whole frames: a header, and a body that the opcode tells."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from attrs import frozen

from tcpcomm.tools.generate.binary_rules import GoodStatus, place_of, size_of, size_of_header
from tcpcomm.tools.generate.kaitai.bodies import Inexpressible, Record, Types
from tcpcomm.tools.generate.kaitai.names import quoted

Form = Mapping[str, Any]


@frozen
class Message:
    """
    One kind of frame.

    Attributes:
        name: the name of the type of its body.
        doc: words about it.
        header: the header as data.
        body: the body as data.
        tail: what stands behind the body, as data, or None.
    """

    name: str
    doc: str
    header: list[Any]
    body: Form
    tail: Form | None = None

    @property
    def opcode(self) -> bytes | None:
        """The bytes of the opcode, or None if it is not always the same."""
        found: Form = next((each for each in self.header if each.get("name") == "opcode"), {})
        return bytes.fromhex(found["always"]) if "always" in found else None


@frozen
class Group:
    """
    Messages with the same header.

    Attributes:
        name: the name of the field that they are in.
        messages: the messages. An opcode tells them apart.
        condition: returns the expression that is true for a frame of this group, or empty: it always is.
            It gets a function that adds a peek into the frame and returns its identifier.
    """

    name: str
    messages: tuple[Message, ...]
    condition: Callable[[Peek], str] | None = None

    @property
    def header(self) -> list[Any]:
        return self.messages[0].header


class Peek:
    """Adds looks at some bytes of a frame to its type, before the frame is read."""

    def __init__(self, record: Record) -> None:
        self._record = record
        self._known: dict[tuple[int, Any], str] = {}

    def bytes_at(self, place: int, size: int) -> str:
        """Return the identifier of so many bytes at a place."""
        return self._look(place, size, {"size": size})

    def number_at(self, place: int, form: Form, types: Types) -> str:
        """Return the identifier of a number at a place."""
        inner = Record()
        types.field(inner, "number", form, "peek")
        if len(inner.seq) == 1 and not inner.instances:
            spec = {key: each for key, each in inner.seq[0].items() if key != "id"}
            return self._look(place, size_of(form), spec)
        kind = types.new_name("peeked")
        types.types[kind] = inner.spec()
        return f"{self._look(place, size_of(form), {'type': kind})}.number"

    def _look(self, place: int, size: int, spec: Mapping[str, Any]) -> str:
        key = place, json.dumps(spec)
        if key not in self._known:
            found = self._record.names.new(f"peek_{place}")
            self._record.instances[found] = {"pos": place, **spec}
            self._known[key] = found
        return self._known[key]


def groups_of(name: str, messages: Iterable[Message]) -> list[Group]:
    """Return messages in groups of those that have the same header, but for the opcode."""
    found: dict[str, list[Message]] = {}
    for message in messages:
        items = [{key: each for key, each in item.items() if key != "always"} for item in message.header]
        found.setdefault(json.dumps(items), []).append(message)
    several = len(found) > 1
    return [
        Group(f"{name}_{index}" if several else name, tuple(members), by_header(members))
        for index, members in enumerate(found.values(), 1)
    ]


def by_header(messages: Iterable[Message]) -> Callable[[Peek], str]:
    """Return the condition for frames with the constant bytes and one of the opcodes of these messages."""
    members = [*messages]
    header = members[0].header

    def condition(peek: Peek) -> str:
        terms = [f"_io.size >= {size_of_header(header)}"]
        at = 0
        for item in header:
            form = item["form"]
            if form["type"] == "constant":
                content = bytes.fromhex(form["hex"])
                terms.append(f"{peek.bytes_at(at, len(content))} == {byte_list(content)}")
            elif item.get("name") == "opcode" and all(each.opcode is not None for each in members):
                found = peek.bytes_at(at, size_of(item))
                opcodes = dict.fromkeys(byte_list(each.opcode or b"") for each in members)
                terms.append("(" + " or ".join(f"{found} == {each}" for each in opcodes) + ")")
            at += size_of(item)
        return " and ".join(terms)

    return condition


def byte_list(content: bytes) -> str:
    """Return bytes as a list in an expression."""
    return f"[{', '.join(f'0x{each:02x}' for each in content)}].as<bytes>"


def good_condition(good: GoodStatus, status: str) -> str:
    """Return the expression that is true for a good status."""
    if good.mask:
        return f"({status} & {good.mask}) == {good.equals}"
    if good.low is not None:
        return f"({status} >= {good.low} and {status} <= {good.high})"
    return "(" + " or ".join(f"{status} == {each}" for each in good.values) + ")"


def status_number(header: list[Any], peek: Peek, types: Types) -> str:
    """Return the identifier of the status in a header."""
    at = place_of(header, "status")
    assert at is not None
    form = next(each["form"] for each in header if each.get("name") == "status")
    return peek.number_at(at, form, types)


class Frames:
    """Makes the types of the frames of one direction."""

    def __init__(self, types: Types, note: Callable[[str], None]) -> None:
        self._types = types
        self._note = note

    def direction(self, name: str, doc: str, groups: list[Group]) -> None:
        """Add the type of all frames of a direction, which are told apart by the conditions of groups."""
        record = Record(doc)
        peek = Peek(record)
        earlier: list[str] = []
        for group in groups:
            kind = self._types.new_name(f"{name}_{group.name}")
            self._types.types[kind] = self._frame(group, kind)
            is_last = group is groups[-1]
            own = "" if group.condition is None or is_last else group.condition(peek)
            terms = [*(f"not ({each})" for each in earlier), *([own] if own else [])]
            spec = {"type": kind} | ({"if": " and ".join(terms)} if terms else {})
            if own:
                earlier.append(record.compute(f"is_{group.name}", own))
                terms = [*(f"not {each}" for each in earlier[:-1]), earlier[-1]]
                spec["if"] = " and ".join(terms)
            elif earlier:
                spec["if"] = " and ".join(f"not {each}" for each in earlier)
            record.add(group.name, spec)
        self._types.types[name] = record.spec()

    def _frame(self, group: Group, kind: str) -> dict[str, Any]:
        record = Record()
        opcode = ""
        for item in group.header:
            form = item["form"]
            name = item.get("name", "mark" if form["type"] == "constant" else "reserved")
            if name == "opcode" and form["type"] in ("text", "bytes"):
                form = {"type": "text", "encoding": "latin-1", "sizes": [{"fixed": size_of(form)}]}
                opcode = record.add(name, {"type": "str", "encoding": "ISO-8859-1", "size": size_of(form)})
                continue
            found = self._types.field(record, name, form, kind)
            opcode = found if name == "opcode" else opcode
        bodies = [(each, self._body(each)) for each in group.messages]
        if len(bodies) == 1:
            if bodies[0][1]:
                record.add("body", {"type": bodies[0][1]})
            else:
                record.add("body", {"size-eos": True})
            return record.spec()
        cases: dict[Any, str] = {}
        twice: set[Any] = set()
        for message, body in bodies:
            key = self._key(group.header, message)
            if key is None or key in cases:
                twice.add(key)
            elif body:
                cases[key] = body
        alike = [body for message, body in bodies if self._key(group.header, message) in twice and body]
        if alike:
            self._note(
                f"{len(alike)} bodies of {group.name} are told apart by their requests only, so they stay "
                f"bytes: read each with its own type, such as {alike[0]}"
            )
        cases = {key: each for key, each in cases.items() if key not in twice}
        switch = {"type": {"switch-on": opcode, "cases": cases}} if opcode and cases else {}
        record.add("body", {"size-eos": True, **switch})
        return record.spec()

    @staticmethod
    def _key(header: list[Any], message: Message) -> Any:
        """Return the opcode of a message as the cases of a switch have it, or None without one."""
        content = message.opcode
        if content is None:
            return None
        form = next(each["form"] for each in header if each.get("name") == "opcode")
        if form["type"] in ("text", "bytes"):
            return quoted(content.decode("latin-1"))
        if form["type"] == "side by side":
            value, at = 0, 0
            for part in form["parts"]:
                size = size_of(part)
                value = value << 8 * part["bytes"] | _number(part, content[at : at + size])
                at += size
            return value
        return _number(form, content)

    def _body(self, message: Message) -> str:
        """Return the type of a body, or an empty text if it stays bytes."""
        form = message.body
        if message.tail is not None:
            form = {
                "type": "record",
                "fields": [{"name": "result", "form": form}, {"name": "status", "form": message.tail}],
            }
        try:
            return self._types.body(message.name, form, message.doc)
        except Inexpressible as error:
            self._note(f"{message.name}: it stays bytes, because Kaitai Struct cannot express {error}")
            return ""


def _number(form: Form, content: bytes) -> int:
    if form.get("order") == "hex":
        content = bytes.fromhex(content.decode("ascii"))
    order: Any = "little" if form.get("order") == "little" else "big"
    return int.from_bytes(content, order, signed=form["signed"])
