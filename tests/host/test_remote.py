"""Refuse wrong arguments of ``remote`` at once, with a text that names them."""

from __future__ import annotations

from typing import Any

import pytest
from twisted.internet.testing import MemoryReactorClock

from tcpcomm import ConfigurationError, remote
from tests.equipment.declared import MyCamera, VisionCamera

ONE_PLACE = (
    'a link needs one place: at="tcp:10.0.0.5:9999", where the peer listens, or else '
    'listen="tcp:9999:interface=127.0.0.1", where the peer connects to us'
)


@pytest.mark.parametrize(
    ("kind", "options", "told"),
    [
        (VisionCamera, {}, ONE_PLACE),
        (VisionCamera, {"at": "tcp:h:1", "listen": "tcp:1"}, ONE_PLACE),
        (
            VisionCamera,
            {"at": ("127.0.0.1", 9999)},
            "at is a text: write at=\"tcp:127.0.0.1:9999\", not ('127.0.0.1', 9999)",
        ),
        (
            VisionCamera,
            {"at": 9999},
            'at must be an endpoint or its text, such as "tcp:10.0.0.5:9999", not 9999',
        ),
        (
            VisionCamera,
            {"listen": 9999},
            'listen must be an endpoint or its text, such as "tcp:9999:interface=127.0.0.1", not 9999',
        ),
        (
            MyCamera(),
            {"at": "tcp:h:1"},
            "remote takes the class, not an object of it: write remote(MyCamera, at=...)",
        ),
        (
            VisionCamera,
            {"at": "tcp:127.0.0.1:99999"},
            "'tcp:127.0.0.1:99999': the port must be a number from 0 to 65535, not '99999'",
        ),
    ],
)
def test_what_is_no_place_or_no_declaration_is_refused(
    kind: Any, options: dict[str, Any], told: str
) -> None:
    with pytest.raises(ConfigurationError) as caught:
        remote(kind, reactor=MemoryReactorClock(), **options)
    assert told == str(caught.value)
