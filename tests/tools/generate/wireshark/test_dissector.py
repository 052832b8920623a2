"""The text of a dissector, without Wireshark: its names, its notes, and what it refuses."""

from __future__ import annotations

import re
from typing import Any

import pytest

from tcpcomm import ConfigurationError, Equipment, command, declaration_of
from tcpcomm.codec import Template
from tcpcomm.devices.catalogue import find_device
from tcpcomm.framing import (
    CHECKSUMS,
    Checked,
    Checksum,
    Framing,
    HeaderFramed,
    LengthPrefixed,
    Lines,
    Stuffed,
    checksum,
)
from tcpcomm.tools.generate.generator import Generated, Wanted
from tcpcomm.tools.generate.wireshark.dissector import wireshark_dissector
from tcpcomm.tools.generate.wireshark.fields import Fields
from tcpcomm.tools.generate.wireshark.framings import checksum_rule, framing_rule
from tcpcomm.tools.generate.wireshark.lua_text import lua_string, lua_value
from tests.tools.generate.declared import Drive


def made(kind: type[Equipment], device: str = "my:Device", port: int = 9999) -> Generated:
    return wireshark_dissector(declaration_of(kind), Wanted(device=device, port=port))


class Ours(Equipment):
    """A device with letters of Korean in its names."""

    framing = Lines()
    codec = Template(encoding="cp949", fault="NG")

    @command("작업,{작업_번호}", reply="OK")
    def work(self, 작업_번호: int) -> None:  # noqa: PLC2401 - that is what it is for
        """Do a job."""
        raise NotImplementedError


def test_the_head_says_how_to_load_it_and_how_to_filter() -> None:
    text = made(Drive, "drives:Drive", 9100).text
    head = text.partition("\nlocal D")[0]
    assert "-- Drive: a dissector for Wireshark 4.0 and later.\n" in head
    assert "tcpcomm generate wireshark drives:Drive" in head
    assert 'drive.kind == "reply"' in head
    assert "The TCP port is 9100" in head


def test_the_same_declaration_gives_the_same_text() -> None:
    assert made(Drive).text == made(Drive).text


def test_names_of_other_letters_become_ascii_and_titles_stay() -> None:
    text = made(Ours).text
    (path,) = set(re.findall(r'path = "(work\.[^"]+)"', text))
    assert path.isascii()
    assert 'title = "작업_번호"' in text
    assert lua_string("작업,".encode("cp949")) in text


@pytest.mark.parametrize(
    ("device", "own", "prefix"),
    [
        ("modbus", "mbtcp", "modbus_device"),
        ("s7", "s7comm", "s7"),
        ("hsms", "hsms", "gem"),
        ("fins", "omron", "fins"),
    ],
)
def test_a_dissector_of_wireshark_s_own_is_told(device: str, own: str, prefix: str) -> None:
    (note,) = made(find_device(device).load(), device, 502).notes
    assert f"with the filter {own}." in note
    assert f"with the filter {prefix}, and takes TCP port 502" in note


def total(header: bytes) -> int:
    return header[0]


def of_ours(data: bytes) -> int:
    return sum(data) & 0xFF


@pytest.mark.parametrize(
    ("framing", "note"),
    [
        (
            HeaderFramed(1, total),
            "the framing .*total.* is code, which Lua does not have: each TCP segment",
        ),
        (
            Checked(LengthPrefixed(2), Checksum("ours", of_ours)),
            "the checksum ours is a function, which Lua does not have: it is not verified",
        ),
    ],
)
def test_what_lua_cannot_do_is_told(framing: Framing, note: str) -> None:
    notes: list[str] = []
    framing_rule(framing, notes.append)
    (told,) = notes
    assert re.match(note, told)


@pytest.mark.parametrize("name", CHECKSUMS)
def test_every_checksum_of_the_catalogue_is_known(name: str) -> None:
    notes: list[str] = []
    assert "unknown" != checksum_rule(checksum(name), notes.append)["kind"]
    assert [] == notes


def test_escapes_are_told_from_the_code_to_the_byte() -> None:
    assert {0xDC: 0xC0, 0xDD: 0xDB} == framing_rule(Stuffed(), pytest.fail)["literals"]


def test_a_codec_without_layouts_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    declaration = declaration_of(Ours)
    monkeypatch.setattr(type(declaration.dialect), "layout", lambda self, name: None)
    with pytest.raises(ConfigurationError, match="Ours: the codec Template is made of code"):
        wireshark_dissector(declaration, Wanted(device="ours", port=1))


def test_fields_of_one_path_have_one_type_in_filters() -> None:
    fields = Fields()
    one = fields.whole("read.value", 2, signed=False)
    assert one == fields.whole("read.value", 2, signed=False)
    wider = fields.whole("read.value", 4, signed=False)
    text = fields.add("read.value", "string")
    paths = [fields.all[number - 1]["path"] for number in (one, wider, text)]
    assert ["read.value", "read.value", "read.value_text"] == paths


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ({"a": 1, "end": [True, None], 3: "x"}, '{a = 1, ["end"] = {true, nil}, [3] = "x"}'),
        ({"a": None}, "{}"),
        (b'\x00\xff"\\\n7', r'"\000\255\"\\\n7"'),
        ("높이 \x01", '"높이 \\001"'),
        (float("inf"), "math.huge"),
        (2**63, "9223372036854775808"),
    ],
)
def test_values_are_written_as_lua(value: Any, text: str) -> None:
    assert text == lua_value(value)
