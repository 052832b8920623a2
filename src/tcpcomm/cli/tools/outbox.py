"""The subcommand ``tcpcomm outbox``: it shows an outbox, and repeats or drops what was refused."""

from __future__ import annotations

import base64
import json
import sqlite3
import time
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, ClassVar, Final

from attrs import asdict
from twisted.python import usage

from tcpcomm.cli.common import Refusal, Subcommand
from tcpcomm.plant.message import OutboxMessage
from tcpcomm.plant.outbox.administration import OutboxFile, PendingSink, problem_text
from tcpcomm.runtime.safe_text import one_line, safe_json

_ACTIONS: Final = ("show", "retry", "drop")
_MOST_SHOWN: Final = 20
"""Messages that are set aside and shown, unless --all is given."""


class OutboxOptions(Subcommand):
    """The options of ``tcpcomm outbox``."""

    synopsis = "outbox show|retry|drop FILE [ID ...] [options]"

    longdesc = """Works with the file of an outbox, also while a program uses it.
'show FILE' prints how many messages wait for each sink, and which ones are set aside because their sink
refused them too often; 'show FILE ID' prints one message. 'retry FILE ID ...' puts messages that are set
aside back to their place, with no attempts counted, and 'retry FILE --all' all of them. 'drop FILE ID ...
--yes' deletes messages that are set aside, 'drop FILE --aside --yes' all of them, and 'drop FILE --sink
NAME --yes' all messages for a sink that no program names any more."""

    exit_codes: ClassVar[Mapping[int, str]] = {
        0: "done",
        1: "the command line has a mistake, the file cannot be read, or no message fits",
    }

    optFlags = [  # noqa: RUF012 - the name and kind are Twisted's
        [
            "all",
            "a",
            f"show: list all messages that are set aside, not only {_MOST_SHOWN}; retry: all of them.",
        ],
        ["aside", None, "drop: all messages that are set aside."],
        ["json", "j", "show: print JSON, with all messages that are set aside."],
        ["yes", "y", "drop: delete without asking."],
    ]

    optParameters = [  # noqa: RUF012
        ["sink", "s", None, "drop: all messages for this sink, which no program names any more."],
    ]

    def parseArgs(self, *args: str) -> None:
        if len(args) < 2 or args[0] not in _ACTIONS:
            raise usage.UsageError("say what to do, and name the file, as in: show results.outbox")
        self.action, self.path, self.ids = args[0], Path(args[1]), args[2:]
        allowed = {"show": {"all", "json"}, "retry": {"all"}, "drop": {"aside", "sink", "yes"}}[self.action]
        wrong = [
            each for each in ("all", "aside", "json", "sink", "yes") if self[each] and each not in allowed
        ]
        if wrong:
            raise usage.UsageError(f"{self.action} takes no --{wrong[0]}")

    def run(self) -> int:
        chosen = [bool(self.ids), self["all"], self["aside"], self["sink"] is not None]
        if self.action == "show" and len(self.ids) > 1:
            raise Refusal("show prints one message at a time: name one id")
        if self.action == "retry" and sum(map(bool, chosen)) != 1:
            raise Refusal("name the messages to put back, or give --all")
        if self.action == "drop" and sum(map(bool, chosen)) != 1:
            raise Refusal("name the messages to delete, or give --aside or --sink NAME")
        try:
            with OutboxFile(self.path) as file:
                return {"show": self._show, "retry": self._retry, "drop": self._drop}[self.action](file)
        except sqlite3.Error as error:
            raise Refusal(problem_text(self.path, error)) from None

    # -- show

    def _show(self, file: OutboxFile) -> int:
        if self.ids:
            message, pending = file.message(file.number_of(self.ids[0]))
            facts = _message_facts(message, pending)
            lines = _message_lines(facts)
        else:
            facts = _facts(file, None if self["all"] or self["json"] else _MOST_SHOWN)
            lines = _lines(facts)
        if self["json"]:
            print(safe_json(json.dumps(facts, ensure_ascii=False)))
        else:
            for line in lines:
                print(one_line(line))
        return 0

    # -- retry and drop

    def _numbers(self, file: OutboxFile) -> Sequence[int] | None:
        return [file.number_of(each) for each in self.ids] if self.ids else None

    def _retry(self, file: OutboxFile) -> int:
        count = file.retry(self._numbers(file))
        if self.ids and not count:
            raise Refusal(f"{self.path}: none of these messages is set aside: they are being delivered")
        print(f"put back: {count:,}; they are delivered within seconds if the program of the outbox runs")
        return 0

    def _drop(self, file: OutboxFile) -> int:
        numbers = self._numbers(file)
        if not self["yes"]:
            raise Refusal("this deletes messages for ever: give --yes")
        if self["sink"] is not None:
            count = file.drop_sink(self["sink"])
        else:
            count = file.drop(numbers)
            if numbers and not count:
                raise Refusal(
                    f"{self.path}: none of these messages is set aside, and only such can be deleted"
                )
        print(f"deleted: {count:,}")
        return 0


def _facts(file: OutboxFile, most: int | None) -> dict[str, Any]:
    now = time.time()
    messages, posted = file.totals()
    sinks = file.sinks()
    return {
        "file": str(file.path),
        "outbox": file.outbox_id,
        "messages": messages,
        "posted": posted,
        "sinks": [
            {
                "sink": each.name,
                "named": each.is_named,
                "depth": each.depth,
                "oldest_age": 0.0 if each.oldest is None else round(max(0.0, now - each.oldest), 3),
                "delivered": each.delivered,
                "refused": each.refused,
                "expired": each.expired,
                "set_aside": each.set_aside,
                "problem": each.problem,
                "problem_at": _time_text(each.problem_at) if each.problem else None,
            }
            for each in sinks
        ],
        "aside": [{**asdict(each), "at": _time_text(each.at)} for each in file.aside(most)],
    }


def _lines(facts: dict[str, Any]) -> Iterator[str]:
    yield f"{facts['file']}: outbox {facts['outbox']}"
    waits, aside = (sum(each[name] for each in facts["sinks"]) for name in ("depth", "set_aside"))
    yield (
        f"{facts['messages']:,} of {facts['posted']:,} posted messages are left; "
        f"for all sinks together, {waits:,} wait and {aside:,} are set aside"
    )
    for each in facts["sinks"]:
        unused = "" if each["named"] else " (no program names it)"
        oldest = f", the oldest for {_age(each['oldest_age'])}" if each["depth"] else ""
        others = ", ".join(f"{name.replace('_', ' ')} {each[name]:,}" for name in _OTHERS if each[name])
        yield f"  {each['sink']}{unused}: {each['depth']:,} wait{oldest}{'; ' if others else ''}{others}"
        if each["problem"]:
            yield f"    {each['problem']} (as of {_local(each['problem_at'])})"
    total = sum(each["set_aside"] for each in facts["sinks"])
    if total:
        first = (
            f", the first {len(facts['aside'])}; --all shows the others"
            if len(facts["aside"]) < total
            else ""
        )
        yield from ("", f"set aside: {total:,}{first}")
    for each in facts["aside"]:
        yield (
            f"  {each['id']}  {_local(each['at'])}  sink {each['sink']}  {each['topic'] or '(no topic)'}  "
            f"after {each['attempts']} attempts: {each['reason']}"
        )


_OTHERS: Final = ("delivered", "refused", "expired", "set_aside")


def _message_facts(message: OutboxMessage, pending: Sequence[PendingSink]) -> dict[str, Any]:
    try:
        body = message.value()
    except ValueError:
        body = message.body
    return {
        "id": message.id,
        "topic": message.topic,
        "source": message.source,
        "content_type": message.content_type,
        "posted_at": _time_text(message.posted_at),
        "expires_at": None if message.expires_at is None else _time_text(message.expires_at),
        "sinks": [asdict(each) for each in pending],
        "body": base64.b64encode(body).decode("ascii") if isinstance(body, bytes) else body,
        "is_base64": isinstance(body, bytes),
    }


def _message_lines(facts: dict[str, Any]) -> Iterator[str]:
    yield facts["id"]
    yield f"  topic: {facts['topic']}"
    yield f"  source: {facts['source']}"
    yield f"  posted: {_local(facts['posted_at'])}"
    if facts["expires_at"] is not None:
        yield f"  expires: {_local(facts['expires_at'])}"
    for each in facts["sinks"]:
        state = "set aside" if each["is_aside"] else "waits"
        attempts = f" after {each['attempts']} attempts: {each['reason']}" if each["attempts"] else ""
        yield f"  sink {each['name']}: {state}{attempts}"
    body = facts["body"]
    if facts["is_base64"]:
        yield f"  {facts['content_type']}: {base64.b64decode(body).hex(' ')}"
    else:
        text = body if isinstance(body, str) else json.dumps(body, ensure_ascii=False)
        yield f"  {facts['content_type']}: {text}"


def _time_text(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _local(text: str) -> str:
    """Return a time of :func:`_time_text` as local time."""
    return f"{datetime.fromisoformat(text).astimezone():%Y-%m-%d %H:%M:%S}"


def _age(seconds: float) -> str:
    """Return an age as people say it."""
    for name, size in (("d", 86_400), ("h", 3600), ("min", 60)):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {name}"
    return f"{seconds:.0f} s"
