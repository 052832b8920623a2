"""Secrets: they come from a variable, a file or the configuration, and no text about them shows them."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
from attrs import field, frozen
from attrs.converters import optional

from tcpcomm import ConfigurationError
from tcpcomm.plant import Secret
from tcpcomm.plant.secret import secret


@frozen
class Login:
    password: Secret | None = field(default=None, converter=optional(secret))  # a text becomes a Secret


def test_a_plain_text_is_the_password() -> None:
    assert Login(secret("guest")).password == Secret("guest")
    assert "guest" == Secret("guest").reveal()
    assert "env:x" == Secret("plain:env:x").reveal()
    assert Login().password is None


def test_no_text_shows_the_password_or_its_place() -> None:
    for text in ("guest", "env:MES_PASSWORD", "file:/etc/mes.password"):
        assert "Login(password=Secret(***))" == repr(Login(secret(text)))
        assert "Secret(***)" == str(Secret(text))


def test_a_variable_is_read_when_the_password_is_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MES_PASSWORD", raising=False)
    found = Secret("env:MES_PASSWORD")
    with pytest.raises(ConfigurationError, match="the environment variable MES_PASSWORD holds no password"):
        found.reveal()
    monkeypatch.setenv("MES_PASSWORD", "a b")
    assert "a b" == found.reveal()


@pytest.mark.parametrize(
    ("content", "password"), [("a b\n", "a b"), ("a\r\n", "a"), (" a ", " a "), ("ä\n\n", "ä\n")]
)
def test_a_file_holds_the_password_and_one_end_of_a_line(
    tmp_path: Path, content: str, password: str
) -> None:
    path = tmp_path / "password"
    path.write_bytes(content.encode())
    path.chmod(0o600)
    assert password == Secret(f"file:{path}").reveal()


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (None, "cannot be read: No such file"),
        (b"", "is empty"),
        (b"\n", "is empty"),
        (b"\xff", "is not UTF-8"),
        (b"x" * 4097, "longer than 4096 bytes"),
    ],
    ids=["missing", "empty", "no text", "not UTF-8", "long"],
)
def test_a_file_that_holds_no_password_is_an_error_that_names_it(
    tmp_path: Path, content: bytes | None, problem: str
) -> None:
    path = tmp_path / "password"
    if content is not None:
        path.write_bytes(content)
        path.chmod(0o600)
    with pytest.raises(ConfigurationError, match=problem) as raised:
        Secret(f"file:{path}").reveal()
    assert str(path) in str(raised.value)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such modes")
def test_a_file_that_every_user_can_change_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "password"
    path.write_text("guest")
    os.chmod(path, 0o666)
    with pytest.raises(ConfigurationError, match="every user of this machine can change"):
        Secret(f"file:{path}").reveal()


@pytest.mark.parametrize("text", ["", "env:", "file:", "plain:", "a\0b", 5, 0.25])
def test_what_cannot_be_a_secret_is_an_error_that_does_not_repeat_it(text: object) -> None:
    with pytest.raises(ConfigurationError) as raised:
        Secret(text)  # type: ignore[arg-type]
    assert repr(text) not in str(raised.value)
