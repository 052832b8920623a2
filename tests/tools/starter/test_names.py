"""Classes and files get names that Python, pytest and Windows accept, from a name in any language."""

from __future__ import annotations

import keyword
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tcpcomm.errors import ConfigurationError
from tcpcomm.tools.starter.names import names_of


@pytest.mark.parametrize(
    ("title", "kind", "module"),
    [
        ("Device", "Device", "device"),
        ("Vision camera", "VisionCamera", "vision_camera"),
        ("vision-camera 2", "VisionCamera2", "vision_camera2"),
        ("PLC", "PLC", "plc"),
        ("Station PLCLink", "StationPLCLink", "station_plc_link"),
        ("비전 카메라", "BijeonKamera", "bijeon_kamera"),
        ("3호기 로봇", "Device3hogiRobot", "device_3hogi_robot"),
        ("Kühlgerät", "Kuhlgerat", "kuhlgerat"),
        ("3D camera", "Device3DCamera", "device_3d_camera"),
        ("Equipment", "EquipmentDevice", "equipment_device"),
        ("none", "NoneDevice", "none_device"),
        ("socket", "Socket", "socket_device"),
        ("Twisted", "Twisted", "twisted_device"),
        ("tcpcomm", "Tcpcomm", "tcpcomm_device"),
        ("class", "Class", "class_device"),
        ("COM1", "COM1", "com1_device"),
        ("Test bench", "DeviceTestBench", "device_test_bench"),
    ],
)
def test_a_name_becomes_a_class_and_a_module(title: str, kind: str, module: str) -> None:
    names = names_of(title)

    assert (title, kind, module) == (names.title, names.kind, names.module)


def test_an_identifier_takes_the_place_of_the_derived_name() -> None:
    names = names_of("비전  카메라", "vision camera")

    assert ("비전 카메라", "VisionCamera", "vision_camera") == (names.title, names.kind, names.module)


@pytest.mark.parametrize(
    ("title", "identifier", "problem"),
    [
        ("相机", None, "'相机' has no Latin letters: give a name for the code, as Camera"),
        ("!?", None, "'!?' has no Latin letters: give a name for the code, as Camera"),
        ("Camera", "카메라", "'카메라' cannot be a name in the code: use Latin letters"),
        ("Camera", "-", "'-' cannot be a name in the code: use Latin letters"),
        (" ", None, "the name of a device has 1 to 60 printable characters"),
        ("x" * 61, None, "the name of a device has 1 to 60 printable characters"),
        ("a\x1bb", None, "the name of a device has 1 to 60 printable characters"),
    ],
)
def test_what_cannot_be_a_name_is_refused(title: str, identifier: str | None, problem: str) -> None:
    with pytest.raises(ConfigurationError) as raised:
        names_of(title, identifier)

    assert problem == str(raised.value)


@given(st.text(min_size=1, max_size=60))
def test_every_name_is_refused_or_can_be_imported(title: str) -> None:
    try:
        names = names_of(title)
    except ConfigurationError:
        return

    for each in (names.kind, names.module):
        assert each.isascii()
        assert each.isidentifier()
        assert not keyword.iskeyword(each)
    assert names.module not in sys.stdlib_module_names
