"""Templates with the id of a request in them: :class:`NumberedDialect`. Replies may come in any order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from random import Random
from typing import Any, Final, NamedTuple

from tcpcomm.codec.base import Answer, Event, MessageSpec, Refusal, Request
from tcpcomm.codec.encoding import Encoding
from tcpcomm.codec.template.bodies import BodyEncoding
from tcpcomm.codec.template.compiled import FieldFinder, found_value
from tcpcomm.codec.template.dialect import TextDialect, sent_values
from tcpcomm.codec.template.faults import Faults
from tcpcomm.errors import CodecError, ConfigurationError, Fault

NO_ID: Final = 0
"""The id of a fault that answers a request whose id cannot be found. Hosts begin with 1."""


class _Unknown(NamedTuple):
    """The identification of a request that is refused."""

    word: Any
    id: int


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
        if isinstance(self._encoding, BodyEncoding):
            raise ConfigurationError("raw bytes cannot stand beside ids in texts")
        self._explain_refusals(self._with_id)
        self._id = name = faults.rules.id
        self._numbered_requests: list[FieldFinder] = []
        self._numbered_answers: list[FieldFinder] = []
        for each in self._commands:
            if each.reply is not None:
                sent = [fault.template(each.word) for fault in each.faults.templates]
                self._numbered_requests.append(FieldFinder(each.template, name))
                self._numbered_answers += [FieldFinder(it, name) for it in (*each.reply_templates, *sent)]
        self._numbered_faults = [FieldFinder(each.template(""), name) for each in faults.templates]
        """The faults that answer a command with any word."""
        numbered = (*self._numbered_requests, *self._numbered_answers, *self._numbered_faults)
        self.largest_id = min((each.largest(self.largest_id) for each in numbered), default=self.largest_id)

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
        id = found_value(found.body, self._numbered_answers)
        if id is None:
            id = found_value(found.body, self._numbered_faults)
        if id is None:
            raise CodecError("a reply with one id is expected", self._id)
        return (Answer(found.body, id),)

    # -- the equipment's side ---------------------------------------------------------------------------

    def _with_id(self, refusal: Refusal, text: str) -> Refusal:
        id = found_value(text, self._numbered_requests) or NO_ID
        return refusal.but(id=_Unknown(refusal.id, id))

    def carried(self, request: Request) -> Mapping[str, Any]:
        return {**request.values, self._id: request.id or NO_ID}

    def fault(self, request: Request | Refusal, fault: Fault) -> bytes:
        word, id = request.id if isinstance(request.id, _Unknown) else ("", request.id or NO_ID)
        faults = self._faults
        if request.name is not None:
            message = self._messages[request.name]
            word, faults = message.word, message.faults
        return self._encode(
            faults.write(word if isinstance(word, str) else "", fault, id, sent_values(request))
        )

    # -- for simulators, tests and manuals --------------------------------------------------------------

    def draw_values(self, name: str, random: Random) -> dict[str, Any]:
        values = super().draw_values(name, random)
        values.pop(self._id, None)
        return values
