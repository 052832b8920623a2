"""
Figures of how plainly the docstrings and comments of a package are written.

Most readers of this code learned English as a second language. Two habits cost them a second reading. A
docstring that opens with a question word ("What a peer may send") is a clause, not a sentence: the reader
looks for the verb and finds none. An odd turn ("whose", "is no", "has to be", "is told") puts words in an
unusual order, or hides the subject of the sentence. A plain sentence begins with a verb and a noun:
"Return the …".
"""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections.abc import Iterable, Iterator
from typing import Final

from attrs import frozen

from tests.house.source import Module

__all__ = ["Figures", "Text", "figures", "texts"]

_QUESTION_WORD: Final = re.compile(r"(?:What|Whether|Whose|Who|How|When|Where|Which|As|Why|The same)\b")

_ODD_TURN: Final = re.compile(
    r"\b(?:"
    r"whose|whoever|whatever comes|of which|of it|that of|for it|for they|in vain|where that|so that it"
    r"|by itself is"
    r"|(?:is|are) no|no more(?! than)"  # plain: "is not a"
    r"|has to be|(?:is|are) to be"  # plain: "must be"
    r"|what (?:is|was|comes|came)"
    r"|(?:is|are|was) told"
    r")\b"
)

_DIRECTIVE: Final = re.compile(r"#\s*(?:noqa|type:|pragma|!|--)")


@frozen
class Text:
    """One docstring or comment."""

    path: str
    line: int
    is_docstring: bool
    words: str

    @property
    def opens_with_question_word(self) -> bool:
        return self.is_docstring and _QUESTION_WORD.match(self.words) is not None

    @property
    def odd_turns(self) -> list[str]:
        return _ODD_TURN.findall(self.words)

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.words.splitlines()[0]}"


@frozen
class Figures:
    """
    The figures of some texts.

    Attributes:
        openers: the share of docstrings that open with a question word, in percent.
        odd_turns: odd turns in 1,000 words.
        to_rewrite: the texts that open with a question word or hold an odd turn, by file and line.
    """

    openers: float
    odd_turns: float
    to_rewrite: list[Text]


def texts(module: Module) -> Iterator[Text]:
    """Yield the docstrings and comments of a module; comments for tools are left out."""
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            docstring = ast.get_docstring(node)
            if docstring:
                yield Text(module.path, node.body[0].lineno, True, docstring)
    for token in tokenize.generate_tokens(io.StringIO(module.source).readline):
        if token.type == tokenize.COMMENT and not _DIRECTIVE.match(token.string):
            comment = token.string.strip("# ")
            if comment:
                yield Text(module.path, token.start[0], False, comment)


def figures(modules: Iterable[Module]) -> Figures:
    """Compute the figures of all texts in some modules."""
    found = [text for module in modules for text in texts(module)]
    docstrings = sum(text.is_docstring for text in found)
    words = sum(len(text.words.split()) for text in found)
    openers = sum(text.opens_with_question_word for text in found)
    odd = sum(len(text.odd_turns) for text in found)
    to_rewrite = [text for text in found if text.opens_with_question_word or text.odd_turns]
    to_rewrite.sort(key=lambda text: (text.path, text.line))
    return Figures(100 * openers / max(1, docstrings), 1000 * odd / max(1, words), to_rewrite)
