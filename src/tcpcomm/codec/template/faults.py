"""The faults of equipment: :class:`FaultTemplate`, and :class:`Faults`, all that can answer a command."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence, Set
from contextlib import suppress
from copy import copy
from random import Random
from typing import Any, Final

from attrs import evolve, field, frozen

from tcpcomm.codec.annotations import bare_type, has_fields
from tcpcomm.codec.base import MISSING, Field, MessageSpec, ProtocolErrorKind
from tcpcomm.codec.encoding import Encoding, using
from tcpcomm.codec.meanings import fault_with_meaning
from tcpcomm.codec.problems import brief_repr
from tcpcomm.codec.template.compiled import CompiledTemplate
from tcpcomm.codec.template.compiler import compile_template, reading_exactly
from tcpcomm.codec.template.fields.code_patterns import texts_of_code, with_code_except
from tcpcomm.codec.template.fields.field_types import ValueFields, value_fields, without_none
from tcpcomm.codec.template.fields.fitting import fitting_text
from tcpcomm.codec.template.fields.format_spec import parse_format_spec
from tcpcomm.codec.template.fields.forms import template_form
from tcpcomm.codec.template.parser import OptionalPiece, Piece, TextPiece, ValuePiece, leading_text, parse
from tcpcomm.codec.template.regex_tree import Choice
from tcpcomm.codec.template.sequences import NOTHING_CARRIED, check_id
from tcpcomm.errors import CodecError, ConfigurationError, Fault

NUMBERS: Final = {
    ProtocolErrorKind.UNREADABLE: 90,
    ProtocolErrorKind.MALFORMED: 91,
    ProtocolErrorKind.UNKNOWN_COMMAND: 92,
    ProtocolErrorKind.BAD_PARAMETERS: 93,
    ProtocolErrorKind.WRONG_STATE: 94,
    ProtocolErrorKind.INTERNAL: 99,
}
"""The codes of protocol errors, if codes are numbers or of fixed width, and no others are given."""

UNKNOWN_WORD: Final = "?"
"""The text in place of the first word of a request that cannot be read."""

_OWN_FIELDS: Final = ("code", "reason", "command")

_NUMBER: Final = re.compile(r"0|-?[1-9][0-9]{0,17}")


def first_word(text: str) -> str:
    """Return the text before the first white space, comma, semicolon or equals sign."""
    return re.split(r"[\s,;=]", text, maxsplit=1)[0]


def _value_pieces(pieces: tuple[Piece, ...]) -> Iterator[ValuePiece]:
    for piece in pieces:
        if isinstance(piece, ValuePiece):
            yield piece
        elif isinstance(piece, OptionalPiece):
            yield from _value_pieces(piece.pieces)
        elif not isinstance(piece, TextPiece):
            raise ConfigurationError("a fault cannot contain a list")


def _with_command(pieces: tuple[Piece, ...], word: str) -> Iterator[Piece]:
    """Yield the pieces with a text in place of the field ``command``."""
    for piece in pieces:
        if isinstance(piece, ValuePiece) and piece.name == "command":
            yield TextPiece(word)
        elif isinstance(piece, OptionalPiece):
            yield OptionalPiece(tuple(_with_command(piece.pieces, word)))
        else:
            yield piece


@frozen
class FaultRules:
    """
    The common rules of all faults.

    Attributes:
        ok: the codes that mean success, so that a text with one is not a fault.
        id: the field that is the id of the request, or None if faults have no ids.
        data: the fields of a fault's data, or None if faults have no data.
        parameters: the parameters of commands that a fault may repeat.
        meanings: the words of codes, which are not sent.
    """

    ok: Collection[int | str] = ()
    id: str | None = None
    data: ValueFields | None = None
    parameters: Mapping[str, Field] = field(factory=dict)
    meanings: Mapping[int | str, str] = field(factory=dict)

    def is_own(self, name: str) -> bool:
        """Return True if a field of this name belongs to the fault, and not to the request."""
        data = () if self.data is None else self.data.fields
        return name in _OWN_FIELDS or name == self.id or name in data


def data_fields(kind: Any) -> ValueFields:
    """
    Return the fields of a fault's data.

    Raises:
        ConfigurationError: it is not a class with a default for each field.
    """
    if not has_fields(kind):
        raise ConfigurationError(f"data must be an attrs class or a dataclass, not {brief_repr(kind)}")
    fields = value_fields(kind, ())
    for name, each in fields.fields.items():
        if name in _OWN_FIELDS:
            raise ConfigurationError(f"{kind.__name__}.{name}: a fault has a {name} of its own; rename it")
        if each.default is MISSING:
            raise ConfigurationError(
                f"{kind.__name__}.{name} needs a default, because the faults of tcpcomm itself have no data"
            )
    return fields


class FaultTemplate:
    """
    The template of one form of faults, compiled.

    If the template has no ``{code}``, the code is given, or it is the first word of the template. Any other
    code is written in front of the reason, if there is one.

    Args:
        text: a template with any of the fields ``code``, ``reason`` and ``command``, and of those of the
            data.
        encoding: the encoding that the reason must fit into.
        code: the code, if the template has no ``{code}``; by default the first word of the template.
        rules: the rules of all faults.

    Raises:
        ConfigurationError: the template has another field, has neither a code nor a word, or cannot be
            written in the encoding.
    """

    def __init__(
        self,
        text: str,
        encoding: Encoding,
        code: int | str | None = None,
        rules: FaultRules = FaultRules(),
    ) -> None:
        if not isinstance(text, str):
            raise ConfigurationError(f"a fault must be a template, not {text!r}")
        self.text = text
        self._encoding = encoding
        self._pieces = parse(text)
        formats = {piece.name: piece.format_spec for piece in _value_pieces(self._pieces)}
        self._formats = formats
        code_format = parse_format_spec(formats.get("code", ""))
        self._codes_are_numbers = code_format.zero or code_format.type in ("d", "x", "X")
        self.prefers_numbers = self._codes_are_numbers or code_format.width is not None
        """True if the codes of protocol errors should be numbers."""
        reason_format = parse_format_spec(formats.get("reason", ""))
        self._width = reason_format.width
        self._width_in_bytes = reason_format.type == "b"
        self._fields = {
            "code": Field("code", int if self._codes_are_numbers else str),
            "reason": Field("reason", str, ""),
            "command": Field("command", str),
        }
        self._id = rules.id
        if self._id is not None:
            check_id("the fault", text, self._id)
            self._fields[self._id] = Field(self._id, int)
        self._ok = rules.ok
        self._meanings = rules.meanings
        self._data = rules.data
        self._data_names: list[str] = []
        if self._data is not None:
            if self._id in self._data.fields:
                raise ConfigurationError(
                    f"the data have the field {{{self._id}}}, which is the id: rename it"
                )
            self._data_names = [name for name in self._data.fields if name in formats]
            self._fields |= self._data.fields
        self.repeated = {
            name: each
            for name, each in rules.parameters.items()
            if name in formats and not rules.is_own(name)
        }
        """The parameters of the request that the fault repeats."""
        self._fields |= self.repeated
        self._digits = "x" if code_format.type in ("x", "X") else "d"
        self.has_code = "code" in formats
        """True if the code is in the text."""
        self.has_reason = "reason" in formats
        self.is_named = code is not None
        """True if the code was given."""
        if self.is_named and self.has_code:
            raise ConfigurationError(
                f"the fault {text!r} has a {{code}}, so it cannot have the code {code!r}: give it None"
            )
        if code is not None and (isinstance(code, bool) or not isinstance(code, int | str) or code == ""):
            raise ConfigurationError(
                f"the code of the fault {text!r} must be a number or a word, not {code!r}"
            )
        word = first_word(leading_text(self._pieces))
        self.code: int | str = word if code is None else code
        """The code of the template, if the text has none."""
        self.notation = f"{text} (code {code})" if code not in (None, word) else text
        """The template, and its code if that is not seen in it, for people."""
        if not self.has_code and self.code == "":
            raise ConfigurationError(f"the fault {text!r} needs a {{code}}, or must begin with a word")
        self._template = self._compiled(self._pieces)
        self._samples = {name: _sample(self._template, each) for name, each in self.repeated.items()}
        """Values of the repeated parameters, for a request that does not tell them."""
        self._templates_by_word: dict[str, CompiledTemplate] = {}
        if not encoding.carries(self._template.literal):
            literal = brief_repr(self._template.literal)
            raise ConfigurationError(f"{literal} cannot be written in {encoding.name}")

    @property
    def layout(self) -> dict[str, Any]:
        """The template as plain data, with its code if the text has no ``{code}``."""
        form = template_form(self.text, self._fields, of_request=self.repeated, id=self._id)
        return form if self.has_code else {**form, "code": self.code}

    def template(self, word: str) -> CompiledTemplate:
        """Return the template of faults for the command with this word, or with no word for any command."""
        if "command" not in self._formats or not word:
            return self._template
        if word not in self._templates_by_word:
            pieces = tuple(_with_command(self._pieces, self._written_word(word)))
            self._templates_by_word[word] = self._compiled(pieces)
        return self._templates_by_word[word]

    def _written_word(self, word: str) -> str:
        """Return the word of a command as the fault has it: cut or filled, if the field has a width."""
        if parse_format_spec(self._formats["command"]).width is None:
            return word
        return self._template.kinds["command"].write(self._fitting("command", word) or UNKNOWN_WORD)

    def _fitting(self, name: str, value: Any) -> Any:
        """
        Return a value of the request as the fault can repeat it, or None if the fault cannot.

        Args:
            name: the field of the fault.
            value: the value. A text is cut to the width of the field.
        """
        kind = self._template.kinds[name]
        if isinstance(value, str) and bare_type(without_none(self._fields[name].type)[0]) is str:
            format_spec = parse_format_spec(self._formats[name])
            return fitting_text(value, kind, format_spec, self._encoding)
        try:
            kind.write(value)
        except CodecError:
            return None
        return value

    def _compiled(self, pieces: tuple[Piece, ...]) -> CompiledTemplate:
        with reading_exactly(), using(self._encoding):
            template = compile_template(self.text, self._fields, pieces)
        if not self._ok or not self.has_code:
            return template
        success = Choice(texts_of_code(each, self._digits) for each in self._ok)
        return evolve(template, pattern=with_code_except(template.pattern, success))

    def matches(self, text: str) -> bool:
        """Return True if a text is a fault, for any command, perhaps with wrong values."""
        try:
            return self.read(text, "") is not None
        except CodecError:
            return True

    def read(self, text: str, word: str, sent: Mapping[str, Any] = NOTHING_CARRIED) -> Fault | None:
        """
        Return the fault that answers the command with this word, or None if the text is not a fault.

        Args:
            text: the text.
            word: the first word of the command.
            sent: the values of its request.

        Raises:
            CodecError: a value is wrong, or it repeats another value than that of the request.
        """
        values = self.template(word).read(text)
        if values is None:
            return None
        code = values.get("code", self.code)
        if isinstance(code, str) and not self.is_named and _NUMBER.fullmatch(code):
            code = int(code)
        if self.has_code and code in self._ok:
            return None
        if self.repeated and sent:
            self._check_repeated(values, sent)
        data = None
        if self._data is not None and self._data_names:
            data = self._data.join({name: values[name] for name in self._data_names})
        return fault_with_meaning(self._meanings, code, values.get("reason", ""), data)

    def _check_repeated(self, values: Mapping[str, Any], sent: Mapping[str, Any]) -> None:
        for name in self.repeated:
            told = None if sent.get(name) is None else self._fitting(name, sent[name])
            if name not in sent or (told is None and sent[name] is not None):
                continue  # the fault cannot carry the value, and has another one instead
            if not self._template.writes_alike(name, values[name], told):
                raise CodecError(
                    f"is {brief_repr(values[name])}, so this does not answer {brief_repr(sent[name])}", name
                )

    def write(self, word: str, fault: Fault, id: int = 0, sent: Mapping[str, Any] = NOTHING_CARRIED) -> str:
        """
        Return the text of a fault; raise CodecError if the template cannot carry its code.

        Args:
            word: the first word of the command.
            fault: the fault.
            id: the id of the request.
            sent: the values of the request, as far as they are known.
        """
        code, reason = fault.code, str(fault.reason)
        if self._ok and self.has_code and (code in self._ok or str(code) in map(str, self._ok)):
            raise CodecError(f"{brief_repr(code)} means success: give the fault another code", "code")
        if not self.has_code and code != self.code:
            if not self.has_reason:
                raise CodecError(f"the fault {self.text!r} cannot carry a code, such as {code!r}", "code")
            reason = f"{code}: {reason}" if reason else str(code)
        if isinstance(code, bool) or not isinstance(code, int | str) or code == "":
            raise CodecError(f"must be a number or a word, not {code!r}", "code")
        if self._codes_are_numbers and isinstance(code, str):
            raise CodecError(
                f"must be a whole number, not {brief_repr(code)}: raise Fault(code, reason), for example "
                f"Fault(1, {brief_repr(code)})",
                "code",
            )
        values: dict[str, Any] = {
            "code": code if self._codes_are_numbers else str(code),
            "reason": self._writable(reason) if self.has_reason else "",
        }
        template = self._templates_by_word.get(word, self._template)
        if "command" in self._formats and template is self._template:
            values["command"] = self._fitting("command", word) or UNKNOWN_WORD
        if self._id is not None:
            values[self._id] = 0 if self._fitting(self._id, id) is None else id
        if self._data is not None and self._data_names:
            values |= self._data.split(self._data.join({}) if fault.data is None else fault.data)
        for name, sample in self._samples.items():
            told = None if sent.get(name) is None else self._fitting(name, sent[name])
            is_left_out = name in sent and sent[name] is None
            values[name] = sample if told is None and not is_left_out else told
        return template.write(values)

    def _writable(self, reason: str) -> str:
        """Return a reason that can be written: other characters are escaped, and a long text is cut."""
        if not (reason.isprintable() and self._carries(reason)):
            reason = "".join(map(self._escaped, reason))
        if self._width is not None:
            reason = reason.strip()
            if self._size(reason) > self._width:
                cut = reason
                while cut and self._size(cut) > self._width - 3:
                    cut = cut[:-1].rstrip()
                reason = (cut + "...")[: self._width]
        return reason

    def _size(self, text: str) -> int:
        return self._encoding.size(text) if self._width_in_bytes else len(text)

    def _escaped(self, character: str) -> str:
        escaped = f"\\x{ord(character):02x}" if character < "\u0100" else f"\\u{ord(character):04x}"
        for each in (character, escaped, "?"):
            if each.isprintable() and self._carries(each):
                return each
        return ""

    def _carries(self, text: str) -> bool:
        if not self._encoding.carries(text) or self._width is not None:
            return self._encoding.carries(text)
        code = 0 if self._codes_are_numbers else "0"
        try:
            values: dict[str, Any] = {"code": code, "reason": text, "command": UNKNOWN_WORD}
            if self._id is not None:
                values[self._id] = 0
            if self._data is not None:
                values |= self._data.split(self._data.join({}))
            self._template.write(values | self._samples)
        except CodecError:
            return False
        return True


def _sample(template: CompiledTemplate, parameter: Field) -> Any:
    """Return a value that a template can carry: None or the default, 0, or another one."""
    if without_none(parameter.type)[1] and (parameter.default is None or parameter.default is MISSING):
        return None  # leaves out its optional part
    write = template.kinds[parameter.name].write
    for value in (parameter.default, 0, 0.0, "0", False):
        with suppress(CodecError):
            write(value)
            return value
    return template.draw(Random(0))[parameter.name]


def fault_templates(
    declared: Any, encoding: Encoding, rules: FaultRules = FaultRules()
) -> list[FaultTemplate]:
    """
    Return the templates of declared faults.

    Args:
        declared: one template, or several; or a mapping of templates to their codes, with None for the code
            of a template that has a ``{code}`` or begins with it; or None for no faults.
        encoding: the encoding of the text.
        rules: the rules of all faults.

    Raises:
        ConfigurationError: a template cannot be compiled, or two of them have the same code.
    """
    if declared is None:
        return []
    if isinstance(declared, str):
        return [FaultTemplate(declared, encoding, rules=rules)]
    if isinstance(declared, Mapping):
        return [FaultTemplate(text, encoding, code, rules) for text, code in declared.items()]
    if not isinstance(declared, tuple | list):
        raise ConfigurationError(
            f"faults must be a template, several, or templates with their codes, not {declared!r}"
        )
    found: dict[int | str, FaultTemplate] = {}
    for text in declared:
        template = FaultTemplate(text, encoding, rules=rules)
        other = found.setdefault(text if template.has_code else template.code, template)
        if other is not template:
            raise ConfigurationError(
                f"the faults {other.text!r} and {text!r} both have the code {template.code!r}: give each a "
                f"code of its own, as in {{{other.text!r}: 1, {text!r}: 2}}"
            )
    return list(found.values())


def repeated_names(declared: Any, rules: FaultRules) -> set[str]:
    """Return the names of the fields in declared faults that must be parameters of the commands."""
    texts: Iterable[Any] = (declared,)
    if not isinstance(declared, str) and isinstance(declared, Iterable):
        texts = declared
    pieces = [piece for text in texts if isinstance(text, str) for piece in _value_pieces(parse(text))]
    return {piece.name for piece in pieces if not rules.is_own(piece.name)}


def common_parameters(names: Set[str], specs: Sequence[MessageSpec]) -> dict[str, Field]:
    """
    Return the parameters with these names, which all commands have that faults answer.

    Raises:
        ConfigurationError: a command lacks one of them, or two commands declare it in different ways.
    """
    found: dict[str, tuple[MessageSpec, Field]] = {}
    answered = [spec for spec in specs if not spec.is_event and spec.reply is not None]
    for name in sorted(names):
        for spec in answered:
            for each in spec.parameters:
                if each.name == name:
                    first, known = found.setdefault(name, (spec, each))
                    if known.type != each.type:
                        raise ConfigurationError(
                            f"a fault repeats {{{name}}}, but {first.where} and {spec.where} declare it in "
                            "different ways: give the parameter the same type in both"
                        )
        lacking = [spec.where for spec in answered if name not in [each.name for each in spec.parameters]]
        if name in found and lacking:
            raise ConfigurationError(
                f"a fault repeats {{{name}}}, which is not a parameter of {lacking[0]}: give the other "
                "commands this fault with @command(faults=...)"
            )
    return {name: each for name, (_, each) in found.items()}


class Faults:
    """
    All faults that can answer a command.

    Args:
        templates: their templates.
        encoding: the encoding of the text.
        codes: the codes of protocol errors, if they differ from the defaults.
        rules: the rules of all faults.

    Raises:
        ConfigurationError: no template can carry the code of a protocol error.
    """

    def __init__(
        self,
        templates: Sequence[FaultTemplate],
        encoding: Encoding,
        codes: Mapping[ProtocolErrorKind, int | str],
        rules: FaultRules = FaultRules(),
    ) -> None:
        self.templates = tuple(templates)
        self.rules = rules
        self._encoding = encoding
        self._declared_codes = codes
        self._codes: dict[ProtocolErrorKind, int | str] = {}
        """The codes of the protocol errors that can be told."""
        if templates:
            usual = next((each for each in templates if each.has_code), templates[0])
            self._codes = {kind: self._code_for(kind, usual) for kind in ProtocolErrorKind}

    def _code_for(self, kind: ProtocolErrorKind, usual: FaultTemplate) -> int | str:
        """Return the code for a protocol error, if ``usual`` writes the codes that nobody declared."""
        by_kind = NUMBERS[kind] if usual.prefers_numbers else kind.name
        code = self._declared_codes.get(kind, by_kind if usual.has_code else usual.code)
        try:
            self._encoding.encode(self.write("", Fault(code)))
        except CodecError as error:
            raise ConfigurationError(
                f"{self._cannot_carry} {code!r}, the code for {kind.name} ({error}): "
                f"give another code with codes={{ProtocolErrorKind.{kind.name}: ...}}"
            ) from None
        return code

    @property
    def _cannot_carry(self) -> str:
        texts = ", ".join(repr(each.text) for each in self.templates)
        if len(self.templates) == 1:
            return f"the fault {texts} cannot carry"
        return f"none of the faults {texts} can carry"

    def with_own(self, own: Sequence[FaultTemplate]) -> Faults:
        """Return these faults, with those of one command before them."""
        if not own:
            return self
        found = copy(self)
        found.templates = (*own, *self.templates)
        if not self.templates:
            found._codes = found._own_codes()
        return found

    def _own_codes(self) -> dict[ProtocolErrorKind, int | str]:
        """Return the codes of the protocol errors that the faults of one command alone can tell."""
        usual = next((each for each in self.templates if each.has_code), None)
        usual = usual or next((each for each in self.templates if each.has_reason), None)
        if usual is not None:
            return {kind: self._code_for(kind, usual) for kind in ProtocolErrorKind}
        # Such a fault has a meaning of its own. It stands for a protocol error only if that is declared.
        own = [each.code for each in self.templates]
        return {kind: code for kind, code in self._declared_codes.items() if code in own}

    def fault_for(self, kind: ProtocolErrorKind, reason: str) -> Fault:
        """Return the fault for a protocol error. Nobody sends it unless the error can be told."""
        return Fault(self._codes.get(kind, kind.name), reason)

    def tells(self, kind: ProtocolErrorKind) -> bool:
        """Return True if a fault can tell a protocol error."""
        return kind in self._codes

    def matches(self, text: str) -> bool:
        """Return True if a text is a fault, for any command."""
        return any(each.matches(text) for each in self.templates)

    @property
    def repeated(self) -> set[str]:
        """The parameters of the request that faults repeat."""
        return {name for each in self.templates for name in each.repeated}

    def read(self, text: str, word: str, sent: Mapping[str, Any] = NOTHING_CARRIED) -> Fault | None:
        """Return the fault that answers a command, as :meth:`FaultTemplate.read` does, or None."""
        for each in self.templates:
            fault = each.read(text, word, sent)
            if fault is not None:
                return fault
        return None

    def write(self, word: str, fault: Fault, id: int = 0, sent: Mapping[str, Any] = NOTHING_CARRIED) -> str:
        """Return the text of a fault; raise CodecError if no template can carry its code."""
        if not self.templates:
            raise CodecError("the equipment has no faults: fault=None is declared")
        problem: CodecError | None = None
        for each in sorted(self.templates, key=lambda each: _suitability(each, fault)):
            try:
                return each.write(word, fault, id, sent)
            except CodecError as error:
                problem = problem or error
        assert problem is not None
        if len(self.templates) == 1:
            raise problem
        raise CodecError(f"{self._cannot_carry} {brief_repr(fault.code)}: {problem.reason}", "code")


def _suitability(template: FaultTemplate, fault: Fault) -> int:
    """Return a number that is smaller the better a template suits a fault."""
    if not template.has_code and type(template.code) is type(fault.code) and template.code == fault.code:
        return 0
    return 1 if template.has_code else 2
