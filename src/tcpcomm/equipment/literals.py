"""A check that the framing can carry the literal texts of a declaration."""

from __future__ import annotations

from collections.abc import Iterator

from tcpcomm.codec.base import Dialect, LiteralText
from tcpcomm.equipment.login import Login
from tcpcomm.errors import ConfigurationError, EncodeError
from tcpcomm.framing import Framing


def check_literals_fit_framing(
    name: str,
    dialect: Dialect,
    *,
    received: Framing,
    sent: Framing,
    greeting: str | None,
    login: tuple[Login, ...],
    encoding: str,
) -> None:
    """
    Refuse a text that could not be sent later, such as one with the line end that the framing adds.

    Args:
        name: the name of the class.
        dialect: has the literal texts of commands and events.
        received: the framing of what the host sends.
        sent: the framing of what the equipment sends.
        greeting: the equipment's first text, or None.
        login: the steps of the login.
        encoding: the encoding of the greeting and the login.

    Raises:
        ConfigurationError: a text holds bytes that the framing uses itself.
    """
    login_texts = (
        LiteralText(f"{name}.{attribute}", text, text.encode(encoding, "replace"), by_equipment)
        for attribute, text, by_equipment in _login_texts(greeting, login)
    )
    for literal in (*dialect.literal_texts(), *login_texts):
        _check(literal.where or f"{name}.codec", literal, sent if literal.by_equipment else received)


def _login_texts(greeting: str | None, login: tuple[Login, ...]) -> Iterator[tuple[str, str, bool]]:
    """Yield the attribute, the text, and True if the equipment sends it."""
    if greeting is not None:
        yield "greeting", greeting, True
    for step in login:
        if step.expect is not None and not step.prompt:
            yield "login", step.expect, True
        if step.send is not None:
            yield "login", step.send, False


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
