"""Updates that wait for the thread of the server: the newest of each variable, and events in order."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tcpcomm.plant.opcua.pending import MAX_OPCUA_EVENTS, NodeUpdate, PendingUpdates, PlantEvent


def event(number: int) -> PlantEvent:
    return PlantEvent(link="press-1", name="alarm", values={"alarm/code": number}, at=0.0)


@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers())))
def test_the_newest_value_of_each_variable_is_taken_once(puts: list[tuple[str, int]]) -> None:
    pending = PendingUpdates()
    told = [pending.put(NodeUpdate(node=node, value=value, at=0.0)) for node, value in puts]

    updates, events, dropped = pending.take()

    assert dict(puts) == {each.node: each.value for each in updates}
    assert [True, *[False] * (len(puts) - 1)][: len(puts)] == told
    assert ([], 0) == (events, dropped)
    assert ([], [], 0) == pending.take()


def test_events_keep_their_order_and_the_oldest_are_dropped() -> None:
    pending = PendingUpdates()
    told = [pending.put_event(event(number)) for number in range(MAX_OPCUA_EVENTS + 3)]

    _, events, dropped = pending.take()

    assert [event(number) for number in range(3, MAX_OPCUA_EVENTS + 3)] == events
    assert (3, [True]) == (dropped, [each for each in told if each])
    assert pending.put_event(event(1))
