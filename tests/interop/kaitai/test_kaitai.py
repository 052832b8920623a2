"""Formats that ``tcpcomm generate kaitai`` makes: others compile them, and their parsers read our bytes."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from random import Random
from types import ModuleType
from typing import Any

import pytest

from tcpcomm import declaration_of
from tcpcomm.codec.base import Request
from tcpcomm.devices.catalogue import find_device
from tcpcomm.equipment.declaration import Declaration
from tcpcomm.equipment.samples import SAMPLE_ID, Samples
from tcpcomm.tools.generate.binary_rules import size_of_header
from tcpcomm.tools.generate.generator import Wanted
from tcpcomm.tools.generate.kaitai.format import kaitai_format
from tests.codec.binary.foreign import ForeignBinary, plain
from tests.conftest import needs_module, needs_program, skip
from tests.docs.processes import SECONDS
from tests.interop.kaitai import whole
from tests.tools.generate.declared import Cell, Drive

PACKAGES = ("kaitai-struct-compiler@0.11.0", "js-yaml@4.1.0")
DEVICES = ("modbus", "slmp", "fins", "xgt", "s7")
OURS = {"drive": declaration_of(Drive), "cell": declaration_of(Cell)}
ALL = {**OURS, **{name: declaration_of(find_device(name).load()) for name in DEVICES}}


@pytest.fixture(scope="module")
def parsers(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Return the module of the parser of each declaration, compiled in one run."""
    needs_program("node", "apt-get install nodejs npm")
    npm = needs_program("npm", "apt-get install nodejs npm")
    needs_module("kaitaistruct", "pip install kaitaistruct")
    folder = tmp_path_factory.mktemp("kaitai")
    done = subprocess.run(
        [npm, "install", "--no-audit", "--no-fund", "--ignore-scripts", "--prefix", folder, *PACKAGES],
        capture_output=True,
        encoding="utf-8",
        timeout=4 * SECONDS,
    )
    if done.returncode:
        skip(f"npm cannot install {' and '.join(PACKAGES)}: {done.stderr}")
    formats = []
    for name, declaration in ALL.items():
        format = folder / f"{name}.ksy"
        format.write_text(kaitai_format(declaration, Wanted(device=name, port=9999)).text, "utf-8")
        formats.append(format)
    script = folder / "compile.js"  # Node.js finds its modules there
    script.write_bytes(Path(__file__).with_name("compile.js").read_bytes())
    package = folder / "compiled_kaitai"
    package.mkdir()
    done = subprocess.run(
        ["node", script, package, *formats], capture_output=True, encoding="utf-8", timeout=SECONDS
    )
    assert (0, "") == (done.returncode, done.stderr)
    return {name: _loaded(f"compiled_{name}", package / f"{name}.py") for name in ALL}


def _loaded(name: str, path: Path) -> ModuleType:
    """Return a module from a file."""
    spec = spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def parser(parsers: dict[str, Any], name: str) -> Any:
    found = parsers[name]
    own = [each for each in vars(found).values() if isinstance(each, type)]
    (made,) = [each for each in own if each.__module__ == found.__name__]
    return made


def requests(declaration: Declaration, seeds: int) -> Iterator[tuple[str, Any, dict[str, Any], bytes]]:
    """Yield commands, with the layout, values, and the frame."""
    samples, dialect = Samples(declaration), declaration.dialect
    for name in declaration.commands:
        layout = dialect.layout(name)
        for seed in range(seeds if layout is not None and "body" in layout["request"] else 0):
            values = samples.values(name, Random(seed))
            assert layout is not None
            yield name, layout["request"], values, dialect.request(name, values, SAMPLE_ID)


@pytest.mark.parametrize("name", ALL)
def test_requests_are_read_field_by_field(parsers: dict[str, Any], name: str) -> None:
    kind = parser(parsers, name)
    found = 0
    for command, layout, _, frame in requests(ALL[name], 3):
        form, behind = layout["body"], size_of_header(layout["header"])
        expected = ForeignBinary({"header": [], "body": form}).read(frame[behind:])
        read = kind.FromHost.from_bytes(frame)
        (group,) = [each for name, each in vars(read).items() if name.startswith("request")]
        body = getattr(group, "body", None)
        if not isinstance(body, bytes):
            assert (command, expected) == (command, whole(form, body))
            found += 1
    assert found > 4


@pytest.mark.parametrize("name", OURS)
def test_replies_and_events_are_read_field_by_field(parsers: dict[str, Any], name: str) -> None:
    declaration, kind = ALL[name], parser(parsers, name)
    samples, dialect = Samples(declaration), declaration.dialect
    for command, _, values, _ in requests(declaration, 4):
        if not declaration.commands[command].has_reply:
            continue
        result = samples.result(command, Random(command), values)
        (frame,) = dialect.reply(Request(command, values, SAMPLE_ID), result)
        form = dialect.layout(command)["reply"]["body"]  # type: ignore[index]
        read = kind.FromEquipment.from_bytes(frame)
        assert [True, False] == [hasattr(read, "reply"), hasattr(read, "fault")]
        expected = None if form["type"] == "nothing" else plain(form, result)
        assert (command, expected) == (command, whole(form, getattr(read.reply, "body", None)))
    for event in declaration.events:
        form = dialect.layout(event)["request"]["body"]  # type: ignore[index]
        for seed in range(4):
            values = samples.event(event, Random(seed))
            read = kind.FromEquipment.from_bytes(dialect.event(event, values))
            assert plain(form, values) == whole(form, read.event.body)


@pytest.mark.parametrize("name", OURS)
def test_faults_are_told_from_replies(parsers: dict[str, Any], name: str) -> None:
    declaration, kind = ALL[name], parser(parsers, name)
    for command in declaration.commands:
        if declaration.commands[command].has_reply:
            fault = Samples(declaration).fault(command, Random(command))
            frame = declaration.dialect.fault(Request(command, {}, SAMPLE_ID), fault)
            read = kind.FromEquipment.from_bytes(frame)
            assert hasattr(read, "fault")
            code = read.fault.body.code if name == "drive" else read.fault.status
            assert fault.code == code


@pytest.mark.parametrize("name", [*OURS, "modbus", "slmp", "fins", "xgt"])
def test_a_stream_is_read_with_its_framing(parsers: dict[str, Any], name: str) -> None:
    frames = [frame for _, _, _, frame in requests(ALL[name], 1)]
    stream = b"".join(map(ALL[name].received.encode, frames))
    read = parser(parsers, name).from_bytes(stream)
    assert len(frames) == len(read.frames)
