"""
Messages that are plain text, as in a chat: :class:`Text`.

Each command and event is a word, or several, and what may follow it is one text. There is nothing here but
short ways to write templates: what needs numbers or several fields wants :class:`~tcpcomm.codec.Template`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from attrs import evolve, field, frozen

from tcpcomm.codec.annotations import type_text
from tcpcomm.codec.base import MISSING, Codec, MessageSpec, ProtocolErrorKind
from tcpcomm.codec.encoding import Encoding
from tcpcomm.codec.template.dialect import TextDialect
from tcpcomm.codec.template.faults import FaultForm
from tcpcomm.codec.template.parser import plain
from tcpcomm.errors import ConfigurationError

__all__ = ["Text"]


@frozen
class Text(Codec):
    """
    Messages as plain text.

    What is sent for ``@command("작업 시작")`` is just these words; without words it is the method's name in
    upper case. A method may have one parameter, a ``str``: it follows behind the separator, and is the
    rest of the frame. A reply is the whole frame, for a method that returns ``str``; for one that
    returns nothing it is a fixed text, ``reply="OK"`` unless the declaration says another.

    A reply that would be taken for an event or a fault is refused when it is sent, because the host looks
    for these first.

    Attributes:
        encoding: of the text, by its name in Python.
        separator: what stands between the words and the parameter.
        done: the reply of a command that returns nothing and declares no other.
        fault: the word of faults. It stands alone, or the reason follows behind the separator. It is the
            fault's code; another code is written before the reason: ``NG 5: too dark``.

    Raises:
        ConfigurationError: there is no such encoding, the separator is empty, or there is no word.
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

    def _faults(self) -> FaultForm:
        text = f"{plain(self.fault)}[{plain(self.separator)}{{reason}}]"
        codes: Mapping[ProtocolErrorKind, str] = dict.fromkeys(ProtocolErrorKind, self.fault)
        return FaultForm(text, Encoding(self.encoding), codes, word=self.fault)

    def bind(self, forms: Sequence[MessageSpec]) -> TextDialect:
        return TextDialect(
            [self._template(form) for form in forms],
            Encoding(self.encoding),
            self._faults(),
            free_replies=True,
        )

    def _template(self, form: MessageSpec) -> MessageSpec:
        """The form, with templates in place of words."""
        words = form.name.upper() if form.wire is MISSING else form.wire
        if not isinstance(words, str) or not words:
            raise ConfigurationError(f"{form.where}: what is sent must be a text, not {words!r}")
        wire = plain(words)
        if form.parameters:
            (first, *more) = form.parameters
            if more or first.type is not str:
                raise ConfigurationError(
                    f"{form.where}: with Text a method has one parameter at most, a str, and not "
                    f"{', '.join(f'{each.name}: {type_text(each.type)}' for each in form.parameters)}; "
                    "Template carries others"
                )
            wire += f"{plain(self.separator)}{{{first.name}}}"
        return evolve(form, wire=wire, reply=None if form.is_event else self._reply(form))

    def _reply(self, form: MessageSpec) -> Any:
        if form.reply is None:
            return None
        if form.result in (None, type(None)):
            fixed = self.done if form.reply is MISSING else form.reply
            if not isinstance(fixed, str) or not fixed:
                raise ConfigurationError(f"{form.where}: its reply must be a text, not {fixed!r}")
            return plain(fixed)
        if form.result is not str or form.reply is not MISSING:
            raise ConfigurationError(
                f"{form.where}: with Text it returns str, which is the whole reply, or nothing, and then "
                "its reply is a fixed text; Template carries others"
            )
        return "{reply}"
