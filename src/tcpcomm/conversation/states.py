"""Keep the states of a session at both ends: :func:`handle_in_state`, :func:`ask_in_state`."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from functools import partial
from inspect import iscoroutine
from typing import Any

from twisted.internet.defer import Deferred, fail

from tcpcomm.codec.base import ProtocolErrorKind
from tcpcomm.conversation.requester import Requester
from tcpcomm.equipment.declaration import Declaration
from tcpcomm.equipment.messages import Command
from tcpcomm.equipment.states import StateRule, problem
from tcpcomm.errors import NotReady
from tcpcomm.runtime.timer import clock_of
from tcpcomm.session.protocol import FrameProtocol


def change_states(session: FrameProtocol, rule: StateRule, *, later: bool = False) -> None:
    """
    Note that a command has succeeded in this session, or that an event was sent or received.

    Args:
        session: the session.
        rule: the rule of the message.
        later: True if the reply is not sent yet. The session learns it after the reply, because a link that
            becomes ready writes commands, and the peer must get the reply first.
    """
    states = rule.after(session.states)
    if states == session.states:
        return
    session.states = states
    if later:
        clock_of(session.factory).callLater(0, session.statesChanged)
    else:
        session.statesChanged()


def handle_in_state(
    call: Callable[..., Any],
    command: Command,
    declaration: Declaration,
    current: Callable[[], FrameProtocol],
) -> Callable[..., Any]:
    """
    Return a handler that carries a command out only in the states that allow it, and then changes them.

    Args:
        call: carries the command out.
        command: the command, which has a rule about states.
        declaration: the declaration of the equipment.
        current: returns the session.
    """
    rule = command.states
    assert rule is not None
    changed_by = declaration.entering()

    def handle(**values: Any) -> Any:
        session = current()
        if not rule.allows(session.states):
            text = f"{command.name} {problem(rule, session.states, changed_by)}"
            wrong_state = ProtocolErrorKind.WRONG_STATE
            raise declaration.dialect.fault_for_request(command.name, wrong_state, text)
        result = call(**values)
        if not rule.changes:
            return result
        if iscoroutine(result):
            return _changed_after(result, session, rule)
        if isinstance(result, Deferred):
            return result.addCallback(partial(_changed, session, rule))
        return _changed(session, rule, result)

    return handle


async def _changed_after(result: Coroutine[Any, Any, Any], session: FrameProtocol, rule: StateRule) -> Any:
    return _changed(session, rule, await result)


def _changed(session: FrameProtocol, rule: StateRule, result: Any, *, later: bool = True) -> Any:
    change_states(session, rule, later=later)
    return result


def ask_in_state(
    requester: Requester, command: Command, values: dict[str, Any], declaration: Declaration
) -> Deferred[Any]:
    """
    Ask a command that may have a rule about states.

    The Deferred fails with NotReady if the states of the session do not allow the command; then nothing
    was sent. For all else see :meth:`Requester.ask`.
    """
    rule, session = command.states, requester.session
    if rule is None:
        return requester.ask(command, values)
    if not rule.allows(session.states):
        why = problem(rule, session.states, declaration.entering())
        return fail(NotReady(f"{command.where} {why}"))
    asked = requester.ask(command, values)
    return asked.addCallback(partial(_changed, session, rule, later=False)) if rule.changes else asked
