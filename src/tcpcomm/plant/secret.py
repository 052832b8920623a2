"""Passwords in configuration: :class:`Secret`, which no log line shows, and a converter to it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, Final

from attrs import field, frozen

from tcpcomm.errors import ConfigurationError
from tcpcomm.runtime.tls_rules import check_secret_file

ENVIRONMENT: Final = "env:"
FILE: Final = "file:"
PLAIN: Final = "plain:"

_MOST: Final = 4096  # bytes; a longer file is not a password


def _check_text(instance: object, attribute: Any, text: Any) -> None:
    # The text itself may be the password. No message repeats it.
    if not isinstance(text, str):
        raise ConfigurationError(f"a secret must be a text, not {type(text).__name__}")
    if not text or text in (ENVIRONMENT, FILE, PLAIN):
        raise ConfigurationError(
            "a secret is empty: write env:NAME for an environment variable, file:/path for a file, or the "
            "password itself"
        )
    if "\0" in text:
        raise ConfigurationError("a secret holds a zero character: write it again")


@frozen(repr=False)
class Secret:
    """
    A password, or the place where it is. Its ``repr`` shows neither.

    Args:
        text: ``env:NAME`` reads an environment variable, ``file:/path`` reads a file, and anything else is
            the password itself. A password that begins with one of these words is written as
            ``plain:PASSWORD``.
    """

    text: str = field(validator=_check_text)

    def __repr__(self) -> str:
        return "Secret(***)"

    def reveal(self) -> str:
        """
        Return the password. A variable and a file are read anew at each call.

        Raises:
            ConfigurationError: the variable is not set, or the file cannot be read, or every user of the
            machine can change it.
        """
        if self.text.startswith(ENVIRONMENT):
            return _from_environment(self.text.removeprefix(ENVIRONMENT))
        if self.text.startswith(FILE):
            return _from_file(self.text.removeprefix(FILE))
        return self.text.removeprefix(PLAIN)


def secret(value: str | Secret) -> Secret:
    """Return the :class:`Secret` of a text, or a Secret as it is. It is a converter for attrs classes."""
    return value if isinstance(value, Secret) else Secret(value)


def _from_environment(name: str) -> str:
    value = os.environ.get(name, "")
    if not value:
        raise ConfigurationError(
            f"the environment variable {name} holds no password: set it before the program starts"
        )
    return value


def _from_file(name: str) -> str:
    path = Path(name)
    try:
        check_secret_file(path)
        with path.open("rb") as file:
            content = file.read(_MOST + 1)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise ConfigurationError(
            f"the file {path}, which holds a password, cannot be read: {reason}"
        ) from None
    if len(content) > _MOST:
        raise ConfigurationError(f"the file {path} is longer than {_MOST} bytes: it cannot be a password")
    try:
        password = content.decode("utf-8").removesuffix("\n").removesuffix("\r")
    except UnicodeDecodeError:
        raise ConfigurationError(f"the file {path} is not UTF-8: write the password as UTF-8") from None
    if not password:
        raise ConfigurationError(f"the file {path} is empty: write the password into it")
    return password
