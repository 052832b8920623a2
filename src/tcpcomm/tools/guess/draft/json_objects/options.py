"""The options of :class:`~tcpcomm.codec.Json` for objects that were seen: :func:`options_of`."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, Final

from attrs import evolve, field, frozen

from tcpcomm.tools.guess.draft.parts import literal

Object = Mapping[str, Any]

_WORD_KEYS: Final = ("cmd", "command", "method", "action", "type", "op", "request", "function", "name")
_ID_KEYS: Final = ("id", "seq", "sequence", "number", "msgid", "msg_id", "transaction", "tid")
_FAULT_KEYS: Final = ("error", "fault", "err")
_REASONS: Final = ("reason", "message", "msg", "text", "error", "description", "errormsg", "errormessage")
_STATUS_KEYS: Final = ("status", "state", "result", "ok", "success", "ack")
_GOOD: Final = ("OK", "ok", "Ok", "success", "SUCCESS", "ACK", "ack", "done", True)
_CODE_KEYS: Final = ("errorid", "errorcode", "error_code", "err", "error", "code", "ret", "retcode", "rc")
_RESULT_KEYS: Final = ("result", "data", "value", "payload", "response", "params")
_MOST_WORDS: Final = 64
_MOSTLY: Final = 0.9
_OPTIONS: Final = ("command", "parameters", "id", "result", "fault", "code", "reason", "event", "success")
_FEW: Final = 3
_EVENT: Final = "event"


@frozen(kw_only=True)
class JsonOptions:
    """The options of the codec that differ from its defaults, and the keys that it uses."""

    command: str
    parameters: str | None = None
    id: str | None = None
    result: str | None = "result"
    fault: str | None = "error"
    code: str | None = "code"
    reason: str | None = "reason"
    event: str | None = "event"
    success: Mapping[str, Any] = field(factory=dict)
    failure: Mapping[str, Any] = field(factory=dict)
    echo: bool = False
    own_results: bool = False
    """True if the replies to some commands have their results under keys of their own."""

    def values_of(self, message: Object) -> Object:
        """Return the parameters of a request or an event."""
        if self.parameters is not None:
            inner = message.get(self.parameters, {})
            return inner if isinstance(inner, dict) else {}
        return {key: each for key, each in message.items() if key not in (self.command, self.id)}

    def is_event(self, message: Object, words: Collection[object]) -> bool:
        """Return True if a message of the equipment is an event. ``words`` are those of the commands."""
        word = message.get(self.event or "")
        return isinstance(word, str) and (self.event != self.command or word not in words)

    def is_fault(self, reply: Object) -> bool:
        """Return True if a reply is a fault."""
        if self.fault is not None and reply.get(self.fault) is not None:
            return True
        if self.failure:
            return all(reply.get(key) == value for key, value in self.failure.items())
        return any(key in reply and reply[key] != value for key, value in self.success.items())

    def result_key(self, reply: Object) -> str | None:
        """Return the key of the result in a good reply; None if it has none."""
        if self.own_results:
            return next((str(key) for key in reply if key not in self._hidden), None)
        return self.result

    @property
    def _hidden(self) -> set[str | None]:
        return {self.id, *self.success, *([self.command] if self.echo else [])}

    def result_of(self, reply: Object) -> Any:
        """Return the result in a good reply."""
        if self.own_results:
            return reply.get(self.result_key(reply) or "")
        if self.result is not None:
            return reply.get(self.result)
        return {key: each for key, each in reply.items() if key not in self._hidden}

    @property
    def source(self) -> str:
        """The call of the codec."""
        usual = JsonOptions(command="cmd")
        given = []
        for name in (
            "command",
            "parameters",
            "id",
            "result",
            "fault",
            "code",
            "reason",
            "event",
            "success",
        ):
            value = getattr(self, name)
            if value != getattr(usual, name):
                given.append(literal(value) if name == "command" else f"{name}={literal(value)}")
        given += [f"failure={literal(self.failure)}"] if self.failure else []
        given += ["echo=True"] if self.echo else []
        return f"Json({', '.join(given)})"


def options_of(requests: Sequence[Object], answers: Sequence[Object]) -> list[JsonOptions]:
    """
    Return options that may fit, the likeliest first; none if no key tells the command.

    Args:
        requests: the objects of the host.
        answers: the objects of the equipment.
    """
    word = _word_key(requests)
    if word is None:
        return []
    found = JsonOptions(command=word, id=_id_key(requests, answers))
    inner = {key for each in requests for key in each if key not in (word, found.id)}
    (only,) = inner if len(inner) == 1 else ("",)
    if only and all(isinstance(each.get(only, {}), dict) for each in requests):
        found = evolve(found, parameters=only)
    words = [*dict.fromkeys(each[word] for each in requests)]  # a value of a reply may have no hash
    has_event = any(_EVENT in each for each in answers) and not any(_EVENT in each for each in requests)
    if has_event:
        replies = [each for each in answers if _EVENT not in each]
    else:
        replies = [each for each in answers if each.get(word, next(iter(words))) in words]
        found = found if len(replies) == len(answers) else evolve(found, event=word)
    echoed = [each for each in replies if each.get(word) in words]
    found = evolve(found, echo=bool(replies) and len(echoed) >= _MOSTLY * len(replies))
    return [*_with_status(found, replies)]


def _word_key(requests: Sequence[Object]) -> str | None:
    """Return the key of the command's word."""
    if not requests:
        return None
    shared = [key for key in requests[0] if all(key in each for each in requests)]
    usable = []
    for key in shared:
        values = {each[key] if isinstance(each[key], str) else None for each in requests}
        if None not in values and len(values) <= min(_MOST_WORDS, max(1, len(requests) // 2)):
            usable.append(key)
    return next((key for key in usable if key.lower() in _WORD_KEYS), usable[0] if usable else None)


def _id_key(requests: Sequence[Object], answers: Sequence[Object]) -> str | None:
    """Return the key of a number that counts requests and comes back in replies."""
    shared = [key for key in requests[0] if all(_is_int(each.get(key)) for each in requests)]
    for key in sorted(shared, key=lambda each: each.lower() not in _ID_KEYS):
        asked = {each[key] for each in requests}
        answered = [each[key] for each in answers if _is_int(each.get(key))]
        differ = len(requests) > _FEW and len(asked) >= _MOSTLY * len(requests)
        if differ and answered and sum(each in asked for each in answered) >= _MOSTLY * len(answered):
            return str(key)
    return None


def _is_int(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _with_status(found: JsonOptions, replies: Sequence[Object]) -> Iterable[JsonOptions]:
    """Yield options for the ways in which replies say yes and no."""
    keys = [*dict.fromkeys(key for each in replies for key in each)]
    for key in (each for each in keys if each.lower() in _FAULT_KEYS or _holds_faults(each, replies)):
        faults = [each[key] for each in replies if isinstance(each.get(key), dict)]
        if faults:
            code, reason = _code_and_reason(faults)
            if code is not None:
                with_fault = evolve(found, fault=key, code=code, reason=reason)
                yield from _with_result(with_fault, [each for each in replies if key not in each])
    for key in keys:
        values = [each.get(key) for each in replies]
        if key.lower() in _STATUS_KEYS and (good := next((each for each in _GOOD if each in values), None)):
            bad = [each for each in replies if each.get(key) not in (good, None)]
            yield from _with_words(found, key, good, bad, replies)
        if key.lower() in _CODE_KEYS and 0 in [each for each in values if _is_int(each)]:
            _, reason = _code_and_reason([each for each in replies if each.get(key) != 0], but=key)
            options = evolve(found, fault=None, code=key, reason=reason, success={key: 0})
            yield from _with_result(options, [each for each in replies if each.get(key) == 0])
    yield from _with_result(found, replies)


def _with_words(
    found: JsonOptions, key: str, good: Any, bad: Sequence[Object], replies: Sequence[Object]
) -> Iterable[JsonOptions]:
    options = evolve(found, fault=None, success={key: good})
    if bad:
        code, reason = _code_and_reason(bad, but=key)
        options = evolve(options, failure={key: bad[0][key]}, reason=reason)
        options = options if code is None else evolve(options, code=code)
    yield from _with_result(options, [each for each in replies if each.get(key) == good])


def _code_and_reason(faults: Sequence[Object], but: str = "") -> tuple[str | None, str | None]:
    """Return the keys of the code and of the reason in faults."""
    keys = [key for key in dict.fromkeys(key for each in faults for key in each) if key != but]
    reason = next((key for key in keys if key.lower() in _REASONS), None)
    codes = [key for key in keys if key != reason and all(_is_code(each.get(key)) for each in faults)]
    named = [key for key in codes if key.lower() in _CODE_KEYS]
    return next(iter(named or codes), None), reason


def _holds_faults(key: str, replies: Sequence[Object]) -> bool:
    """Return True if some replies hold nothing but an object with a code and a reason under this key."""
    found = [each for each in replies if key in each]
    return 2 * len(found) <= len(replies) and all(
        isinstance(each[key], dict)
        and len(each[key]) == len(("code", "reason"))
        and any(name.lower() in _CODE_KEYS for name in each[key])
        and any(name.lower() in _REASONS for name in each[key])
        for each in found
    )


def _is_code(value: object) -> bool:
    return _is_int(value) or isinstance(value, str)


def _with_result(found: JsonOptions, good: Sequence[Object]) -> Iterable[JsonOptions]:
    """Yield options for results under a key, and beside the status."""
    hidden = {found.id, *found.success, *([found.command] if found.echo else [])}
    keys = {key for each in good for key in each if key not in hidden}
    if len(keys) == 1 and (key := next(iter(keys))).lower() in _RESULT_KEYS:
        yield evolve(found, result=key)
    if len(keys) > 1 and all(len(each.keys() - hidden) == 1 for each in good):
        usual = next((key for key in _RESULT_KEYS if key in keys), next(iter(good[0].keys() - hidden)))
        yield evolve(found, result=usual, own_results=True)
    yield evolve(found, result=None)
