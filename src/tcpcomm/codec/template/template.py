"""
Messages as equipment writes them, in text: :class:`Template`.

A template is the text of a message with its fields in braces: ``TRG,{job}`` asks, ``OK,{x:.3f},{y:.3f}``
answers. The types of the fields come from the annotations of the declaration. The notation::

    template  = { text | value | count | list | optional }
    text      = any characters; { } [ ] are written twice
    value     = "{" name [ ":" format ] "}"
    list      = "{" name "*" separator [ ":" item ] "}"     between the items stands the separator
    separator = any characters, or none; : and { are written twice, } cannot be in it
    item      = template with a field | format
    count     = "{#" [ name ] [ ":" format ] "}"            how many items the list has
    optional  = "[" template "]"                            left out if its values say so

    format    = [[fill] align] [sign] ["0"] [width] ["." digits] [letter] ["/" power of 10]
              | word "|" word                               for bool, the true one first
    align     = "<" | ">"        sign = "+" | "-" | " "

Where a list or an optional part is open, its closing bracket always closes it, also where two follow each
other. A format rules what is written, and just that form is read:

- With a width a field has exactly that many characters, in both directions. Numbers are filled with spaces
  in front of them, or with zeros; texts and words behind. Widths count characters, not bytes.
- ``int``: ``d``, or ``x`` and ``X`` for hexadecimal without a sign. ``float`` and ``Decimal``: ``.3f`` has
  just three decimals, ``.6E`` an exponent of two or three digits, and ``07d/1000`` is a whole number of
  thousandths. Only a minus is written; with the sign ``+`` a plus too, with a space as sign a space for it.
- Without a format, and with ``g``, numbers are read in any usual form. An ``int`` is written in decimal, a
  ``float`` with as many digits as it takes to be read as the same, a ``Decimal`` as it is.
- ``str`` without a width ends before the first character of the text behind it, so it cannot hold that
  character; at the end of a template it holds anything. As an item of a list it is not empty.
- ``bool`` is ``1`` or ``0``, an enumeration the value of its member, ``Literal`` itself: one of these words
  or numbers and nothing else. ``bytes`` are hexadecimal digits, ``X`` or ``x``.
- An optional part is left out if each value in it is the one that stands for that: its default, else None
  for ``Optional``, else the empty list. ``Optional`` is for optional parts only.

A template that some text could be read from in two ways is refused, and so are two commands, two events, an
event and a reply, a reply and the fault, that could be the same text. This is decided exactly. One event
may be any text, ``{code}``: it is what is nothing else, so replies and the fault must then begin with text.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from attrs import field, frozen

from tcpcomm.codec.base import Codec, MessageSpec, ProtocolErrorKind
from tcpcomm.codec.encoding import Encoding
from tcpcomm.codec.template.catch_all import CatchAllDialect, catches_all
from tcpcomm.codec.template.dialect import TextDialect
from tcpcomm.codec.template.faults import FaultForm, NoFaults
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
            the first word of the request. None: the equipment never says no. What it cannot do is then
            answered with nothing at all.
        codes: which code a trouble has that no declaration foresees. By default the codes are the troubles'
            names, or where codes are numbers or of fixed width, 90 to 93 for requests that cannot be
            served, and 99 for a command that failed.

    Raises:
        ConfigurationError: there is no such encoding, the fault is no template, or it cannot carry a code.
    """

    encoding: str = "ascii"
    fault: str | None = "NG,{code},{reason}"
    codes: Mapping[ProtocolErrorKind, int | str] = field(factory=dict, hash=False)

    def __attrs_post_init__(self) -> None:
        self._faults()

    def _faults(self) -> FaultForm | NoFaults:
        if self.fault is None:
            return NoFaults()
        try:
            return FaultForm(self.fault, Encoding(self.encoding), self.codes)
        except ConfigurationError as error:
            raise ConfigurationError(f"the form of faults: {error}") from None

    def bind(self, forms: Sequence[MessageSpec]) -> TextDialect:
        kind = CatchAllDialect if any(map(catches_all, forms)) else TextDialect
        return kind(forms, Encoding(self.encoding), self._faults())
