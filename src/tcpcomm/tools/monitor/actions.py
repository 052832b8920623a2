"""
The changes that a page can make: commands, events, raw frames, sessions, links, taps: :class:`Actions`.

It knows no web. A refusal is a :class:`~tcpcomm.tools.monitor.access.Denied` with words for the person.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from attrs import evolve
from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from tcpcomm.codec.base import Field
from tcpcomm.equipment.declaration import Declaration
from tcpcomm.errors import (
    CodecError,
    ConfigurationError,
    EncodeError,
    Fault,
    NotSent,
    OutcomeUnknown,
    SessionClosed,
)
from tcpcomm.host.host import raw
from tcpcomm.host.link import HostLink
from tcpcomm.server.serving import EquipmentFactory
from tcpcomm.tools.manual.values import lines_of, read_arguments
from tcpcomm.tools.monitor.access import Denied
from tcpcomm.tools.monitor.model import MonitorModel
from tcpcomm.tools.monitor.rows import cut, plain
from tcpcomm.tools.monitor.sessions import WatchedSession
from tcpcomm.tools.monitor.sources import CLOSED_BY_PAGE, TAP, Source

RAW_REPLY: Final = 5.0
"""Seconds that a link waits for the reply to a raw frame."""

MOST_LINES: Final = 200
"""Lines of the result of a command that are shown. The rest is left out."""

Answer = dict[str, Any]


class Actions:
    """
    Carries out what somebody asks at a page or console.

    Args:
        model: the sources and sessions that there are.
        seconds: returns the time in seconds.
    """

    def __init__(self, model: MonitorModel, seconds: Callable[[], float]) -> None:
        self._model = model
        self._seconds = seconds

    # -- what is possible -------------------------------------------------------------------------------

    def can(self, source: Source) -> list[str]:
        """Return the names of the actions that make sense for a source."""
        subject = source.subject
        if getattr(subject, "is_recorded", False):
            return []
        if _tap_of(source) is not None:
            return ["disturb", "close"]
        if isinstance(subject, HostLink):
            return ["command", "send", "close", "retry"]
        found = ["event"] if self._equipment_factory(source) is not None else []
        found += ["send", "close"]
        return [*found, "retry"] if hasattr(subject, "kick") or hasattr(subject, "engine") else found

    def disturbances(self, source: Source) -> dict[str, Any] | None:
        """Return the active and the known disturbances of a tap, or None if it is another source."""
        tap = _tap_of(source)
        if tap is None:
            return None
        return {
            "active": [each.text for each in tap.list()],
            "known": [{"text": text, "help": effect} for text, effect in tap.known_disturbances],
        }

    # -- what can be done -------------------------------------------------------------------------------

    def command(
        self, source: str, name: str, values: Mapping[str, str], timeout: float | None = None
    ) -> Deferred[Answer]:
        """
        Ask a command of the equipment of a link.

        Args:
            source: the id of the link.
            name: the command.
            values: the arguments as texts, as on the command line.
            timeout: seconds for the reply; None: as declared.

        Returns:
            A Deferred of the outcome: ``reply``, ``done``, ``sent``, ``fault``, ``not_sent``, ``unknown``.

        Raises:
            Denied: the link or the command does not exist, or an argument is wrong.
        """
        link = self._source(source).subject
        if not isinstance(link, HostLink):
            raise Denied(409, "commands can be sent only on a link with declared equipment")
        declared = link.declaration.commands.get(name)
        if declared is None:
            raise Denied(404, f"{link.declaration.name} has no command {name!r}")
        header = dict(link.declaration.dialect.header_values)
        fields = [*declared.spec.parameters, *header.values()]
        read = read_texts(fields, values, needed=declared.spec.parameters)
        given = {each: read.pop(each) for each in header if each in read}
        command = evolve(declared, header=given, timeout=declared.timeout if timeout is None else timeout)
        began = self._seconds()
        asked = link.ask_when_ready(command, read)

        def result(value: Any) -> Answer:
            if command.spec.result is None:
                return {"outcome": "done" if command.has_reply else "sent"}
            lines = [cut(line) for _, line in zip(range(MOST_LINES), lines_of(value), strict=False)]
            return {"outcome": "reply", "result": plain(value), "lines": lines}

        def timed(answer: Answer) -> Answer:
            return {**answer, "took": round(self._seconds() - began, 6)}

        return asked.addCallbacks(result, _outcome).addCallback(timed)

    def event(
        self, source: str, name: str, values: Mapping[str, str], session: int | None = None
    ) -> Answer:
        """
        Send an event of our equipment to its sessions, or to one of them.

        Raises:
            Denied: the equipment, event or session does not exist, or an argument is wrong.
        """
        found = self._source(source)
        factory = self._equipment_factory(found)
        if factory is None:
            raise Denied(409, "events can be sent only where this program is the equipment")
        declared = factory.declaration.events.get(name)
        if declared is None:
            raise Denied(404, f"{factory.declaration.name} has no event {name!r}")
        read = read_texts(declared.spec.parameters, values)
        members = [each for each in self._model.open_sessions() if each.source == source]
        if session is not None:
            members = [each for each in members if each.number == session]
            if not members:
                raise Denied(404, "this session is over")
        sent = 0
        for each in members:
            if each.session in factory.members:
                try:
                    getattr(each.session.equipment, name).to(each.session, **read)
                except (CodecError, EncodeError) as error:
                    words = f"the event cannot be written: {error}"
                    raise Denied(400, words, _field_of(error)) from None
                except SessionClosed:
                    continue  # it has just ended
                sent += 1
        return {"outcome": "sent", "sessions": sent}

    def send(self, session: int, data: bytes, *, framed: bool = True) -> Answer | Deferred[Answer]:
        """
        Send bytes on a session.

        Args:
            session: the number of the session.
            data: the bytes.
            framed: True if the framing makes a frame of them. If False they are sent as they are.

        Raises:
            Denied: the session is over, or cannot send them.
        """
        watched = self._session(session)
        source = self._source(watched.source)
        link = source.subject
        if framed and isinstance(link, HostLink) and not link.declaration.dialect.by_id:
            return self._ask_raw(link, data)
        protocol = watched.session
        method = getattr(protocol, "sendFrame" if framed else "sendBytes", None)
        if method is None and not framed and source.kind != TAP:
            method = getattr(getattr(protocol, "transport", None), "write", None)
        if method is None:
            raise Denied(409, "nothing can be sent on this session from here")
        try:
            method(data)
        except SessionClosed as closed:
            raise Denied(409, f"nothing was sent: {closed}") from None
        except EncodeError as error:
            raise Denied(400, f"the framing cannot carry this: {error}", "hex") from None
        return {"outcome": "sent", "bytes": len(data)}

    def _ask_raw(self, link: HostLink, data: bytes) -> Deferred[Answer]:
        def reply(frame: bytes) -> Answer:
            return {"outcome": "sent", "bytes": len(data), "reply": bytes(frame).hex(" ")}

        asked: Deferred[Any] = raw(link.host_proxy.proxy, data, timeout=RAW_REPLY)
        return asked.addCallbacks(reply, _outcome)

    def close(self, session: int) -> Answer:
        """Abort a session, or a connection through a tap. Its link, if it has one, connects again."""
        found = self._session(session).session
        reset = getattr(getattr(found, "control", None), "reset", None)
        if hasattr(found, "abort"):
            found.abort(CLOSED_BY_PAGE)
        elif reset is not None:  # a connection through a tap
            reset()
        else:
            raise Denied(409, "this session cannot be ended from here")
        return {"outcome": "done"}

    def retry(self, source: str) -> Answer:
        """Let a link that is down connect now."""
        subject = self._source(source).subject
        kick = getattr(subject, "kick", None) or getattr(getattr(subject, "engine", None), "kick", None)
        if kick is None:
            raise Denied(409, "only a link connects")
        kick()
        return {"outcome": "done"}

    def disturb(self, source: str, text: str) -> Answer:
        """Carry out a line at a tap, such as ``drop reply 3``."""
        tap = _tap_of(self._source(source))
        if tap is None:
            raise Denied(409, "only a tap disturbs what passes")
        try:
            answer = tap.disturb(text)
        except ConfigurationError as error:
            raise Denied(400, str(error), "text") from None
        return {"outcome": "done", "text": answer, "active": [each.text for each in tap.list()]}

    def clear(self, source: str) -> Answer:
        """Forget the kept rows of a source."""
        self._source(source).history.clear()
        return {"outcome": "done"}

    # -- lookups ----------------------------------------------------------------------------------------

    def _source(self, id: str) -> Source:
        found = self._model.source(id)
        if found is None:
            raise Denied(404, "this link or server is not shown any more")
        return found

    def _session(self, number: int) -> WatchedSession:
        found = self._model.session(number)
        if found is None:
            raise Denied(409, "this session is over")
        return found

    def _equipment_factory(self, source: Source) -> EquipmentFactory | None:
        """Return the factory of our equipment, or None if we are not the equipment."""
        if isinstance(source.subject, EquipmentFactory):
            return source.subject
        for each in self._model.open_sessions():
            factory = getattr(each.session, "factory", None)
            if each.source == source.id and isinstance(factory, EquipmentFactory):
                return factory
        return None


def _tap_of(source: Source) -> Any:
    """Return the tap of a source, or None if it is another source."""
    return source.subject if hasattr(source.subject, "known_disturbances") else None


def _outcome(failure: Failure) -> Answer:
    """Return the outcome of a command that failed."""
    error: Any = failure.value
    if isinstance(error, Fault):
        shown = {"code": error.code, "reason": error.reason, "error": f"the equipment says no: {error}"}
        return {"outcome": "fault", **shown}
    if isinstance(error, NotSent):
        return {"outcome": "not_sent", "error": f"not sent: {error}"}
    if isinstance(error, OutcomeUnknown):
        return {"outcome": "unknown", "error": f"sent, but the outcome is not known: {error}"}
    if isinstance(error, CodecError | EncodeError):
        raise Denied(400, f"the command cannot be written: {error}", _field_of(error)) from None
    raise error


def _field_of(error: Exception) -> str | None:
    """Return the field of a form that an error is about, or None if it does not tell."""
    return re.split(r"[.\[]", getattr(error, "path", ""), maxsplit=1)[0] or None


def read_texts(
    fields: Iterable[Field], texts: Mapping[str, str], *, needed: Iterable[Field] | None = None
) -> dict[str, Any]:
    """
    Read the texts of a form, as :func:`read_arguments` reads those of a command line.

    Args:
        fields: the fields of the form.
        texts: the text of each field that was filled in.
        needed: the fields that have a value in any case; None: all.

    Raises:
        Denied: a text is wrong; it names the field.
    """
    known = {each.name: each for each in fields}
    for name, text in texts.items():
        if name not in known:
            raise Denied(400, f"there is no field {name!r}", name)
        if not isinstance(text, str):
            raise Denied(400, f"{name}: the value of a field must be a text", name)
    values: dict[str, Any] = {}
    for each in known.values() if needed is None else (*needed, *(known[name] for name in texts)):
        words = [f"{each.name}={texts[each.name]}"] if each.name in texts else []
        try:
            values |= read_arguments([each], words)
        except ConfigurationError as error:
            raise Denied(400, str(error), each.name) from None
    return values


def described(declaration: Declaration) -> str:
    """Return the name of a declaration as the command line takes it."""
    kind = declaration.kind
    return f"{kind.__module__}:{kind.__name__}"
