"""Docstrings and comments are plain sentences, as far as figures can show it."""

from __future__ import annotations

import pytest

from tests.house.prose import Figures, Text, figures, texts
from tests.house.source import Module, source_tree

OPENERS = 2.0
"""Docstrings in 100 that may open with a question word. Well-kept packages have 0 to 2."""

ODD_TURNS = 2.0
"""Odd turns in 1,000 words. Well-kept packages have 0.1 to 1.4."""


@pytest.fixture(scope="module")
def found() -> Figures:
    return figures(source_tree())


def report(opening: str, to_rewrite: list[Text]) -> None:
    """Fail with a message, and with each text that needs a rewrite on a line."""
    pytest.fail("\n  ".join([opening, *map(str, to_rewrite)]), pytrace=False)


def test_docstrings_open_with_a_verb_or_a_noun(found: Figures) -> None:
    if found.openers > OPENERS:
        report(
            f"{found.openers:.1f} % of the docstrings in src open with What, Whether, How and the like; "
            f"at most {OPENERS:g} % may. Begin with a verb, as in 'Return the …':",
            [text for text in found.to_rewrite if text.opens_with_question_word],
        )


def test_sentences_have_a_plain_order_of_words(found: Figures) -> None:
    if found.odd_turns > ODD_TURNS:
        report(
            f"{found.odd_turns:.1f} odd turns in 1,000 words of src; at most {ODD_TURNS:g} are allowed. "
            "Write subject, verb, object:",
            [text for text in found.to_rewrite if text.odd_turns],
        )


PLANTED = '''\
"""What a peer may send."""

def close():  # noqa: F821
    """Close the session, for it is told to."""
    # The peer, whose buffer was full, has to be closed.
'''


def test_each_habit_is_counted() -> None:
    found = figures([Module("src/tcpcomm/planted.py", PLANTED)])

    assert 50.0 == found.openers
    assert [1, 4, 5] == [text.line for text in found.to_rewrite]
    assert [[], ["for it", "is told"], ["whose", "has to be"]] == [
        text.odd_turns for text in found.to_rewrite
    ]


def test_comments_for_tools_are_not_prose() -> None:
    assert [1, 4, 5] == [text.line for text in texts(Module("src/tcpcomm/planted.py", PLANTED))]


def test_plain_sentences_cost_nothing() -> None:
    plain = '"""Return the key of a peer, or None if it has no more than one session."""\n'

    assert [] == figures([Module("src/tcpcomm/plain.py", plain)]).to_rewrite
