"""The documentation stays short enough to be read."""

from tests.docs.words import LIMIT, counted, words_in


def test_all_pages_together_stay_below_the_limit() -> None:
    assert LIMIT >= sum(words for _, words in counted())


def test_code_and_written_parts_do_not_count() -> None:
    written = "<!-- written by x: t -->\n1 2 3\n<!-- end of t -->\n"
    assert 3 == words_in(f"# One two\n\n```python\nx = 1\n```\n{written}| three. |\n")
