"""The formats of columns of numbers, as the notation of templates has them."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tcpcomm.codec import MessageSpec, Request, Template
from tcpcomm.tools.guess.draft.number_forms import hex_form, number_form
from tcpcomm.tools.guess.draft.parts import Kind


@pytest.mark.parametrize(
    ("values", "kind", "form"),
    [
        (["1", "-12"], Kind.INT, ""),
        (["+1", "-12"], Kind.INT, "+d"),
        (["001", "012"], Kind.INT, "03d"),
        (["-01", "012"], Kind.INT, "03d"),
        (["  1", " 12"], Kind.INT, "3d"),
        (["1  ", "12 "], Kind.INT, "<3d"),
        ([" 1", "-1"], Kind.INT, "2d"),
        ([" 1", "-12"], Kind.INT, " d"),
        (["1.50", "-12.25"], Kind.FLOAT, ".2f"),
        (["+1.5", "-12.2"], Kind.FLOAT, "+.1f"),
        (["+001.50", "-012.25"], Kind.FLOAT, "+07.2f"),
        (["    1.50", "  -12.25"], Kind.FLOAT, "8.2f"),
        (["+    1.50", "-   12.25"], Kind.FLOAT, " =+9.2f"),
        (["   1.5", " 12.25"], Kind.FLOAT, "6"),
        (["1.5", "12", "0.25"], Kind.FLOAT, ""),
        (["1.50E+03", "-2.25E-01"], Kind.FLOAT, ".2E"),
        ([" 4.1", " 0", "-12.25"], Kind.FLOAT, " "),
        (["1e-07", "2.5"], Kind.FLOAT, ""),
    ],
    ids=lambda value: "-".join(value).replace(" ", "_") if isinstance(value, list) else None,
)
def test_the_format_of_numbers(values: list[str], kind: Kind, form: str) -> None:
    assert (kind, form) == number_form(values)


@pytest.mark.parametrize("values", [["1", "x"], [""], ["1.2.3"], ["- 1", "2"], ["1 2"], ["1", " 2 "]])
def test_other_texts_are_no_numbers(values: list[str]) -> None:
    assert number_form(values) is None


@pytest.mark.parametrize(
    ("values", "form"),
    [
        (["00FF", "1A2B"], (Kind.INT, "04X")),
        (["00ff", "1a2b"], (Kind.INT, "04x")),
        (["FF0", "1A2B"], (Kind.INT, "X")),
        (["FACE", "DEAD"], None),
        (["0F", "1A2B"], None),
    ],
    ids=["upper", "lower", "any-width", "words", "zeros"],
)
def test_the_format_of_hexadecimal_numbers(values: list[str], form: Any) -> None:
    assert form == hex_form(values)


FORMATS = ("", "d", "+d", " d", "6d", "<6d", " =+8d", "06d", "+06d")
FLOATS = (".3f", "+.2f", "10.2f", "<10.2f", " =+10.2f", "012.3f", "+012.3f", "12", "<12", ".3E", " ")


@settings(max_examples=25)
@given(
    st.one_of(
        st.tuples(st.sampled_from(FORMATS), st.lists(st.integers(-999, 9999), min_size=1, max_size=9)),
        st.tuples(
            st.sampled_from(FLOATS),
            st.lists(st.floats(-999, 999).map(lambda each: round(each, 2)), min_size=1, max_size=9),
        ),
    )
)
def test_a_found_format_reads_all_numbers_that_another_format_wrote(case: tuple[str, list[Any]]) -> None:
    form, values = case
    written = Template().bind([MessageSpec("a", "D.a", "A", f"={{x:{form}}}", result=type(values[0]))])
    texts = [written.reply(Request("a", {}), each)[0].decode()[1:] for each in values]
    found = number_form(texts)
    assert found is not None
    kind, form = found
    result = int if kind is Kind.INT else float
    field = f"{{x:{form}}}" if form else "{x}"
    drafted = Template().bind([MessageSpec("a", "D.a", "A", f"={field}", result=result)])
    for text in texts:
        reader = drafted.reply_reader("a")
        assert reader is not None
        assert float(text.replace(" ", "")) == reader.take(f"={text}")
