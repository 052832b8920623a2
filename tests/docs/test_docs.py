"""The documentation tells the truth: its code runs and prints what it shows, its links lead somewhere."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from textwrap import dedent

import pytest
from hypothesis import settings

from tests.conftest import ROOT, skip
from tests.docs.pages import Session, blocks

GENERATED = ROOT / "docs/reference/benchmarks.md"
"""Its figures are those of the machine that wrote it."""

PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
LANGUAGES = {"console", "csharp", "ini", "mermaid", "output", "powershell", "python", "sh", "text"}
NOT_RUN = (
    "journalctl ",
    "openssl ",
    "pip ",
    "python -m tests.bench",
    "python3 -m venv ",
    "sudo ",
    "systemctl ",
    "systemd-",
)
"""How commands begin that are shown, but not run: they change the machine, or take long."""


def named(page: Path) -> str:
    return str(page.relative_to(ROOT))


each_page = pytest.mark.parametrize("page", PAGES, ids=named)


def anchors(page: Path) -> set[str]:
    """The names of a page's headings in links, as GitHub makes them."""
    prose = re.sub(r"^```.*?^```$", "", page.read_text("utf-8"), flags=re.DOTALL | re.MULTILINE)
    headings = re.findall(r"^#+ (.*)$", prose, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.fixture
def _same_examples_each_time() -> Iterator[None]:
    """Let Hypothesis find what it found when the page was written."""
    before = settings.get_current_profile_name()
    settings.register_profile("documentation", derandomize=True, deadline=None)
    settings.load_profile("documentation")
    yield
    settings.load_profile(before)


@pytest.mark.usefixtures("_same_examples_each_time")
@pytest.mark.parametrize("page", [page for page in PAGES if page != GENERATED], ids=named)
def test_the_code_in_a_page_runs_and_prints_what_the_page_shows(
    page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    session = Session(page, tmp_path)
    session.run()
    if session.missing:
        skip(f"this machine has no {', '.join(session.missing)}; all other blocks ran")


@each_page
def test_each_block_says_what_it_is_and_all_commands_but_a_few_are_run(page: Path) -> None:
    for block in blocks(page.read_text("utf-8")):
        assert block.language in LANGUAGES
        if block.language == "sh":
            for line in block.text.splitlines():
                assert line.startswith(NOT_RUN), line


def is_part(shown: str, whole: str) -> bool:
    """Whether consecutive lines of the whole are these, however far they are indented there."""
    lines, count = whole.splitlines(), len(shown.splitlines())
    return any(dedent("\n".join(lines[at : at + count])) == shown.rstrip("\n") for at in range(len(lines)))


@each_page
def test_what_is_shown_of_a_file_stands_in_it(page: Path) -> None:
    for block in blocks(page.read_text("utf-8")):
        source = block.value("from")
        assert source or block.language != "csharp", f"line {block.line}: say which file it is from"
        assert not source or is_part(block.text, (ROOT / source).read_text("utf-8")), f"line {block.line}"


@each_page
def test_links_lead_to_pages_and_headings_that_exist(page: Path) -> None:
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
    for name in re.findall(r"`(?:pytest )?((?:tests|docs|src)/[\w./-]+)", page.read_text("utf-8")):
        assert (ROOT / name).exists(), name
