"""Drawn values: of the right type, accepted by validators, and equal for equal seeds."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest
from attrs import field, frozen, validators

from tcpcomm.codec.random_values import draw
from tcpcomm.errors import ConfigurationError
from tests.codec.cases import Opaque
from tests.codec.values import Door, Recipe, Tree


@frozen
class Small:
    value: int = field(validator=validators.in_(range(10)))


@frozen
class Impossible:
    value: int = field(validator=validators.gt(10**100))


@pytest.mark.parametrize(
    "annotation", [int, float, str, Recipe, Tree, Door, dict[str, list[int]], Any, int | None]
)
def test_the_same_seed_draws_the_same_value(annotation: Any) -> None:
    first, second = Random(1), Random(1)
    assert [draw(annotation, first) for _ in range(20)] == [draw(annotation, second) for _ in range(20)]


def test_a_class_with_validators_is_drawn_until_they_accept() -> None:
    random = Random(2)
    assert {True} == {0 <= draw(Small, random).value < 10 for _ in range(20)}


def test_a_class_whose_validators_refuse_everything_cannot_be_drawn() -> None:
    with pytest.raises(ConfigurationError, match="Impossible refused 100 drawn values"):
        draw(Impossible, Random(3))


@pytest.mark.parametrize("annotation", [Opaque, set[int], list[Opaque]])
def test_a_type_that_no_codec_knows_cannot_be_drawn(annotation: Any) -> None:
    with pytest.raises(ConfigurationError, match="can be drawn"):
        [draw(annotation, random) for random in map(Random, range(20))]
