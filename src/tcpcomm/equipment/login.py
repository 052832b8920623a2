"""
The greeting and the login before the first command of a session, declared step by step.

:class:`LoginServer` is the equipment's side, :class:`LoginClient` the host's. They take received frames and
return the messages to send, without I/O.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple

from attrs import frozen

from tcpcomm.errors import ConfigurationError, LoginRefused


@frozen
class Login:
    """
    One step of a login: the equipment's text, and the host's answer.

    Args:
        expect: the text of the equipment, or its beginning, such as ``Password:``; None if it sends none.
        send: the host's answer, with credentials by name, such as ``{password}``; None if it sends none.
        prompt: True if ``expect`` comes without the end of a frame, like a prompt for people. The equipment
            must then have a ``gap``: the silence after the prompt ends it.

    Raises:
        ConfigurationError: the step does nothing, a prompt has no text, or a brace is not closed.
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
    """A message to send."""

    text: bytes
    is_frame: bool
    """True if it is sent as a frame; False for a prompt."""


def _pieces(text: str) -> list[str]:
    """Split into literal text and names in turn. The first and the last are text."""
    pieces = re.split(r"{(\w+)}", text)
    wrong = next((each for each in pieces[::2] if "{" in each or "}" in each), None)
    if wrong is not None:
        raise ConfigurationError(f"{text!r}: braces must hold the name of a credential, as in {{user}}")
    return pieces


def credential_names(steps: Iterable[Login]) -> set[str]:
    """Return the names of the credentials that a login needs."""
    return {name for step in steps for name in _pieces(step.send or "")[1::2]}


class _LoginSide(ABC):
    """The remaining steps of a login, at either side. A greeting is the first step."""

    def __init__(self, greeting: str | None, steps: Sequence[Login], encoding: str) -> None:
        first = [] if greeting is None else [Login(expect=greeting)]
        self._steps = [*first, *steps]
        self._encoding = encoding

    @property
    def done(self) -> bool:
        """Return True when commands may come."""
        return not self._steps

    def begin(self) -> list[LoginMessage]:
        """Return the first messages to send, before anything is received."""
        return self._next_messages()

    @abstractmethod
    def _next_messages(self) -> list[LoginMessage]:
        """Return the messages to send before the other side's next text."""


class LoginServer(_LoginSide):
    """
    The equipment's side of a login.

    When all credentials have come, ``authenticate`` must return True if they are good.
    """

    def __init__(
        self,
        greeting: str | None,
        steps: Sequence[Login],
        encoding: str,
        authenticate: Callable[..., bool],
    ) -> None:
        super().__init__(greeting, steps, encoding)
        self._authenticate = authenticate
        self._credentials: dict[str, str] = {}

    def take(self, frame: bytes) -> list[LoginMessage]:
        """
        Take an answer of the host. Return the next messages to send.

        Raises:
            LoginRefused: the answer is not the declared one, or the credentials are wrong. The text of the
                error does not show them.
        """
        expected = self._steps.pop(0).send or ""
        pieces = _pieces(expected)
        pattern = "(.*)".join(re.escape(each) for each in pieces[::2])
        match = re.fullmatch(pattern, frame.decode(self._encoding, "replace"), re.DOTALL)
        if match is None:
            raise LoginRefused(f"the host did not answer {expected!r}")
        self._credentials.update(zip(pieces[1::2], match.groups(), strict=True))
        is_last = all(step.send is None for step in self._steps)
        if is_last and not self._authenticate(**self._credentials):
            raise LoginRefused("the host's credentials are wrong")
        return self._next_messages()

    def _next_messages(self) -> list[LoginMessage]:
        messages = []
        while self._steps:
            step = self._steps[0]
            if step.expect is not None:
                messages.append(LoginMessage(step.expect.encode(self._encoding), not step.prompt))
            if step.send is not None:
                break
            self._steps.pop(0)
        return messages


class LoginClient(_LoginSide):
    """
    The host's side of a login. The credentials have the names that the steps use.

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
        super().__init__(greeting, steps, encoding)
        self._credentials = credentials
        self._sent_credentials = False
        missing = sorted(credential_names(steps) - credentials.keys())
        if missing:
            names = ", ".join(missing)
            example = ", ".join(f'"{name}": "..."' for name in missing)
            raise ConfigurationError(
                f"the login needs credentials for {names}: give credentials={{{example}}}, or "
                "--credential-file on the command line"
            )

    def take(self, frame: bytes) -> list[LoginMessage]:
        """
        Take a text of the equipment. Return the messages to answer.

        Raises:
            LoginRefused: the text is not the declared one.
        """
        step = self._steps[0]
        text = frame.decode(self._encoding, "replace")
        if not text.startswith((step.expect or "").rstrip()):
            problem = f"the equipment said {text[:80]!r}, but {step.expect!r} was expected"
            raise LoginRefused(problem, after_credentials=self._sent_credentials)
        return self._answer(self._steps.pop(0)) + self._next_messages()

    def _next_messages(self) -> list[LoginMessage]:
        messages = []
        while self._steps and self._steps[0].expect is None:
            messages += self._answer(self._steps.pop(0))
        return messages

    def _answer(self, step: Login) -> list[LoginMessage]:
        if step.send is None:
            return []
        pieces = _pieces(step.send)
        self._sent_credentials = self._sent_credentials or len(pieces) > 1
        pieces[1::2] = [self._credentials[name] for name in pieces[1::2]]
        return [LoginMessage("".join(pieces).encode(self._encoding), True)]
