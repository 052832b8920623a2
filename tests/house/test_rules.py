"""Each rule finds the breach that is planted for it, and nothing in a clean tree."""

from __future__ import annotations

import pytest

from tests.house import files, order, privates
from tests.house.public_paths import public_paths
from tests.house.rules import RULES
from tests.house.source import Check, Tree, breaches

DERIVED = "from .base import Decoder\nclass Lines(Decoder):\n"

CLEAN = {
    "__init__.py": '"""Everything that is public."""\nfrom tcpcomm._lazy import lazy_exports\n',
    "_public.py": "from tcpcomm.link.link import Link as Link\n",
    "_lazy.py": "def lazy_exports(): ...\n",
    "errors.py": "class Broken(Exception): ...\n",
    "framing/__init__.py": '"""The rules that cut a stream into frames."""\n',
    "framing/base.py": "class Decoder:\n    def _reset(self): self._kept = b''\n",
    "framing/lines.py": DERIVED + "    def feed(self): self._reset()\n",
    "codec/__init__.py": '"""The rules that decode frames to messages."""\n',
    "codec/encoding.py": "",
    "codec/json/__init__.py": '"""Messages in JSON."""\n',
    "codec/json/text.py": "from tcpcomm.codec import encoding\n",
    "link/__init__.py": '"""Connections that connect again."""\n',
    "link/link.py": """\
import sys
from tcpcomm.errors import Broken
from tcpcomm.framing.base import Decoder
class Link(Decoder):
    def __init__(self, other): self._sent = other._sent
    def close(self):
        super()._reset(); type(self)._sent; sys._getframe(); self.other._sent
""",
}
"""A small tree that breaks no rule, by paths in ``src/tcpcomm``."""

PLANTED: list[tuple[str, Check, dict[str, str], str]] = [
    (
        "a room imports a room above",
        order.one_way,
        {"framing/base.py": "import tcpcomm.link.link\n"},
        "framing/base.py:1",
    ),
    (
        "under TYPE_CHECKING",
        order.one_way,
        {"errors.py": "if TYPE_CHECKING:\n    from tcpcomm.link.link import Link\n"},
        "errors.py:2",
    ),
    (
        "in a function",
        order.one_way,
        {"codec/encoding.py": "def f():\n    from ..link import link\n"},
        "codec/encoding.py:2",
    ),
    (
        "through the public names",
        order.one_way,
        {"link/link.py": "from tcpcomm import remote\n"},
        "link/link.py:1",
    ),
    (
        "a room beside it",
        order.one_way,
        {"cli/__init__.py": "", "tap.py": "import tcpcomm.cli\n"},
        "tap.py:1",
    ),
    ("a room without a place", order.one_way, {"cellar/__init__.py": ""}, "cellar/__init__.py:1"),
    (
        "a wing imports a wing",
        order.wings,
        {"codec/binary/__init__.py": "", "codec/binary/layout.py": "from tcpcomm.codec.json import text\n"},
        "codec/binary/layout.py:1",
    ),
    (
        "a shared module imports a wing",
        order.wings,
        {"codec/encoding.py": "import tcpcomm.codec.json.text\n"},
        "codec/encoding.py:1",
    ),
    (
        "two modules import each other",
        order.circles,
        {
            "link/a.py": "import sys\nfrom .b import x\n",
            "link/b.py": "def f():\n    from tcpcomm.link import a\n",
        },
        "link/a.py:2",
    ),
    (
        "framing imports Twisted",
        order.twisted_below,
        {"framing/base.py": "import twisted.internet\n"},
        "framing/base.py:1",
    ),
    (
        "codec imports Twisted",
        order.twisted_below,
        {"codec/encoding.py": "from twisted import x\n"},
        "codec/encoding.py:1",
    ),
    (
        "the reactor is imported at once",
        order.global_reactor,
        {"link/link.py": "from twisted.internet import reactor\n"},
        "link/link.py:1",
    ),
    (
        "the reactor is imported where it is needed",
        order.global_reactor,
        {"link/link.py": "def f():\n    from twisted.internet import reactor\n"},
        "link/link.py:2",
    ),
    (
        "the wall clock is imported",
        order.wall_clock,
        {"link/link.py": "from time import monotonic, time\n"},
        "link/link.py:1",
    ),
    (
        "the wall clock is read",
        order.wall_clock,
        {"link/link.py": "import time\nnow = time.time()\n"},
        "link/link.py:2",
    ),
    ("a long file", files.long_files, {"link/link.py": "\n" * 601}, "link/link.py:601"),
    (
        "a crowded folder",
        files.crowded_folders,
        {f"link/m{number}.py": "" for number in range(19)},
        "link:1",
    ),
    (
        "a module hides a name",
        files.hidden_names,
        {"remote.py": "", "_public.py": "from tcpcomm.link.link import remote as remote\n"},
        "remote.py:1",
    ),
    ("a folder without a sentence", files.folder_sentences, {"link/__init__.py": ""}, "link/__init__.py:1"),
    ("a folder without a file", files.folder_sentences, {"net/tls.py": ""}, "net/__init__.py:1"),
    (
        "code in a room's file",
        files.folder_sentences,
        {"link/__init__.py": '"""Connections that connect again."""\n\nfrom .link import Link\n'},
        "link/__init__.py:3",
    ),
    (
        "a private name is read",
        privates.private_use,
        {"codec/encoding.py": "def f(x):\n    x._kept\n"},
        "codec/encoding.py:2",
    ),
    (
        "a private name is set",
        privates.private_use,
        {"codec/encoding.py": "class A:\n    b = 1\nA()._c = 2\n"},
        "codec/encoding.py:3",
    ),
    (
        "a private name is read by getattr",
        privates.private_use,
        {"codec/encoding.py": "def f(x): getattr(x, '_kept')\n"},
        "codec/encoding.py:1",
    ),
    (
        "of an attribute of self",
        privates.private_use,
        {"codec/encoding.py": "class A:\n    def f(self): self.x._kept\n"},
        "codec/encoding.py:2",
    ),
    (
        "a function without a class has no self",
        privates.private_use,
        {"codec/encoding.py": "def f(self): self._kept\n"},
        "codec/encoding.py:1",
    ),
    (
        "a private name is imported",
        privates.private_imports,
        {"link/link.py": "from tcpcomm.framing.base import _helper\n"},
        "link/link.py:1",
    ),
    (
        "a private method is replaced",
        privates.private_overrides,
        {"framing/lines.py": DERIVED + "    def _reset(self): ...\n"},
        "framing/lines.py:3",
    ),
    (
        "through a class between",
        privates.private_overrides,
        {"framing/deep.py": "from .lines import Lines as L\nclass A(L[int]):\n    def _reset(self): ...\n"},
        "framing/deep.py:3",
    ),
]


def tree(changed: dict[str, str]) -> Tree:
    """Return the clean tree with some files changed or added."""
    return Tree.of((f"src/tcpcomm/{path}", source) for path, source in (CLEAN | changed).items())


@pytest.mark.parametrize("check", RULES, ids=lambda check: check.__name__)
def test_a_clean_tree_passes(check: Check) -> None:
    assert [] == breaches(check, tree({}))


@pytest.mark.parametrize(
    ("check", "changed", "where"),
    [pytest.param(*rest, id=words) for words, *rest in PLANTED],
)
def test_a_planted_breach_is_found(check: Check, changed: dict[str, str], where: str) -> None:
    found = breaches(check, tree(changed))

    assert [f"src/tcpcomm/{where}"] == [each.partition(": ")[0] for each in found]


def test_each_rule_has_a_planted_breach() -> None:
    assert set(RULES) == {check for _, check, _, _ in PLANTED}


def test_a_breach_tells_the_place_the_finding_the_rule_and_the_repair() -> None:
    assert [
        "src/tcpcomm/framing/base.py:1: imports tcpcomm.link.link. "
        "Rule: framing imports only rooms that stand below it, and link does not. "
        "To do: move the name down, or pass the object as an argument."
    ] == breaches(order.one_way, tree({"framing/base.py": "import tcpcomm.link.link\n"}))


PAGE = """\
Import it: `from tcpcomm.net.tls import context`.
```python
from tcpcomm import blocking, serve
from tcpcomm.framing import (
    Delimited,
)
import tcpcomm, tcpcomm.testing
from tcpcomm.session.protocol import FrameProtocol
    import os, tcpcomm.link.link as link
```
$ python -c "import sys, tcpcomm.tap; print(sys)"
"""


def test_imports_of_what_is_not_public_are_found_in_pages() -> None:
    found = [str(breach).partition(". ")[0] for breach in public_paths("docs/page.md", PAGE)]

    assert [
        "docs/page.md:1: imports from tcpcomm.net.tls",
        "docs/page.md:8: imports from tcpcomm.session.protocol",
        "docs/page.md:9: imports from tcpcomm.link.link",
        "docs/page.md:11: imports from tcpcomm.tap",
    ] == found
