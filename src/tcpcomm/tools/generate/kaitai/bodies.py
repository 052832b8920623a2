"""The types of Kaitai Struct for the bodies of binary messages: :class:`Types`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from tcpcomm.tools.generate.bit_places import bit_places, number_of
from tcpcomm.tools.generate.kaitai.names import Names, identifier

Form = Mapping[str, Any]
Spec = dict[str, Any]

_WHOLE: Final = (1, 2, 4, 8)
"""The bytes of the numbers that Kaitai has itself."""


class Inexpressible(Exception):
    """A form that Kaitai Struct cannot express. The text says why."""


class Record:
    """One type in the making: its fields in order, and the values that are computed of them."""

    def __init__(self, doc: str = "") -> None:
        self.names = Names()
        self.doc = doc
        self.seq: list[Spec] = []
        self.instances: dict[str, Spec] = {}
        self.paths: dict[str, str] = {}
        """The expressions of earlier fields, by their names in the declaration."""

    def add(self, name: str, spec: Mapping[str, Any]) -> str:
        """Add a field. Return its identifier."""
        found = self.names.new(name)
        self.seq.append({"id": found, **spec})
        return found

    def compute(self, name: str, value: str, **more: Any) -> str:
        """Add a computed value. Return its identifier."""
        found = self.names.new(name)
        self.instances[found] = {"value": value, **more}
        return found

    def spec(self) -> Spec:
        """Return the type as Kaitai has it."""
        doc = {"doc": self.doc} if self.doc else {}
        instances = {"instances": self.instances} if self.instances else {}
        return {**doc, "seq": self.seq, **instances} if self.seq else {**doc, **instances}


class Types:
    """Collects the types and enumerations of one format."""

    def __init__(self) -> None:
        self.types: dict[str, Spec] = {}
        self.enums: dict[str, Spec] = {}
        self._names = Names(["from_host", "from_equipment"])
        self._known_enums: dict[str, str] = {}
        self._named: dict[str, str] = {}

    def new_name(self, name: str) -> str:
        """Return the name of a new type."""
        return self._names.new(name)

    def body(self, name: str, form: Form, doc: str = "") -> str:
        """
        Add the type of a whole body. Return its name.

        Raises:
            Inexpressible: Kaitai Struct has no way to say it.
        """
        record = Record(doc)
        self._named = {}
        known = dict(self.types), dict(self.enums)
        found = self.new_name(name)
        try:
            self._fill(record, form, found)
        except Inexpressible:
            self.types, self.enums = known
            self._known_enums = {key: each for key, each in self._known_enums.items() if each in self.enums}
            raise
        self.types[found] = record.spec()
        return found

    def _fill(self, record: Record, form: Form, owner: str) -> None:
        """Put the fields of a record into a type, or the one value of another form."""
        if form["type"] == "nothing":
            return
        if form["type"] not in ("record", "around") or "sizes" in form or "aligned" in form:
            self.field(record, "value", form, owner)
            return
        for each in form["fields"]:
            name = each.get("derived") or each.get("name")
            if name is None:
                name = {"constant": "mark", "skip": "reserved"}.get(each["form"]["type"], "value")
            found = self.field(record, name, each["form"], owner)
            if "name" in each or "derived" in each:
                record.paths[name] = found

    # -- one field --------------------------------------------------------------------------------------

    def field(self, record: Record, name: str, form: Form, owner: str) -> str:
        """Add the field or fields of a form to a type. Return the identifier of the value."""
        if "aligned" in form:
            return self._aligned(record, name, form, owner)
        sizes = [*form.get("sizes", ())]
        if form["type"] in ("text", "bytes"):
            return record.add(name, self._content(record, name, form, sizes))
        if form["type"] in ("list", "bit list"):
            return self._list(record, name, form, sizes, owner)
        if sizes:
            return self._area(record, name, form, sizes, owner)
        return self._UNSIZED[form["type"]](self, record, name, form, owner)

    def number(self, record: Record, name: str, form: Form, owner: str = "") -> str:
        """Add a whole number or a float. Return the identifier of its value."""
        size, order = form["bytes"], form.get("order", "big")
        if order == "hex":
            if form["type"] == "float":
                raise Inexpressible("a float as hexadecimal digits")
            digits = record.add(f"{name}_digits", {"type": "str", "size": 2 * size, "encoding": "ASCII"})
            value = f"{digits}.to_i(16)"
            if form["signed"]:
                value = f"{value} < {1 << 8 * size - 1} ? {value} : {value} - {1 << 8 * size}"
            return record.compute(name, value)
        if form["type"] == "float":
            return record.add(name, {"type": f"f{size}{order[0]}e"})
        if size in _WHOLE:
            suffix = f"{order[0]}e" if size > 1 else ""
            return record.add(name, {"type": f"{'s' if form['signed'] else 'u'}{size}{suffix}"})
        kind = {"type": f"b{8 * size}{order[0]}e"}
        if not form["signed"]:
            return record.add(name, kind)
        raw = record.add(f"{name}_bits", kind)
        return record.compute(name, f"{raw} < {1 << 8 * size - 1} ? {raw} : {raw} - {1 << 8 * size}")

    def _bool(self, record: Record, name: str, form: Form, owner: str) -> str:
        raw = self.number(record, f"{name}_number", form["in"])
        return record.compute(name, f"{raw} != 0")

    def _choice(self, record: Record, name: str, form: Form, owner: str) -> str:
        enum = self._enum(name, form, owner)
        if form["in"].get("order") == "hex" or form["in"]["bytes"] not in _WHOLE:
            return record.compute(name, self.number(record, f"{name}_number", form["in"]), enum=enum)
        found = self.number(record, name, form["in"])
        record.seq[-1]["enum"] = enum
        return found

    def _enum(self, name: str, form: Form, owner: str) -> str:
        """Add an enumeration, once for equal ones. Return its name."""
        names = Names()
        values = {
            each["number"]: names.new(each["name"] or f"value_{each['number']}".replace("-", "minus_"))
            for each in form["values"]
        }
        known = self._known_enums.get(str(values))
        if known is None:
            known = self._names.new(f"{owner}_{name}_values")
            self._known_enums[str(values)] = known
            self.enums[known] = values
        return known

    def _flags(self, record: Record, name: str, form: Form, owner: str) -> str:
        inner = Record()
        number = self.number(inner, "number", form["in"])
        self._add_flags(inner, number, form)
        return record.add(name, {"type": self._add_type(f"{owner}_{name}", inner)})

    @staticmethod
    def _add_flags(record: Record, number: str, form: Form) -> None:
        for each in form["values"]:
            if each["number"] and each["name"]:
                record.compute(f"is_{each['name']}", f"({number} & {each['number']}) != 0")

    def _bits(self, record: Record, name: str, form: Form, owner: str) -> str:
        inner = Record()
        kind = self.new_name(f"{owner}_{name}")
        number = self.number(inner, "number", form["in"])
        for place in bit_places(form):
            value = f"({number} >> {place.shift}) & {(1 << place.width) - 1}"
            carrier = number_of(place.form)
            if carrier.get("signed"):
                value = f"({value}) < {1 << place.width - 1} ? {value} : ({value}) - {1 << place.width}"
            match place.form["type"]:
                case "bool":
                    inner.compute(place.name, f"({value}) != 0")
                case "choice":
                    inner.compute(place.name, value, enum=self._enum(place.name, place.form, kind))
                case "flags":
                    found = inner.compute(place.name, value)
                    self._add_flags(inner, found, place.form)
                case _:
                    inner.compute(place.name, value)
        self.types[kind] = inner.spec()
        return record.add(name, {"type": kind})

    def _record(self, record: Record, name: str, form: Form, owner: str) -> str:
        return record.add(name, {"type": self._type_of(f"{owner}_{name}", form)})

    def _type_of(self, name: str, form: Form) -> str:
        """Return the name of a type with the content of a form in it."""
        if form["type"] == "ref":
            return self._named[form["to"]]
        kind = self.new_name(name)
        if "name" in form:
            self._named[form["name"]] = kind
        inner = Record()
        self._fill(inner, form, kind)
        self.types[kind] = inner.spec()
        return kind

    def _add_type(self, name: str, inner: Record) -> str:
        kind = self.new_name(name)
        self.types[kind] = inner.spec()
        return kind

    def _constant(self, record: Record, name: str, form: Form, owner: str) -> str:
        return record.add(name, {"contents": [*bytes.fromhex(form["hex"])]})

    def _skip(self, record: Record, name: str, form: Form, owner: str) -> str:
        return record.add(name, {"size": form["bytes"]})

    def _optional(self, record: Record, name: str, form: Form, owner: str) -> str:
        inner = form["form"]
        kind = self._type_of(f"{owner}_{name}", inner)
        return record.add(name, {"type": kind, "if": "not _io.eof"})

    def _side_by_side(self, record: Record, name: str, form: Form, owner: str) -> str:
        parts = [
            self.number(record, f"{name}_{index}", each) for index, each in enumerate(form["parts"], 1)
        ]
        value, shift = [], sum(8 * each["bytes"] for each in form["parts"])
        for part, each in zip(parts, form["parts"], strict=True):
            shift -= 8 * each["bytes"]
            value.append(f"({part} << {shift})" if shift else part)
        return record.compute(name, " | ".join(value))

    def _wish(self, record: Record, name: str, form: Form, owner: str) -> str:
        raw = self.number(record, f"{name}_number", form["in"])
        return record.compute(name, f"{raw} == {form['yes']}")

    def _tagged(self, record: Record, name: str, form: Form, owner: str) -> str:
        if "size_bits" in form:
            raise Inexpressible("the size of a length in the bits of a tag")
        if "by" in form:
            tag = self._earlier(record, form)
            if "mask" in form:
                tag = f"({tag} & {form['mask']})"
        else:
            tag = self.field(record, f"{name}_tag", form["tag"], owner)
        cases: dict[Any, str] = {}
        for each in form["alternatives"]:
            key = each["tag"] if isinstance(each["tag"], int) else None
            if key is None:
                raise Inexpressible(f"a tag that is {each['tag']!r}")
            cases[key] = self._type_of(f"{owner}_{name}_{identifier(each['kind'])}", each["form"])
        if "other" in form:
            cases["_"] = self._type_of(f"{owner}_{name}_other", form["other"]["form"])
        return record.add(name, {"type": {"switch-on": tag, "cases": cases}})

    def _refuse(self, record: Record, name: str, form: Form, owner: str) -> str:
        raise Inexpressible("the size of a length in a tag")

    _UNSIZED: Final[Mapping[str, Callable[..., str]]] = {
        "int": number,
        "float": number,
        "bool": _bool,
        "choice": _choice,
        "flags": _flags,
        "bits": _bits,
        "record": _record,
        "around": _record,
        "ref": _record,
        "nothing": _record,
        "constant": _constant,
        "skip": _skip,
        "optional": _optional,
        "side by side": _side_by_side,
        "wish": _wish,
        "tagged": _tagged,
        "int in tag": _refuse,
    }

    # -- sizes ------------------------------------------------------------------------------------------

    def _earlier(self, record: Record, rule: Form) -> str:
        """Return the expression of an earlier field that tells a length or a type."""
        if rule.get("of") == "request":
            raise Inexpressible(f"a size or a type that {rule['by']} of the request tells")
        first, *others = rule["by"].split(".")
        if first not in record.paths:
            raise Inexpressible(f"a size or a type that {rule['by']} tells from afar")
        return ".".join([record.paths[first], *map(identifier, others)])

    def _measured(self, number: str, size: Form) -> str:
        adjust, step = size.get("adjust", 0), size.get("step", 1)
        length = f"{number} - {adjust}" if adjust > 0 else f"{number} + {-adjust}" if adjust else number
        return length if step == 1 else f"({length}) * {step}"

    def _length(self, record: Record, name: str, size: Form) -> str:
        """Return the expression of a length. Its number may be added to the type."""
        if "by" in size:
            return self._measured(self._earlier(record, size), size)
        if size["count"]["type"] != "int":
            raise Inexpressible("the size of a length in a tag")
        what = "len" if size["in"] == "bytes" else "num"
        return self._measured(self.number(record, f"{what}_{name}", size["count"]), size)

    def _content(self, record: Record, name: str, form: Form, sizes: list[Any]) -> Spec:
        """Return the field of a text or of bytes."""
        is_text = form["type"] == "text"
        kind: Spec = {"type": "str", "encoding": _encoding(form["encoding"])} if is_text else {}
        if len(sizes) != 1:
            raise Inexpressible(f"the sizes {sizes}")
        (size,) = sizes
        if "rest" in size:
            return {**kind, "size-eos": True}
        if "until" in size:
            end = bytes.fromhex(size["until"])
            if len(end) > 1:
                raise Inexpressible(f"an end mark of {len(end)} bytes")
            return {**kind, "terminator": end[0]}
        if "fixed" not in size:
            return {**kind, "size": self._length(record, name, size)}
        if "count" in size:
            return self._partly_used(record, name, kind, size)
        pad = bytes.fromhex(size.get("pad", "00"))
        if not is_text:
            return {"size": size["fixed"]}
        if len(pad) > 1:
            raise Inexpressible("padding of more than a byte")
        trim = {"terminator": 0} if pad == b"\0" else {"pad-right": pad[0]}
        return {**kind, "size": size["fixed"], **trim}

    def _partly_used(self, record: Record, name: str, kind: Spec, size: Form) -> Spec:
        """Return a field of a fixed size, of which a count before it tells how much is used."""
        used = self.number(record, f"len_{name}", size["count"])
        inner = self.new_name(f"used_{name}")
        self.types[inner] = {
            "params": [{"id": "used", "type": "u4"}],
            "seq": [{"id": "value", **kind, "size": self._measured("used", size)}],
        }
        return {"size": size["fixed"], "type": f"{inner}({used})"}

    def _list(self, record: Record, name: str, form: Form, sizes: list[Any], owner: str) -> str:
        if form["type"] == "bit list":
            return self._bit_list(record, name, form, sizes, owner)
        items: Spec = {"repeat": "eos"}
        area: Any = None
        for size in sizes:
            if "until" in size:
                raise Inexpressible("a list with an end mark")
            if "rest" in size:
                continue
            if "fixed" in size and "count" in size:
                raise Inexpressible("a list with room for more items")
            if "fixed" in size:
                items = {"repeat": "expr", "repeat-expr": size["fixed"]}
            elif size["in"] == "items" and size.get("of") != "request":
                items = {"repeat": "expr", "repeat-expr": self._length(record, name, size)}
            elif size["in"] == "bytes":
                area = self._length(record, name, size)
            elif not any(each.get("in") == "bytes" for each in sizes):
                raise Inexpressible(f"a size that {size['by']} of the request tells")
        if area is not None:
            items = {"repeat": "eos"}  # the size in bytes says the same as the number of items
        element = Record()
        found = self.field(element, "value", form["item"], owner)
        is_one = len(element.seq) == 1 and found in (each["id"] for each in element.seq)
        if is_one and area is None:
            return record.add(name, {**element.seq[0], **items, "id": record.names.new(name)})
        kind = element.seq[0] if is_one else {"type": self._add_type(f"{owner}_{name}_item", element)}
        if area is None:
            return record.add(name, {**kind, **items})
        inner = Record()
        inner.add("items", {**{key: each for key, each in kind.items() if key != "id"}, **items})
        return record.add(name, {"size": area, "type": self._add_type(f"{owner}_{name}", inner)})

    def _bit_list(self, record: Record, name: str, form: Form, sizes: list[Any], owner: str) -> str:
        if form.get("order") == "hex":
            raise Inexpressible("bits as hexadecimal digits")
        inner = Record()
        kind = self.new_name(f"{owner}_{name}")
        end = "le" if form["first"] == "lowest" else "be"
        items: Spec = {"type": f"b{form['bits']}{end}"}
        if form["item"]["type"] == "choice":
            items["enum"] = self._enum(name, form["item"], kind)
        area: Any = None
        number: Any = None
        for size in sizes:
            if "fixed" in size and "count" not in size:
                number, area = size["fixed"], -(-size["fixed"] * form["bits"] // 8)
            elif "fixed" in size:
                raise Inexpressible("bits with room for more")
            elif "rest" in size:
                continue
            elif size["in"] == "bytes":
                area = self._length(record, name, size)
            elif size.get("of") != "request":
                number = self._length(record, name, size)
        if area is None and number is not None:
            area = f"({number} * {form['bits']} + 7) / 8"
        if number is None and 8 % form["bits"]:
            raise Inexpressible("bits without a number of items")
        whole = f"_io.size * 8 / {form['bits']}"
        params: Spec = {} if number is None else {"params": [{"id": "number", "type": "u4"}]}
        times = whole if number is None else "number"
        inner.add("items", {**items, "repeat": "expr", "repeat-expr": times})
        self.types[kind] = {**params, **inner.spec()}
        called = kind if number is None else f"{kind}({number})"
        room: Spec = {"size-eos": True} if area is None else {"size": area}
        return record.add(name, {**room, "type": called})

    def _area(self, record: Record, name: str, form: Form, sizes: list[Any], owner: str) -> str:
        """Add a value that is read from bytes of a known number."""
        if len(sizes) != 1 or "until" in sizes[0] or ("fixed" in sizes[0] and "count" in sizes[0]):
            raise Inexpressible(f"the sizes {sizes}")
        (size,) = sizes
        inner = {key: each for key, each in form.items() if key != "sizes"}
        if "rest" in size:
            return record.add(name, {"size-eos": True, "type": self._type_of(f"{owner}_{name}", inner)})
        length = size["fixed"] if "fixed" in size else self._length(record, name, size)
        return record.add(name, {"size": length, "type": self._type_of(f"{owner}_{name}", inner)})

    def _aligned(self, record: Record, name: str, form: Form, owner: str) -> str:
        inner = {key: each for key, each in form.items() if key != "aligned"}
        sizes = form.get("sizes", ())
        if form["type"] in ("text", "bytes") and len(sizes) == 1 and "in" in sizes[0]:
            length = self._length(record, name, sizes[0])
            found = record.add(name, {**self._text_kind(form), "size": length})
            record.add(
                f"{name}_fill",
                {"size": f"({form['aligned']} - ({length}) % {form['aligned']}) % {form['aligned']}"},
            )
            return found
        raise Inexpressible(f"a {inner['type']} that is filled up to a multiple of {form['aligned']} bytes")

    @staticmethod
    def _text_kind(form: Form) -> Spec:
        return {"type": "str", "encoding": _encoding(form["encoding"])} if form["type"] == "text" else {}


def _encoding(name: str) -> str:
    return {"ascii": "ASCII", "utf-8": "UTF-8", "latin-1": "ISO-8859-1"}.get(name, name.upper())
