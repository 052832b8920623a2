"""Declarations of equipment that speaks JSON: :func:`json_sources` drafts them from objects."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from attrs import field, frozen

from tcpcomm.tools.guess.capture import Side
from tcpcomm.tools.guess.draft.exchanges import Conversation, Exchange, conversation_of
from tcpcomm.tools.guess.draft.json_objects.options import JsonOptions, options_of
from tcpcomm.tools.guess.draft.json_objects.types import JsonTypes, is_name
from tcpcomm.tools.guess.draft.lines import Line
from tcpcomm.tools.guess.draft.names import Names
from tcpcomm.tools.guess.draft.parts import quoted
from tcpcomm.tools.guess.draft.results import timeout_of, times

_UNSURE = 5


def objects_of(lines: Sequence[Line]) -> list[dict[str, Any]] | None:
    """Return the objects in lines, or None if a line is not one JSON object."""
    found = []
    for each in lines:
        try:
            value = json.loads(each.text)
        except ValueError:
            return None
        if not isinstance(value, dict):
            return None
        found.append(value)
    return found or None


@frozen(kw_only=True)
class Shell:
    """The class of a declaration: its name, and the source of its docstring and of its framings."""

    name: str
    docstring: str
    framings: str


@frozen(kw_only=True)
class JsonSource:
    """A draft, and the number of requests that were sent before the one before was answered."""

    text: str
    pipelined: int = 0


@frozen(kw_only=True)
class _Talk:
    """The objects of a conversation, by the parts that they play."""

    asked: Mapping[str, list[tuple[Mapping[str, Any], list[Mapping[str, Any]], float | None]]]
    """By the word: the parameters, the answers, and the seconds that the answer took."""
    events: Mapping[str, list[Mapping[str, Any]]]
    pipelined: int = 0
    result_keys: Mapping[str, str] = field(factory=dict)
    """The key of the result of a command, by its word, where that is not the usual one."""


def json_sources(
    lines: Sequence[Line], objects: Sequence[dict[str, Any]], host: Side, shell: Shell
) -> Iterator[JsonSource]:
    """
    Yield drafts, the likeliest first.

    Args:
        lines: the lines.
        objects: the object of each line.
        host: the side that is taken for the host.
        shell: the class around the commands.
    """
    if sum(each.get("jsonrpc") == "2.0" for each in objects) * 10 >= 9 * len(objects):
        yield _written(_rpc_talk(lines, objects, host), "JsonRpc()", shell)
        return
    asked = [each for line, each in zip(lines, objects, strict=True) if line.side == host]
    answers = [each for line, each in zip(lines, objects, strict=True) if line.side != host]
    for options in options_of(asked, answers):
        talk = _talk(lines, objects, options, host)
        yield _written(talk, options.source, shell)


def _rpc_talk(lines: Sequence[Line], objects: Sequence[dict[str, Any]], host: Side) -> _Talk:
    asked: dict[str, list[Any]] = defaultdict(list)
    events: dict[str, list[Mapping[str, Any]]] = defaultdict(list)
    waiting: dict[Any, tuple[list[Any], float | None, int]] = {}
    for line, each in zip(lines, objects, strict=True):
        params = each.get("params", {})
        params = params if isinstance(params, dict) else {}
        if line.side == host and "method" in each:
            answers: list[Any] = []
            asked[each["method"]].append((params, answers, None))
            if "id" in each:
                place = len(asked[each["method"]]) - 1
                waiting[each["id"]] = (asked[each["method"]], line.at, place)
        elif line.side != host and "method" in each:
            events[each["method"]].append(params)
        elif each.get("id") in waiting:
            entries, at, place = waiting.pop(each["id"])
            values, answers, _ = entries[place]
            seconds = None if at is None or line.at is None else line.at - at
            if "result" in each:
                answers.append(each["result"])
            entries[place] = (values, answers, seconds)
    return _Talk(asked=asked, events=events)


def _talk(
    lines: Sequence[Line], objects: Sequence[dict[str, Any]], options: JsonOptions, host: Side
) -> _Talk:
    by_text = {line.text: each for line, each in zip(lines, objects, strict=True)}

    def kind_of(text: str) -> str:
        value = by_text[text]
        word = value.get(options.command, value.get(options.event or ""))
        return str(word) if word is not None else "|".join(sorted({*value} - {options.id or ""}))

    asked: dict[str, list[Any]] = defaultdict(list)
    events: dict[str, list[Mapping[str, Any]]] = defaultdict(list)
    result_keys: dict[str, str] = {}
    words = {by_text[line.text].get(options.command) for line in lines if line.side == host}
    told = [line for line in lines if line.side != host and options.is_event(by_text[line.text], words)]
    rest = [line for line in lines if line.side == host or not options.is_event(by_text[line.text], words)]
    conversation = _paired(rest, by_text, options, host, kind_of)
    for exchange in conversation.exchanges:
        request = by_text[exchange.request.text]
        replies = [by_text[each.text] for each in exchange.answers]
        good = [each for each in replies if not options.is_fault(each)]
        word = str(request[options.command])
        results = [options.result_of(each) for each in good]
        asked[word].append((options.values_of(request), results, exchange.seconds))
        for each in good:
            key = options.result_key(each)
            if key is not None and key != options.result:
                result_keys[word] = key
    for line in (*told, *conversation.events):
        value = by_text[line.text]
        name = value.get(options.event or "")
        if isinstance(name, str):
            events[name].append(
                {key: each for key, each in options.values_of(value).items() if key != options.event}
            )
    return _Talk(asked=asked, events=events, pipelined=conversation.pipelined, result_keys=result_keys)


def _paired(
    lines: Sequence[Line],
    by_text: Mapping[str, dict[str, Any]],
    options: JsonOptions,
    host: Side,
    kind_of: Any,
) -> Conversation:
    if options.id is None:
        return conversation_of(lines, kind_of, host)
    exchanges: list[Exchange] = []
    waiting: dict[Any, Exchange] = {}
    events = []
    for line in lines:
        number = by_text[line.text].get(options.id)
        if line.side == host:
            exchanges.append(Exchange(line))
            waiting[number] = exchanges[-1]
        elif number in waiting:
            waiting[number].answers.append(line)
        else:
            events.append(line)
    return Conversation(host, exchanges, events, 0)


def _written(talk: _Talk, codec: str, shell: Shell) -> JsonSource:
    types, names = JsonTypes(), Names()
    members = []
    for word, asked in talk.asked.items():
        method = names.give(word, "ask")
        members.append(_command(types, word, method, asked, talk.result_keys.get(word)))
    for word, told in talk.events.items():
        method = names.give(word, "told")
        members.append(_event(types, word, method, told))
    body = "\n\n".join([f"{shell.framings}\n    codec = {codec}", *members])
    text = f"{types.source}class {shell.name}(Equipment):\n{shell.docstring}\n\n{body}\n"
    facade = ["Equipment", "command", *(["event"] if talk.events else [])]
    typing = [each for each in ("Any", "Literal") if re.search(rf"(: |\[|-> |, ){each}\b", text)]
    lines = [f"from typing import {', '.join(typing)}\n"] if typing else []
    lines += ["from attrs import frozen\n"] if types.classes else []
    lines += [
        f"from tcpcomm import {', '.join(facade)}",
        f"from tcpcomm.codec import {codec.partition('(')[0]}",
    ]
    framings = [each for each in ("Delimited", "parse_framing") if f"{each}(" in shell.framings]
    lines.append(f"from tcpcomm.framing import {', '.join(framings)}")
    source = "\n".join(lines) + f"\n\n\n{text}"
    return JsonSource(text=source, pipelined=talk.pipelined)


def _wire(word: str, method: str) -> str:
    return "" if word == method else quoted(word)


def _parameters(types: JsonTypes, method: str, seen: Sequence[Mapping[str, Any]]) -> str:
    keys = [key for key in dict.fromkeys(key for each in seen for key in each) if is_name(key)]
    prefix = "".join(each.title() for each in method.split("_"))
    must, may = [], []
    for key in keys:
        values = [each[key] for each in seen if key in each]
        text = types.annotation(values, f"{prefix}{key.title().replace('_', '')}")
        if len(values) == len(seen):
            must.append(f", {key}: {text}")
        else:
            may.append(
                f", {key}: {text if text.endswith('None') or text == 'Any' else f'{text} | None'} = None"
            )
    return "".join(must + may)


def _command(types: JsonTypes, word: str, method: str, asked: Sequence[Any], result_key: str | None) -> str:
    parameters = _parameters(types, method, [values for values, _, _ in asked])
    results = [result for _, answers, _ in asked for result in answers]
    seconds = [each for _, _, each in asked if each is not None]
    answered = bool(seconds) or bool(results)
    arguments = [each for each in (_wire(word, method),) if each]
    empty = all(each is None or each == {} for each in results)
    result = "None"
    if not answered:
        arguments.append("reply=None")
    elif not empty:
        result = types.annotation(results, "".join(each.title() for each in method.split("_")) + "Reply")
    if result_key is not None:
        arguments.append(f"reply={quoted(result_key)}")
    if seconds:
        arguments.append(f"timeout={timeout_of(max(seconds))}")
    lines = [f"    # unsure: seen {times(len(asked))} only"] if len(asked) < _UNSURE else []
    refused = sum(not answers for _, answers, _ in asked) if answered else 0
    seen = f"Seen {times(len(asked))}" + (f", and refused {times(refused)}." if refused else ".")
    lines += [
        f"    @command({', '.join(arguments)})",
        f"    async def {method}(self{parameters}) -> {result}:",
        f'        """{seen}"""',
        "        raise NotImplementedError",
    ]
    return "\n".join(lines)


def _event(types: JsonTypes, word: str, method: str, told: Sequence[Mapping[str, Any]]) -> str:
    lines = [f"    # unsure: seen {times(len(told))} only"] if len(told) < _UNSURE else []
    lines += [
        f"    @event({_wire(word, method)})",
        f"    def {method}(self{_parameters(types, method, told)}) -> None:",
        f'        """Seen {times(len(told))}, unasked."""',
    ]
    return "\n".join(lines)
