"""``tcpcomm docs`` opens the installed copy of the documentation, or says how to get one."""

from __future__ import annotations

import webbrowser
from pathlib import Path

import pytest

from tcpcomm.cli import docs, main


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return the addresses that were opened in the browser."""
    addresses: list[str] = []

    def open_page(address: str) -> bool:
        addresses.append(address)
        return True

    monkeypatch.setattr(webbrowser, "open", open_page)
    return addresses


@pytest.fixture
def first_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the first page of a copy."""
    page = tmp_path / "site of a 카메라" / "index.html"
    page.parent.mkdir()
    page.write_text("<title>tcpcomm</title>", "utf-8")
    monkeypatch.setattr(docs, "FIRST_PAGE", page)
    return page


def run(*words: str) -> int | str | None:
    with pytest.raises(SystemExit) as ended:
        main(["docs", *words])
    return ended.value.code


def test_the_copy_is_opened_and_its_path_is_printed(
    first_page: Path, opened: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert 0 == run()
    assert [first_page.as_uri()] == opened
    assert f"{first_page}\n" == capsys.readouterr().out


def test_print_opens_nothing(
    first_page: Path, opened: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert 0 == run("--print")
    assert [] == opened
    assert f"{first_page}\n" == capsys.readouterr().out


def test_without_a_browser_the_path_is_printed_still(
    first_page: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(webbrowser, "open", lambda address: False)
    assert 1 == run()
    told = capsys.readouterr()
    assert f"{first_page}\n" == told.out
    assert "tcpcomm docs: no browser could be started; open the page at that path by hand\n" == told.err


@pytest.mark.parametrize("words", [[], ["--print"]], ids=["open", "print"])
def test_without_a_copy_the_command_that_builds_one_is_named(
    words: list[str],
    tmp_path: Path,
    opened: list[str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    missing = tmp_path / "index.html"
    monkeypatch.setattr(docs, "FIRST_PAGE", missing)
    assert 1 == run(*words)
    told = capsys.readouterr()
    assert ("", []) == (told.out, opened)
    assert (
        f"tcpcomm docs: there is no {missing}: a wheel brings it; in the source of tcpcomm, build it with: "
        'pip install -e ".[docs]" && python docs/build.py\n'
    ) == told.err


def test_an_argument_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert 1 == run("howto")
    assert "tcpcomm docs: it takes no argument, such as howto; 'tcpcomm docs --help' explains it\n" == (
        capsys.readouterr().err
    )
