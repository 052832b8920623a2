"""A check that the framing can carry the literal texts of a declaration."""

from __future__ import annotations

from collections.abc import Iterator

from tcpcomm.codec.base import LiteralText
from tcpcomm.equipment.declaration import Declaration
from tcpcomm.errors import ConfigurationError, EncodeError
from tcpcomm.framing import Framing


def check_literals_fit_framing(declaration: Declaration) -> None:
    """
    Refuse a text that could not be sent later, such as one with the line end that the framing adds.

    Raises:
        ConfigurationError: a text holds bytes that the framing uses itself.
    """
    framed = {declaration.commands[name].where for name in declaration.reply_framings}
    for literal in (*declaration.dialect.literal_texts(), *_login_texts(declaration)):
        if literal.by_equipment and literal.where in framed:
            continue  # a text alone says nothing about a framing that looks at the whole frame
        framing = declaration.sent if literal.by_equipment else declaration.received
        _check(literal.where or f"{declaration.name}.codec", literal, framing)


def _login_texts(declaration: Declaration) -> Iterator[LiteralText]:
    def literal(attribute: str, text: str, *, by_equipment: bool) -> LiteralText:
        encoded = text.encode(declaration.encoding, "replace")
        return LiteralText(f"{declaration.name}.{attribute}", text, encoded, by_equipment)

    if declaration.greeting is not None:
        yield literal("greeting", declaration.greeting, by_equipment=True)
    for step in declaration.login:
        if step.expect is not None and not step.prompt:
            yield literal("login", step.expect, by_equipment=True)
        if step.send is not None:
            yield literal("login", step.send, by_equipment=False)


def _check(where: str, literal: LiteralText, framing: Framing) -> None:
    problem = _refusal(framing, literal.text)
    # If other bytes of that length fail too, only the length is wrong, and the values may change that.
    if problem is None or _refusal(framing, b"x" * len(literal.text)) is not None:
        return
    extra = _extra(literal, framing)
    if extra:
        raise ConfigurationError(f"{where}: leave {extra} out of {literal.of!r}: the framing adds it")
    raise ConfigurationError(
        f"{where}: {literal.of!r} holds {literal.text!r}, which the framing cannot carry: {problem}"
    )


def _extra(literal: LiteralText, framing: Framing) -> str:
    """Name the ends of a template that the framing adds itself, or return an empty text."""
    prefix, _, suffix = framing.encode(b"x").partition(b"x")
    own = bytes({*prefix, *suffix, *b"\r\n"})
    bare = literal.text.strip(own)
    begin = literal.text.find(bare)
    before, behind = (
        part.decode("latin-1") for part in (literal.text[:begin], literal.text[begin + len(bare) :])
    )
    if not literal.of.startswith(before) or not literal.of.endswith(behind) or _refusal(framing, bare):
        return ""
    return " and ".join(repr(part) for part in (before, behind) if part)


def _refusal(framing: Framing, frame: bytes) -> EncodeError | None:
    try:
        framing.encode(frame)
    except EncodeError as error:
        return error
    return None
