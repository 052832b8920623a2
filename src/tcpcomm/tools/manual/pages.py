"""The manual of a piece of equipment, block by block: :func:`page`; and in Markdown: :func:`markdown`."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from textwrap import wrap
from typing import Any, Final

from tcpcomm.tools.manual.blocks import (
    Block,
    Code,
    Heading,
    Inline,
    Listing,
    Paragraph,
    Part,
    Table,
    Text,
    inline,
)

_HEX_WIDTH: Final = 72
"""The characters of a line of bytes in hex."""

Row = tuple[Part | Inline, ...]


def markdown(facts: dict[str, Any]) -> str:
    """Return the page of the facts that :func:`tcpcomm.tools.manual.facts.facts_of` returned."""
    return "\n\n".join(each.markdown() for each in page(facts)) + "\n"


def page(facts: dict[str, Any]) -> Iterator[Block]:
    """Yield the blocks of the manual of these facts."""
    yield Heading(1, facts["name"])
    yield from _text(facts["doc"])
    yield Paragraph(
        ("Written by ", Code(f"tcpcomm describe {facts['module']}:{facts['name']}"), "."),
    )
    yield from _wire(facts)
    if facts["commands"]:
        yield Heading(2, "Commands")
    for command in facts["commands"]:
        yield from _command(command)
    if facts["events"]:
        yield Heading(2, "Events")
        yield Paragraph("The equipment sends them unasked, also between a command and its reply.")
    for event in facts["events"]:
        yield from _event(event)
    if facts["faults"]:
        yield from _faults(facts["faults"])
    if facts["types"]:
        yield Heading(2, "Types")
    for each in facts["types"]:
        yield from _type(each)


def _wire(facts: dict[str, Any]) -> Iterator[Block]:
    yield Heading(2, "On the wire")
    is_same = facts["from_equipment"] == facts["from_host"]
    rows: list[Row] = [("framing" if is_same else "what the host sends", _framing(facts["from_host"]))]
    if not is_same:
        rows.append(("what the equipment sends", _framing(facts["from_equipment"])))
    if facts["gap"] is not None:
        rows.append(("silence that ends a message", f"{facts['gap']:g} s"))
    encoding = f", {facts['encoding']}" if facts["encoding"] else ""
    rows.append(("messages", f"{facts['codec']}{encoding}"))
    rows += _rules(facts["rules"])
    order = "by their ids" if facts["replies_carry_ids"] else "in the order of the commands"
    rows.append(("replies come", order))
    for each in facts["header_values"]:
        default = (Code(each["type"]), f", {_json(each['default'])} by default")
        rows.append(((Code(each["name"]), " in headers"), default))
    rows.append(("commands under way at once", str(facts["commands_at_once"])))
    if facts["quiet"]:
        rows.append(("silence after each reply, before the next command", f"{facts['quiet']:g} s"))
    if facts["heartbeat"]:
        busy = ", also while a command is under way" if facts["heartbeat_while_busy"] else ""
        rows.append(("heartbeat", (Code(facts["heartbeat"]), busy)))
    if facts.get("ready_when"):
        rows.append(("a host is ready in the state", Code(facts["ready_when"])))
    if facts["greeting"] is not None:
        rows.append(("the equipment greets with", Code(facts["greeting"])))
    yield Table(("", ""), rows)
    if facts["login"]:
        yield Paragraph("Before any command there is a login.")
        yield Table(("the equipment says", "the host answers"), map(_step, facts["login"]))


def _step(step: dict[str, Any]) -> Row:
    """Return the row of one step of a login."""
    end = ", without an end" if step["prompt"] else ""
    return (_code_or_nothing(step["expect"]), end), _code_or_nothing(step["send"])


def _rules(rules: dict[str, Any]) -> Iterator[Row]:
    """Yield the rows about the rules for all messages that their forms do not show."""
    if rules.get("ascii"):
        yield ("characters beyond ASCII", Code("\\uXXXX"))
    if rules.get("first"):
        yield ("each document begins with", Code(rules["first"]))
    if rules.get("ignored keys"):
        yield ("keys that mean nothing", _joined(rules["ignored keys"], " "))
    if rules.get("ignore_unknown"):
        is_json = "ignored keys" in rules
        what = "unknown keys of replies and events" if is_json else "unknown elements and attributes"
        yield (what, "ignored")


def _command(command: dict[str, Any]) -> Iterator[Block]:
    yield Heading(3, command["name"])
    yield from _text(command["doc"])
    rows: list[Row] = [("request", Code(command["request"]))]
    for index, reply in enumerate(command["replies"]):
        other = reply.removeprefix("or: ") if index else reply
        rows.append(("reply" if not index else "then" if other == reply else "or", Code(other)))
    rows += [("or a fault", Code(fault)) for fault in command["faults"]]
    if command["timeout"] is not None:
        rows.append(("answered within", f"{command['timeout']:g} s"))
        if "framing" in command:
            rows.append(("the reply is framed by", _framing(command["framing"])))
        rows += _interim(command.get("interim", {}))
        rows.append(("may be repeated", "yes" if command["idempotent"] else "no"))
    else:
        rows.append(("reply", "none"))
    rows += _states(command)
    yield Table(("", ""), rows)
    yield from _fields("parameter", command["parameters"])
    if command["result"] != "None":
        yield Paragraph(("It returns ", Code(command["result"]), "."))
    example = command["example"]
    yield Paragraph(("For example ", Code(_called(command["name"], example["values"])), ":"))
    yield _messages(example["messages"])
    if command["result"] != "None":
        yield Paragraph(("It returns ", Code(_json(example["result"])), "."))


def _interim(events: dict[str, str | None]) -> list[Row]:
    """Return the row about the events that begin the timeout anew."""
    shown: list[Part] = []
    for name, field in events.items():
        shown += [", ", Code(name)] if shown else [Code(name)]
        if field:
            shown += [" (its ", Code(field), " is the new time, in seconds)"]
    return [("counted anew from each event", tuple(shown))] if shown else []


def _states(message: dict[str, Any]) -> list[Row]:
    """Return the rows about the states that allow or forbid a message, and that it enters and leaves."""
    titles = {
        "needs": ("allowed in the state", " and "),
        "not_in": ("not allowed in the state", " or "),
        "enters": ("enters the state", " and "),
        "leaves": ("leaves the state", " and "),
    }
    return [(title, _joined(message[key], and_)) for key, (title, and_) in titles.items() if key in message]


def _event(event: dict[str, Any]) -> Iterator[Block]:
    yield Heading(3, event["name"])
    yield from _text(event["doc"])
    yield Paragraph(("On the wire: ", Code(event["wire"])))
    if _states(event):
        yield Table(("", ""), _states(event))
    yield from _fields("parameter", event["parameters"])
    yield Paragraph(("For example ", Code(_called(event["name"], event["example"]["values"])), ":"))
    yield _messages(event["example"]["messages"])


def _faults(faults: dict[str, Any]) -> Iterator[Block]:
    yield Heading(2, "Faults")
    yield Paragraph(("The equipment says no with ", Code(faults["form"]), "."))
    success = (faults["layout"] or {}).get("success", ())
    if success and not isinstance(success[0], dict):
        yield Paragraph(("The code ", *_joined(map(str, success), " or "), " is not a fault."))
    example = faults["example"]
    reason = (" and the reason ", Code(example["reason"])) if example["reason"] else ()
    code, answers = Code(str(example["code"])), Code(example["answers"])
    yield Paragraph(("For example, code ", code, *reason, ", in answer to ", answers, ":"))
    yield _messages(example["messages"])
    if faults["meanings"]:
        yield Paragraph("The codes mean:")
        yield Table(("code", "meaning"), map(_meaning, faults["meanings"]))
    yield Paragraph("Whatever the equipment's own codes are, these mean:")
    yield Table(("code", "meaning"), map(_meaning, faults["protocol_errors"]))


def _meaning(fact: dict[str, Any]) -> Row:
    """Return the row of a code and its meaning."""
    return Code(str(fact["code"])), fact["meaning"]


def _type(facts: dict[str, Any]) -> Iterator[Block]:
    yield Heading(3, facts["name"])
    yield from _text(facts["doc"])
    if "members" in facts:
        members = [(Code(each["name"]), Code(str(each["value"]))) for each in facts["members"]]
        yield Table(("name", "value"), members)
    else:
        yield from _fields("field", facts["fields"])


def _fields(what: str, fields: Sequence[dict[str, Any]]) -> Iterator[Block]:
    if not fields:
        return
    rows: list[Row] = [(Code(each["name"]), Code(each["type"]), _default(each)) for each in fields]
    if any("default" in each for each in fields):
        yield Table((what, "type", "default"), rows)
    else:
        yield Table((what, "type"), [row[:2] for row in rows])


def _default(field: dict[str, Any]) -> Part:
    return Code(_json(field["default"])) if "default" in field else ""


def _messages(messages: Iterable[dict[str, str]]) -> Listing:
    lines = []
    for message in messages:
        lines.append(f"{message['from']:9}  {message['text']}")
        lines += [f"{'':9}  {line}" for line in wrap(message["hex"], _HEX_WIDTH)]
    return Listing(tuple(lines))


def _text(doc: str) -> Iterator[Block]:
    if doc:
        yield Text(doc)


def _framing(framing: dict[str, str | None]) -> Code:
    return Code(framing["notation"] or str(framing["python"]))


def _called(name: str, values: dict[str, Any]) -> str:
    return f"{name}({', '.join(f'{key}={_json(value)}' for key, value in values.items())})"


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def _joined(texts: Iterable[str], between: str) -> Inline:
    """Return several texts as code, with a text between them."""
    parts: list[Part] = []
    for each in texts:
        parts += [between, Code(each)] if parts else [Code(each)]
    return inline(parts)


def _code_or_nothing(text: str | None) -> Part:
    return "nothing" if text is None else Code(text)
