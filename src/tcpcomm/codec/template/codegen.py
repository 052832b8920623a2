"""
Readers and writers of one template, generated as :mod:`tcpcomm.codec.codegen` tells.

For ``OK,{x:.3f},{y:.3f}`` and the attrs class ``Point`` the statements are, with ``c1``, ``c2``, … for
constants::

    match = c1(text)                        # fullmatch of the template's regular expression
    if match is not None:
        v0, v1, = match.groups()
        return c6(x=c2(v0) if v0 is not None else c3(), y=c4(v1) if v1 is not None else c5())

    if isinstance(value, c1):               # Point
        v0 = value.x
        v1 = value.y
        if type(v0) is c2 and c3 < v0 < c4 and type(v1) is c5 and c6 < v1 < c7:
            return [c8 % (v0, v1, )]        # b"OK,%.3f,%.3f"
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final, NamedTuple, TypeVar

from tcpcomm.codec.base import Refusal, Request
from tcpcomm.codec.codegen import CommandSource, FastPath, Source
from tcpcomm.codec.encoding import Encoding
from tcpcomm.codec.template.compiled import CompiledTemplate
from tcpcomm.codec.template.fields.field_types import ValueFields
from tcpcomm.framing.base import FrameEnding

T = TypeVar("T")

Reader = Callable[[str], "T | None"]
"""Returns the message in a text, or None if the text is another message."""

_NUMERIC: Final = "0123456789+-.eE"


def command_source(
    template: CompiledTemplate, order: Sequence[str], reply: Written, source: Source
) -> CommandSource:
    """Return the source that reads a command, with its values in this order, and answers it."""
    match = source.constant(template.match_written, "fits")
    values = _values(source, template)
    variables = {name: f"a{index}" for index, name in enumerate(values)}
    read = [f"match = {match}(frame)", f"{_tuple(len(values))} = match.groups()"]
    read += [f"{variables[name]} = {value}" for name, value in values.items()]
    arguments = ", ".join(f"{name}={variables[name]}" for name in order)
    frame = reply.frame if reply.has_end else f"encode({reply.frame})"
    return CommandSource(read if values else [f"{match}(frame).end"], arguments, reply.statements, frame)


def read_request(
    template: CompiledTemplate,
    order: Sequence[str],
    fallback: Callable[[str], Request | Refusal | None],
    *,
    name: str,
    wants_reply: bool,
) -> Callable[[str], Request | Refusal | None]:
    """Return a function that reads a request with this name, and with its values in this order."""

    def result(function: FastPath, values: Mapping[str, str]) -> str:
        members = ", ".join(f"{each!r}: {values[each]}" for each in order)
        # tuple.__new__ saves the call of Request.__new__, which is a Python function
        new, request = function.constant(tuple.__new__), function.constant(Request)
        return f"{new}({request}, ({name!r}, {{{members}}}, None, {wants_reply}, None))"

    return _reader(template, fallback, result)


def read_value(
    template: CompiledTemplate, fields: ValueFields, fallback: Callable[[str], Any]
) -> Callable[[str], Any]:
    """Return a function that reads the fields of a value, and makes the value of them."""

    def value(function: FastPath, values: Mapping[str, str]) -> str:
        if fields.kind is None:
            return ", ".join(values[name] for name in template.names)
        arguments = ", ".join(f"{fields.arguments[name]}={values[name]}" for name in fields.arguments)
        return f"{function.constant(fields.kind)}({arguments})"

    return _reader(template, fallback, value)


def _reader(
    template: CompiledTemplate,
    fallback: Callable[[str], Any],
    result: Callable[[FastPath, Mapping[str, str]], str],
) -> Callable[[str], Any]:
    """Return a function that reads a text. ``result`` makes source for its result from source of values."""
    if template.counts or template.raw or not template.captures:
        return fallback
    function = FastPath("read", "text", fallback, template.text)
    match = function.constant(template.match_written)
    values = _values(function, template)
    return function.compile(
        [
            f"match = {match}(text)",
            "if match is not None:",
            f"{_tuple(len(values))} = match.groups()",
            f"return {result(function, values)}",
        ]
    )


def _values(source: Source, template: CompiledTemplate) -> dict[str, str]:
    """Return the source of each value of a template, by its name, made of the groups v0, v1, …."""
    values = {}
    for index, (name, read, absent) in enumerate(template.captures):
        found = f"{source.constant(read, 'read')}(v{index})"
        left_out = f"{source.constant(absent, 'absent')}()"
        values[name] = f"{found} if v{index} is not None else {left_out}"
    return values


def write_values(
    template: CompiledTemplate, fallback: Callable[[Mapping[str, Any]], str]
) -> Callable[[Mapping[str, Any]], str]:
    """Return a function that writes the text for a mapping with exactly the template's values."""
    if template.raw or template.behind:
        return fallback
    function = FastPath("write", "value", fallback, template.text)
    statements, text = _written(function, template, "value[{!r}]")
    return function.compile([f"if len(value) == {len(template.names)}:", *statements, f"return {text}"])


def write_reply(
    template: CompiledTemplate,
    fields: ValueFields,
    encoding: Encoding,
    fallback: Callable[[Request, Any], list[bytes]],
) -> Callable[[Request, Any], list[bytes]]:
    """Return a function that splits a result into its fields, and writes them as one frame."""
    function = FastPath("write", "request, value", fallback, template.text)
    written = reply_source(function, template, fields, encoding)
    if written is None:
        return fallback
    return function.compile([*written.statements, f"return [{written.frame}]"])


class Written(NamedTuple):
    """The source that writes a value."""

    statements: list[str]
    """Statements that check the value."""
    frame: str
    """The frame, as bytes."""
    has_end: bool
    """True if the frame has the end that the framing gives it."""


def reply_source(
    source: Source,
    template: CompiledTemplate,
    fields: ValueFields,
    encoding: Encoding,
    ending: FrameEnding | None = None,
) -> Written | None:
    """
    Return the source that splits ``value`` into its fields, and writes them as one frame.

    None: optional parts and counts of bytes want all values by name, and a text with another meaning must
    not be sent. The frame has the ending if it can
    only consist of bytes that the ending does not exclude.
    """
    if template.raw or template.special or any(name is None for name, _, _ in template.writers):
        return None
    if fields.kind is not None:
        kind = source.constant(fields.kind, fields.kind.__name__)
        fits, each = [f"if isinstance(value, {kind}):"], "value.{}"
    else:
        fits, each = [] if template.names else ["if value is None:"], "value"
    statements, text = _written(source, template, each)
    form = _format_in_bytes(template, encoding)
    if form is None:
        frame = f"{source.constant(encoding.encode, 'to_bytes')}({text})"
        return Written([*fits, *statements], frame, False)
    has_end = ending is not None and not {*ending.excluded} & {*(template.literal + _NUMERIC).encode()}
    if ending is not None and has_end:
        form += ending.end.replace(b"%", b"%%")
    frame = f"{source.constant(form, 'form')} % {_tuple(len(template.writers))}"
    return Written([*fits, *statements], frame, has_end)


def _format_in_bytes(template: CompiledTemplate, encoding: Encoding) -> bytes | None:
    """Return the bytes that make a frame of the values by ``%``, or None if not all are ASCII numbers."""
    formats = [None if plain is None else plain.percent for _, _, plain in template.writers]
    written = template.literal + _NUMERIC
    if None in formats or not written.isascii() or encoding.encode(written) != written.encode("ascii"):
        return None
    return (template.format.replace("%%", "%%%%") % tuple(formats)).encode("ascii")


def _written(function: Source, template: CompiledTemplate, source: str) -> tuple[list[str], str]:
    """
    Return the statements that get and check the values, and the source of the text made of them.

    ``source`` is the source of one value, with a placeholder for its name.
    """
    statements, conditions, texts = [], [], []
    for index, (name, write, plain) in enumerate(template.writers):
        variable = f"v{index}"
        statements.append(f"{variable} = {'value' if name is None else source.format(name)}")
        if plain is None:
            texts.append(f"{{{function.constant(write, 'write')}({variable})}}")
        else:
            conditions.append(f"type({variable}) is {plain.kind.__name__}")
            if plain.between is not None:
                low, high = (function.constant(each, "limit") for each in plain.between)
                conditions.append(f"{low} < {variable} < {high}")
            texts.append(f"{{{variable}:{plain.format}}}")
    if conditions:
        statements.append(f"if {' and '.join(conditions)}:")
    text = repr(template.format.replace("{", "{{").replace("}", "}}")) % tuple(texts)
    return statements, f"f{text}"


def _tuple(size: int) -> str:
    """Return the source of a tuple of the variables v0, v1, … for so many values."""
    return f"({''.join(f'v{index}, ' for index in range(size))})"


def one_reader(readers: Iterable[tuple[str, Reader[T]]]) -> Reader[T]:
    """Return one reader for several. Each is given with the literal text that its texts begin with."""
    by_size: dict[int, dict[str, list[Reader[T]]]] = {}
    for begin, read in readers:
        by_size.setdefault(len(begin), {}).setdefault(begin, []).append(read)
    tables = [(size, by_size[size].get) for size in sorted(by_size, reverse=True)]

    def read_any(text: str) -> T | None:
        for size, readers_of in tables:
            for read in readers_of(text[:size], ()):
                found = read(text)
                if found is not None:
                    return found
        return None

    return read_any


def recognition_by_begin(source: Source, begins: Mapping[str, str]) -> tuple[list[str], list[list[str]]]:
    """Return what ``Dialect.recognition`` returns, for the names of commands and how their texts begin."""
    groups: dict[str, list[str]] = {}
    for name, begin in begins.items():
        groups.setdefault(begin, []).append(name)
    by_size: dict[int, dict[str, int]] = {}
    for number, begin in enumerate(groups, 1):
        by_size.setdefault(len(begin), {})[begin] = number
    sizes = sorted(by_size, reverse=True)
    found = [f"{source.constant(by_size[size].get, 'find')}(frame[:{size}], 0)" for size in sizes]
    return [f"number = {' or '.join(found)}"], [*groups.values()]
