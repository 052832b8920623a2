"""
Messages as equipment writes them, in text: :class:`Template`.

A template is the text of a message with its fields in braces: ``TRG,{job}`` asks, ``OK,{x:.3f},{y:.3f}``
answers. What it writes, and only that, it reads.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from attrs import field, frozen

from tcpcomm.codec.base import Codec, Form, Trouble
from tcpcomm.codec.dialect import TextDialect
from tcpcomm.codec.encoding import Encoding
from tcpcomm.codec.faultform import FaultForm
from tcpcomm.errors import ConfigurationError

__all__ = ["Template"]


@frozen
class Template(Codec):
    """
    Messages by templates.

    Attributes:
        encoding: of the text, by its name in Python: ``ascii``, ``utf-8``, ``cp949``, ``euc-kr``,
            ``shift_jis``, ``latin-1``.
        fault: the template of faults, with any of ``{code}``, ``{reason}`` and ``{command}``, which is
            the first word of the request.
        codes: which code a trouble has that no declaration foresees. By default the codes are the troubles'
            names, or where codes are numbers or of fixed width, 90 to 93 for requests that cannot be
            served, and 99 for a command that failed.

    Raises:
        ConfigurationError: there is no such encoding, the fault is no template, or it cannot carry a code.
    """

    encoding: str = "ascii"
    fault: str = "NG,{code},{reason}"
    codes: Mapping[Trouble, int | str] = field(factory=dict, hash=False)

    def __attrs_post_init__(self) -> None:
        self._faults()

    def _faults(self) -> FaultForm:
        try:
            return FaultForm(self.fault, Encoding(self.encoding), self.codes)
        except ConfigurationError as error:
            raise ConfigurationError(f"the form of faults: {error}") from None

    def bind(self, forms: Sequence[Form]) -> TextDialect:
        return TextDialect(forms, Encoding(self.encoding), self._faults())
