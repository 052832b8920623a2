"""``help`` explains each option of a link, and each text is written in one place."""

from __future__ import annotations

import inspect
from typing import Any, get_type_hints

import attrs
import pytest

from tcpcomm import FrameFactory, Link, ReconnectingFactory, blocking, remote, serve
from tcpcomm.host.options import HostKeywords, HostOptions
from tcpcomm.link.option_texts import explains, option_texts
from tcpcomm.link.options import LinkKeywords, LinkOptions, SupervisionKeywords
from tcpcomm.server.serving import SERVE_OPTIONS

REMOTE = {"kind", "at", *get_type_hints(HostKeywords)}
SERVE = {name for name in inspect.signature(serve).parameters if name != "options"} | {*SERVE_OPTIONS}
LINK = {name for name in inspect.signature(Link).parameters if name != "keywords"}


@pytest.mark.parametrize(
    ("explained", "names"),
    [
        (LinkOptions, {each.name for each in attrs.fields(LinkOptions)}),
        (HostOptions, {each.name for each in attrs.fields(HostOptions)}),
        (remote, REMOTE),
        (blocking.remote, REMOTE),
        (serve, SERVE),
        (blocking.serve, SERVE),
        (Link, LINK | {*get_type_hints(LinkKeywords)}),
        (ReconnectingFactory, {"protocol", "heartbeat", *get_type_hints(SupervisionKeywords)}),
        (FrameFactory, {*inspect.signature(FrameFactory).parameters}),
    ],
    ids=lambda value: getattr(value, "__qualname__", ""),
)
def test_help_explains_each_option(explained: Any, names: set[str]) -> None:
    texts = option_texts(explained)
    assert names == set(texts)
    assert all(text.endswith(".") for text in texts.values())


def test_the_texts_of_remote_are_those_of_the_options() -> None:
    texts = option_texts(remote)
    assert option_texts(LinkOptions).items() - option_texts(remote).items() == {
        ("connect", option_texts(LinkOptions)["connect"])
    }
    assert texts == option_texts(blocking.remote)


class Options:
    """
    Some options.

    Args:
        first: the first,
            in two lines.
        second: the second.

    Raises:
        ValueError: never.
    """


def test_an_entry_is_replaced_in_its_place_with_its_indent() -> None:
    @explains("others", Options, but=["second"])
    def function() -> None:
        """
        Do it.

        Args:
            before: it.
            others: those of Options,
                of which there are two.
            after: it, too.
        """

    texts = option_texts(function)
    assert {"before": "it.", "first": "the first, in two lines.", "after": "it, too."} == texts
    assert "\n            first: the first, in two lines.\n" in str(function.__doc__)


def test_without_docstrings_nothing_is_composed() -> None:
    def function() -> None: ...

    assert explains("others", Options)(function) is function
    assert function.__doc__ is None
    assert {} == option_texts(function)
