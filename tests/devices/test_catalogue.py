"""The catalogue has tcpcomm's devices, and those of other packages by their entry points."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tcpcomm import ConfigurationError, Equipment, command
from tcpcomm.cli.command import main
from tcpcomm.devices import Device, all_devices, find_device
from tcpcomm.devices.catalogue import OURS


class Press(Equipment):
    """A press that another package declares.

    It has one command.
    """

    @command("GO", reply="OK")
    def go(self) -> None:
        """Begin a stroke."""
        raise NotImplementedError


class MyPress(Press):
    """Counts its strokes."""

    strokes = 0

    def go(self) -> None:
        self.strokes += 1


DEVICE = Device(
    name="acme-two",
    summary="A press that says more",
    kind=Press,
    simulator=MyPress,
    port=4000,
    source="ACME",
)


@pytest.fixture
def others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Install a package with entry points. Return the file of them."""
    folder = tmp_path / "acme_tcpcomm-1.0.dist-info"
    folder.mkdir()
    (folder / "METADATA").write_text("Metadata-Version: 2.1\nName: acme-tcpcomm\nVersion: 1.0\n")
    points = folder / "entry_points.txt"
    points.write_text(f"[tcpcomm.devices]\nacme-one = {__name__}:Press\nacme-two = {__name__}:DEVICE\n")
    monkeypatch.syspath_prepend(tmp_path)
    return points


def test_devices_of_other_packages_are_found_by_their_entry_points(others: Path) -> None:
    one = find_device("acme-one")
    assert (Press, "A press that another package declares.") == (one.load(), one.summary)
    assert DEVICE == find_device("acme-two")
    assert [*OURS, one, DEVICE] == list(all_devices())


@pytest.mark.parametrize(
    ("point", "problem"),
    [
        ("nosuch:It", "cannot be loaded: ModuleNotFoundError: No module named 'nosuch'"),
        (f"{__name__}:Path", "<class 'pathlib.Path'> is not a subclass of Equipment"),
    ],
)
def test_a_device_that_cannot_be_loaded_is_told_and_hides_no_other(
    others: Path, point: str, problem: str, capsys: pytest.CaptureFixture[str]
) -> None:
    others.write_text(f"[tcpcomm.devices]\nacme-bad = {point}\nacme-one = {__name__}:Press\n")
    with pytest.raises(SystemExit) as ended:
        main(["devices"])
    printed = capsys.readouterr()
    assert 1 == ended.value.code
    assert "acme-one: A press that another package declares." in printed.out.splitlines()
    assert "tcpcomm devices: the device acme-bad of acme-tcpcomm" in printed.err
    assert problem in printed.err
    with pytest.raises(ConfigurationError, match="acme-bad"):
        find_device("acme-bad")


def test_an_unknown_name_is_refused_with_what_to_do(others: Path) -> None:
    with pytest.raises(ConfigurationError) as refused:
        find_device("acme-on")
    assert (
        "acme-on: there is no device of this name: did you mean acme-one? 'tcpcomm devices' lists them. "
        "Name a declaration of yours as module:name or file:name, such as my_camera:VisionCamera or "
        "my_camera.py:VisionCamera"
    ) == str(refused.value)


def test_the_list_says_what_is_known(others: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for words in (["devices"], ["devices", "--json"]):
        with pytest.raises(SystemExit) as ended:
            main(words)
        assert 0 == ended.value.code
    text, _, data = capsys.readouterr().out.partition("[\n")
    assert text.endswith("acme-two: A press that says more, TCP port 4000\n    source: ACME\n")
    assert {
        "name": "acme-two",
        "summary": "A press that says more",
        "declaration": f"{__name__}:Press",
        "port": 4000,
        "source": "ACME",
        "served": [],
        "asked": [],
    } == json.loads(f"[{data}")[-1]


def test_a_device_is_described_by_its_name(others: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["describe", "acme-one"])
    assert 0 == ended.value.code
    assert "A press that another package declares." in capsys.readouterr().out

