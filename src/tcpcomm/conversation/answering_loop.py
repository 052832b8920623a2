"""
The loops that answer frames in the usual case: two functions, generated for each declaration.

``tcpcomm describe --code`` prints them. One answers frames that came together. For ``TRG,{job}`` with the
reply ``OK,{x:.3f}`` it is this function. The names with a number are constants::

    async def several(responder, session, buffer, calls, frames):
        append, began, waiting = buffer.ahead.append, watchdog.since, buffer.waiting
        for frame in frames:
            number = find1(frame[:4], 0)
            if number == 1:                             # one block like this for each command
                try:
                    match = fits6(frame)
                    (v0, ) = match.groups()
                    a0 = read7(v0) if v0 is not None else absent8()
                except Exception:
                    pass
                else:
                    watchdog.handler = 'Camera.locate'
                    try:
                        value = await calls[0](job=a0)
                    except Exception:
                        if responder.under_way:
                            raise
                        return Failure().raiseException
                    now = monotonic()
                    altered = buffer.waiting != waiting or session.is_held or …
                    if altered or now - began > SLICE or responder.under_way:
                        return value if responder.under_way else partial(same, value)
                    watchdog.since = began = now
                    try:
                        if isinstance(value, Position2):
                            v0 = value.x
                            if type(v0) is float and limit3 < v0 < limit4:
                                reply = form5 % (v0, )
                                if len(reply) <= LONGEST:
                                    append(reply)
                                    session.frames_sent += 1
                                    continue
                    except Exception:
                        pass
                    return partial(same, value)
            return None
        return DONE

It returns at the first unusual frame: None if its handler was not called, else a function that returns the
value that the handler returned, or raises its exception. Coroutines run within this one. If a handler
waits, this function waits with it. It is the handler's coroutine from then on, and returns its result.

The other function answers a frame that came alone. It is the same without the loop: it returns the reply.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from contextvars import copy_context
from functools import lru_cache, partial
from inspect import iscoroutinefunction
from struct import Struct
from textwrap import dedent, indent
from time import monotonic
from types import CoroutineType
from typing import Any, Final

from attrs import frozen
from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from tcpcomm.codec.base import Request
from tcpcomm.codec.binary.variables import current_header
from tcpcomm.codec.codegen import LONGEST, CommandSource, Source, nested
from tcpcomm.conversation.header import values_for_handler
from tcpcomm.equipment.declaration import Declaration
from tcpcomm.runtime.eager_coroutines import go_on, start_eagerly
from tcpcomm.runtime.safe_text import one_line
from tcpcomm.runtime.watchdog import watchdog
from tcpcomm.session.send_buffer import SEND_CHUNK
from tcpcomm.session.turns import SLICE_SECONDS

DONE: Final = object()
"""The result of a loop that has answered all frames."""

_LONGEST_VALUE: Final = 85  # characters of a value that is shown

_SEVERAL: Final = """\
{def_} several(responder, session, buffer, calls, frames):
    append, began, waiting = buffer.ahead.append, watchdog.since, buffer.waiting
    for frame in frames:
{recognition}
{commands}
        return None
    return DONE
"""

_ONE: Final = """\
def one(session, buffer, calls, frame):
    began, waiting = watchdog.since, buffer.waiting
{recognition}
{commands}
    return None
"""

_READ: Final = """\
    try:
{read}
    except Exception:
        pass
    else:
"""

_COMMAND: Final = """\
        watchdog.handler = {where!r}{header}
        try:
            {call}
        except Exception:{raised}
            return Failure().raiseException
        now = monotonic()
        altered = buffer.waiting != waiting or session.is_held or session.observers.watches_traffic
        if altered or now - began > SLICE{and_waited}:
            return {value}
        watchdog.since = began = now
        try:
{write}
        except Exception:
            pass
        return partial({outcome}, value)
"""

_OUTCOME: Final = {True: "same", False: "start_eagerly"}
"""The function of an outcome, for a handler that is a coroutine or not: that one may return a coroutine."""

_START: Final = """
            coroutine = calls[{place}]({arguments})
            try:
                awaited = coroutine.send(None)
            except StopIteration as done:
                value = done.value
            else:
                return partial(same, go_on(coroutine, awaited))
"""


@frozen
class Loops:
    """
    The generated functions of a declaration.

    Attributes:
        several: answers frames that came together.
        one: answers a frame that came alone.
        source: the source of both.
        values: the values of the names in it that differ from declaration to declaration.
    """

    several: Callable[..., Any]
    one: Callable[..., Any]
    source: str
    values: Mapping[str, Any]


def loops_for(declaration: Declaration, calls: Sequence[Callable[..., Any]], name: str) -> Loops | None:
    """
    Return the loops for a declaration, or None if all its commands are unusual.

    Args:
        declaration: the declaration.
        calls: the handlers of its commands, in order.
        name: the name of the equipment's class, for logs.
    """
    return _loops(declaration, tuple(map(iscoroutinefunction, calls)), name)


@lru_cache(maxsize=256)
def _loops(declaration: Declaration, waiting: tuple[bool, ...], name: str) -> Loops | None:
    dialect, sent = declaration.dialect, declaration.sent
    usual = [
        each.name
        for each in declaration.commands.values()
        if (reader := dialect.reply_reader(each.name)) is not None
        and (reader.is_one_frame or dialect.by_id)
        and not each.is_silent
        and each.reply_framing is None
        and dialect.acknowledgement(Request(each.name, {})) is None
    ]
    if not usual or dialect.first_requests:
        return None
    source = Source(names={**_NAMES, "encode": sent.encode})
    source.names["LONGEST"] = min(LONGEST, sent.max_frame)
    source.names["LONGEST_ALONE"] = min(SEND_CHUNK, sent.max_frame)
    recognition, groups = dialect.recognition(source, usual)
    order = [*declaration.commands]
    header = ""
    if dialect.header_values:
        header = "\n        session.responder.begun = asked"
        header += "\n        set_header(values_for(session, asked.header))"
        source.names["set_header"] = current_header.set
        source.names["values_for"] = partial(values_for_handler, dialect)
    several, one = [], []
    for number, members in enumerate(groups, 1):
        several.append(f"        if number == {number}:")
        one.append(f"    if number == {number}:")
        for each in members:
            place = order.index(each)
            found = dialect.command_source(source, each, sent)
            parts = {"where": f"{name}.{each}", "header": header}
            several += _in_several(found, place, waiting[place], **parts)
            one += _alone(found, place, waiting[place], **parts)
    text = _SEVERAL.format(
        def_="async def" if any(waiting) else "def",
        recognition="\n".join(nested(recognition, 8)),
        commands="\n".join(several),
    )
    text += "\n" + _ONE.format(recognition="\n".join(nested(recognition, 4)), commands="\n".join(one))
    values = {name: value for name, value in source.names.items() if name not in _NAMES}
    made = source.functions(text, declaration.name)
    several_of, one_of = made["several"], made["one"]
    if dialect.header_values:  # which a handler reads from its context
        several_of, one_of = _in_context(several_of), _in_context(one_of)
    return Loops(several_of, one_of, text, values)


def _in_context(loop: Callable[..., Any]) -> Callable[..., Any]:
    """Return a loop that runs in a context of its own."""

    def run(*args: Any) -> Any:
        found = loop(*args)
        return finished(found, args[0]) if type(found) is CoroutineType else found

    return lambda *args: copy_context().run(run, *args)


def _in_several(found: CommandSource, place: int, waits: bool, **parts: str) -> list[str]:
    block = _block(
        found,
        ["append(reply)", "session.frames_sent += 1", "continue"],
        **parts,
        call=f"value = {'await ' * waits}calls[{place}]({found.arguments})",
        raised="\n            if responder.under_way:\n                raise" * waits,
        and_waited=" or responder.under_way" * waits,
        value="value if responder.under_way else " * waits + f"partial({_OUTCOME[waits]}, value)",
        outcome=_OUTCOME[waits],
    )
    return indent(block, 8 * " ").splitlines()


def _alone(found: CommandSource, place: int, waits: bool, **parts: str) -> list[str]:
    call = _START.strip("\n ") if waits else "value = calls[{place}]({arguments})"
    block = _block(
        found,
        ["return reply"],
        **parts,
        call=call.format(place=place, arguments=found.arguments),
        raised="",
        and_waited="",
        value=f"partial({_OUTCOME[waits]}, value)",
        outcome=_OUTCOME[waits],
    )
    return indent(block, 4 * " ").splitlines()


def _block(found: CommandSource, answered: Sequence[str], **parts: str) -> str:
    longest = "LONGEST" if "append" in answered[0] else "LONGEST_ALONE"
    write = nested([*found.write, f"reply = {found.reply}", f"if len(reply) <= {longest}:"], 12)
    depth = len(write[-1]) - len(write[-1].lstrip()) + 4
    write += [" " * depth + each for each in answered]
    block = _COMMAND.format(write="\n".join(write), **parts)
    if not found.read:  # it is read where it is recognised
        return indent(dedent(block), "    ")
    return _READ.format(read="\n".join(nested(found.read, 8))) + block


def code_for(declaration: Declaration) -> str:
    """Return the generated functions of a declaration for people, with the values that they use."""
    methods = [getattr(declaration.kind, name) for name in declaration.commands]
    loops = loops_for(declaration, methods, declaration.name)
    if loops is None:
        return f"# All commands of {declaration.name} go the general way: nothing is generated for it.\n"
    width = max(map(len, loops.values), default=0)
    legend = [f"# {name:{width}}  {_shown(value)}" for name, value in loops.values.items()]
    return "\n".join([f"# The usual case of {declaration.name}, in which:", *legend, "", loops.source])


def _shown(value: Any) -> str:
    """Return a value for people: a method of a table, a pattern or a struct with what that holds."""
    owner = getattr(value, "__self__", None)
    if isinstance(owner, Struct):
        shown = f"{value.__name__} of Struct({owner.format!r})"
    elif isinstance(owner, dict | re.Pattern):
        shown = f"{value.__name__} of {owner!r}"
    else:
        shown = getattr(value, "__qualname__", None) or repr(value)
    return one_line(shown)[:_LONGEST_VALUE]


def finished(loop: Any, responder: Any) -> Any:
    """
    Run a loop that is a coroutine. Return its result, or a function that returns a Deferred.

    The Deferred has the result of the handler that waits. The responder counts it from now on, so that the
    loop knows that its handler has waited.
    """
    try:
        awaited = loop.send(None)
    except StopIteration as done:
        return done.value
    responder.under_way += 1
    later = go_on(loop, awaited)

    def take_over() -> Deferred[Any]:
        responder.under_way -= 1
        return later

    return take_over


def same(value: Any) -> Any:
    """Return the value."""
    return value


_NAMES: Final[dict[str, Any]] = {
    "__name__": __name__,  # the watchdog leaves out the frames of this module
    "DONE": DONE,
    "Failure": Failure,
    "Request": Request,
    "LATER": (Deferred, CoroutineType),
    "SLICE": SLICE_SECONDS,
    "go_on": go_on,
    "monotonic": monotonic,
    "partial": partial,
    "same": same,
    "start_eagerly": start_eagerly,
    "watchdog": watchdog,
}
