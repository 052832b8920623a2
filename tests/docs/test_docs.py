"""The documentation is true: its code runs and prints the shown output, and its links have targets."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from textwrap import dedent

import pytest
from hypothesis import settings

from tests.conftest import ROOT, skip
from tests.docs import korean
from tests.docs.pages import Session, blocks, in_own_process, starts_reactor, without_code

NOT_RUN_HERE = {ROOT / "docs/reference/benchmarks.md", *korean.PAGES}
"""A page with figures of the machine that wrote it, and pages with the code blocks of other pages."""

PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
LANGUAGES = {"console", "csharp", "ini", "mermaid", "output", "powershell", "python", "sh", "text", "toml"}
LANGUAGES |= {"dockerfile", "sql", "xml", "yaml"}
NOT_RUN = (
    "docker ",
    "journalctl ",
    "openssl ",
    "pip ",
    "python -m tcpcomm.testing.hostile",
    "python -m tests.bench",
    "python3 -m venv ",
    "sudo ",
    "systemctl ",
    "systemd-",
)
"""
The beginnings of commands that pages show but tests do not run: they change the machine, or take long.
"""


def named(page: Path) -> str:
    return str(page.relative_to(ROOT))


each_page = pytest.mark.parametrize("page", PAGES, ids=named)


def anchors(page: Path) -> set[str]:
    """Return the names that GitHub gives the headings of a page in links."""
    headings = re.findall(r"^#+ (.*)$", without_code(page.read_text("utf-8")), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.fixture
def _same_examples_each_time() -> Iterator[None]:
    """Let Hypothesis find the same examples as when the page was written."""
    before = settings.get_current_profile_name()
    settings.register_profile("documentation", derandomize=True, deadline=None)
    settings.load_profile("documentation")
    yield
    settings.load_profile(before)


@pytest.mark.usefixtures("_same_examples_each_time")
@pytest.mark.parametrize("page", [page for page in PAGES if page not in NOT_RUN_HERE], ids=named)
def test_the_code_in_a_page_runs_and_prints_the_shown_output(
    page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if starts_reactor(page):
        missing = in_own_process(page, tmp_path)
    else:
        monkeypatch.chdir(tmp_path)
        monkeypatch.syspath_prepend(tmp_path)
        session = Session(page, tmp_path)
        session.run()
        missing = session.missing
    if missing:
        skip(f"this machine has no {', '.join(missing)}; all other blocks ran")


@each_page
def test_each_block_has_a_kind_and_nearly_all_commands_are_run(page: Path) -> None:
    for block in blocks(page.read_text("utf-8")):
        assert block.language in LANGUAGES
        if block.language == "sh":
            for line in block.text.splitlines():
                assert line.startswith(NOT_RUN), line


def is_part(shown: str, whole: str) -> bool:
    """Return True if these lines follow each other in the whole text, with any indentation."""
    lines, count = whole.splitlines(), len(shown.splitlines())
    return any(dedent("\n".join(lines[at : at + count])) == shown.rstrip("\n") for at in range(len(lines)))


@each_page
def test_lines_shown_from_a_file_are_in_that_file(page: Path) -> None:
    for block in blocks(page.read_text("utf-8")):
        source = block.value("from")
        assert source or block.language != "csharp", f"line {block.line}: say which file it is from"
        assert not source or is_part(block.text, (ROOT / source).read_text("utf-8")), f"line {block.line}"


@each_page
def test_links_have_targets(page: Path) -> None:
    targets = re.findall(r"\]\(([^)\s]+)\)", page.read_text("utf-8"))
    for target in targets:
        if target.startswith(("http://", "https://")):
            continue
        path, _, anchor = target.partition("#")
        found = (page.parent / path).resolve() if path else page
        assert found.exists(), target
        assert not anchor or anchor in anchors(found), target


@each_page
def test_the_files_that_a_page_names_exist(page: Path) -> None:
    files = re.findall(r"`(?:pytest )?((?:tests|docs|src)/[\w./-]+)", page.read_text("utf-8"))
    for name in files:
        assert (ROOT / name).exists(), name
