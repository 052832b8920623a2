"""
Messages that are plain text, as in a chat: :class:`Text`.

Use :class:`~tcpcomm.codec.Template` for numbers or several fields.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from attrs import evolve, field, frozen

from tcpcomm.codec.annotations import type_text
from tcpcomm.codec.base import MISSING, Codec, MessageSpec, ProtocolErrorKind
from tcpcomm.codec.encoding import Encoding
from tcpcomm.codec.template.dialect import TextDialect
from tcpcomm.codec.template.faults import Faults, FaultTemplate
from tcpcomm.codec.template.parser import escaped
from tcpcomm.errors import ConfigurationError


@frozen
class Text(Codec):
    """
    Messages as plain text.

    ``@command("작업 시작")`` sends exactly these words. Without words, the method's name in upper case is
    sent. A method can have one parameter, a ``str``. It follows after the separator and is the rest of
    the frame. The reply of a method that returns ``str`` is the whole frame. The reply of a method that
    returns nothing is a fixed text: ``OK``, or the text of ``reply=``.

    The host looks for events and faults first. So a reply that would be read as one is refused when it is
    sent.

    Attributes:
        encoding: the encoding of the text, by its Python name.
        separator: the text between the words and the parameter.
        done: the reply of a command that returns nothing and declares no reply.
        fault: the word of faults, alone or with a separator and the reason. It is the fault's code.
            Another code is written in front of the reason: ``NG 5: too dark``.

    Raises:
        ConfigurationError: Python has no such encoding, or the separator or a word is empty.
    """

    encoding: str = "utf-8"
    separator: str = field(default=" ", kw_only=True)
    done: str = field(default="OK", kw_only=True)
    fault: str = field(default="NG", kw_only=True)

    def __attrs_post_init__(self) -> None:
        for name in ("separator", "done", "fault"):
            if not getattr(self, name):
                raise ConfigurationError(f"{name}= must not be empty")
        self._faults()

    def _faults(self) -> Faults:
        text = f"{escaped(self.fault)}[{escaped(self.separator)}{{reason}}]"
        codes: Mapping[ProtocolErrorKind, str] = dict.fromkeys(ProtocolErrorKind, self.fault)
        encoding = Encoding(self.encoding)
        return Faults([FaultTemplate(text, encoding, self.fault)], encoding, codes)

    def bind(self, specs: Sequence[MessageSpec]) -> TextDialect:
        templates = [self._with_templates(spec) for spec in specs]
        return TextDialect(templates, Encoding(self.encoding), self._faults(), free_replies=True)

    def _with_templates(self, spec: MessageSpec) -> MessageSpec:
        """Return the spec with templates in place of words."""
        words = spec.name.upper() if spec.wire is MISSING else spec.wire
        if not isinstance(words, str) or not words:
            raise ConfigurationError(f"{spec.where}: what is sent must be a text, not {words!r}")
        wire = escaped(words)
        if spec.parameters:
            (first, *more) = spec.parameters
            if more or first.type is not str:
                raise ConfigurationError(
                    f"{spec.where}: with Text a method has at most one parameter, a str, but this one has "
                    f"{', '.join(f'{each.name}: {type_text(each.type)}' for each in spec.parameters)}: "
                    "use Template instead"
                )
            wire += f"{escaped(self.separator)}{{{first.name}}}"
        return evolve(spec, wire=wire, reply=None if spec.is_event else self._reply(spec))

    def _reply(self, spec: MessageSpec) -> str | None:
        if spec.reply is None:
            return None
        if spec.result in (None, type(None)):
            fixed: Any = self.done if spec.reply is MISSING else spec.reply
            if not isinstance(fixed, str) or not fixed:
                raise ConfigurationError(f"{spec.where}: its reply must be a text, not {fixed!r}")
            return escaped(fixed)
        if spec.result is not str or spec.reply is not MISSING:
            raise ConfigurationError(
                f"{spec.where}: with Text a command returns str, the whole reply, or nothing, and then its "
                "reply is a fixed text: for other replies use Template"
            )
        return "{reply}"
