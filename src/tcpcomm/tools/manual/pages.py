"""The manual of a piece of equipment as a page of Markdown: :func:`markdown`."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from textwrap import wrap
from typing import Any, Final

_HEX_WIDTH: Final = 72
"""The characters of a line of bytes in hex."""


def markdown(facts: dict[str, Any]) -> str:
    """Return the page of the facts that :func:`tcpcomm.tools.manual.facts.facts_of` returned."""
    lines = [""]
    for line in _page(facts):
        if line or lines[-1]:  # keep only one of several blank lines
            lines.append(line)
    return "\n".join(lines).strip() + "\n"


def _page(facts: dict[str, Any]) -> Iterator[str]:
    yield f"# {facts['name']}"
    yield from _text(facts["doc"])
    yield ""
    yield f"Written by `tcpcomm describe {facts['module']}:{facts['name']}`."
    yield from _wire(facts)
    if facts["commands"]:
        yield from ("", "## Commands")
    for command in facts["commands"]:
        yield from _command(command, facts)
    if facts["events"]:
        yield from ("", "## Events", "")
        yield "The equipment sends them unasked, also between a command and its reply."
    for event in facts["events"]:
        yield from _event(event)
    if facts["faults"]:
        yield from _faults(facts["faults"])
    if facts["types"]:
        yield from ("", "## Types")
    for each in facts["types"]:
        yield from _type(each)


def _wire(facts: dict[str, Any]) -> Iterator[str]:
    yield from ("", "## On the wire", "")
    is_same = facts["from_equipment"] == facts["from_host"]
    rows = [("framing" if is_same else "what the host sends", _framing(facts["from_host"]))]
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
        default = f"{_code(each['type'])}, {_json(each['default'])} by default"
        rows.append((f"`{each['name']}` in headers", default))
    rows.append(("commands under way at once", str(facts["commands_at_once"])))
    if facts["quiet"]:
        rows.append(("silence after each reply, before the next command", f"{facts['quiet']:g} s"))
    if facts["heartbeat"]:
        busy = ", also while a command is under way" if facts["heartbeat_while_busy"] else ""
        rows.append(("heartbeat", f"`{facts['heartbeat']}`{busy}"))
    if facts.get("ready_when"):
        rows.append(("a host is ready in the state", _code(facts["ready_when"])))
    if facts["greeting"] is not None:
        rows.append(("the equipment greets with", _code(facts["greeting"])))
    yield from _table(("", ""), rows)
    if facts["login"]:
        yield from ("", "Before any command there is a login.", "")
        yield from _table(
            ("the equipment says", "the host answers"),
            [
                (
                    _code_or_nothing(step["expect"]) + (", without an end" if step["prompt"] else ""),
                    _code_or_nothing(step["send"]),
                )
                for step in facts["login"]
            ],
        )


def _rules(rules: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield the rows about the rules for all messages that their forms do not show."""
    if rules.get("ascii"):
        yield ("characters beyond ASCII", "`\\uXXXX`")
    if rules.get("first"):
        yield ("each document begins with", _code(rules["first"]))
    if rules.get("ignored keys"):
        yield ("keys that mean nothing", " ".join(map(_code, rules["ignored keys"])))
    if rules.get("ignore_unknown"):
        is_json = "ignored keys" in rules
        what = "unknown keys of replies and events" if is_json else "unknown elements and attributes"
        yield (what, "ignored")


def _command(command: dict[str, Any], facts: dict[str, Any]) -> Iterator[str]:
    yield from ("", f"### {command['name']}")
    yield from _text(command["doc"])
    yield ""
    rows = [("request", _code(command["request"]))]
    for index, reply in enumerate(command["replies"]):
        other = reply.removeprefix("or: ") if index else reply
        rows.append(("reply" if not index else "then" if other == reply else "or", _code(other)))
    rows += [("or a fault", _code(fault)) for fault in command["faults"]]
    if command["timeout"] is not None:
        rows.append(("answered within", f"{command['timeout']:g} s"))
        if "framing" in command:
            rows.append(("the reply is framed by", _framing(command["framing"])))
        rows += _interim(command.get("interim", {}))
        rows.append(("may be repeated", "yes" if command["idempotent"] else "no"))
    else:
        rows.append(("reply", "none"))
    rows += _states(command)
    yield from _table(("", ""), rows)
    yield from _fields("parameter", command["parameters"])
    yield ""
    if command["result"] != "None":
        yield f"It returns {_code(command['result'])}."
        yield ""
    example = command["example"]
    yield f"For example {_code(_called(command['name'], example['values']))}:"
    yield from _messages(example["messages"])
    if command["result"] != "None":
        yield f"It returns {_code(_json(example['result']))}."


def _interim(events: dict[str, str | None]) -> list[tuple[str, str]]:
    """Return the row about the events that begin the timeout anew."""
    shown = [
        _code(name) + (f" (its {_code(field)} is the new time, in seconds)" if field else "")
        for name, field in events.items()
    ]
    return [("counted anew from each event", ", ".join(shown))] if shown else []


def _states(message: dict[str, Any]) -> list[tuple[str, str]]:
    """Return the rows about the states that a message needs, enters and leaves."""
    titles = {"needs": "allowed in the state", "enters": "enters the state", "leaves": "leaves the state"}
    return [
        (title, " and ".join(map(_code, message[key]))) for key, title in titles.items() if key in message
    ]


def _event(event: dict[str, Any]) -> Iterator[str]:
    yield from ("", f"### {event['name']}")
    yield from _text(event["doc"])
    yield from ("", f"On the wire: {_code(event['wire'])}")
    if _states(event):
        yield ""
        yield from _table(("", ""), _states(event))
    yield from _fields("parameter", event["parameters"])
    yield from ("", f"For example {_code(_called(event['name'], event['example']['values']))}:")
    yield from _messages(event["example"]["messages"])


def _faults(faults: dict[str, Any]) -> Iterator[str]:
    yield from ("", "## Faults", "", f"The equipment says no with {_code(faults['form'])}.")
    success = (faults["layout"] or {}).get("success", ())
    if success and not isinstance(success[0], dict):
        yield from ("", f"The code {' or '.join(_code(str(each)) for each in success)} is not a fault.")
    example = faults["example"]
    code = _code(str(example["code"]))
    reason = f" and the reason {_code(example['reason'])}" if example["reason"] else ""
    yield from ("", f"For example, code {code}{reason}, in answer to `{example['answers']}`:")
    yield from _messages(example["messages"])
    if faults["meanings"]:
        yield from ("The codes mean:", "")
        meanings = [(_code(str(each["code"])), each["meaning"]) for each in faults["meanings"]]
        yield from (*_table(("code", "meaning"), meanings), "")
    yield from ("Whatever the equipment's own codes are, these mean:", "")
    rows = [(_code(str(each["code"])), each["meaning"]) for each in faults["protocol_errors"]]
    yield from _table(("code", "meaning"), rows)


def _type(facts: dict[str, Any]) -> Iterator[str]:
    yield from ("", f"### {facts['name']}")
    yield from _text(facts["doc"])
    if "members" in facts:
        yield ""
        members = [(_code(each["name"]), _code(str(each["value"]))) for each in facts["members"]]
        yield from _table(("name", "value"), members)
    else:
        yield from _fields("field", facts["fields"])


def _fields(what: str, fields: Sequence[dict[str, Any]]) -> Iterator[str]:
    if not fields:
        return
    yield ""
    rows = [(_code(each["name"]), _code(each["type"]), _default(each)) for each in fields]
    if any("default" in each for each in fields):
        yield from _table((what, "type", "default"), rows)
    else:
        yield from _table((what, "type"), [row[:2] for row in rows])


def _default(field: dict[str, Any]) -> str:
    return _code(_json(field["default"])) if "default" in field else ""


def _messages(messages: Iterable[dict[str, str]]) -> Iterator[str]:
    yield from ("", "```text")
    for message in messages:
        yield f"{message['from']:9}  {message['text']}"
        for line in wrap(message["hex"], _HEX_WIDTH):
            yield f"{'':9}  {line}"
    yield from ("```", "")


def _text(doc: str) -> Iterator[str]:
    if doc:
        yield from ("", doc)


def _framing(framing: dict[str, str | None]) -> str:
    return _code(framing["notation"] or str(framing["python"]))


def _called(name: str, values: dict[str, Any]) -> str:
    return f"{name}({', '.join(f'{key}={_json(value)}' for key, value in values.items())})"


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def _code(text: str) -> str:
    """Return text as code in Markdown, also if it holds backticks."""
    if not text:
        return "(empty)"
    text = text.replace("\r", "\\r").replace("\n", "\\n")  # of a template with raw bytes behind a line
    marks = "``" if "`" in text else "`"
    space = " " if "`" in text or text != text.strip() else ""
    return f"{marks}{space}{text}{space}{marks}"


def _code_or_nothing(text: str | None) -> str:
    return "nothing" if text is None else _code(text)


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    for row in (head, ["---"] * len(head), *rows):
        yield f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in row)} |"
