"""
Every course of a small conversation, event by event, compared with the model.

Two commands; replies that are in time, late, twice, or lost; frames that nobody asked for, read at once or
later; timeouts, cancelled commands, ends and new sessions: all orders of up to seven such events are tried.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

import pytest
from attrs import evolve, frozen

from tcpcomm.conversation.exchange import Exchange
from tcpcomm.conversation.requester import Requester
from tests.conversation.course import Course
from tests.conversation.subjects import SUBJECTS, ExchangeSubject
from tests.conversation.world import Event, Rules, Subject, World
from tests.link.mutant import Mutant

ONE: Final = Rules()
TWO: Final = Rules(depth=2)
QUIET: Final = Rules(quiet=0.02, ticks=(0.03, 1.0))
ONE_FRAME: Final = Rules(forms=("reply", "nonsense", "alien"), unread=False, ticks=(0.15,))
TWO_OF_ONE_FRAME: Final = Rules(depth=2, forms=("reply", "nonsense"), ticks=(0.15,))
UNDECLARED: Final = Rules(undeclared=True, asks=3, unread=False, ticks=(0.15,))
INTERIM: Final = Rules(depth=2, interim=True, ticks=(0.6,))
PHASES: Final = Rules(forms=("opened", "reply", "nonsense"), unread=False, ticks=(0.6,))
SILENCE: Final = Rules(silence=True, forms=("fault", "nonsense"), unread=False, ticks=(0.6, 5.0))
BY_ID: Final = Rules(by_id=True, depth=2)
FORMS: Final = Rules(depth=2, forms=("reply", "fault", "nonsense", "part"), unread=False)


@frozen
class Count:
    """The number of courses, and what happens in them."""

    courses: int
    with_wrong_answers: int
    """Those in which a surplus frame came in the window that cannot be closed."""
    with_surplus_frames: int
    """Those in which a surplus frame ended a session."""


def courses(
    rules: Rules, length: int, subject: Callable[[World], Subject] = ExchangeSubject
) -> Iterator[Course]:
    """Yield each course of ``length`` events, after all of it was compared with the model."""
    waiting: list[list[Event]] = [[]]
    while waiting:
        events = waiting.pop()
        course = Course(rules, subject)
        for event in events:
            course.do(event)
        if len(events) < length:
            waiting += [[*events, event] for event in course.enabled()]
        else:
            course.finish()
            yield course


@pytest.mark.parametrize(
    ("subject", "rules", "length", "count"),
    [
        ("exchange", ONE, 7, Count(91_821, 29_769, 50_451)),
        ("requester", ONE, 6, Count(19_445, 5_540, 9_655)),
        ("exchange", TWO, 6, Count(20_224, 6_340, 9_863)),
        ("exchange", QUIET, 6, Count(48_544, 11_074, 20_490)),
        ("requester", QUIET, 5, Count(8_223, 1_510, 3_126)),
        ("exchange", FORMS, 6, Count(7_636, 3_656, 3_275)),
        ("exchange", ONE_FRAME, 5, Count(2_337, 644, 1_281)),
        ("requester", evolve(ONE_FRAME, forms=("reply", "nonsense")), 5, Count(2_150, 591, 1_179)),
        ("exchange", TWO_OF_ONE_FRAME, 4, Count(2_420, 239, 923)),
        ("exchange", INTERIM, 5, Count(10_157, 3_034, 2_855)),
        ("exchange", PHASES, 5, Count(1_948, 692, 636)),
        ("exchange", SILENCE, 5, Count(4_418, 60, 2_157)),
        ("requester", SILENCE, 5, Count(4_418, 60, 2_157)),
        ("exchange", UNDECLARED, 5, Count(1_341, 511, 465)),
        ("requester", UNDECLARED, 5, Count(1_341, 511, 465)),
        ("exchange", BY_ID, 5, Count(16_256, 0, 0)),
    ],
)
def test_each_course_is_as_the_model_says(subject: str, rules: Rules, length: int, count: Count) -> None:
    found = wrong = surplus = 0
    for course in courses(rules, length, SUBJECTS[subject]):
        found += 1
        wrong += course.wrong > 0
        surplus += course.surplus > 0
    assert count == Count(found, wrong, surplus)


MUTANTS: Final = (
    Mutant("surplus frames are counted only", Exchange, "surplus", "self._break(", "str("),
    Mutant("the session goes on after a timeout", Exchange, "tick", "broken=", "broken=None and "),
    Mutant("the session goes on after a cancelled command", Exchange, "cancel", "self._break(", "str("),
    Mutant("the session goes on after nonsense", Exchange, "_settle_badly", "broken=", "broken=None and "),
    Mutant(
        "answers are given before all are read",
        Exchange,
        "keep",
        "self._kept[call]",
        "call.settle(outcome); _",
    ),
    Mutant("an answer in doubt is given", Exchange, "_doubt", "OutcomeUnknown(", "kept[call] or ("),
    Mutant("a command is written before all is read", Exchange, "begin", "not is_quiet()", "False"),
    Mutant("the declared silence is not kept", Exchange, "_pauses", "+ self._quiet", "+ 0"),
    Mutant("the end forgets the commands under way", Exchange, "end", "in under_way.values()", "in ()"),
    Mutant("the end forgets the commands that wait", Exchange, "end", "in waiting:", "in ():"),
    Mutant("the end takes a written command for unsent", Exchange, "end", "OutcomeUnknown(", "NotSent("),
    Mutant("one command too many is under way", Exchange, "begin", "< self._depth", "<= self._depth"),
    Mutant("the newest command is answered", Exchange, "take", "next(iter(", "next(reversed("),
    Mutant("a command is asked in a session that is over", Exchange, "ask", "is not None", "is False"),
    Mutant("a broken session answers on", Exchange, "_break", "self._broken(reason)", "pass"),
    Mutant("a settled command stays under way", Exchange, "_settle", ".pop(", ".get("),
    Mutant("a cancelled command is written", Exchange, "cancel", "self._waiting.remove(call)", "pass"),
)
"""Defects, one for each rule. The first was once in the code."""

OF_FORMS: Final = (
    (Mutant("nonsense among several", Exchange, "_takes_place", "== 1", "> 0"), TWO_OF_ONE_FRAME),
    (Mutant("nonsense in place of a part", Exchange, "_takes_place", ".is_one_frame", ""), FORMS),
    (Mutant("a reply to another", Exchange, "_takes_place", "not self._is_alien", "True or "), ONE_FRAME),
    (Mutant("no silence", Exchange, "_settle_badly", "doubtful = True", "doubtful = 0"), ONE_FRAME),
    (Mutant("none behind raw", Exchange, "_note_reply", "if call.doubtful", "if False"), UNDECLARED),
    (Mutant("an interim reply is lost", Exchange, "begin_anew", "now + timeout", "call.due"), INTERIM),
    (Mutant("those behind do not wait", Exchange, "begin_anew", "call.due = max(", "_ = max("), INTERIM),
    (Mutant("silence is late", Exchange, "tick", ".silence_is_success", ".is_one_frame is None"), SILENCE),
    (Mutant("silence has no patience", Exchange, "_waits_on", "return True", "return False"), SILENCE),
)
"""Defects in the rules of certain forms of replies, and the conditions of courses that have such forms."""

IN_REQUESTER: Final = (
    Mutant("commands are written between frames", Requester, "hold", "self._later = []", "pass"),
    Mutant("no look before a write", Requester, "_write", "self._is_quiet", "None"),
    Mutant("a cancelled command is lost", Requester, "_cancelled", "_exchange.cancel(reply.call)", "idle"),
)


def is_found_out(mutant: Mutant, subject: str, *conditions: Rules) -> bool:
    """Return True if a course of up to five events shows the defect."""
    with mutant.at_work():
        try:
            for rules in conditions or (ONE, QUIET, FORMS):
                for _ in courses(evolve(rules, asks=3), 5, SUBJECTS[subject]):
                    pass
        except AssertionError:
            return True
        except (LookupError, AttributeError, TypeError):
            return True
    return False


@pytest.mark.parametrize(
    ("mutant", "subject"),
    [*((each, "exchange") for each in MUTANTS), *((each, "requester") for each in IN_REQUESTER)],
    ids=lambda value: getattr(value, "what", value),
)
def test_each_planted_defect_is_found(mutant: Mutant, subject: str) -> None:
    assert is_found_out(mutant, subject)


@pytest.mark.parametrize(
    ("mutant", "rules"), OF_FORMS, ids=lambda value: value.what if isinstance(value, Mutant) else ""
)
def test_each_planted_defect_in_the_rules_of_a_form_is_found(mutant: Mutant, rules: Rules) -> None:
    assert is_found_out(mutant, "exchange", rules)
