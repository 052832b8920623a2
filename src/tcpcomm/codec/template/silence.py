"""Success by silence, in templates: :class:`SilentReply`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from random import Random
from typing import Any

from attrs import frozen

from tcpcomm.codec.annotations import type_text
from tcpcomm.codec.base import MessageSpec, ReplyReader, Request
from tcpcomm.codec.encoding import Encoding
from tcpcomm.codec.problems import wrong
from tcpcomm.codec.template.replies import Reply
from tcpcomm.codec.template.sequences import NOTHING_CARRIED
from tcpcomm.errors import CodecError, ConfigurationError, Fault


class SilentReply(Reply):
    """
    The reply of a command that succeeds by silence: no frame, or a fault.

    Args:
        spec: the command.
        read_fault: returns the fault in a text, or None.

    Raises:
        ConfigurationError: the command has a result.
    """

    def __init__(self, spec: MessageSpec, read_fault: Callable[..., Fault | None]) -> None:
        if spec.result not in (None, type(None)):
            raise ConfigurationError(
                f"it returns {type_text(spec.result)}, but with reply=Silence(...) no result is sent"
            )
        self._seconds = spec.reply.seconds
        self._id = None
        self._set(read_fault, None, (), (f"(nothing within {spec.reply.seconds:g} s, or a fault)",))
        self._reader = _SilenceReader(read_fault)

    def write(self, result: Any, carried: Mapping[str, Any] = NOTHING_CARRIED) -> list[str]:
        if result is not None:
            raise wrong("None", result)
        return []

    def writer(
        self, encoding: Encoding, careful: Callable[[Request, Any], list[bytes]]
    ) -> Callable[[Request, Any], list[bytes]]:
        return careful

    def draw(self, random: Random) -> Any:
        return None

    @property
    def layout(self) -> dict[str, Any]:
        return {"silence": self._seconds}

    def reader(self, sent: Mapping[str, Any] = NOTHING_CARRIED) -> ReplyReader:
        if not (self.faults_repeat and sent):
            return self._reader
        return _SilenceReader(partial(self.read_fault, sent=sent))


@frozen
class _SilenceReader(ReplyReader):
    """Reads the fault that can come in place of silence. It has no state, so all requests share it."""

    is_one_frame = True
    is_hasty = True
    silence_is_success = True

    read_fault: Callable[[str], Fault | None]

    def take(self, body: Any) -> Any:
        raise self.read_fault(body) or CodecError("it is not a fault, and the command has no reply")
