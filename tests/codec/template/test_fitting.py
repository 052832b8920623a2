"""Texts that a peer sent are cut to what a field can repeat, and a long one costs little more."""

from __future__ import annotations

from typing import Any

import pytest
from attrs import define

from tcpcomm.codec.encoding import Encoding
from tcpcomm.codec.template.fields.fitting import fitting_text
from tcpcomm.codec.template.fields.format_spec import parse_format_spec
from tcpcomm.errors import CodecError

LONG = 1_000_000


@define
class Kind:
    """A field that carries every character but a comma, and counts its attempts."""

    attempts: int = 0

    def write(self, text: str) -> str:
        self.attempts += 1
        if "," in text:
            raise CodecError("it has a comma")
        return text


def fit(text: str, format_spec: str = "", *, kind: Any = None) -> str | None:
    field: Any = kind or Kind()
    return fitting_text(text, field, parse_format_spec(format_spec), Encoding("utf-8"))


@pytest.mark.parametrize(
    ("text", "format_spec", "expected"),
    [
        ("abc", "", "abc"),
        ("a,b", "", "ab"),
        (",,", "", None),
        ("abcdef", "<4", "abcd"),
        ("  ab", ">4", "ab"),
        ("카메라", "<4b", "카"),
        ("카메라", "<2b", None),
    ],
)
def test_a_text_is_cut_and_sifted(text: str, format_spec: str, expected: str | None) -> None:
    assert expected == fit(text, format_spec)


def test_a_long_text_is_cut_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    measured: list[str] = []
    size = Encoding.size

    def note(encoding: Encoding, text: str) -> int:
        measured.append(text)
        return size(encoding, text)

    monkeypatch.setattr(Encoding, "size", note)

    assert "카" == fit("카" * LONG, "<4b")

    assert len(measured) < 10


def test_few_characters_of_a_long_text_are_tried() -> None:
    kind = Kind()

    assert "a" == fit("a" + "," * LONG, kind=kind)

    assert kind.attempts < 2000
