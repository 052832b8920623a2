"""Values of JSON as variants of OPC UA, and back."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.conftest import needs_module

needs_module("asyncua", "pip install tcpcomm[opcua]")

from asyncua import ua  # noqa: E402
from asyncua.ua.ua_binary import variant_from_binary, variant_to_binary  # noqa: E402

from tcpcomm.errors import CodecError  # noqa: E402
from tcpcomm.plant.opcua.data_types import data_type_id, type_of, value_of, variant_of  # noqa: E402

singles: dict[type[Any], st.SearchStrategy[Any]] = {
    bool: st.booleans(),
    int: st.integers(-(2**63), 2**63 - 1),
    float: st.floats(allow_nan=False),
    str: st.text(st.characters(exclude_categories=["Cs"])),
    bytes: st.binary().map(lambda each: base64.b64encode(each).decode()),
    object: st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), st.integers() | st.none()),
}


@given(st.sampled_from(list(singles)).flatmap(lambda kind: st.tuples(st.just(kind), singles[kind])))
def test_a_value_comes_back_from_the_bytes_of_its_variant(drawn: tuple[type[Any], Any]) -> None:
    kind, value = drawn

    variant = variant_from_binary(ua.utils.Buffer(variant_to_binary(variant_of(kind, None, value))))

    assert value == value_of(kind, None, variant)


@given(
    st.sampled_from([bool, int, float, str, bytes]).flatmap(
        lambda kind: st.tuples(st.just(kind), st.lists(singles[kind], min_size=1))
    )
)
def test_a_list_comes_back_from_the_bytes_of_its_array(drawn: tuple[type[Any], list[Any]]) -> None:
    kind, value = drawn

    variant = variant_from_binary(ua.utils.Buffer(variant_to_binary(variant_of(object, kind, value))))

    assert value == value_of(object, kind, variant)
    assert (variant.VariantType, 1) == type_of(object, kind)


@pytest.mark.parametrize(
    ("kind", "items", "value", "expected"),
    [
        (str, None, "no \udc80", "no \\udc80"),
        (object, None, {"x": "\ud800"}, '{"x": "\\ud800"}'),
        (object, str, ["\ud800"], ["\\ud800"]),
    ],
    ids=["text", "JSON", "list"],
)
def test_half_a_character_is_an_escape(kind: Any, items: Any, value: Any, expected: Any) -> None:
    variant = variant_of(kind, items, value)

    assert expected == variant.Value
    assert variant_to_binary(variant)


def test_an_empty_list_is_an_empty_array() -> None:
    variant = variant_of(object, float, [])

    assert ([], True) == (variant.Value, variant.is_array)


@pytest.mark.parametrize(
    ("kind", "items", "value", "told"),
    [
        (int, None, 2**63, "9223372036854775808 does not fit into 64 bits"),
        (int, None, True, "must be int, not bool"),
        (int, None, 1.5, "must be int, not float"),
        (float, None, "n/a", "must be float, not str"),
        (bool, None, 1, "must be bool, not int"),
        pytest.param(float, None, 10**400, "is too large for a float", id="huge"),
        (bytes, None, "no base64!", "must be bytes as base64"),
        (bytes, None, "한글", "must be bytes as base64"),
        (object, float, 7, "must be a list, not int"),
        (object, float, [1.0, None], "must be float, not NoneType"),
    ],
)
def test_a_value_of_another_type_is_refused(kind: Any, items: Any, value: Any, told: str) -> None:
    with pytest.raises(CodecError) as caught:
        variant_of(kind, items, value)
    assert told == str(caught.value)


def test_a_whole_number_is_a_float_where_one_is_declared() -> None:
    assert ua.Variant(5.0, ua.VariantType.Double) == variant_of(float, None, 5)
    assert 5.0 == value_of(float, None, ua.Variant(5, ua.VariantType.Int32))


def test_a_member_of_several_kinds_is_a_text() -> None:
    assert "7" == variant_of(str, None, 7).Value


@pytest.mark.parametrize(
    "vtype", ["SByte", "Byte", "Int16", "UInt16", "Int32", "UInt32", "Int64", "UInt64"]
)
def test_a_client_may_send_any_whole_number(vtype: str) -> None:
    assert 5 == value_of(int, None, ua.Variant(5, ua.VariantType[vtype]))


@pytest.mark.parametrize(
    ("kind", "items", "variant", "told"),
    [
        (int, None, ua.Variant("5", ua.VariantType.String), "must be Int64, not String"),
        (int, None, ua.Variant(1.5, ua.VariantType.Double), "must be Int64, not Double"),
        (int, None, ua.Variant(), "must be Int64, not Null"),
        (int, None, ua.Variant([5], ua.VariantType.Int64), "must be a single value"),
        (object, int, ua.Variant(5, ua.VariantType.Int64), "must be an array"),
        (object, None, ua.Variant("{", ua.VariantType.String), "must be JSON: Expecting property name"),
    ],
    ids=str,
)
def test_a_variant_of_another_type_is_refused(kind: Any, items: Any, variant: Any, told: str) -> None:
    with pytest.raises(CodecError) as caught:
        value_of(kind, items, variant)
    assert str(caught.value).startswith(told)


def test_the_node_of_a_data_type_is_that_of_the_standard() -> None:
    assert ua.NodeId(ua.ObjectIds.Double) == data_type_id(float, None) == data_type_id(object, float)
    assert ua.NodeId(ua.ObjectIds.Int64) == data_type_id(int, None)
