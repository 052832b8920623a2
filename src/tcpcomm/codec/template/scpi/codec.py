"""
Messages of measuring instruments: :class:`Scpi`.

Headers are written as manuals print them, such as ``MEASure[:VOLTage][:DC]?``; parameters and replies are
templates. Instruments take a header in its short and its long form, in any case, and several commands in
one line: ``*RST;MEAS:VOLT?``.

Source: SCPI-99, volume 1, chapters 5 to 7; IEEE 488.2-1992, chapters 7 and 8.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from random import Random
from typing import Annotated, Any, Final

from attrs import evolve, field, frozen

from tcpcomm.codec.annotations import bare_type
from tcpcomm.codec.base import (
    MISSING,
    Answer,
    Asked,
    Batch,
    Codec,
    Event,
    Field,
    MessageSpec,
    Notation,
    ProtocolErrorKind,
    Refusal,
    Request,
)
from tcpcomm.codec.encoding import Encoding
from tcpcomm.codec.limits import MAX_BATCH, MAX_ITEMS, limited_lists, positive
from tcpcomm.codec.problems import brief_repr, errors_at
from tcpcomm.codec.random_values import TRIES
from tcpcomm.codec.ranges import Range, bounds_of
from tcpcomm.codec.template.dialect import TextDialect
from tcpcomm.codec.template.faults import Faults
from tcpcomm.codec.template.fields.raw_bytes import RAW, WithBody
from tcpcomm.codec.template.parser import parse, value_names
from tcpcomm.codec.template.scpi.headers import Header, HeaderTable, parse_header
from tcpcomm.codec.template.scpi.messages import CodedError, split, split_unit
from tcpcomm.codec.template.scpi.parameters import Parameters, parameters_of, with_body
from tcpcomm.errors import CodecError, ConfigurationError, Fault


@frozen
class Scpi(Codec):
    """
    Messages of measuring instruments, as SCPI and IEEE 488.2 say.

    ``@command("MEASure[:VOLTage][:DC]?", reply="{volts:.6E}")`` is a query, and a command without ``?``,
    such as ``@command("OUTPut{channel:d} {on}")``, has no reply. A blank is between the header and its
    parameters, and a comma between parameters. ``{text:q}`` is a string in quotes, and ``{data:block}`` a
    binary block.

    The equipment reads headers in short and long forms, words in any case, strings in both quotes, numbers
    in hexadecimal (``#HFF``), with the declared unit (``500 MV``), as ``MIN``, ``MAX`` or ``DEF``, and
    several commands in one line; it answers these in one line. The host sends the short form. An instrument
    refuses by silence, so the equipment does; :meth:`~tcpcomm.Equipment.keep_fault` gets the error.

    Attributes:
        encoding: the encoding of the text. latin-1 leaves the bytes of blocks unchanged.
        max_items: the most items of a list.
        max_units: the most units of a line.

    Raises:
        ConfigurationError: Python has no such encoding, or a limit is not positive.
    """

    encoding: str = "latin-1"
    max_items: int = field(default=MAX_ITEMS, kw_only=True, validator=positive)
    max_units: int = field(default=MAX_BATCH, kw_only=True, validator=positive)

    def __attrs_post_init__(self) -> None:
        Encoding(self.encoding)

    def completed(self, spec: MessageSpec) -> MessageSpec:
        if spec.is_event or spec.reply is not MISSING or not isinstance(spec.wire, str):
            return spec
        header, _ = _split_template(spec.wire)
        return spec if header.endswith("?") else evolve(spec, reply=None)

    def bind(self, specs: Sequence[MessageSpec]) -> ScpiDialect:
        headers: dict[str, Header] = {}
        parameters_by_name: dict[str, Parameters] = {}
        templates = []
        for spec in specs:
            if spec.is_event:
                templates.append(spec)
                continue
            with errors_at(spec.where):
                header, parameters = _split_template(spec.wire)
                headers[spec.name] = found = parse_header(header)
                numbers = set(value_names(parse(found.text)))
                pieces = parse(parameters)
                parameters_by_name[spec.name] = parameters_of(pieces, spec.parameters, numbers)
            wire = f"{found.text} {parameters}" if parameters else found.text
            fields = tuple(_from_one(each) if each.name in numbers else each for each in spec.parameters)
            templates.append(evolve(self.completed(spec), wire=wire, parameters=fields))
        encoding = Encoding(self.encoding)
        with limited_lists(self.max_items):
            declared = {spec.name: str(spec.wire) for spec in specs}
            return ScpiDialect(
                templates,
                encoding,
                HeaderTable(headers),
                parameters_by_name,
                declared=declared,
                max_units=self.max_units,
            )


def _from_one(number: Field) -> Field:
    """Return a parameter that stands behind a keyword, which is not negative, with the range from 1."""
    if bare_type(number.type) is not int or bounds_of(number.type) is not None:
        return number
    return evolve(number, type=Annotated[number.type, Range(1)])


def _split_template(wire: Any) -> tuple[str, str]:
    """Return the header of a declared command, and the template of its parameters."""
    if not isinstance(wire, str) or not wire.strip():
        example = "MEASure[:VOLTage][:DC]?"
        raise ConfigurationError(
            f"its header cannot be {wire!r}: write one as the manual does: {example!r}"
        )
    header, _, parameters = wire.strip().partition(" ")
    return header, re.sub(r"\s*,\s*", ",", parameters.strip())


_CODES: Final = {
    ProtocolErrorKind.UNREADABLE: -101,
    ProtocolErrorKind.MALFORMED: -102,
    ProtocolErrorKind.UNKNOWN_COMMAND: -113,
    ProtocolErrorKind.BAD_PARAMETERS: -220,
    ProtocolErrorKind.WRONG_STATE: -200,
    ProtocolErrorKind.INTERNAL: -310,
}
"""The errors of SCPI for requests that are refused, if nothing more exact is known."""


def _refusal(
    kind: ProtocolErrorKind, problem: CodecError, code: int | None = None, name: str | None = None
) -> Refusal:
    """Return the refusal of a line or of a command, with its error in the numbers of SCPI."""
    if code is None:
        code = problem.code if isinstance(problem, CodedError) else _CODES[kind]
    return Refusal(kind, problem, name, wants_reply=False, fault=Fault(code, str(problem)))


class ScpiDialect(TextDialect):
    """
    The commands of an instrument, bound to a declaration.

    Args:
        specs: the commands, with their templates in short forms.
        encoding: the encoding of the text.
        headers: finds commands.
        parameters: the parameters of each command, by its name.
        declared: the commands as they were declared, by their names.
        max_units: the most units of a line.
    """

    def __init__(
        self,
        specs: Sequence[MessageSpec],
        encoding: Encoding,
        headers: HeaderTable,
        parameters: Mapping[str, Parameters],
        *,
        declared: Mapping[str, str],
        max_units: int,
    ) -> None:
        super().__init__(specs, encoding, Faults((), encoding, {}))
        self._headers = headers
        self._parameters = parameters
        self._declared = declared
        self._max_units = max_units

    def read_at_equipment(self, frame: bytes) -> Asked:
        try:
            line = self._encoding.decode(frame)
            units = split(line, ";")
            if len(units) > self._max_units:
                problem = f"the line has {len(units)} commands, and may have {self._max_units}"
                raise CodedError(-223, problem)
        except CodecError as error:
            return _refusal(ProtocolErrorKind.MALFORMED, error)
        path = ""
        found: list[Request | Refusal] = []
        for unit in units:
            if unit:
                request, path = self._read_unit(unit, path, line)
                found.append(request)
        if len(found) == 1:
            return found[0]
        if not found:
            return _refusal(ProtocolErrorKind.MALFORMED, CodedError(0, "the line is empty"))
        return Batch(found, in_order=True)

    def _read_unit(self, unit: str, path: str, line: str) -> tuple[Request | Refusal, str]:
        """Return the request of a unit of a line, and the path that the next unit may begin from."""
        try:
            header, parameters = split_unit(unit)
            absolute = header.removeprefix(":")
            command = None
            if path and header == absolute and not header.startswith("*"):
                command = self._headers.find(path + header)
                absolute = path + header if command is not None else absolute
            command = command or self._headers.find(absolute)
            if command is None:
                problem = CodecError(f"there is no command {header.removesuffix(RAW)}")
                return _refusal(ProtocolErrorKind.UNKNOWN_COMMAND, problem), path
            name, text = command
            expected = self._parameters[name]
            expected.check_count(parameters)
            if parameters or expected.most != 0:
                text += " " + ",".join(expected.read(parameters))
            if text.endswith(RAW):
                text = with_body(text, line)
            request = self._read_request(text) or self._refusal(text)
            if isinstance(request, Refusal):
                code = expected.error_for(request.problem, parameters)
                request = _refusal(request.error_kind, request.problem, code, request.name)
        except CodecError as error:
            return _refusal(ProtocolErrorKind.BAD_PARAMETERS, error), path
        if not header.startswith("*"):
            path = absolute.rpartition(":")[0]
            path += ":" if path else ""
        return request, path

    def request(self, name: str, values: Mapping[str, Any], id: int) -> bytes:
        frame = super().request(name, values, id)
        header, _, parameters = frame.partition(b" ")
        if not parameters:
            frame = header
        read = self.read_at_equipment(frame)
        texts = {key: value for key, value in values.items() if isinstance(value, str | bytes)}
        is_block = b'"#' not in frame and any(each[:1] == "#" for each in texts.values())
        is_same = isinstance(read, Request) and read.name == name and texts.items() <= read.values.items()
        if is_same and not is_block:
            return frame
        raise CodecError(
            f"{brief_repr(self._encoding.decode(frame))} would be read as something else: a text with "
            "blanks at its ends or any of ; , # and quotes must be in quotes, as in {text:q}"
        )

    def draw_values(self, name: str, random: Random) -> dict[str, Any]:
        for _ in range(TRIES):
            values = super().draw_values(name, random)
            with suppress(CodecError):
                self.request(name, values, 0)
                break
        return values

    def notation(self, name: str) -> Notation:
        return evolve(super().notation(name), request=self._declared[name])

    def fault_for(self, kind: ProtocolErrorKind, reason: str) -> Fault:
        return Fault(_CODES[kind], reason)

    def join(self, replies: Sequence[bytes]) -> bytes:
        return b";".join(replies)

    def read_at_host(self, frame: bytes) -> Sequence[Event | Answer]:
        # It could be the last byte of a block, or of raw bytes.
        is_line = frame.endswith(b"\r") and b"#" not in frame
        if is_line and not isinstance(self._encoding.decode(frame), WithBody):
            frame = frame[:-1]
        return super().read_at_host(frame)
