"""Results in a table of PostgreSQL or TimescaleDB, one row a message: :class:`Postgres`."""

from __future__ import annotations

import re
import socket
import threading
from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any, ClassVar, Final

from attrs import field, frozen
from attrs.converters import optional

from tcpcomm._lazy import check_package
from tcpcomm.errors import ConfigurationError
from tcpcomm.plant.errors import SinkUnavailable
from tcpcomm.plant.message import OutboxMessage
from tcpcomm.plant.secret import Secret, secret
from tcpcomm.plant.sink import Sink
from tcpcomm.plant.sinks.postgres_words import is_data_error, words
from tcpcomm.plant.sinks.rows import ReportRow
from tcpcomm.plant.sinks.threaded_connection import ThreadedConnection, converted

if TYPE_CHECKING:
    import psycopg

LONGEST_CONNECT: Final = 10.0
"""
Seconds for an attempt to connect to PostgreSQL, unless ``connect_timeout`` of the dsn says otherwise.
Then the sink is unavailable.
"""

SERVER_SHARE: Final = 0.8
"""
Part of ``patience`` that a statement may take at PostgreSQL. Then the server ends it, and the sink is
unavailable.
"""

_COLUMNS: Final = (
    "at", "id", "source", "topic", "link", "kind", "name", "seconds", "problem", "values", "content_type",
    "body",
)  # fmt: skip

_TABLE: Final = """
CREATE TABLE {table} (
    at timestamptz NOT NULL, id text NOT NULL, source text NOT NULL, topic text NOT NULL,
    link text NOT NULL, kind text NOT NULL, name text NOT NULL, seconds double precision,
    problem text NOT NULL, "values" jsonb, content_type text NOT NULL, body bytea,
    PRIMARY KEY (id, at)
)
"""
_INDEX: Final = "CREATE INDEX ON {table} (link, name, at DESC)"
_INCOMING: Final = """
CREATE TEMPORARY TABLE IF NOT EXISTS tcpcomm_incoming ON COMMIT DELETE ROWS AS
SELECT {columns} FROM {table} WITH NO DATA
"""
_COPY: Final = "COPY tcpcomm_incoming ({columns}) FROM STDIN"
_INSERT: Final = (
    "INSERT INTO {table} ({columns}) SELECT {columns} FROM tcpcomm_incoming ON CONFLICT DO NOTHING"
)
_DURABLE: Final = """
SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off'
"""
_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_$]{0,62}(?:\.[A-Za-z_][A-Za-z0-9_$]{0,62})?")
_NEEDS: Final = 'a PostgreSQL sink needs: pip install "tcpcomm[postgres]"'


def _check_table(instance: Postgres, attribute: Any, value: str) -> None:
    if not _NAME.fullmatch(value):
        raise ConfigurationError(f"table must be a name such as reports or line3.reports, not {value!r}")


@frozen(kw_only=True)
class Postgres(Sink):
    """
    Writes messages as rows of a table of PostgreSQL, each batch in one transaction.

    A message that comes again is not written again. Its time is the first column, and a part of the primary
    key, so that the table can become a hypertable of TimescaleDB.

    Args:
        dsn: the server and the database: ``host=10.0.0.7 dbname=factory user=line3``, or
            ``postgresql://line3@10.0.0.7/factory``.
        password: the password: ``env:NAME``, ``file:/path``, or the password itself. None: that of the dsn,
            or of the file ``.pgpass``.
        table: the table, also with its schema, such as ``line3.reports``.
        create: True if the table is made when it is missing.
    """

    kind: ClassVar[str] = "postgres"

    dsn: str = field(repr=False)  # it may hold a password
    password: Secret | None = field(default=None, converter=optional(secret))
    table: str = field(default="reports", validator=_check_table)
    create: bool = True

    def open(self, name: str, reactor: Any) -> PostgresConnection:
        return PostgresConnection(self, name, reactor)


class PostgresConnection(ThreadedConnection):
    """
    Writes to the table of a :class:`Postgres`, in a thread of its own.

    Args:
        sink: the configuration.
        name: the name of the sink.
        reactor: the reactor, or a test's clock.

    Raises:
        ConfigurationError: psycopg is missing, or the dsn is wrong.
    """

    def __init__(self, sink: Postgres, name: str, reactor: Any) -> None:
        self._sink = sink
        self._options = _connection_options(sink)
        self._connection: psycopg.Connection[Any] | None = None
        self._lock = threading.Lock()  # the reactor's thread breaks a connection that hangs
        self._statements: dict[str, Any] = {}
        super().__init__(name, reactor)

    def write(self, messages: Sequence[OutboxMessage]) -> dict[str, str]:
        """Write a batch, in the thread."""
        import psycopg  # noqa: PLC0415 - an optional package

        refused: dict[str, str] = {}
        confirmed: list[str] = []
        rows = converted(messages, lambda each: _values(ReportRow.of(each)), refused)
        try:
            connection = self._connect()
            if not messages:  # somebody asks if the server takes messages
                connection.execute("SELECT 1")
            self._insert(connection, rows, confirmed, refused)
        except psycopg.Error as error:
            self.end()
            raise SinkUnavailable(words(error, self._sink.table), confirmed) from None
        except (ConfigurationError, OSError) as error:
            self.end()
            raise SinkUnavailable(str(error), confirmed) from None
        return refused

    def _insert(
        self,
        connection: psycopg.Connection[Any],
        rows: Sequence[tuple[Any, ...]],
        confirmed: list[str],
        refused: dict[str, str],
    ) -> None:
        """Write rows in one transaction. If the server refuses a value, write each half by itself."""
        import psycopg  # noqa: PLC0415 - an optional package

        if not rows:
            return
        ids = [row[1] for row in rows]
        try:
            with connection.transaction(), connection.cursor() as cursor:
                cursor.execute(self._statements["incoming"])
                with cursor.copy(self._statements["copy"]) as copy:
                    for row in rows:
                        copy.write_row(row)
                cursor.execute(self._statements["insert"])
        except psycopg.Error as error:
            if not is_data_error(error):
                raise
            if len(rows) == 1:
                refused[ids[0]] = words(error, self._sink.table)
                return
            half = len(rows) // 2
            self._insert(connection, rows[:half], confirmed, refused)
            self._insert(connection, rows[half:], confirmed, refused)
        else:
            confirmed += ids

    def _connect(self) -> psycopg.Connection[Any]:
        import psycopg  # noqa: PLC0415 - an optional package
        from psycopg import sql  # noqa: PLC0415

        if self._connection is not None and not self._connection.broken:
            return self._connection
        self.end()
        given = dict(self._options)
        if self._sink.password is not None:
            given["password"] = self._sink.password.reveal()
        connection = self._connection = psycopg.connect(**given, autocommit=True)
        timeout = max(1, int(1000 * SERVER_SHARE * self._sink.patience))
        connection.execute("SELECT set_config('statement_timeout', %s, false)", [str(timeout)])
        connection.execute(_DURABLE)
        names = {
            "table": sql.Identifier(*self._sink.table.split(".")),
            "columns": sql.SQL(", ").join(map(sql.Identifier, _COLUMNS)),
        }
        for name, text in {"incoming": _INCOMING, "copy": _COPY, "insert": _INSERT}.items():
            self._statements[name] = sql.SQL(text).format(**names)
        table = names["table"].as_string(connection)
        found = connection.execute("SELECT to_regclass(%s)", [table]).fetchone()
        if self._sink.create and found == (None,):
            with connection.transaction():
                connection.execute(sql.SQL(_TABLE).format(**names))
                connection.execute(sql.SQL(_INDEX).format(**names))
        return connection

    def end(self) -> None:
        """Close the connection, in the thread."""
        import psycopg  # noqa: PLC0415 - an optional package

        with self._lock:
            connection, self._connection = self._connection, None
            if connection is not None:
                with suppress(psycopg.Error):  # the server rolls back open transactions
                    connection.close()

    def interrupt(self) -> None:
        """Let a call that waits for the server fail at once, in the reactor's thread."""
        import psycopg  # noqa: PLC0415 - an optional package

        if not self._lock.acquire(blocking=False):  # the thread closes it at this moment
            return
        try:
            if self._connection is not None:
                with suppress(psycopg.Error, OSError):  # it is closed already
                    _shut_down(self._connection.fileno())
        finally:
            self._lock.release()


def _shut_down(number: int) -> None:
    """End a TCP connection, and leave its descriptor to its owner."""
    found = socket.socket(fileno=number)
    try:
        found.shutdown(socket.SHUT_RDWR)
    finally:
        found.detach()


def _connection_options(sink: Postgres) -> dict[str, Any]:
    """Return the dsn as options, with a limit for each wait."""
    try:
        check_package("psycopg")
        import psycopg  # noqa: PLC0415 - an optional package
        from psycopg.conninfo import conninfo_to_dict  # noqa: PLC0415
    except ImportError as error:
        raise ConfigurationError(f"{_NEEDS} ({error})") from None
    try:
        given: dict[str, Any] = dict(conninfo_to_dict(sink.dsn))
    except psycopg.Error:
        raise ConfigurationError(  # without its text, which may have the password
            "dsn is wrong: write it as host=10.0.0.7 dbname=factory user=line3, or as "
            "postgresql://line3@10.0.0.7/factory"
        ) from None
    given.setdefault("connect_timeout", max(2, int(min(LONGEST_CONNECT, sink.patience / 2))))
    given.setdefault("tcp_user_timeout", int(1000 * sink.patience))
    given.setdefault("application_name", "tcpcomm")
    return given


def _values(row: ReportRow) -> tuple[Any, ...]:
    return (
        row.at, row.id, row.source, row.topic, row.link, row.kind, row.name, row.seconds, row.problem,
        row.values, row.content_type, row.body,
    )  # fmt: skip
