"""The broker in memory for the tests of this folder."""

from __future__ import annotations

import pytest

from tests.conftest import needs_module


@pytest.fixture
def broker(monkeypatch: pytest.MonkeyPatch) -> object:
    """A broker to which every dialler connects."""
    needs_module("pika", "pip install 'tcpcomm[rabbitmq]'")
    from tcpcomm.plant.sinks.rabbitmq.dialler import Dialler
    from tests.plant.sinks.rabbitmq.rig import FakeBroker

    made = FakeBroker()

    async def connect(self: object, prepare: object) -> object:
        return await made.connect(self, prepare)

    monkeypatch.setattr(Dialler, "connect", connect)
    return made
