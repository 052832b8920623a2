"""Long random conversations, each compared with the model after every event."""

from __future__ import annotations

import os
from random import Random
from typing import Final

import pytest
from attrs import define, evolve

from tcpcomm.conversation.exchange import MAX_WAITING
from tests.conversation.course import Course
from tests.conversation.subjects import SUBJECTS
from tests.conversation.world import Rules

CONVERSATIONS: Final = int(os.environ.get("TCPCOMM_CONVERSATIONS", "2000"))
"""The number of conversations that are compared with the model."""

PARTS: Final = 8
"""The parts of this test, which can run in several processes."""

LONG: Final = 2500
"""One of so many conversations has thousands of events, so that commands follow each other for seconds."""

CHANCES: Final = {"ask": 6.0, "answer": 6.0, "read": 4.0, "pass": 3.0, "new session": 3.0}
"""The chance of each event in a short conversation, where that of the others is :data:`RARE`."""

RARE: Final = 0.3

LONG_CHANCES: Final = {"ask": 20.0, "answer": 20.0, "read": 4.0, "pass": 6.0, "new session": 3.0}
"""The same in a long conversation, where commands seldom pause."""

LONG_RARE: Final = 0.0005


ONE_FORM: Final = ("reply",)
ALL_FORMS: Final = ("reply", "reply", "fault", "nonsense", "part")
ONE_FRAME: Final = ("reply", "reply", "reply", "fault", "nonsense")
PHASES: Final = ("opened", "opened", "reply", "fault", "nonsense")
ALIENS: Final = (*ONE_FRAME, "alien")

FORMS: Final = {
    "exchange": (ONE_FORM, ALL_FORMS, ONE_FRAME, ALIENS, PHASES),
    "requester": (ONE_FORM, ALL_FORMS, ONE_FRAME),  # it is not declared, so it knows no other command
}


@define
class Seen:
    """The number of conversations with each result, to show that the test is not empty."""

    wrong: int = 0
    surplus: int = 0


def conversation(seed: int) -> Course:
    """Make a random conversation. The same seed gives the same one."""
    random = Random(seed)
    is_short = seed // PARTS % LONG != 1
    by_id = is_short and random.random() < 0.2
    subject = "exchange" if by_id or random.random() < 0.7 else "requester"
    rules = Rules(
        by_id=by_id,
        depth=random.choice((1, 1, 2, 3)) if subject == "exchange" else 1,
        quiet=random.choice((0.0, 0.0, 0.02)) if is_short else 0.0,
        asks=100_000,
        waiting=random.choice((2, 8)) if subject == "exchange" else MAX_WAITING,
        forms=random.choice(FORMS[subject]) if is_short else ONE_FORM,
        ticks=(0.0005, 0.01, 0.3, 1.0) if is_short else (0.002,),
        undeclared=is_short and random.random() < 0.2,
        interim=is_short and subject == "exchange" and random.random() < 0.2,
    )
    if rules.depth == 1 and is_short and random.random() < 0.15:
        rules = evolve(rules, silence=True, forms=("fault", "nonsense"), undeclared=False, unread=False)
    if rules.forms is PHASES:
        rules = evolve(rules, by_id=False, depth=1)
    course = Course(rules, SUBJECTS[subject])
    chances, rare = (CHANCES, RARE) if is_short else (LONG_CHANCES, LONG_RARE)
    for _ in range(random.randrange(5, 35) if is_short else 8000):
        events = course.enabled()
        weights = [chances.get(each[0], rare) * (rare if each[-1] == "arrives" else 1.0) for each in events]
        course.do(random.choices(events, weights)[0])
    course.finish()
    return course


@pytest.mark.parametrize("part", range(PARTS))
def test_no_reply_answers_another_command_except_in_the_window_that_cannot_be_closed(part: int) -> None:
    seen = Seen()
    for seed in range(part, CONVERSATIONS, PARTS):
        try:
            course = conversation(seed)
        except AssertionError as error:
            raise AssertionError(f"conversation({seed}): {error}") from error
        seen.wrong += course.wrong > 0
        seen.surplus += course.surplus > 0
    assert min(seen.wrong, seen.surplus) > 0


def test_long_conversations_pause_by_themselves() -> None:
    assert sum(conversation(seed).paused for seed in range(PARTS, 2 * PARTS)) > 0
