"""The console as its user sees it: screens, keys, filter, freezing, dialogs, both languages."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from functools import wraps
from typing import Any

import pytest

from tcpcomm import LinkState, MessageKind
from tcpcomm.errors import BadChecksum
from tcpcomm.tools.console.dialogs import Confirmation, DisturbDialog, HelpDialog, TextDialog
from tcpcomm.tools.console.form import MessageForm
from tcpcomm.tools.console.frames_screen import FramesScreen
from tcpcomm.tools.console.links_screen import LinksScreen
from tests.tools.console.stage import SMALL, WIDE, Stage, staged


def console(test: Callable[..., Coroutine[Any, Any, None]]) -> Callable[..., None]:
    """Run a test that awaits."""

    @wraps(test)
    def run(**values: Any) -> None:
        asyncio.run(test(**values))

    return run


def holds(lines: list[str], *texts: str) -> bool:
    """Return True if one line holds all texts."""
    return any(all(text in line for text in texts) for line in lines)


@console
async def test_the_first_screen_shows_links_servers_and_sessions() -> None:
    async with staged() as stage:
        assert holds(stage.lines("facts"), "No link and no server yet.")
        _, session = stage.link()
        stage.server("10.0.0.7:50432", "10.0.0.8:50433")
        for job in range(3):
            stage.ask(session, job)
        await stage.settle()
        link, server, *sessions = stage.lines("entries")
        assert link.startswith(">ready")
        assert "1.18 / 1.18 ms" in link
        assert "listening" in server
        assert ["10.0.0.7:50432", "10.0.0.8:50433"] == [line.split()[2] for line in sessions]
        assert holds(stage.lines("facts"), "ready: the peer is proven")
        assert holds(stage.lines("facts"), "received 3 frames, sent 3")


@console
async def test_an_outage_is_told_in_words_with_its_last_error() -> None:
    async with staged() as stage:
        link, _ = stage.link()
        stage.model.link_state(link, LinkState.DOWN, "no route: is the cable out?")
        stage.clock.advance(12)
        await stage.settle()
        assert stage.lines("entries")[0].startswith(">down 12 s")
        assert holds(stage.lines("facts"), "last error", "no route: is the cable out?")
        stage.model.link_state(link, LinkState.READY, "the peer is proven")
        await stage.settle()
        assert holds(stage.lines("facts"), "1 × reconnected")


@pytest.mark.parametrize("language", ["en", "ko"])
@pytest.mark.parametrize("size", [SMALL, WIDE], ids=["80x24", "140x40"])
@console
async def test_all_fits_on_the_screen(size: tuple[int, int], language: str) -> None:
    async with staged(size, language=language) as stage:
        _, session = stage.link()
        stage.ask(session, 3)
        await stage.settle()
        words = stage.app.words
        for screen in range(2):
            lines = stage.screen_text()
            assert size[1] == len(lines)
            assert holds(lines[-1:], words("key.help"))
            assert holds(lines, words("state.ready"))
            if screen == 0:
                await stage.press("enter")
        assert holds(stage.screen_text(), "locate(job=3)", "TRG,3")


@console
async def test_enter_opens_the_frames_of_a_link_and_escape_goes_back() -> None:
    async with staged(WIDE) as stage:
        _, session = stage.link()
        stage.ask(session, 3)
        await stage.settle()
        await stage.press("enter")
        stage.ask(session, 4)
        await stage.settle()
        assert holds(stage.lines("frames"), "-> locate(job=3)", "54 52 47 2C 33", "TRG,3")
        assert holds(stage.lines("frames"), "<- [reply to locate] x=12.5", "1.20 ms", "OK,12.5")
        assert holds(stage.lines("frames"), "1,200 -> locate(job=4)")
        assert holds(stage.lines("detail"), "answers locate(job=4) after 1.20 ms")
        assert holds(stage.lines("detail"), "0000  4F 4B 2C 31 32 2E 35", "|OK,12.5|")
        await stage.press("escape")
        assert isinstance(stage.app.screen, LinksScreen)


@console
async def test_a_session_of_a_server_is_shown_alone() -> None:
    async with staged(WIDE) as stage:
        first, second = stage.server("10.0.0.7:50432", "10.0.0.8:50433")
        await stage.settle()
        await stage.press("down", "down", "enter")
        stage.model.frame_received(first, b"ONE")
        stage.model.frame_received(second, b"TWO")
        await stage.settle()
        assert holds(stage.lines("frames"), "->", "54 57 4F", "TWO")
        assert not holds(stage.lines("frames"), "ONE")


@console
async def test_faults_half_frames_and_disturbances_are_shown_with_their_reason() -> None:
    async with staged(WIDE) as stage:
        _, session = stage.link()
        await stage.settle()
        await stage.press("enter")
        stage.model.half_frame(session, "4 of 9 bytes: 'NG,3'; the end b'\\r\\n' is missing")
        stage.model.fault(session, BadChecksum("checksum 5B expected, 5A came", offset=0, recoverable=True))
        stage.model.altered(session, "dropped reply 3", sent=False)
        stage.ask(session, 1)
        await stage.settle()
        shown = stage.lines("frames")
        assert holds(shown, "[cut here] 4 of 9 bytes")
        assert holds(shown, "[broken framing]", "checksum 5B expected, 5A came")
        assert holds(shown, "[disturbed] dropped reply 3")
        await stage.press("N")
        assert holds(stage.lines("detail"), "checksum 5B expected, 5A came")


@console
async def test_the_filter_is_applied_while_it_is_typed() -> None:
    async with staged() as stage:
        _, session = stage.link()
        for job in range(5):
            stage.ask(session, job)
        await stage.settle()
        await stage.press("enter")
        await stage.press("slash", *"job=3")
        assert ["locate(job=3)"] == [line.split()[3] for line in stage.lines("frames")]
        assert holds(stage.lines("status"), "1 of 14 rows", "filter: job=3")
        await stage.press("enter")
        stage.ask(session, 3)
        await stage.settle()
        assert 2 == len(stage.lines("frames"))
        await stage.press("escape")
        assert 16 == len(stage.lines("frames"))


@console
async def test_space_freezes_the_list() -> None:
    async with staged() as stage:
        _, session = stage.link()
        stage.ask(session, 1)
        await stage.settle()
        await stage.press("enter")
        await stage.press("space")
        before = stage.lines("frames")
        stage.ask(session, 2)
        await stage.settle()
        assert before == stage.lines("frames")
        assert holds(stage.lines("status"), "FROZEN, 2 newer")
        await stage.press("space")
        assert len(before) + 2 == len(stage.lines("frames"))


@console
async def test_a_chosen_line_stays_and_its_pair_is_found() -> None:
    async with staged() as stage:
        _, session = stage.link()
        stage.ask(session, 1)
        await stage.settle()
        await stage.press("enter")
        await stage.press("up")
        assert holds(stage.lines("detail"), "answered after 1.20 ms by x=12.5")
        stage.ask(session, 2)
        await stage.settle()
        assert holds(stage.lines("detail"), "answered after 1.20 ms by x=12.5")
        assert holds(stage.lines("frames"), "+", "<- [reply] x=12.5")
        await stage.press("p")
        assert holds(stage.lines("detail"), "answers locate(job=1) after 1.20 ms")
        await stage.press("end")
        assert holds(stage.lines("detail"), "answers locate(job=2) after 1.20 ms")


@console
async def test_rows_beyond_what_the_console_takes_are_counted() -> None:
    async with staged() as stage:
        _, session = stage.link()
        await stage.settle()
        await stage.press("enter")
        for _ in range(3000):
            stage.say(session, MessageKind.EVENT, b"E", "tick", after=0)
        await stage.settle()
        assert holds(stage.lines("status"), "2,000 rows left out")
        assert holds(
            stage.lines("frames"), "2,000 rows left out: they came faster than this terminal takes"
        )


FACTS: dict[str, Any] = {
    "name": "VisionCamera",
    "commands": [
        {
            "name": "locate",
            "doc": "Locate the part.",
            "request": "TRG,{job}",
            "parameters": [
                {"name": "job", "type": "int", "unit": "", "input": "int"},
                {
                    "name": "mode",
                    "type": "Mode",
                    "input": "choice",
                    "choices": ["auto", "manual"],
                    "text": "auto",
                },
            ],
        },
        {"name": "status", "doc": "", "request": "STA", "parameters": []},
    ],
}
FACTS["events"] = [{"name": "alarm", "doc": "", "request": "ALM,{code}", "parameters": []}]
REPLY = {"outcome": "reply", "lines": ["x: 12.5", "y: 4.0"], "took": 0.0012}


async def with_actions(stage: Stage, *actions: str) -> None:
    """Open a link that offers actions."""
    stage.extra = {
        "can": [*actions],
        "disturbances": {
            "active": ["delay 200 ms"],
            "known": [{"text": "pull", "help": "close both"}, {"text": "drop reply 3", "help": ""}],
        },
    }
    stage.link()
    await stage.settle()


@console
async def test_a_command_is_sent_by_its_form_and_its_reply_stands_below() -> None:
    async with staged(facts=FACTS, answer=REPLY) as stage:
        await with_actions(stage, "command")
        await stage.press("f")
        assert isinstance(stage.app.screen, MessageForm)
        await stage.press("enter", "3", "enter")
        assert [("command", "1", "locate", {"job": "3"})] == stage.acts.asked
        assert ["reply after 1.20 ms", "  x: 12.5", "  y: 4.0"] == stage.lines("reply")
        await stage.press("escape")
        await stage.press("f")
        await stage.press("down")
        await stage.press("enter")
        assert ("command", "1", "status", {}) == stage.acts.asked[-1]


@console
async def test_our_equipment_sends_an_event_by_its_form() -> None:
    async with staged(facts=FACTS, answer={"outcome": "sent", "sessions": 1}) as stage:
        await with_actions(stage, "event", "close")
        await stage.press("f")
        await stage.press("enter")
        assert [("event", "1", "alarm", {})] == stage.acts.asked
        assert ["sent"] == stage.lines("reply")


@console
async def test_a_refused_value_is_told_in_the_form() -> None:
    refusal = ValueError("job=x: must be a whole number")
    async with staged(facts=FACTS, answer=refusal) as stage:
        await with_actions(stage, "command")
        await stage.press("f", "enter", "x", "enter")
        assert ["not accepted: job=x: must be a whole number"] == stage.lines("reply")


@console
async def test_a_tap_is_disturbed_by_a_word_of_the_list() -> None:
    answer = {"text": "the next reply 3 is dropped", "active": ["drop reply 3"]}
    async with staged(answer=answer) as stage:
        await with_actions(stage, "disturb")
        await stage.press("d")
        assert isinstance(stage.app.screen, DisturbDialog)
        assert ["active: delay 200 ms"] == stage.lines("active")
        await stage.press("shift+tab", "down", "enter", "enter")
        assert [("disturb", "1", "drop reply 3")] == stage.acts.asked
        assert ["active: drop reply 3"] == stage.lines("active")
        assert ["the next reply 3 is dropped"] == stage.lines("answer")


@console
async def test_a_session_is_kicked_after_a_question() -> None:
    async with staged() as stage:
        await with_actions(stage, "close")
        await stage.press("k")
        assert isinstance(stage.app.screen, Confirmation)
        await stage.press("n", "k", "y")
        assert [("close", 1)] == stage.acts.asked


@console
async def test_a_frame_is_copied_as_a_command() -> None:
    async with staged(answer="tcpcomm send tcp:10.0.0.5:8500 -a TRG,3") as stage:
        _, session = stage.link()
        stage.ask(session, 3)
        await stage.settle()
        await stage.press("enter", "c")
        assert isinstance(stage.app.screen, TextDialog)
        assert "tcpcomm send tcp:10.0.0.5:8500 -a TRG,3" == stage.app.clipboard
        assert [("copy", stage.model.last_row)] == stage.acts.asked


@console
async def test_a_read_only_console_sends_nothing() -> None:
    async with staged(read_only=True, facts=FACTS) as stage:
        await with_actions(stage, "command", "close", "disturb")
        await stage.press("f", "d", "k", "r")
        assert isinstance(stage.app.screen, LinksScreen)
        assert [] == stage.acts.asked


@console
async def test_what_fails_is_told_and_the_console_goes_on() -> None:
    async with staged(answer=RuntimeError("the session is over")) as stage:
        await with_actions(stage, "close")
        await stage.press("k", "y")
        assert ["It failed: the session is over"] == [each.message for each in stage.app._notifications]


@console
async def test_log_lines_and_prints_go_into_their_pane() -> None:
    async with staged() as stage:
        stage.feed.write("09:00:00 listening on 127.0.0.1:9999\n")
        print("a print of the program")
        await stage.settle()
        await stage.press("l")
        assert holds(stage.lines("log"), "listening on 127.0.0.1:9999")
        assert holds(stage.lines("log"), "a print of the program")
        assert holds(stage.screen_text(), "listening on 127.0.0.1:9999")


@console
async def test_the_help_tells_the_keys() -> None:
    async with staged() as stage:
        await stage.press("question_mark")
        assert isinstance(stage.app.screen, HelpDialog)
        assert holds(stage.lines("text"), "Space", "Freeze")
        await stage.press("escape")
        assert isinstance(stage.app.screen, LinksScreen)


@pytest.mark.parametrize("key", ["q", "ㅂ", "ctrl+c"])
@console
async def test_a_key_ends_the_console(key: str) -> None:
    async with staged() as stage:
        stage.link()
        await stage.settle()
        await stage.press("enter")
        assert isinstance(stage.app.screen, FramesScreen)
        await stage.pilot.press(key)
        assert not stage.app.is_running or stage.app._exit


@console
async def test_the_end_of_the_reactor_ends_the_console() -> None:
    async with staged() as stage:
        stage.feed.end()
        stage.app.take_news()
        assert stage.app._exit
