"""Templates with the id of a request in them: :class:`NumberedDialect`. Replies may come in any order."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from random import Random
from typing import Any, Final, NamedTuple

from attrs import field, frozen

from tcpcomm.codec.base import Answer, Asked, Event, MessageSpec, Refusal, Request
from tcpcomm.codec.encoding import Encoding
from tcpcomm.codec.template.compiled import CompiledTemplate
from tcpcomm.codec.template.dialect import TextDialect
from tcpcomm.codec.template.faults import Faults
from tcpcomm.errors import CodecError, Fault

NO_ID: Final = 0
"""The id of a fault that answers a request whose id cannot be found. Hosts begin with 1."""


class _Unknown(NamedTuple):
    """The identification of a request that is refused."""

    word: Any
    id: int


@frozen
class _Numbered:
    """A template with an id."""

    template: CompiledTemplate
    name: str
    """The field of the id."""
    _read: Callable[[str], Any] = field(init=False)
    _begin: re.Pattern[str] = field(init=False)
    """The text up to the id, and the id as a group."""

    @_read.default
    def _reader_of_id(self) -> Callable[[str], Any]:
        return next(read for name, read, _ in self.template.captures if name == self.name)

    @_begin.default
    def _pattern_of_begin(self) -> re.Pattern[str]:
        regex = ""
        for each in self.template.expected:
            if each.name == self.name:
                return re.compile(f"{regex}({each.regex})", re.DOTALL)
            regex += f"(?:{each.regex})"
        raise AssertionError(self.template.text)

    def id_in(self, text: str) -> int | None:
        """Return the id in a text, or None if the text does not fit the template."""
        try:
            values = self.template.read(text)
        except CodecError:
            return None
        return None if values is None else values[self.name]

    def id_at_begin(self, text: str) -> int | None:
        """Return the id in a text that fits the template up to the id, or None."""
        found = self._begin.match(text)
        try:
            return None if found is None else self._read(found[1])
        except (CodecError, ValueError):
            return None

    @property
    def largest(self) -> int:
        """The largest id that the template can carry."""
        write = next(write for name, write, _ in self.template.writers if name == self.name)
        carried, refused = 0, TextDialect.largest_id + 1
        while refused - carried > 1:
            middle = (carried + refused) // 2
            try:
                write(middle)
                carried = middle
            except CodecError:
                refused = middle
        return carried


class NumberedDialect(TextDialect):
    """
    Templates with an id in the commands that have a reply, in their replies, and in all faults.

    Raises:
        ConfigurationError: as for :class:`TextDialect`. Or a template lacks the id.
    """

    by_id = True

    def __init__(self, specs: Sequence[MessageSpec], encoding: Encoding, faults: Faults) -> None:
        super().__init__(specs, encoding, faults)
        assert faults.rules.id is not None
        self._id = name = faults.rules.id
        self._numbered_requests: list[_Numbered] = []
        self._numbered_answers: list[_Numbered] = []
        for each in self._commands:
            if each.reply is not None:
                sent = [fault.template(each.word) for fault in each.faults.templates]
                self._numbered_requests.append(_Numbered(each.template, name))
                self._numbered_answers += [_Numbered(it, name) for it in (*each.reply_templates, *sent)]
        self._numbered_faults = [_Numbered(each.template(""), name) for each in faults.templates]
        """The faults that answer a command with any word."""
        numbered = (*self._numbered_requests, *self._numbered_answers, *self._numbered_faults)
        self.largest_id = min((each.largest for each in numbered), default=self.largest_id)

    # -- the host's side --------------------------------------------------------------------------------

    def request(self, name: str, values: Mapping[str, Any], id: int) -> bytes:
        message = self._messages[name]
        message.check_names(values)
        if self._id in message.template.names:
            values = {**values, self._id: id}
        return self._encode(message.template.write(values))

    def read_at_host(self, frame: bytes) -> Sequence[Event | Answer]:
        (found,) = super().read_at_host(frame)
        if isinstance(found, Event):
            return (found,)
        id = _found_id(found.body, self._numbered_answers)
        if id is None:
            id = _found_id(found.body, self._numbered_faults)
        if id is None:
            raise CodecError("a reply with one id is expected", self._id)
        return (Answer(found.body, id),)

    # -- the equipment's side ---------------------------------------------------------------------------

    def read_at_equipment(self, frame: bytes) -> Asked:
        asked = super().read_at_equipment(frame)
        if not isinstance(asked, Refusal):
            return asked
        text = frame.decode(self._charset, "replace")
        id = _Unknown(asked.id, _found_id(text, self._numbered_requests) or NO_ID)
        return asked.but(id=id)

    def acknowledgement(self, request: Request) -> bytes | None:
        reply = self._messages[request.name].reply
        text = None if reply is None else reply.write_acknowledgement(self._carried(request))
        return None if text is None else self._encode(text)

    def _carried(self, request: Request) -> Mapping[str, Any]:
        return {**request.values, self._id: request.id or NO_ID}

    def replier(self, name: str) -> Callable[[Request, Any], list[bytes]]:
        return self.reply

    def reply(self, request: Request, result: Any) -> list[bytes]:
        reply = self._messages[request.name].reply
        if reply is None:
            return []
        return [self._encode(text) for text in reply.write(result, self._carried(request))]

    def fault(self, request: Request | Refusal, fault: Fault) -> bytes:
        word, id = request.id if isinstance(request.id, _Unknown) else ("", request.id or NO_ID)
        faults = self._faults
        if request.name is not None:
            message = self._messages[request.name]
            word, faults = message.word, message.faults
        return self._encode(faults.write(word if isinstance(word, str) else "", fault, id))

    # -- for simulators, tests and manuals --------------------------------------------------------------

    def draw_values(self, name: str, random: Random) -> dict[str, Any]:
        values = super().draw_values(name, random)
        values.pop(self._id, None)
        return values


def _found_id(text: str, templates: Sequence[_Numbered]) -> int | None:
    """Return the id in a text, or None if there is none, or if it could be one of several."""
    likely = [each for each in templates if text.startswith(each.template.leading)]
    for find in (_Numbered.id_in, _Numbered.id_at_begin):
        ids = {id for each in likely if (id := find(each, text)) is not None}
        if ids:
            return ids.pop() if len(ids) == 1 else None
    return None
