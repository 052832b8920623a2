"""What comes before the first command of a session: a greeting, and a login, declared step by step."""

from __future__ import annotations

from attrs import frozen

from tcpcomm.errors import ConfigurationError, TcpcommError

__all__ = ["Login", "LoginRefused", "filled", "names_in"]


class LoginRefused(TcpcommError):
    """The other side said something else than the login that was declared."""


@frozen
class Login:
    """
    One step of a login: what the equipment says, and what the host answers.

    Args:
        expect: how what the equipment says begins, such as ``Password:``; None: it says nothing.
        send: what the host answers, with credentials by name, such as ``{password}``; None: nothing.
        prompt: whether ``expect`` comes without the end of a frame, as a prompt for people does. The
            equipment must then have a ``gap``: the silence behind the prompt ends it.

    Raises:
        ConfigurationError: the step does nothing, or a prompt has no text.
    """

    expect: str | None = None
    send: str | None = None
    prompt: bool = False

    def __attrs_post_init__(self) -> None:
        if self.expect is None and self.send is None:
            raise ConfigurationError("a step of a login must expect something, or send something")
        if self.prompt and not self.expect:
            raise ConfigurationError("a prompt must have a text to expect")
        if self.send is not None:
            names_in(self.send)


def names_in(text: str) -> list[str]:
    """
    The credentials that a text names in braces.

    Raises:
        ConfigurationError: the braces do not match, or hold something else than a name.
    """
    names = []
    for piece in text.split("{")[1:]:
        name, brace, _ = piece.partition("}")
        if not brace or not name.isidentifier():
            raise ConfigurationError(f"{text!r}: braces must hold the name of a credential, as in {{user}}")
        names.append(name)
    return names


def filled(text: str, credentials: dict[str, str]) -> str:
    """A text with the credentials that it names."""
    for name in names_in(text):
        text = text.replace(f"{{{name}}}", credentials[name])
    return text
