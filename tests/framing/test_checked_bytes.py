"""A framing is made of bytes: text is refused at once, with the bytes to write instead."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tcpcomm.errors import ConfigurationError
from tcpcomm.framing import (
    Definite,
    Delimited,
    DleStuffed,
    Enclosed,
    Framing,
    LengthPrefixed,
    Lines,
    Stuffed,
)

TEXT: Any = "\r"


@pytest.mark.parametrize(
    "make",
    [
        lambda: Delimited(TEXT),
        lambda: Delimited([b"\n", TEXT]),
        lambda: Lines(send=TEXT),
        lambda: Definite(terminator=TEXT),
        lambda: Enclosed(start=TEXT),
        lambda: Enclosed(end=TEXT),
        lambda: Enclosed(tail=TEXT),
        lambda: Enclosed(between=TEXT),
        lambda: Stuffed(end=TEXT),
        lambda: Stuffed(escape=TEXT),
        lambda: DleStuffed(escape=TEXT),
        lambda: DleStuffed(start=TEXT),
        lambda: DleStuffed(end=TEXT),
        lambda: LengthPrefixed(2, offset=1, sync=TEXT),
    ],
)
def test_text_is_refused_with_the_bytes_to_write(make: Callable[[], Framing]) -> None:
    with pytest.raises(ConfigurationError) as caught:
        make()
    assert r"a framing is made of bytes: write b'\r', not '\r'" == str(caught.value)


@pytest.mark.parametrize("delimiter", [13, None, [13]])
def test_a_delimiter_that_is_neither_bytes_nor_text_is_refused(delimiter: Any) -> None:
    with pytest.raises(ConfigurationError, match="a framing is made of bytes, such as"):
        Delimited(delimiter)


@pytest.mark.parametrize("options", [{"end": 3}, {"end": [3]}, {"alone": 6}])
def test_a_mark_that_is_neither_bytes_nor_text_is_refused(options: Any) -> None:
    with pytest.raises(ConfigurationError, match="a framing is made of bytes, such as"):
        Enclosed(b"\x02", **options)


def test_a_limit_that_is_text_is_refused() -> None:
    limit: Any = "1000"
    with pytest.raises(ConfigurationError, match="max_frame must be a number of bytes, not '1000'"):
        Delimited(b"\n", max_frame=limit)
