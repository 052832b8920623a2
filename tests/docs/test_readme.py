"""The README is short, and explains each extra that can be installed."""

from configparser import ConfigParser

from tests.docs.processes import ROOT

README = ROOT / "README.md"


def test_it_has_at_most_150_lines() -> None:
    assert 150 >= len(README.read_text("utf-8").splitlines())


def test_each_extra_is_in_its_table_of_dependencies() -> None:
    setup = ConfigParser()
    setup.read(ROOT / "setup.cfg", "utf-8")
    table = README.read_text("utf-8").partition("## Dependencies")[2]

    assert [] == [extra for extra in setup["options.extras_require"] if f"`{extra}`" not in table]
