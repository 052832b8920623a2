"""A frame of JSON has a largest number of values, so that it takes little time and memory."""

from __future__ import annotations

import json

import pytest

from tcpcomm.codec import Json, JsonRpc
from tcpcomm.codec.base import MISSING, Dialect, Field, MessageSpec, Refusal, Request
from tcpcomm.codec.limits import MAX_VALUES
from tcpcomm.errors import ConfigurationError


def bound(codec: Json | JsonRpc, kind: object = list[int]) -> Dialect:
    return codec.bind([MessageSpec("take", "Device.take", MISSING, MISSING, (Field("items", kind),))])


def frame(items: object) -> bytes:
    return json.dumps({"jsonrpc": "2.0", "method": "take", "params": {"items": items}, "id": 1}).encode()


def test_a_frame_with_more_values_than_the_limit_is_refused() -> None:
    dialect = bound(JsonRpc(max_values=100))
    assert isinstance(dialect.read_at_equipment(frame([1] * 90)), Request)
    refused = dialect.read_at_equipment(frame([1] * 101))
    assert isinstance(refused, Refusal)
    assert "the JSON has more than 100 values (max_values)" == str(refused.problem)


def test_the_characters_of_strings_are_not_values() -> None:
    dialect = bound(JsonRpc(max_values=100), list[str])
    text = '[{,\\"' * 100
    asked = dialect.read_at_equipment(frame([text]))
    assert isinstance(asked, Request)
    assert [text] == asked.values["items"]


def test_by_default_a_long_list_is_read_and_a_hostile_one_is_not() -> None:
    dialect = bound(JsonRpc())
    assert isinstance(dialect.read_at_equipment(frame([1] * (MAX_VALUES - 10))), Request)
    assert isinstance(dialect.read_at_equipment(frame([[]] * MAX_VALUES)), Refusal)


def test_the_limit_holds_for_own_keys_and_must_be_positive() -> None:
    dialect = bound(Json(command="cmd", max_values=100))
    frame = json.dumps({"cmd": "take", "items": [1] * 101}).encode()
    assert isinstance(dialect.read_at_equipment(frame), Refusal)
    with pytest.raises(ConfigurationError, match="max_values must be a whole number of at least 1"):
        Json(max_values=0)
