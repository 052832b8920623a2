"""Framings in C#: :class:`FramingCode`."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, Final

from attrs import define, field

from tcpcomm.framing import (
    Checked,
    Cobs,
    ContentLength,
    CountedBody,
    Delimited,
    DleStuffed,
    Enclosed,
    FixedSize,
    Framing,
    HexText,
    JsonValues,
    LengthPrefixed,
    Lines,
    Netstring,
    Stuffed,
    Unframed,
    VariableLength,
    format_framing,
)
from tcpcomm.framing.checksums import Checksum
from tcpcomm.tools.generate.csharp.refusal import refuse
from tcpcomm.tools.generate.csharp.source import byte_array, part, string, verbatim

_CRCS: Final[Mapping[str, tuple[int, int, int, bool, int]]] = {
    "crc-8/smbus": (8, 0x07, 0, False, 0),
    "crc-8/maxim-dow": (8, 0x8C, 0, True, 0),
    "crc-8/sae-j1850": (8, 0x1D, 0xFF, False, 0xFF),
    "crc-16/arc": (16, 0xA001, 0, True, 0),
    "crc-16/modbus": (16, 0xA001, 0xFFFF, True, 0),
    "crc-16/usb": (16, 0xA001, 0xFFFF, True, 0xFFFF),
    "crc-16/kermit": (16, 0x8408, 0, True, 0),
    "crc-16/ibm-sdlc": (16, 0x8408, 0xFFFF, True, 0xFFFF),
    "crc-16/ibm-3740": (16, 0x1021, 0xFFFF, False, 0),
    "crc-16/xmodem": (16, 0x1021, 0, False, 0),
    "crc-16/dnp": (16, 0xA6BC, 0, True, 0xFFFF),
    "crc-32/iso-hdlc": (32, 0xEDB88320, 0xFFFFFFFF, True, 0xFFFFFFFF),
    "crc-32/mpeg-2": (32, 0x04C11DB7, 0xFFFFFFFF, False, 0),
    "crc-32/iscsi": (32, 0x82F63B78, 0xFFFFFFFF, True, 0xFFFFFFFF),
}
"""For each CRC: its bits, its polynomial (reflected if the CRC is), its first value, and its last XOR."""

_SUMS: Final = {
    "xor": "Checksum.Xor",
    "sum8": "bytes => Checksum.Sum(bytes) & 0xFF",
    "sum16": "bytes => Checksum.Sum(bytes) & 0xFFFF",
    "lrc": "bytes => (0u - Checksum.Sum(bytes)) & 0xFF",
}


@define
class FramingCode:
    """
    The framings of a declaration in C#.

    Attributes:
        where: the class, for errors.
        from_host: the expression that makes the framing of what the host sends.
        from_equipment: the expression that makes the framing of what the equipment sends.
        conditions: the conditions of the copied parts.
    """

    where: str
    gap: float | None
    from_host: str = ""
    from_equipment: str = ""
    conditions: set[str] = field(factory=set)
    _parts: dict[str, None] = field(factory=dict)
    _checksums: dict[str, None] = field(factory=dict)

    @classmethod
    def of(cls, where: str, from_host: Framing, from_equipment: Framing, gap: float | None) -> FramingCode:
        """Return the code of two framings."""
        made = cls(where, gap)
        if gap is not None:
            made.conditions.add("GAP")
        made.from_host = made._make(from_host)
        made.from_equipment = made._make(from_equipment)
        return made

    def texts(self) -> list[str]:
        """Return the classes of the framings."""
        values = {"CHECKSUM_NAMES": ", ".join(self._checksums)}
        return [part(f"framing/{each}.cs", self.conditions, values) for each in self._parts]

    def _make(self, framing: Framing) -> str:
        maker = next((make for kind, make in _MAKERS.items() if type(framing) is kind), None)
        if maker is None:
            try:
                shown = format_framing(framing)
            except Exception:
                shown = type(framing).__name__
            refuse(self.where, f"its framing is {shown}, which is not there in C# yet")
        return maker(self, framing)

    def _uses(self, *parts: str) -> None:
        self._parts.update(dict.fromkeys(parts))

    def _delimited(self, framing: Delimited) -> str:
        self._uses("Delimiter")
        keeps = "true" if framing.keep_ends else "false"
        delimiters = ", ".join(map(byte_array, framing.delimiters))
        return f"new Delimiter({framing.max_frame}, {keeps}, {delimiters})"

    def _lines(self, framing: Lines) -> str:
        if framing.keep_ends:
            refuse(self.where, "its framing is lines,keep-ends, which is not there in C# yet")
        self._uses("Lines")
        return f"new Lines({framing.max_frame}, {byte_array(framing.send)})"

    def _unframed(self, framing: Unframed) -> str:
        self._uses("Chunks")
        self.conditions.add("CHUNKS")
        if not framing.join and self.gap is not None:
            refuse(self.where, "each chunk is a frame, and a gap ends frames, too: use Unframed(join=True)")
        return f"new Chunks({framing.max_frame})"

    def _fixed(self, framing: FixedSize) -> str:
        self._uses("FixedSize")
        return f"new FixedSize({framing.size})"

    def _length(self, framing: LengthPrefixed) -> str:
        self._uses("LengthField")
        set_values = {
            "Width": framing.width,
            "Form": string(framing.form),
            "Offset": framing.offset,
            "Adjust": framing.adjust,
            "Strip": framing.strip,
            "Sync": byte_array(framing.sync),
            "Most": framing.max_frame,
        }
        usual = {"Offset": 0, "Adjust": 0, "Sync": "new byte[0]", "Form": '"big"'}
        shown = [f"{name} = {value}" for name, value in set_values.items() if usual.get(name) != value]
        return f"new LengthField {{ {', '.join(shown)} }}"

    def _variable(self, framing: VariableLength) -> str:
        if framing.offset:
            refuse(self.where, "its framing has bytes before a length of variable width")
        self._uses("VariableLength")
        end = byte_array(framing.end)
        return f"new VariableLength({framing.max_frame}, {string(framing.form)}, {end}, {framing.adjust})"

    def _enclosed(self, framing: Enclosed) -> str:
        if framing.start in framing.ends:
            refuse(self.where, "its framing has the same mark at the start and at the end")
        self._uses("Enclosed")
        ends = ", ".join(map(byte_array, framing.ends))
        shown = [
            f"Start = {byte_array(framing.start)}",
            f"Ends = new[] {{ {ends} }}",
            f"Most = {framing.max_frame}",
        ]
        if framing.checksum is not None or framing.tail:
            self.conditions |= {"CHECK", "ALONE_OR_ESCAPES_OR_CHECK"}
        if framing.checksum is not None:
            shown.append(f"Check = {self._checksum(framing.checksum)}")
            shown += ["CoversStart = true"] if framing.cover_start else []
            shown += [] if framing.cover_end else ["CoversEnd = false"]
            shown += ["CoversEscapes = true"] if framing.cover_escapes else []
        elif framing.tail:
            self._uses("Checksum")
        if framing.tail:
            shown.append(f"Tail = {byte_array(framing.tail)}")
        if framing.keep_ends:
            self.conditions.add("KEEPS_END")
            shown.append("KeepsEnd = true")
        if framing.alone:
            self.conditions |= {"ALONE", "ALONE_OR_ESCAPES_OR_CHECK"}
            shown.append(f"Alone = new[] {{ {', '.join(map(byte_array, framing.alone))} }}")
        if framing.escape:
            self.conditions |= {"ESCAPES", "ALONE_OR_ESCAPES_OR_CHECK"}
            codes = bytes(each for pair in framing.escaped.items() for each in pair)
            shown += [f"Escape = 0x{framing.escape[0]:02X}", f"Codes = {byte_array(codes)}"]
        return f"new Enclosed {{ {', '.join(shown)} }}"

    def _netstring(self, framing: Netstring) -> str:
        self._uses("Netstring")
        return f"new Netstring({framing.max_frame})"

    def _stuffed(self, framing: Stuffed) -> str:
        self._uses("Slip")
        codes = byte_array(bytes(each for pair in framing.codes.items() for each in pair))
        leads = "true" if framing.lead else "false"
        end, escape = framing.end[0], framing.escape[0]
        return f"new Slip({framing.max_frame}, 0x{end:02X}, 0x{escape:02X}, {codes}, {leads})"

    def _cobs(self, framing: Cobs) -> str:
        self._uses("Cobs")
        return f"new Cobs({framing.max_frame})"

    def _dle(self, framing: DleStuffed) -> str:
        if not framing.start:
            refuse(self.where, "its framing begins with DLE alone, without STX")
        self._uses("DleStuffed")
        marks = ", ".join(f"0x{each[0]:02X}" for each in (framing.escape, framing.start, framing.end))
        return f"new DleStuffed({framing.max_frame}, {marks})"

    def _content_length(self, framing: ContentLength) -> str:
        self._uses("ContentLength")
        return f"new ContentLength({framing.max_frame})"

    def _json(self, framing: JsonValues) -> str:
        self._uses("JsonValues")
        return (
            f"new JsonValues({framing.max_frame}, {byte_array(framing.end)}, {byte_array(framing.between)})"
        )

    def _counted_body(self, framing: CountedBody) -> str:
        self._uses("CountedBody")
        heads = ", ".join(verbatim(_head_pattern(each.decode("latin-1"))) for each in framing.heads)
        ends = f"{byte_array(framing.end)}, {byte_array(framing.tail)}"
        return f"new CountedBody({framing.max_frame}, {ends}, {heads})"

    def _checked(self, framing: Checked) -> str:
        if framing.cover_header or framing.resync:
            refuse(
                self.where,
                "the checksum of its framing counts a header that is taken off, or seeks good frames",
            )
        self._uses("Checked")
        shown = []
        for name, value, usual in (
            ("At", framing.at, None),
            ("From", framing.cover_from, 0),
            ("To", framing.cover_to, None),
            ("Tail", framing.tail, b""),
        ):
            if value != usual:
                shown.append(f"{name} = {byte_array(value) if isinstance(value, bytes) else value}")
        if framing.zero_is_unchecked:
            shown.append("ZeroIsUnchecked = true")
        made = f"new Checked({self._make(framing.framing)}, {self._checksum(framing.checksum)})"
        return f"{made} {{ {', '.join(shown)} }}" if shown else made

    def _hex_text(self, framing: HexText) -> str:
        self._uses("HexText")
        return f"new HexText({self._make(framing.framing)}, {'true' if framing.lower else 'false'})"

    def _checksum(self, checksum: Checksum) -> str:
        self._uses("Checksum")
        self._checksums[checksum.name] = None
        if checksum.name in _SUMS:
            self.conditions.add("SUMS")
            compute = _SUMS[checksum.name]
        elif checksum.name in _CRCS:
            self.conditions.add("CRC")
            bits, polynomial, first, reflected, last = _CRCS[checksum.name]
            shown = "true" if reflected else "false"
            compute = f"Checksum.Crc({bits}, 0x{polynomial:X}, 0x{first:X}, {shown}, 0x{last:X})"
        else:
            refuse(self.where, f"its framing has the checksum {checksum.name}, which only Python knows")
        return f"new Checksum({compute}, {checksum.width}, {string(checksum.form)})"


def _head_pattern(head: str) -> str:
    """Return the pattern of a line that announces bytes."""
    parts = re.split(r"\{(\w+)(:x)?\}", head)
    found = "\\A" + re.escape(parts[0])
    for place in range(1, len(parts), 3):
        name, is_hex, text = parts[place : place + 3]
        if name == "count":
            found += "(?<hex>[0-9A-Fa-f]{1,7})" if is_hex else "(?<count>[0-9]{1,9})"
        else:
            found += f"[^{re.escape(text[:1])}]*" if text else ".*"
        found += re.escape(text)
    return found + "\\z"


_MAKERS: Final[dict[type[Framing], Callable[[FramingCode, Any], str]]] = {
    Delimited: FramingCode._delimited,
    Lines: FramingCode._lines,
    Unframed: FramingCode._unframed,
    FixedSize: FramingCode._fixed,
    LengthPrefixed: FramingCode._length,
    VariableLength: FramingCode._variable,
    Enclosed: FramingCode._enclosed,
    Netstring: FramingCode._netstring,
    Stuffed: FramingCode._stuffed,
    Cobs: FramingCode._cobs,
    DleStuffed: FramingCode._dle,
    ContentLength: FramingCode._content_length,
    JsonValues: FramingCode._json,
    CountedBody: FramingCode._counted_body,
    Checked: FramingCode._checked,
    HexText: FramingCode._hex_text,
}
