"""Layouts of binary messages with the numbers of their fields, for the Lua code: :class:`BinaryParts`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tcpcomm.tools.generate.binary_rules import GoodStatus
from tcpcomm.tools.generate.bit_places import bit_places, number_of
from tcpcomm.tools.generate.wireshark.fields import Fields, labels_of, path_part

Form = Mapping[str, Any]


class BinaryParts:
    """Makes the parts of binary messages."""

    def __init__(self, fields: Fields, names: dict[str, Any]) -> None:
        self._fields = fields
        self._names = names
        self._scope = ""

    def part(self, path: str, layout: Form, result: str = "result") -> dict[str, Any]:
        """Return a message with its header, its body, and the status behind it."""
        self._scope = f"{path} {len(self._names)} "
        tail = layout.get("status")
        return {
            "codec": "binary",
            "header": [self._header_item(each) for each in layout["header"]],
            "body": self.form(layout["body"], path, result),
            "status": None if tail is None else self.form(tail, "fault", "result"),
        }

    def good(self, good: GoodStatus) -> dict[str, Any]:
        """Return the good statuses."""
        if good.mask:
            return {"mask": good.mask, "equals": good.equals}
        if good.low is not None:
            return {"low": good.low, "high": good.high}
        return {"values": dict.fromkeys(good.values, True)}

    def _header_item(self, item: Form) -> dict[str, Any]:
        name = item.get("name")
        form = self.form(item["form"], "", "" if name is None else path_part(name))
        always = None if "always" not in item else bytes.fromhex(item["always"])
        return {
            "form": form,
            "name": name,
            "always": always,
            "adjust": item.get("adjust"),
            "of": item.get("of"),
        }

    def form(self, form: Form, path: str, name: str) -> dict[str, Any]:
        """
        Return a form with the number of its field.

        Args:
            form: the form, as the layout has it.
            path: the path of what is around it.
            name: its own name; empty if it is not shown.
        """
        whole = f"{path}.{name}" if path and name else name or path
        made = self._made(form, path, name, whole)
        made["type"] = form["type"]
        made["sizes"] = [self._size(each, whole) for each in form.get("sizes", ())] or None
        made["aligned"] = form.get("aligned")
        if "name" in form and form["type"] != "ref":
            self._names[self._scope + form["name"]] = made
        return made

    def _size(self, size: Form, path: str) -> dict[str, Any]:
        made = {key: each for key, each in size.items() if key not in ("count", "until", "pad")}
        if "count" in size:
            count = size["count"]
            number = count
            if count["type"] == "int":
                what = "length" if size["in"] == "bytes" else "count"
                number = {**count, "f": self._count(f"{path}_{what}", count)}
            made["count"] = number
        for key in ("until", "pad"):
            if key in size:
                made[key] = bytes.fromhex(size[key])
        return made

    def _count(self, path: str, count: Form) -> int:
        return self._fields.whole(path, count["bytes"], signed=count["signed"])

    def _made(self, form: Form, path: str, name: str, whole: str) -> dict[str, Any]:
        number = number_of(form)
        match form["type"]:
            case "int":
                return {**form, "f": self._whole(whole, form) if name else None}
            case "float":
                kind = "float" if form["bytes"] == 4 else "double"
                return {**form, "f": self._fields.add(whole, kind) if name else None}
            case "bool":
                return {"in": form["in"], "f": self._fields.add(whole, "bool")}
            case "wish":
                return {**form, "f": self._fields.add(whole, "bool")}
            case "choice":
                labels = labels_of(form["values"])
                field = self._whole(whole, number, values=labels)
                return {"in": form["in"], "f": field, "labels": labels}
            case "flags":
                return {
                    "in": form["in"],
                    "f": self._whole(whole, number, base="HEX"),
                    **self._flags(form, whole),
                }
            case "bits":
                return {
                    "in": form["in"],
                    "f": self._whole(whole, number, base="HEX"),
                    **self._bits(form, path if name == "result" else whole),
                }
            case "text":
                unit = len("a".encode(form["encoding"]))
                field = self._fields.add(whole, "string")
                return {"encoding": form["encoding"], "unit": unit if unit > 1 else None, "f": field}
            case "bytes":
                return {"f": self._fields.add(whole, "bytes") if name else None}
            case "constant":
                return {"bytes": bytes.fromhex(form["hex"])}
            case "skip":
                return {"bytes": form["bytes"]}
            case "side by side":
                return {
                    "parts": [*form["parts"]],
                    "f": self._fields.whole(whole, 4, signed=False, base="HEX"),
                }
            case "list":
                return {"item": self.form(form["item"], path, name)}
            case "bit list":
                return self._bit_list(form, whole)
            case "record":
                return self._record(form, path, name, whole)
            case "around":
                return self._around(form, path, name)
            case "optional":
                return {"form": self.form(form["form"], path, name)}
            case "tagged":
                return self._tagged(form, path, name, whole)
            case "ref":
                return {"to": self._scope + form["to"]}
            case "int in tag":
                return {**form}
        return {}

    def _whole(self, path: str, form: Form, **more: Any) -> int:
        return self._fields.whole(path, form["bytes"], signed=form["signed"], **more)

    def _flags(self, form: Form, path: str) -> dict[str, Any]:
        number = number_of(form)
        if number["bytes"] > 4 or number.get("order") == "hex":
            return {}
        width = 8 * number["bytes"]
        return {
            "flags": [
                self._fields.add(
                    f"{path}.{path_part(each['name'])}", "bool", width=width, mask=each["number"]
                )
                for each in form["values"]
                if each["number"] and each["name"]
            ]
        }

    def _bits(self, form: Form, path: str) -> dict[str, Any]:
        number = number_of(form)
        is_given = number["bytes"] > 4 or number.get("order") == "hex" or number["signed"]
        parts = []
        for place in bit_places(form):
            carrier = number_of(place.form)
            labels = labels_of(place.form["values"]) if place.form["type"] == "choice" else None
            is_bool, where = place.form["type"] == "bool", f"{path}.{path_part(place.name)}"
            signed = bool(carrier.get("signed"))
            given = is_given or signed
            if is_bool:
                more = {} if given else {"width": 8 * number["bytes"], "mask": place.mask}
                field = self._fields.add(where, "bool", **more)
            else:
                size = 8 if place.width > 32 and given else 4 if given else number["bytes"]
                mask: dict[str, Any] = {} if given else {"mask": place.mask}
                field = self._fields.whole(where, size, signed=signed, values=labels, **mask)
            parts.append(
                {
                    "f": field,
                    "name": place.name,
                    "shift": place.shift,
                    "width": place.width,
                    "is_bool": is_bool or None,
                    "signed": signed or None,
                    "labels": labels,
                    "given": given or None,
                }
            )
        return {"parts": parts}

    def _bit_list(self, form: Form, path: str) -> dict[str, Any]:
        item = form["item"]
        is_bool = item["type"] == "bool"
        labels = labels_of(item["values"]) if item["type"] == "choice" else None
        field = (
            self._fields.add(path, "bool")
            if is_bool
            else self._fields.whole(path, 4, signed=False, values=labels)
        )
        return {
            "f": field,
            "bits": form["bits"],
            "first": form["first"],
            "order": form.get("order"),
            "is_bool": is_bool or None,
            "labels": labels,
        }

    def _record(self, form: Form, path: str, name: str, whole: str) -> dict[str, Any]:
        is_inner = bool(name) and name not in ("result",) and path != ""
        inner = whole if is_inner else path
        fields = []
        for each in form["fields"]:
            own = each.get("name") or each.get("derived") or ""
            made = {key: each[key] for key in ("name", "derived") if key in each}
            fields.append({**made, "form": self.form(each["form"], inner, path_part(own) if own else "")})
        return {"fields": fields, "f": self._fields.add(whole, "none") if is_inner else None}

    def _around(self, form: Form, path: str, name: str) -> dict[str, Any]:
        fields = []
        for each in form["fields"]:
            own = each.get("derived")
            kind = each["form"]["type"]
            shown = path_part(own) if own else "" if kind in ("constant", "skip") else name
            made = {key: each[key] for key in ("name", "derived") if key in each}
            fields.append({**made, "form": self.form(each["form"], path, shown)})
        return {"fields": fields}

    def _tagged(self, form: Form, path: str, name: str, whole: str) -> dict[str, Any]:
        made = {key: form[key] for key in ("by", "of", "mask", "size_bits") if key in form}
        if "tag" in form:
            made["tag"] = self.form(form["tag"], path, f"{name}_tag")
        else:
            made["raw"] = self._fields.add(f"{whole}_bytes", "bytes")
        made["alternatives"] = [
            {"tag": each["tag"], "form": self.form(each["form"], path, name)}
            for each in form["alternatives"]
        ]
        if "other" in form:
            made["other"] = {"form": self.form(form["other"]["form"], path, name)}
        return made
