"""
What comes before the first command of a session: a greeting, and a login, declared step by step.

Without any I/O: :class:`LoginServer` is the equipment's side of it, :class:`LoginClient` the host's. Each is told
what came and says what to send.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple

from attrs import frozen

from tcpcomm.errors import ConfigurationError, TcpcommError

__all__ = ["Login", "LoginClient", "LoginMessage", "LoginRefused", "LoginServer", "credential_names"]


class LoginRefused(TcpcommError):
    """The other side did not say what the declared login has it say, or the credentials are wrong."""


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
        ConfigurationError: the step does nothing, a prompt has no text, or the braces make no sense.
    """

    expect: str | None = None
    send: str | None = None
    prompt: bool = False

    def __attrs_post_init__(self) -> None:
        for name, text in (("expect", self.expect), ("send", self.send)):
            if text is not None and not isinstance(text, str):
                raise ConfigurationError(f"{name} of a login must be a text, or None, not {text!r}")
        if self.expect is None and self.send is None:
            raise ConfigurationError("a step of a login must expect something, or send something")
        if self.prompt and not self.expect:
            raise ConfigurationError("a prompt must have a text to expect")
        _pieces(self.send or "")


class LoginMessage(NamedTuple):
    """Something to be sent."""

    text: bytes
    is_frame: bool
    """Whether it is framed; a prompt is not."""


def _pieces(text: str) -> list[str]:
    """Literal text and names in turn, beginning and ending with text."""
    pieces = re.split(r"{(\w+)}", text)
    wrong = next((each for each in pieces[::2] if "{" in each or "}" in each), None)
    if wrong is not None:
        raise ConfigurationError(f"{text!r}: braces must hold the name of a credential, as in {{user}}")
    return pieces


def credential_names(steps: Iterable[Login]) -> set[str]:
    """The names of the credentials that a login needs."""
    return {name for step in steps for name in _pieces(step.send or "")[1::2]}


class _Side:
    """What both sides know."""

    def __init__(self, steps: Sequence[Login], encoding: str) -> None:
        self._steps = list(steps)
        self._encoding = encoding

    @property
    def done(self) -> bool:
        """Whether commands may come now."""
        return not self._steps


class LoginServer(_Side):
    """
    The equipment's side.

    Args:
        greeting: what is said first; None: nothing.
        steps: the declared login.
        encoding: of all that is said.
        authenticate: tells whether the credentials are good, when all have come.
    """

    def __init__(
        self,
        greeting: str | None,
        steps: Sequence[Login],
        encoding: str,
        authenticate: Callable[..., bool],
    ) -> None:
        super().__init__(steps, encoding)
        self._greeting = greeting
        self._authenticate = authenticate
        self._credentials: dict[str, str] = {}
        self._answers_left = sum(step.send is not None for step in steps)

    def begin(self) -> list[LoginMessage]:
        """What to say first."""
        greeting = [] if self._greeting is None else [LoginMessage(self._greeting.encode(self._encoding), True)]
        return greeting + self._say()

    def take(self, frame: bytes) -> list[LoginMessage]:
        """
        Take what the host answered; return what to say next.

        Raises:
            LoginRefused: it is no such answer, or the credentials are wrong. What they were is not told.
        """
        expected = self._steps.pop(0).send or ""
        pieces = _pieces(expected)
        pattern = "(.*)".join(re.escape(each) for each in pieces[::2])
        match = re.fullmatch(pattern, frame.decode(self._encoding, "replace"), re.DOTALL)
        if match is None:
            raise LoginRefused(f"the host did not answer {expected!r}")
        self._credentials.update(zip(pieces[1::2], match.groups(), strict=True))
        self._answers_left -= 1
        if not self._answers_left and not self._authenticate(**self._credentials):
            raise LoginRefused("the host's credentials are wrong")
        return self._say()

    def _say(self) -> list[LoginMessage]:
        """All that comes before the host's next answer."""
        sayings = []
        while self._steps:
            step = self._steps[0]
            if step.expect is not None:
                sayings.append(LoginMessage(step.expect.encode(self._encoding), not step.prompt))
            if step.send is not None:
                break
            self._steps.pop(0)
        return sayings


class LoginClient(_Side):
    """
    The host's side.

    Args:
        greeting: how what the equipment says first begins; None: it says nothing.
        steps: the declared login.
        encoding: of all that is said.
        credentials: by the names that the steps use.

    Raises:
        ConfigurationError: a credential is missing.
    """

    def __init__(
        self,
        greeting: str | None,
        steps: Sequence[Login],
        encoding: str,
        credentials: Mapping[str, str],
    ) -> None:
        first = [] if greeting is None else [Login(expect=greeting)]
        super().__init__([*first, *steps], encoding)
        self._credentials = credentials
        missing = sorted(credential_names(steps) - credentials.keys())
        if missing:
            raise ConfigurationError(f"the login needs credentials for {', '.join(missing)}")

    def begin(self) -> list[LoginMessage]:
        """What to say before anything came."""
        return self._say()

    def take(self, frame: bytes) -> list[LoginMessage]:
        """
        Take what the equipment said; return what to answer.

        Raises:
            LoginRefused: it said something else than was declared.
        """
        step = self._steps[0]
        said = frame.decode(self._encoding, "replace")
        if not said.startswith((step.expect or "").rstrip()):
            raise LoginRefused(f"the equipment said {said[:80]!r} where {step.expect!r} was expected")
        answer = self._answer(self._steps.pop(0))
        return answer + self._say()

    def _say(self) -> list[LoginMessage]:
        """All that is said without being asked."""
        sayings = []
        while self._steps and self._steps[0].expect is None:
            sayings += self._answer(self._steps.pop(0))
        return sayings

    def _answer(self, step: Login) -> list[LoginMessage]:
        if step.send is None:
            return []
        pieces = _pieces(step.send)
        pieces[1::2] = [self._credentials[name] for name in pieces[1::2]]
        return [LoginMessage("".join(pieces).encode(self._encoding), True)]
