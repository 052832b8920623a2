from __future__ import annotations

import sys
from socket import socket
from typing import Any

import pytest
from twisted.internet.task import Clock

from tcpcomm import ConfigurationError
from tcpcomm.plant import Postgres, SinkUnavailable
from tcpcomm.plant.sinks.postgres_words import is_data_error, words
from tests.conftest import needs_module


class DataError(Exception):
    """An error that looks like one of psycopg."""

    def __init__(self, text: str, sqlstate: str | None = None) -> None:
        super().__init__(text)
        self.sqlstate = sqlstate


class OperationalError(DataError):
    """Another one."""


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("53100", "PostgreSQL: no: the disk of the server is full: make room there"),
        (
            "53300",
            "PostgreSQL: no: the server has too many connections: raise its max_connections, or end some",
        ),
        ("57P03", "PostgreSQL: no: the server does not take connections yet"),
        ("42P01", "PostgreSQL: no: create the table line3.reports, or set create to true"),
        ("XX000", "PostgreSQL: no"),
    ],
    ids=["disk", "connections", "start", "table", "internal"],
)
def test_a_code_is_told_in_words_with_what_to_do(code: str, said: str) -> None:
    error = OperationalError("no\nCONTEXT:  somewhere", code)

    assert said == words(error, "line3.reports")
    assert not is_data_error(error)


def test_a_detail_is_told() -> None:
    error = DataError("value too long\nDETAIL:  it has 300\nCONTEXT:  somewhere", "22001")

    assert "PostgreSQL: value too long (it has 300)" == words(error, "reports")
    assert is_data_error(error)


def test_an_error_of_psycopg_itself_is_one_of_the_data() -> None:
    assert is_data_error(DataError("text fields cannot contain NUL"))
    assert not is_data_error(OperationalError("server closed the connection"))


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"dsn": "host=x", "table": "a b"}, "table must be a name such as reports"),
        ({"dsn": "host=x", "table": "a.b.c"}, "table must be a name such as reports"),
        ({"dsn": "host=x", "password": ""}, "a secret is empty"),
    ],
    ids=["blank", "dots", "password"],
)
def test_a_wrong_option_is_told_in_words(options: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigurationError, match=said):
        Postgres(**options)


def test_a_wrong_dsn_is_told_without_its_text() -> None:
    needs_module("psycopg", "pip install tcpcomm[postgres]")
    sink = Postgres(dsn="hots=10.0.0.7 password=geheim")

    with pytest.raises(ConfigurationError, match="dsn is wrong: write it as host=") as caught:
        sink.open("history", Clock())

    assert "geheim" not in str(caught.value)
    assert "geheim" not in repr(sink)


def test_a_missing_package_is_told_with_the_command_that_installs_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in [name for name in sys.modules if name.partition(".")[0] == "psycopg"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setattr(sys, "path", [])
    monkeypatch.setattr(sys, "path_importer_cache", {})

    with pytest.raises(ConfigurationError, match=r'needs: pip install "tcpcomm\[postgres\]"'):
        Postgres(dsn="host=10.0.0.7").open("history", Clock())


def test_an_empty_batch_asks_the_server() -> None:
    needs_module("psycopg", "pip install tcpcomm[postgres]")
    from tcpcomm.plant.sinks.postgres import PostgresConnection

    with socket() as nobody:
        nobody.bind(("127.0.0.1", 0))  # and nobody listens there
        port = nobody.getsockname()[1]
        connection = Postgres(dsn=f"host=127.0.0.1 port={port}").open("history", Clock())
        assert isinstance(connection, PostgresConnection)
        with pytest.raises(SinkUnavailable, match="PostgreSQL"):
            connection.write(())


def test_an_empty_batch_finds_a_connection_that_broke(monkeypatch: pytest.MonkeyPatch) -> None:
    needs_module("psycopg", "pip install tcpcomm[postgres]")
    import psycopg

    from tcpcomm.plant.sinks.postgres import PostgresConnection

    class Broken:
        def execute(self, text: str) -> None:
            raise psycopg.OperationalError("server closed the connection")

    connection = Postgres(dsn="host=10.0.0.7").open("history", Clock())
    assert isinstance(connection, PostgresConnection)
    monkeypatch.setattr(connection, "_connect", Broken)
    with pytest.raises(SinkUnavailable, match="server closed the connection"):
        connection.write(())
