"""Each limit in the code is on the page of limits with its default, and each promise has its tests."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from attrs import fields

from tcpcomm import Limits
from tests.conftest import ROOT
from tests.docs import limits
from tests.docs.parts import without_written_parts

PLACES = {place: tests for listed in limits.LIMITS.values() for place, tests in listed.items()}
"""All limits of the page, each with its tests."""

FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)

WITHOUT_A_PROMISE = (
    "This page lists the limits of tcpcomm, for people who hit one and want to change it.",
    "Search the page for the name or the number in your log.",
    "A name in small letters is a setting; its section says where to write it.",
    "A name in capitals is a constant; its row names the option or argument that changes it, if any.",
    "A default of `none` means no limit.",
    "Options such as `--max-sessions` belong to [twistd tcpcomm](options.md).",
    "`grace` is an argument of `serve`.",
    "`quiet` is an attribute of the declaration, and an argument of `Link`.",
    "`Policy.` names are fields of `tcpcomm.Policy`, for the profiles `lan`, `fleet` and `wan`.",
    "[Tune reconnection](../howto/tune-reconnection.md) explains how to change them.",
    "The sink for [RabbitMQ](../howto/send-to-rabbitmq.md) has further limits as attributes.",
    "The sink for [MQTT](../howto/send-by-mqtt.md) has further limits as attributes.",
    "The [configuration of a gateway](plant-toml.md) has further limits.",
    "[Design decisions](../explanation/design-decisions.md#a-close-begins-with-half-of-it) explains why.",
)
"""Sentences that only say where to read more, or what a table holds."""

NO_LIMITS = {
    "plant.metrics.web_service": "LAG_INTERVAL",  # of a measurement
    "plant.sinks.rotated_file": "PIECE",  # of a search, which goes on
    "plant.gateway.configuration.planning": "DEFAULT_EVERY",  # a default
    "runtime.load_object": "MOST_CLASSES LONGEST_SOURCE",  # of an error
    "cli.call": "FAULT NOT_SENT OUTCOME_UNKNOWN",  # exit codes
    "cli.tools.generate": "USUAL_PORT INTERRUPTED",  # a default, and an exit code
    "cli.tools.guess": "LIKELY NOTHING NO_DRAFT INTERRUPTED",  # exit codes
    "cli.tools.tap": "SCRIPT_FAILED CANNOT_LISTEN",  # exit codes
    "plant.opcua.options": "DEFAULT_SEVERITY",  # a word for clients
    "codec.random_values": "TRIES",  # an error follows; no peer is involved
    "codec.template.ambiguity": "START",  # the name of a state
    "codec.binary.layouts.layout": "ENDLESS",  # a size that is not limited
    "codec.template.numbered": "NO_ID",
    "codec.template.template": "MOST_GOOD_CODES",  # of a declaration
    "codec.template.fields.hex_fields": "WIDEST",  # of a declaration
    "codec.template.fields.number_fields": "WIDEST WIDEST_FREE MOST_DIGITS LARGEST_ROUNDED LARGEST_STEPS",
    "codec.template.fields.text_fields": "WIDEST",  # of a declaration
    "host.reactor_thread": "SLICE",  # a wait goes on after it
    "session.observer": "STALL_SILENCE",  # for a line of the frame log
    "conversation.requester": "LOOK_AGAIN",  # PATIENCE is the limit
    "conversation.responder": "HOST_BEGAN_EARLIER",  # for a log line
    "codec.codegen": "LONGEST",  # a longer reply is sent another way
    # of the standard:
    "devices.fins.addresses": "COUNTERS",
    "devices.fins.codes": "IS_ERROR",
    "devices.fins.commands": "LONGEST_FRAME MOST_READ MOST_WRITTEN MOST_PLACES CENTURY",
    "devices.fins.simulator": "LAST_READ_ONLY",
    "devices.xgt.addresses": "LONGEST_NAME",
    "devices.xgt.commands": "LONGEST_FRAME MOST_BLOCKS MOST_BYTES",
    "devices.hsms.header": "HEADER_SIZE CONTROL_SESSION W_BIT",
    "devices.hsms.codec": "LARGEST_DEVICE",
    "devices.hsms.gem": "ALARM_SET",
    "devices.modbus.declaration": "TIMEOUT",
    "devices.modbus.messages": "LONGEST_MESSAGE LONGEST_RTU_MESSAGE ADDRESSES MOST_BITS_READ "
    "MOST_BITS_WRITTEN MOST_REGISTERS_READ MOST_REGISTERS_WRITTEN MOST_REGISTERS_WRITTEN_AND_READ",
    "devices.modbus.memory": "MOST_OBJECT_BYTES",
    "devices.s7.items": "ITEM_BYTES VALUE_HEAD",
    "devices.s7.system_status": "ORDER_NUMBERS NAMES OPERATING_MODES",
    "devices.s7.transfer": "ANSWER_HEAD",
    "devices.slmp.addresses": "REQUEST_CONTENT",
    "devices.slmp.commands": "WRONG_LENGTH WRONG_COMMAND NOT_EXECUTABLE LOCKED",
    "devices.slmp.memory": "BEYOND_LAST MAX_SIZE",
    "devices.slmp.places": "MAX_POINTS MAX_POINTS_IQR MAX_BITS_WRITTEN MAX_BITS_WRITTEN_IQR MAX_WEIGHT "
    "MAX_WEIGHT_IQR",
    "devices.slmp.simulator": "MAX_BLOCKS MAX_BLOCKS_IQR WRONG_BITS WRONG_WORDS WRONG_RANDOM_BITS "
    "WRONG_RANDOM_WORDS WRONG_BLOCKS NOT_STOPPED NOT_AT_RANDOM_HERE WRONG_PASSWORD",
    "equipment.class_attributes": "CLOSE",  # the likeness of two names
    "equipment.samples": "SAMPLE_ID",
    "framing.large_frame": "LARGE",  # for speed
    "framing.length_decoder": "SMALL LEARNED",  # for speed
    "net.psk": "MIN_KEY",  # of a configuration
    "plant.sinks.mqtt.packets": "LARGEST_PACKET",  # of the standard
    "plant.sinks.mqtt.reasons": "TAKEN_OVER",  # of the standard
    "runtime.log_budget": "FORGET_AFTER",  # MAX_KINDS is the limit
    "runtime.log_writer": "BATCH LONGEST_AT_ONCE TICK",  # MOST_WAITING is the limit
    "runtime.logs": "FIRST_TRACEBACK_LINES LAST_TRACEBACK_LINES",  # in the row of the longest line
    "runtime.socket_options": "LONGEST",  # of the system
    "runtime.timer": "LATE FAR",  # the accuracy of timers
    "server.machine": "PRIVATE_UMASK",
    "server.reload.child": "LONGEST_STOP",  # for development only, as the next ones
    "server.reload.program": "LONGEST_LINE LAST_LINES",
    "server.reload.supervisor": "POLL POLL_SHARE SETTLE KILL_AFTER",
    "server.reload.watched_files": "MOST_FILES MOST_FOLDERS",
    "server.worker": "STATUS",  # a file descriptor
    "session.frame_log": "MESSAGE_WIDTH",  # a column
    "session.limits": "SELECTABLE_ON_WINDOWS",  # of the system
    # to begin with, or at least:
    "session.turns": "LEAST_SECONDS LEAST_FRAMES FIRST_FRAMES SMALLEST_BITE FIRST_BITE WHOLE_CHUNK",
    "tools.monitor.access": "SHORTEST_TOKEN",  # of a configuration
    "tools.monitor.actions": "RAW_REPLY",  # an option
    "tools.monitor.api": "DEFAULT_HISTORY",  # an option
    "tools.monitor.figures": "MINUTE",  # of the figures
    "tools.monitor.pages": "BATCH_SECONDS OVERVIEW_SECONDS",  # how often
    "tools.monitor.service": "DEFAULT_PORT",  # an option
    "tools.export.capture": "MOST_HELD HELD_FOR MOST_INTERFACES FIRST_CLIENT_PORT",  # of a file
    "tools.starter.answers": "SILENCE",  # of a program that is written
    "tools.starter.names": "LONGEST_NAME",  # an error follows
    "tools.guess.capture": "OPENER ANSWERER",  # names of the two sides
    "tools.export.pcapng": "LINKTYPE_RAW BYTE_ORDER TIME_RESOLUTION",
    "tools.guess.collector": "CHUNK_COST ENOUGH_CHUNKS",  # of COLLECTED_BYTES, and for a better answer
    "tools.record.row_queue": "BUFFER BUFFERS_AT_ONCE ROW_COST",  # of one transaction, and an estimate
    "tools.record.rows": "ROWS_BETWEEN_PAUSES",  # for speed
    "plant.outbox.database": "BUSY_TIMEOUT",  # of SQLite
    "plant.outbox.outbox": "LOOK_INTERVAL",  # for people who wait
    "plant.outbox.schema": "FORMAT APPLICATION_ID",
    "tools.record.schema": "FORMAT SENT MASKED FRAME OWNER_FLAGS",
    "tools.record.store": "BUSY_TIMEOUT PAGE_SIZE",  # of SQLite; the queue has the limit
    "plant.sinks.rabbitmq.options": "MAX_NAME",  # of the standard
    "tap": "DEFAULT_GAP",  # an option
    "tools.console.feed": "INTERVAL",  # for speed
    "cli.tools.replay": "INTERRUPTED",  # an exit code
    "tools.replay.player": "CONNECT_WAIT",  # an option
    "tools.send.sender": "REPLY_TIMEOUT CONNECTION_WAIT REPLY_SILENCE",  # options
    "transports.native": "LARGEST_WRITE",  # for speed
}
"""Public numbers of modules that are no limits of a running program, or belong to one on the page."""


def sentences(page: str) -> list[str]:
    """Return the sentences of a page that people have written, one a line."""
    text = re.sub(r"^```.*?^```$", "", without_written_parts(page), flags=re.DOTALL | re.MULTILINE)
    return [line for line in text.splitlines() if line and not line.startswith("#")]


def test_the_page_has_the_values_and_the_words_of_the_code() -> None:
    # If this fails, run python -m tests.docs.limits.
    page = limits.PAGE.read_text("utf-8")
    assert limits.written(page) == page


def test_each_sentence_is_held_by_a_test() -> None:
    promised = [each for each in sentences(limits.PAGE.read_text("utf-8")) if each not in WITHOUT_A_PROMISE]
    assert len(promised) > 10
    assert [*limits.PROMISES] == promised


def test_each_limit_has_a_test() -> None:
    found = [*PLACES.values(), *limits.PROMISES.values()]
    assert len(found) > 70
    assert [] == [each for each in found if not each]


def test_each_limit_says_how_much_is_allowed_and_what_happens_then() -> None:
    assert [] == [place for place in PLACES if not all(limits.Limit(place).sentences)], (
        "write two sentences below the number: 'Seconds for a login. Then the session is closed.'"
    )


@cache
def functions_of(path: Path) -> frozenset[str]:
    """Return the names of the tests of a file, with their class as pytest writes it."""
    names: list[str] = []
    for each in ast.parse(path.read_text("utf-8")).body:
        if isinstance(each, ast.ClassDef):
            names += [f"{each.name}::{part.name}" for part in each.body if isinstance(part, FUNCTIONS)]
        elif isinstance(each, FUNCTIONS):
            names.append(each.name)
    return frozenset(name for name in names if name.rpartition("::")[2].startswith("test_"))


def test_the_named_tests_exist() -> None:
    named = sorted({test for tests in (*PLACES.values(), *limits.PROMISES.values()) for test in tests})
    missing = []
    for each in named:
        file, _, name = each.partition("::")
        path = ROOT / "tests" / file
        if not path.is_file() or name not in functions_of(path):
            missing.append(each)
    assert [] == missing


def numbers(path: Path) -> Iterator[str]:
    """Yield the public names of a module that are set to a number."""
    for each in ast.parse(path.read_text("utf-8")).body:
        if isinstance(each, ast.AnnAssign) and isinstance(each.target, ast.Name) and each.value is not None:
            name, value = each.target.id, each.value
            parts = [part for part in ast.walk(value) if not isinstance(part, ast.operator)]
            is_number = all(
                isinstance(part, ast.BinOp | ast.UnaryOp | ast.USub)
                or (isinstance(part, ast.Constant) and type(part.value) in (int, float))
                for part in parts
            )
            if name.isupper() and not name.startswith("_") and is_number:
                yield name


def test_every_number_in_the_code_is_on_the_page_or_no_limit() -> None:
    source = ROOT / "src/tcpcomm"
    found = [
        f"{module}.{name}"
        for path in sorted(source.rglob("*.py"))
        if not (module := ".".join(path.relative_to(source).with_suffix("").parts)).startswith("testing.")
        for name in numbers(path)
    ]
    no_limits = {f"{module}.{name}" for module, names in NO_LIMITS.items() for name in names.split()}
    assert [] == [each for each in found if each not in PLACES and each not in no_limits], (
        "list each with its tests in tests/docs/limits.toml, and run python -m tests.docs.limits; "
        "or list it in NO_LIMITS here"
    )
    assert set() == no_limits & {*PLACES}


def test_the_tables_of_sessions_and_links_hold_all_their_limits() -> None:
    of_sessions = [limits.Limit(each).name for each in limits.LIMITS["Of one session"]]
    of_links = [limits.Limit(each) for each in limits.LIMITS["Of a link"]]
    assert [each.name for each in fields(Limits)] == of_sessions
    assert ("Policy.backoff.cap", "2 / 10 / 30 s") in [(each.name, each.default) for each in of_links]


@pytest.mark.parametrize(
    ("place", "default"),
    [
        ("session.limits.MAX_SESSIONS", "1,000"),
        ("session.limits.Limits.pause", "none"),
        ("session.limits.Limits.idle", "600 s"),
        ("session.limits.Limits.slowest", "65,536 bytes/s"),
        ("server.service.ServerService.grace", "5 s"),
        ("equipment.equipment.Equipment.quiet", "0 s"),
        ("plant.gateway.configuration.settings.MIN_EVERY", "0.01 s"),
    ],
)
def test_a_default_has_its_unit(place: str, default: str) -> None:
    assert default == limits.Limit(place).default


def test_a_place_that_is_none_is_an_error() -> None:
    with pytest.raises(ValueError, match="MAX is not the place of a limit"):
        limits.Limit("MAX")
