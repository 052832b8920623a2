"""A Kaitai Struct format from a declaration: :func:`kaitai_format`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from tcpcomm.equipment.declaration import Declaration
from tcpcomm.errors import ConfigurationError
from tcpcomm.framing import FixedSize, Framing, LengthPrefixed
from tcpcomm.tools.generate.binary_rules import fault_opcodes, good_status, place_of, size_of
from tcpcomm.tools.generate.generator import Generated, Wanted
from tcpcomm.tools.generate.kaitai.bodies import Types
from tcpcomm.tools.generate.kaitai.frames import (
    Frames,
    Group,
    Message,
    Peek,
    by_header,
    byte_list,
    good_condition,
    groups_of,
    status_number,
)
from tcpcomm.tools.generate.kaitai.names import identifier, yaml_text

Form = Mapping[str, Any]

_WIDTHS = {1: "u1", 2: "u2", 4: "u4", 8: "u8"}


def kaitai_format(declaration: Declaration, wanted: Wanted) -> Generated:
    """
    Return the Kaitai Struct format of the binary messages of a declaration.

    Its types ``from_host`` and ``from_equipment`` read one frame each, and ``stream_from_host`` and
    ``stream_from_equipment`` a whole stream of frames, if the framing has a length or a fixed size.

    Raises:
        ConfigurationError: the declaration has no binary messages.
    """
    return _Format(declaration, wanted).generated()


class _Format:
    def __init__(self, declaration: Declaration, wanted: Wanted) -> None:
        self._declaration = declaration
        self._dialect = declaration.dialect
        self._wanted = wanted
        self._types = Types()
        self._notes: list[str] = []

    def generated(self) -> Generated:
        it = self._declaration
        requests = [*self._messages(it.commands, "request", "request")]
        if not requests and not [*self._messages(it.events, "request", "event")]:
            codec = type(it.kind.codec).__name__
            raise ConfigurationError(
                f"{it.name}: Kaitai Struct is for binary messages, and these are of the codec {codec}. "
                f"'tcpcomm generate wireshark {self._wanted.device}' shows them in Wireshark, and "
                f"'tcpcomm describe {self._wanted.device} --format json' has them as data"
            )
        frames = Frames(self._types, self._notes.append)
        groups = groups_of("request", requests)
        if groups:
            frames.direction("from_host", "One frame from the host, without framing.", groups)
        answers = self._answers()
        if answers:
            frames.direction("from_equipment", "One frame from the equipment, without framing.", answers)
        self._leave_out()
        seq = self._stream("from_host", it.kind.framing) if groups else []
        if answers:
            self._stream("from_equipment", it.kind.reply_framing or it.kind.framing)
        doc = (it.kind.__doc__ or "").strip().partition("\n")[0]
        whole = {
            "meta": {
                "id": identifier(it.name),
                "title": f"{it.name}: {doc}" if doc else it.name,
                "endian": "be",
            },
            "doc": (
                f"Made by 'tcpcomm generate kaitai {self._wanted.device}'. The types from_host and "
                "from_equipment read one frame each."
            ),
            **({"seq": seq} if seq else {}),
            "types": self._types.types,
            **({"enums": self._types.enums} if self._types.enums else {}),
        }
        return Generated(yaml_text(whole), notes=tuple(dict.fromkeys(self._notes)))

    def _messages(self, names: Any, part: str, kind: str) -> Iterator[Message]:
        """Yield the binary messages of some commands or events."""
        for name, declared in names.items():
            layout = self._dialect.layout(name)
            if layout is None or "header" not in layout.get(part, {}):
                continue
            found = layout[part]
            doc = f"The {kind} of {name}. {declared.doc.partition(chr(10))[0]}".strip()
            yield Message(f"{name}_{kind}", doc, found["header"], found["body"], found.get("status"))

    def _leave_out(self) -> None:
        for name in (*self._declaration.commands, *self._declaration.events):
            layout = self._dialect.layout(name)
            if layout is None or "header" not in layout["request"]:
                self._notes.append(f"{name}: it is not binary, so it is left out")

    def _answers(self) -> list[Group]:
        it = self._declaration
        commands = {name: each for name, each in it.commands.items() if each.has_reply}
        events = groups_of("event", self._messages(it.events, "request", "event"))
        replies = groups_of("reply", self._messages(commands, "reply", "reply"))
        layout = self._dialect.fault_layout()
        faults: list[Group] = []
        if layout is not None and "header" in layout and not layout.get("status last"):
            message = Message("fault", "A fault.", layout["header"], layout["body"])
            opcodes = {each.opcode for group in replies for each in group.messages}
            condition = self._fault_condition(layout, message, opcodes)
            faults = [Group("fault", (message,), condition)]
        return [*events, *faults, *replies]

    def _fault_condition(self, layout: Form, message: Message, replies: set[bytes | None]) -> Any:
        header = layout["header"]

        def condition(peek: Peek) -> str:
            terms = [by_header([message])(peek)]
            if "good" in layout:
                good = good_status(layout["good"])
                if good is None:
                    first = self._dialect.rules()["good status"]
                    self._notes.append(f"a function decides which status is good: only {first} is, here")
                    good = good_status(str(first))
                assert good is not None
                terms.append(f"not {good_condition(good, status_number(header, peek, self._types))}")
                return " and ".join(terms)
            at = place_of(header, "opcode")
            if at is None:
                return " and ".join(terms)
            size = next(size_of(each) for each in header if each.get("name") == "opcode")
            found = peek.bytes_at(at, size)
            own = {bytes.fromhex(each) for each in fault_opcodes(self._declaration).values()}
            choices = [f"{found} == {byte_list(each)}" for each in sorted(own)]
            form = next(each["form"] for each in header if each.get("name") == "opcode")
            if layout.get("bit") and form["type"] == "int":
                number = peek.number_at(at, form, self._types)
                also = [each for each in replies if each is not None and len(each) == size]
                others = "".join(f" and {found} != {byte_list(each)}" for each in sorted(also))
                choices.append(f"(({number} & {layout['bit']}) != 0{others})")
            return " and ".join([*terms, f"({' or '.join(choices)})"] if choices else terms)

        return condition

    def _stream(self, name: str, framing: Framing) -> list[dict[str, Any]]:
        """Add the type of a stream of frames, and return its fields; without one if it has none."""
        kind = self._types.new_name(f"framed_{name}")
        if isinstance(framing, FixedSize):
            found: dict[str, Any] = {"seq": [{"id": "frame", "size": framing.size, "type": name}]}
        elif isinstance(framing, LengthPrefixed) and self._has_whole_number(framing):
            found = self._counted(name, framing)
        else:
            self._notes.append(
                f"the framing {type(framing).__name__} is left out: give {name} one frame at a time"
            )
            return []
        self._types.types[kind] = found
        fields = [{"id": "frames", "type": kind, "repeat": "eos"}]
        self._types.types[self._types.new_name(f"stream_{name}")] = {"seq": fields}
        return fields

    @staticmethod
    def _has_whole_number(framing: LengthPrefixed) -> bool:
        return (
            framing.form in ("big", "little")
            and framing.width in _WIDTHS
            and framing.strip in (0, framing.offset + framing.width)
        )

    @staticmethod
    def _counted(name: str, framing: LengthPrefixed) -> dict[str, Any]:
        kind = _WIDTHS[framing.width] + (f"{framing.form[0]}e" if framing.width > 1 else "")
        extra = framing.adjust if framing.strip else framing.adjust + framing.offset + framing.width
        size = f"len_frame + {extra}" if extra > 0 else f"len_frame - {-extra}" if extra else "len_frame"
        if not framing.strip:
            look = {"pos": f"_io.pos + {framing.offset}", "type": kind}
            return {
                "seq": [{"id": "frame", "size": size, "type": name}],
                "instances": {"len_frame": look},
            }
        before: list[dict[str, Any]] = []
        if framing.sync:
            before.append({"id": "sync", "contents": [*framing.sync]})
        left = framing.offset - len(framing.sync)
        if left:
            before.append({"id": "head", "size": left})
        return {
            "seq": [
                *before,
                {"id": "len_frame", "type": kind},
                {"id": "frame", "size": size, "type": name},
            ]
        }
