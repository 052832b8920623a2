"""The declarations in docs/examples, by the names of their protocols in Wireshark."""

from __future__ import annotations

import sys
from importlib import import_module

from tcpcomm import Equipment
from tests.conftest import ROOT

__all__ = ["EXAMPLES"]

_PLACES = (
    ("robot_vision", "vision_camera", "VisionCamera"),
    ("machine", "machine", "Axis"),
    ("machine", "machine", "HeightSensor"),
    ("inspection", "inspection", "Inspection"),
    ("two_way", "cell", "Loader"),
    ("csharp", "signals", "TextVision"),
    ("csharp", "signals", "JsonVision"),
)


def _load(folder: str, module: str, name: str) -> type[Equipment]:
    place = str(ROOT / "docs" / "examples" / folder)
    sys.path.insert(0, place)
    try:
        found: type[Equipment] = getattr(import_module(module), name)
    finally:
        sys.path.remove(place)
    return found


EXAMPLES = {name.lower(): _load(folder, module, name) for folder, module, name in _PLACES}
