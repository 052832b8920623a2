"""
Messages as templates of text: :class:`Template`.

A template is the text of a message with its fields in braces: ``TRG,{job}`` asks, ``OK,{x:.3f},{y:.3f}``
answers. The types of the fields come from the annotations of the declaration. The notation::

    template  = { text | value | count | list | optional }
    text      = any characters; { } [ ] are written twice
    value     = "{" name [ ":" format ] "}"
    list      = "{" name "*" separator [ ":" item ] "}"     the separator is between the items
    separator = any characters, or none; : and { are written twice, } is not allowed
    item      = template with a field | format
    count     = ("{#" | "{##") [ name ] [ ":" format ] "}"  the number of items, or of bytes
    optional  = "[" template "]"                            left out for certain values

    format    = [[fill] align] [sign] ["0"] [width] ["." digits] [letter [bits]] ["/" power of 10] ["!"]
              | word "|" word                               for bool, the word for true first
              | "raw"                                       for bytes at the end, behind a line end
    align     = "<" | ">" | "="  sign = "+" | "-" | " "

Inside of a list or an optional part, a closing bracket always closes it, even if two follow each other. The
page ``docs/reference/template-notation.md`` explains the formats of each type, with examples.

A template is refused if some text could be read from it in two ways. Two messages are refused if they
could be the same text: two commands, two events, an event and a reply, a reply and the fault. These
decisions are exact. Numbers are read in every usual form, unless a text would have two readings then; such
numbers are read in the written form only. A reply or a fault without a field wins over a reply with numbers
or choices: it is a special value, which the other reply never sends. One event can be any text, ``{code}``:
every text that is nothing else. Replies and the fault must then begin with literal text.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any, ClassVar, Final

from attrs import evolve, field, frozen

from tcpcomm.codec.base import Codec, MessageSpec, ProtocolErrorKind
from tcpcomm.codec.encoding import Encoding
from tcpcomm.codec.limits import MAX_ITEMS, limited_lists, positive
from tcpcomm.codec.meanings import Meanings, meanings_of
from tcpcomm.codec.problems import brief_repr
from tcpcomm.codec.reply_forms import TwoPhases
from tcpcomm.codec.template.catch_all import CatchAllDialect, catches_all
from tcpcomm.codec.template.dialect import TextDialect
from tcpcomm.codec.template.faults import (
    FaultRules,
    Faults,
    common_parameters,
    data_fields,
    fault_templates,
    repeated_names,
)
from tcpcomm.codec.template.numbered import NumberedDialect
from tcpcomm.codec.template.phases import PhasedDialect
from tcpcomm.errors import ConfigurationError

MOST_GOOD_CODES: Final = 1000
"""The most codes that mean success."""


@frozen
class Template(Codec):
    """
    Messages as templates of text.

    Attributes:
        encoding: the encoding of the text, by its Python name: ``ascii``, ``utf-8``, ``cp949``, ``euc-kr``,
            ``shift_jis``, ``latin-1``.
        fault: the template of faults, with any of ``{code}``, ``{reason}`` and ``{command}``, the first
            word of the request, which a width cuts. Or several templates; or a mapping of templates to
            their codes, such as ``{"S I": "I"}``, with None for a template that has a ``{code}``. Other
            fields are parameters that all commands with a reply have: the fault repeats them. If None, the
            equipment has no faults: it sends nothing instead. ``@command(faults=...)`` gives one command
            more faults, in the same forms.
        codes: the fault codes of protocol errors. The defaults are the names of the errors. If codes are
            numbers or of fixed width, the defaults are 90 to 94 for requests that cannot be served, and
            99 for a command that failed. With ``fault=None`` they hold for the faults of single commands.
        max_items: the most items of a list.
        ok: the ``{code}`` of a fault that means success, such as 0, or several such as ``(0, 4)`` or
            ``range(16)``. A text with it is not a fault, so it can be a reply.
        id: the field that is the id of a request in all templates of commands, replies and faults, such as
            ``id`` in ``MOVE{id:04d}``. It is not a parameter. Replies may then come in any order.
        data: a class for the data of faults, with a default for each field. The fields may stand in the
            templates of faults. ``Fault.data`` is then an object of this class.
        meanings: the words of codes, as the reason of faults that come without one; a mapping such as
            ``{22: "wrong number of parameters"}``, or an IntEnum or StrEnum.

    Raises:
        ConfigurationError: Python has no such encoding, the fault is not a template, it cannot carry a
            code, or the limit is not positive.
    """

    takes_silence: ClassVar[bool] = True
    compiles_silence: ClassVar[bool] = True
    takes_faults: ClassVar[bool] = True

    encoding: str = "ascii"
    fault: str | Sequence[str] | Mapping[str, int | str | None] | None = field(
        default="NG,{code},{reason}", hash=False
    )
    codes: Mapping[ProtocolErrorKind, int | str] = field(factory=dict, hash=False)
    max_items: int = field(default=MAX_ITEMS, kw_only=True, validator=positive)
    ok: int | str | Collection[int | str] | None = field(default=None, kw_only=True, hash=False)
    id: str | None = field(default=None, kw_only=True)
    data: type[Any] | None = field(default=None, kw_only=True)
    meanings: Meanings = field(factory=dict, kw_only=True, hash=False)

    def __attrs_post_init__(self) -> None:
        self._faults()

    def _faults(self, specs: Sequence[MessageSpec] | None = None) -> Faults:
        """Compile the faults. Those that repeat parameters are compiled if the commands are known."""
        encoding, where = Encoding(self.encoding), ""
        try:
            data = None if self.data is None else data_fields(self.data)
            rules = FaultRules(_codes(self.ok), self.id, data, meanings=meanings_of(self.meanings))
            names = repeated_names(self.fault, rules)
            if names and specs is None:
                return Faults((), encoding, self.codes, rules)
            rules = evolve(rules, parameters=common_parameters(names, specs or ()))
            if rules.parameters and specs:
                where = next(f"{each.where}: " for each in specs if not each.is_event)
            return Faults(fault_templates(self.fault, encoding, rules), encoding, self.codes, rules)
        except ConfigurationError as error:
            raise ConfigurationError(f"{where}the template of faults: {error}") from None

    def _check_codes_are_told(self, bound: TextDialect, specs: Sequence[MessageSpec]) -> None:
        """Raise ConfigurationError if no fault can tell a code of a protocol error."""
        commands = [each.name for each in specs if not each.is_event]
        for kind, code in {} if bound.has_faults else self.codes.items():
            if commands and not any(bound.tells(name, kind) for name in commands):
                raise ConfigurationError(
                    f"codes gives {kind.name} the code {code!r}, but with fault=None no fault can tell it: "
                    "give a command a fault with a {code} by @command(faults=...), or leave out codes"
                )

    def bind(self, specs: Sequence[MessageSpec]) -> TextDialect:
        return self.bind_with(specs, Encoding(self.encoding))

    def bind_with(self, specs: Sequence[MessageSpec], encoding: Encoding) -> TextDialect:
        """Compile a declaration with texts that have an encoding of their own."""
        dialect: type[TextDialect] = CatchAllDialect if any(map(catches_all, specs)) else TextDialect
        if any(isinstance(each.wire, TwoPhases) for each in specs):
            if self.id is not None or dialect is CatchAllDialect:
                raise ConfigurationError(
                    "a command in two phases cannot stand beside replies with ids, nor beside an event "
                    "that is any text"
                )
            if self._faults(specs).repeated:
                raise ConfigurationError("a fault cannot repeat parameters beside a command in two phases")
            dialect = PhasedDialect
        if self.id is not None:
            if dialect is CatchAllDialect:
                raise ConfigurationError(
                    "an event that is any text cannot stand beside replies with ids: put a literal text in "
                    "front of it"
                )
            dialect = NumberedDialect
        with limited_lists(self.max_items):
            bound = dialect(specs, encoding, self._faults(specs))
        self._check_codes_are_told(bound, specs)
        bound.meanings = meanings_of(self.meanings)
        return bound


def _codes(ok: Any) -> tuple[int | str, ...]:
    """Return the codes that mean success. Raises ConfigurationError if they are something else."""
    codes = () if ok is None else (ok,) if isinstance(ok, int | str) else ok
    if isinstance(codes, Collection) and len(codes) <= MOST_GOOD_CODES:
        found = tuple(codes)
        if all(type(each) in (int, str) and each != "" for each in found):
            return found
    raise ConfigurationError(
        f"ok must be a code, or at most {MOST_GOOD_CODES} codes such as (0, 4) or range(16), not "
        f"{brief_repr(ok)}"
    )
