"""The sink of PostgreSQL against a real server, which is killed, suspended and misused."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC
from typing import Any

import pytest
from twisted.internet.defer import CancelledError, ensureDeferred

from tcpcomm.plant import OutboxMessage, Postgres, SinkUnavailable
from tcpcomm.plant.message import BINARY, TEXT
from tcpcomm.plant.sinks.postgres import PostgresConnection
from tests.plant.sinks.messages import message, report
from tests.plant.sinks.threaded import ThreadedClock
from tests.system.brokers.postgres import PASSWORD, PostgresServer
from tests.system.running import wait_until


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresServer]:
    with PostgresServer() as found:
        yield found


class Store:
    """A sink with a table, and the test's own view of it."""

    def __init__(self, server: PostgresServer, **options: Any) -> None:
        self.server = server
        self.clock = ThreadedClock()
        given = {"dsn": server.dsn, "password": PASSWORD, **options}
        self.sink = Postgres(**given)
        self.connection: PostgresConnection = self.sink.open("history", self.clock)

    def deliver(self, messages: Sequence[OutboxMessage]) -> Mapping[str, str]:
        return self.clock.wait(self.connection.deliver(messages))

    def fails(self, words: str, messages: Sequence[OutboxMessage] = ()) -> SinkUnavailable:
        with pytest.raises(SinkUnavailable, match=words) as caught:
            self.deliver(messages or [report(1)])
        assert str(caught.value) == self.connection.problem()
        assert PASSWORD not in str(caught.value)
        return caught.value

    def rows(self, columns: str = "id") -> list[Any]:
        with self.server.connect() as own:
            found = own.execute(f"SELECT {columns} FROM reports ORDER BY at, id").fetchall()
        return [row[0] for row in found] if "," not in columns else found

    def close(self) -> None:
        self.clock.wait(self.connection.close())


@pytest.fixture
def stores(server: PostgresServer) -> Iterator[Any]:
    opened: list[Store] = []

    def new(**options: Any) -> Store:
        opened.append(Store(server, **options))
        return opened[-1]

    yield new
    for each in opened:
        each.close()
    with server.connect() as own:
        own.execute("DROP TABLE IF EXISTS reports")


def test_a_batch_becomes_rows_once(stores: Any) -> None:
    store = stores()
    batch = [
        report(1, {"x": 1.5, "이름": "부품"}, problem="late"),
        message(2, {"lot": 7}),
        message(3, body="한글".encode(), content_type=TEXT),
        message(4, body=b"\0\xff", content_type=BINARY),
    ]

    for _ in range(2):
        assert {} == store.deliver(batch)

    columns = 'id, link, kind, name, seconds, problem, "values", content_type, body'
    assert [
        (
            "4f9c-1",
            "cam",
            "poll",
            "locate",
            0.25,
            "late",
            {"x": 1.5, "이름": "부품"},
            "application/json",
            None,
        ),
        ("4f9c-2", "", "", "", None, "", {"lot": 7}, "application/json", None),
        ("4f9c-3", "", "", "", None, "", None, TEXT, "한글".encode()),
        ("4f9c-4", "", "", "", None, "", None, BINARY, b"\0\xff"),
    ] == store.rows(columns)
    assert [1.5] == store.rows("""("values"->>'x')::float""")[:1]
    assert ["2026-11-30T02:22:23.250000+00:00"] == [
        each.astimezone(UTC).isoformat() for each in store.rows("at")[:1]
    ]
    assert "" == store.connection.problem()


def test_a_value_that_the_server_refuses_costs_no_other_message(stores: Any) -> None:
    store = stores()
    batch: list[OutboxMessage] = [report(number) for number in range(40)]
    batch[7] = report(7, {"text": "a\0b"})
    batch[23] = report(23, name="a\0b")
    batch[24] = message(24, body=b"{")
    batch[39] = message(39, body=b'{"x": "\\u0000"}')

    refused = store.deliver(batch)

    assert {"4f9c-7", "4f9c-23", "4f9c-24", "4f9c-39"} == {*refused}
    assert "\\u0000 cannot be converted to text" in refused["4f9c-7"]
    assert "0x00" in refused["4f9c-23"] or "NUL" in refused["4f9c-23"]
    assert [f"4f9c-{n}" for n in range(40) if n not in (7, 23, 24, 39)] == store.rows()
    assert {} == store.deliver([report(41)])


def test_a_message_beyond_a_limit_of_the_server_is_refused_alone(stores: Any) -> None:
    store = stores()
    name = "".join(f"{number:x}" for number in range(3000))  # too long for the index

    refused = store.deliver([report(1), report(2, name=name), report(3)])

    assert ["4f9c-2"] == [*refused]
    assert "index row" in refused["4f9c-2"]
    assert ["4f9c-1", "4f9c-3"] == store.rows()


def test_a_rule_of_the_table_refuses_a_message_alone(stores: Any) -> None:
    store = stores()
    store.deliver([])
    with store.server.connect() as own:
        own.execute("ALTER TABLE reports ADD CHECK (seconds < 10), ADD plant text NOT NULL DEFAULT 'P1'")

    refused = store.deliver([report(1), report(2, seconds=11.0), report(3)])

    assert ["4f9c-2"] == [*refused]
    assert "violates check constraint" in refused["4f9c-2"]
    assert [("4f9c-1", "P1"), ("4f9c-3", "P1")] == store.rows("id, plant")


def test_a_trigger_refuses_a_message_alone(stores: Any) -> None:
    store = stores()
    store.deliver([])
    with store.server.connect() as own:
        own.execute(
            "CREATE FUNCTION check_seconds() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
            "IF NEW.seconds > 10 THEN RAISE EXCEPTION 'too slow'; END IF; RETURN NEW; END $$"
        )
        own.execute(
            "CREATE TRIGGER checked BEFORE INSERT ON reports FOR EACH ROW EXECUTE FUNCTION check_seconds()"
        )

    refused = store.deliver([report(1), report(2, seconds=11.0), report(3)])

    assert {"4f9c-2": "PostgreSQL: too slow"} == refused
    assert ["4f9c-1", "4f9c-3"] == store.rows()


def test_a_server_that_is_killed_and_started_again_has_each_message_once(stores: Any) -> None:
    store = stores()
    store.deliver([report(1), report(2)])
    store.server.kill()
    try:
        store.fails(
            "server closed the connection|Connection refused|consuming input failed|the server stops",
            [report(3)],
        )
        store.fails("Connection refused.*: start the server", [report(3)])
    finally:
        store.server.start()

    store.deliver([report(2), report(3)])

    assert ["4f9c-1", "4f9c-2", "4f9c-3"] == store.rows()


def test_a_server_that_is_killed_within_a_batch_keeps_nothing_of_it(stores: Any) -> None:
    store = stores()
    store.deliver([report(1)])
    blocker = store.server.connect()
    blocker.execute("BEGIN")
    blocker.execute("LOCK TABLE reports IN EXCLUSIVE MODE")
    waiting = ensureDeferred(store.connection.deliver([report(2), report(3)]))
    _wait_for_lock(store)
    store.server.kill()
    try:
        with pytest.raises(SinkUnavailable) as caught:
            store.clock.wait(waiting)
    finally:
        blocker.close()
        store.server.start()
    assert frozenset() == caught.value.confirmed
    assert ["4f9c-1"] == store.rows()

    store.deliver([report(2), report(3)])

    assert ["4f9c-1", "4f9c-2", "4f9c-3"] == store.rows()


def _wait_for_lock(store: Store) -> None:
    query = "SELECT count(*) FROM pg_locks WHERE NOT granted"
    with store.server.connect() as own:
        wait_until(lambda: own.execute(query).fetchone() == (1,))


def test_a_server_that_hangs_is_left_when_the_outbox_has_waited_enough(stores: Any) -> None:
    store = stores()
    store.deliver([report(1)])
    store.server.suspend()
    try:
        waiting = ensureDeferred(store.connection.deliver([report(2)]))
        waiting.cancel()
        with pytest.raises(CancelledError):
            store.clock.wait(waiting)
        store.clock.turn()  # the thread is free again: its connection was broken
    finally:
        store.server.resume()

    assert {} == store.deliver([report(2)])
    assert ["4f9c-1", "4f9c-2"] == store.rows()


def test_a_server_that_hangs_at_the_connect_is_told(stores: Any, server: PostgresServer) -> None:
    store = stores(dsn=f"{server.dsn} connect_timeout=2")
    server.suspend()
    try:
        store.fails("the server does not answer")
    finally:
        server.resume()


def test_a_lock_is_not_waited_for_longer_than_the_patience(stores: Any) -> None:
    store = stores(patience=6.25)
    store.deliver([])
    with store.server.connect() as blocker:
        blocker.execute("BEGIN")
        blocker.execute("LOCK TABLE reports IN EXCLUSIVE MODE")
        store.fails("statement timeout: the server did not finish in time: look for locks")
        blocker.execute("ROLLBACK")

    store.deliver([report(1)])

    assert ["4f9c-1"] == store.rows()


def test_a_connection_that_the_server_ends_is_made_again(stores: Any) -> None:
    store = stores()
    store.deliver([report(1)])
    with store.server.connect("postgres", user="postgres") as admin:
        admin.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'line3'")

    store.fails("the server stops|server closed the connection", [report(2)])
    store.deliver([report(2)])

    assert ["4f9c-1", "4f9c-2"] == store.rows()


def test_a_missing_table_is_told_until_it_is_there(stores: Any) -> None:
    store = stores(create=False)
    store.fails('relation "reports" does not exist: create the table reports, or set create to true')

    stores().deliver([])
    store.deliver([report(1)])

    assert ["4f9c-1"] == store.rows()


def test_a_table_of_another_form_is_told(stores: Any) -> None:
    store = stores()
    with store.server.connect() as own:
        own.execute("CREATE TABLE reports (at timestamptz, id text)")

    store.fails('column "source" does not exist: add this column to the table reports')


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"password": "wrong"}, "password authentication failed.*: the user or the password is wrong"),
        ({"password": "env:TCPCOMM_NO_SUCH_VARIABLE"}, "TCPCOMM_NO_SUCH_VARIABLE"),
        ({"password": None}, "no password supplied: the user or the password is wrong"),
        ({"dbname": "none"}, 'database "none" does not exist: create this database'),
        ({"user": "nobody"}, "the user or the password is wrong"),
        ({"port": "1"}, "Connection refused.*: start the server, or look at host and port"),
        ({"table": "line3.reports"}, 'schema "line3" does not exist: create this schema'),
    ],
    ids=["password", "variable", "no password", "database", "user", "port", "schema"],
)
def test_a_wrong_setting_is_told_in_words(
    stores: Any, server: PostgresServer, options: dict[str, Any], words: str
) -> None:
    own = {name: options[name] for name in options if name in ("password", "table")}
    changed = {name: value for name, value in options.items() if name not in own}
    parts = dict(part.split("=") for part in server.dsn.split()) | changed

    stores(dsn=" ".join(f"{name}={value}" for name, value in parts.items()), **own).fails(words)


def test_what_an_administrator_forbids_is_told_in_words(stores: Any) -> None:
    store = stores()
    store.deliver([])
    with store.server.connect("postgres", user="postgres") as admin:
        admin.execute("ALTER USER line3 CONNECTION LIMIT 0")
        try:
            stores().fails("too many connections for role.*: raise its max_connections")
        finally:
            admin.execute("ALTER USER line3 CONNECTION LIMIT -1")
        admin.execute("ALTER DATABASE factory SET default_transaction_read_only = on")
        try:
            stores().fails("read-only: connect to the primary server")
        finally:
            admin.execute("ALTER DATABASE factory RESET default_transaction_read_only")
        admin.execute("CREATE USER guest PASSWORD 'a secret of tests'")
        guest = stores(dsn=store.server.dsn.replace("line3", "guest"))
        guest.fails("permission denied for table reports: GRANT INSERT")


def test_rows_are_on_the_disk_also_if_the_server_is_set_to_be_quick(
    stores: Any, server: PostgresServer
) -> None:
    with server.connect() as own:
        own.execute("ALTER USER line3 SET synchronous_commit = off")
        try:
            store = stores()
            store.deliver([])
            own.execute(_NOTE_THE_SETTING)
            store.deliver([report(1)])
        finally:
            own.execute("ALTER USER line3 RESET synchronous_commit")

    assert ["on"] == store.rows("problem")


_NOTE_THE_SETTING = """
CREATE OR REPLACE FUNCTION note_the_setting() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN NEW.problem := current_setting('synchronous_commit'); RETURN NEW; END $$;
CREATE TRIGGER note BEFORE INSERT ON reports FOR EACH ROW EXECUTE FUNCTION note_the_setting()
"""
