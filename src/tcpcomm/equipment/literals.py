"""Whether a framing can carry the texts that a declaration fixes: :func:`check_literals_fit_framing`."""

from __future__ import annotations

from collections.abc import Iterator

from tcpcomm.codec.base import Dialect, LiteralText
from tcpcomm.equipment.login import Login
from tcpcomm.errors import ConfigurationError, EncodeError
from tcpcomm.framing import Framing

__all__ = ["check_literals_fit_framing"]


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
    Refuse what would fail when it is first sent, above all a line end that only the framing should write.

    Args:
        name: the class's.
        dialect: whose fixed texts are looked at.
        received: the framing of what the host sends.
        sent: that of what the equipment sends.
        greeting: what the equipment says first.
        login: the steps of the login.
        encoding: of these.

    Raises:
        ConfigurationError: a text holds what the framing keeps for itself.
    """
    said = (
        LiteralText(f"{name}.{attribute}", text, text.encode(encoding, "replace"), by_equipment)
        for attribute, text, by_equipment in _said(greeting, login)
    )
    for fixed in (*dialect.literal_texts(), *said):
        _check(fixed.where or f"{name}.codec", fixed, sent if fixed.by_equipment else received)


def _said(greeting: str | None, login: tuple[Login, ...]) -> Iterator[tuple[str, str, bool]]:
    if greeting is not None:
        yield "greeting", greeting, True
    for step in login:
        if step.expect is not None and not step.prompt:
            yield "login", step.expect, True
        if step.send is not None:
            yield "login", step.send, False


def _check(where: str, fixed: LiteralText, framing: Framing) -> None:
    problem = _refusal(framing, fixed.text)
    # Other bytes of that length fail too where a frame has a fixed size, or must not be so short.
    if problem is None or _refusal(framing, b"x" * len(fixed.text)) is not None:
        return
    extra = _extra(fixed, framing)
    if extra:
        raise ConfigurationError(
            f"{where}: leave {extra} out of {fixed.of!r}: the framing puts it there"
        )
    raise ConfigurationError(
        f"{where}: {fixed.of!r} holds {fixed.text!r}, which the framing cannot carry: {problem}"
    )


def _extra(fixed: LiteralText, framing: Framing) -> str:
    """What of a text is at the ends of its template, and is what the framing writes there."""
    head, _, tail = framing.encode(b"x").partition(b"x")
    own = bytes({*head, *tail, *b"\r\n"})
    bare = fixed.text.strip(own)
    begin = fixed.text.find(bare)
    before, behind = (
        part.decode("latin-1") for part in (fixed.text[:begin], fixed.text[begin + len(bare) :])
    )
    if not fixed.of.startswith(before) or not fixed.of.endswith(behind) or _refusal(framing, bare):
        return ""
    return " and ".join(repr(part) for part in (before, behind) if part)


def _refusal(framing: Framing, frame: bytes) -> EncodeError | None:
    try:
        framing.encode(frame)
    except EncodeError as error:
        return error
    return None
