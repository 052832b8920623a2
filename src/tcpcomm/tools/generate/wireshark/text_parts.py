"""Templates with the numbers of their fields, for the Lua code: :class:`TextParts`."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from tcpcomm.codec.encoding import charset
from tcpcomm.tools.generate.wireshark.fields import Fields, path_part

Form = Mapping[str, Any]


class TextParts:
    """Makes the parts of templates, by the rules of one codec."""

    def __init__(self, fields: Fields, rules: Form, *, any_case: bool = False) -> None:
        self._fields = fields
        self._encoding = charset(rules["encoding"])
        self._any_case = any_case
        self._is_wide = "a".encode(self._encoding)[-1:] != b"a" or len("aa".encode(self._encoding)) != 2
        escapes = rules.get("escapes", {})
        self._escapes = [[text, sign] for sign, text in escapes.items() if sign != "&"]
        if "&" in escapes:
            self._escapes.append([escapes["&"], "&"])
        self._first = rules.get("first")

    @property
    def is_xml(self) -> bool:
        return self._first is not None

    def part(self, path: str, template: Form, header: str = "") -> dict[str, Any]:
        """Return one frame. A header of SCPI takes the place of the text at its beginning."""
        parts = self._parts(path, template["parts"])
        if header:
            parts = [{"nodes": _nodes(header), "is_query": "?" in header}, *parts[1:]]
        return {
            "codec": "template",
            "parts": parts,
            "encoding": self._encoding,
            "wide": self._is_wide or None,
            "first": self._first,
            "escapes": self._escapes or None,
            "any_case": self._any_case or None,
            "special": [self.bytes_of(each) for each in template.get("except", ())] or None,
        }

    def literal(self, text: str) -> dict[str, Any]:
        """Return a frame that is always the same."""
        return self.part("", {"parts": [{"text": text}] if text else []})

    def bytes_of(self, text: str) -> bytes:
        """Return a text as the Lua code compares it."""
        if self._is_wide:
            return text.encode("utf-8")
        return text.encode(self._encoding)

    def _parts(self, path: str, parts: Sequence[Form], only: str = "") -> list[dict[str, Any]]:
        """Return parts. If ``only`` is given, it is the path of the only field in them."""
        return [self._part(path, each, only) for each in parts]

    def _part(self, path: str, part: Form, only: str) -> dict[str, Any]:
        if "text" in part:
            return {"text": self.bytes_of(part["text"])}
        if "optional" in part:
            return {"optional": self._parts(path, part["optional"], only)}
        if "list" in part:
            name = part["list"]
            whole = only or f"{path}.{path_part(name)}"
            item = part["item"]
            if "parts" in item:
                single = "" if item["form"]["type"] == "record" else whole
                made: dict[str, Any] = {"parts": self._parts(whole, item["parts"], single)}
            else:
                made = self._field(whole, item["form"], item.get("format", {}))
            return {"list": name, "separator": self.bytes_of(part["separator"]), "item": made}
        if "count" in part:
            of = part.get("of", part["count"])
            kind = path_part(f"{of}_count" if "of" in part else of)
            found = self._field(f"{path}.{kind}", {"type": "int"}, part.get("format", {}))
            return {**found, "count": "frames" if part["count"] == "frames" else of, "quiet": True}
        if part.get("is") == "id":
            found = self._field("id", part["form"], part.get("format", {}))
            return {**found, "role": "id", "name": "id"}
        name = part["field"]
        whole = only or f"{path}.{path_part(name)}"
        found = self._field(whole, part["form"], part.get("format", {}))
        repeated = {"quiet": True} if part.get("of") == "request" else {}
        return {**found, "name": name, **repeated}

    def _field(self, path: str, form: Form, how: Form) -> dict[str, Any]:
        kind = form["type"]
        made: dict[str, Any] = {
            key: how[key]
            for key in ("width", "unit", "align", "letter", "scale", "computer", "bits", "order")
            if key in how
        }
        if "fill" in how:
            made["fill"] = self.bytes_of(how["fill"])
        if how.get("zeros"):
            made["fill"] = b""  # zeros are digits
        if kind == "bool":
            words = {self.bytes_of(word): not index for index, word in enumerate(how["words"])}
            return {**made, "width": None, **self._words(words), "f": self._fields.add(path, "bool")}
        if kind == "choice" and isinstance(form["values"][0]["value"], str):
            values = [each["value"] for each in form["values"]]
            texts = {self.bytes_of(self._padded(each, how)): each for each in values}
            if self._any_case:
                made["any_case"] = True
                texts = {self.bytes_of(_short(each)): each for each in values}
                texts |= {self.bytes_of(each.upper()): each for each in values}
            return {**made, "width": None, **self._words(texts), "f": self._fields.add(path, "string")}
        if kind in ("int", "choice"):
            labels = None
            if kind == "choice":
                labels = {each["value"]: each.get("name") or str(each["value"]) for each in form["values"]}
            number = self._fields.add(path, "int64", base="DEC")
            return {**made, "kind": "int", "f": number, "labels": labels}
        if kind in ("float", "decimal"):
            return {**made, "kind": "float", "f": self._fields.add(path, "double")}
        if kind == "bytes":
            return {**made, "kind": "bytes", "f": self._fields.add(path, "bytes")}
        return {**made, "kind": "text", "f": self._fields.add(path, "string")}

    @staticmethod
    def _words(words: Mapping[bytes, Any]) -> dict[str, Any]:
        longest_first = sorted(words, key=len, reverse=True)
        return {"kind": "words", "words": words, "order_of_words": longest_first}

    def _padded(self, text: str, how: Form) -> str:
        """Return a member of a choice as it is written."""
        if "width" not in how:
            return text
        size = len(text.encode(self._encoding)) if how["unit"] == "bytes" else len(text)
        filling: str = how.get("fill", " ") * (how["width"] - size)
        return filling + text if how.get("align") == "right" else text + filling


def _short(name: str) -> str:
    """Return the short form of a word of SCPI: ``VOLTage`` is ``VOLT``."""
    return "".join(each for each in name if not each.islower())


def _nodes(header: str) -> list[dict[str, Any]]:
    """Return the words of a header of SCPI with their forms: ``[SENSe:]VOLTage[:DC]?``."""
    words = re.findall(r"\[:?([A-Za-z0-9]+):?\]|:?([A-Za-z0-9]+)", header)
    return [
        {
            "long": (optional or name).upper(),
            "short": _short(optional or name),
            "optional": bool(optional) or None,
        }
        for optional, name in words
    ]
