"""Events of ``tcpcomm.blocking`` in programs of their own: functions that subscribe, and loops."""

from __future__ import annotations

from tests.system.test_blocking import printed


def test_subscribers_are_called_in_one_thread_where_they_may_ask_commands() -> None:
    program = """
camera = blocking.remote(VisionCamera, at=AT)
heard = threading.Event()

def on_alarm(code):
    print(code, threading.current_thread().name, camera.locate(job=code).angle)
    heard.set()

end = camera.alarm.subscribe(on_alarm)
camera.light(Lamp.ON)
assert heard.wait(20)
end()
"""
    assert ["7 tcpcomm callbacks 7.0"] == printed(program)


def test_no_function_is_called_any_more_when_a_link_is_closed() -> None:
    program = """
from tcpcomm.host import reactor_thread

reactor_thread.CALLBACKS_PATIENCE = 60.0  # the machine may be busy
calls, closed = [], threading.Event()

def on_alarm(code):
    time.sleep(0.02)
    calls.append(closed.is_set())

with blocking.remote(VisionCamera, at=AT) as camera:
    camera.alarm.subscribe(on_alarm)
    for _ in range(20):
        camera.light(Lamp.ON)
closed.set()
print(calls.count(False), any(calls))
"""
    assert ["20 False"] == printed(program)


def test_events_are_looped_over_until_there_is_none_for_a_while_or_the_link_is_closed() -> None:
    program = """
camera = blocking.remote(VisionCamera, at=AT)
alarms = camera.alarm.events(timeout=0.2)
camera.light(Lamp.ON)
camera.light(Lamp.OFF)
print([*alarms])
closed = threading.Timer(0.2, blocking.link_of(camera).close)
closed.start()
print([*camera.alarm])
print([*camera.alarm], "of a link that is closed")
try:
    camera.locate(job=1)
except NotReady as error:
    print(error)
"""
    lines = printed(program)
    assert ["[alarm(code=7), alarm(code=8)]", "[]", "[] of a link that is closed"] == lines[:3]
    assert lines[3].startswith("link to tcp:127.0.0.1:")


def test_a_loop_that_was_left_is_forgotten_and_one_that_is_too_slow_is_told() -> None:
    program = """
from tcpcomm.equipment.events import EventsLost

camera = blocking.remote(VisionCamera, at=AT)
camera.locate(job=1)
for alarm in camera.alarm.events() if camera.light(Lamp.ON) else ():
    break
for _ in (1, 2):
    loop = camera.alarm.events(timeout=1.0)
    camera.light(Lamp.ON)
    for alarm in loop:
        break
    del loop
print(len(camera._proxy.alarm._handlers))
slow = camera.alarm.events(timeout=0.2)
for code in range(1500):
    served.alarm(code)
camera.locate(job=1)
heard = 0
try:
    for alarm in slow:
        heard += 1
except EventsLost as error:
    print(heard, error)
served.alarm(1501)
camera.locate(job=1)
print([*slow])
"""
    lost = (
        "0 1500 events of VisionCamera.alarm were dropped, because the loop is too slow: do less in it, or "
        "take only the newest event with events(latest=True)"
    )
    assert ["0", lost, "[alarm(code=1501)]"] == printed(program)


def test_a_loop_for_the_newest_event_gets_no_old_one_and_ends_when_it_is_closed() -> None:
    program = """
camera = blocking.remote(VisionCamera, at=AT)
camera.locate(job=1)
newest = camera.alarm.events(timeout=0.2, latest=True)
for code in range(1500):
    served.alarm(code)
camera.locate(job=1)
print([*newest])
closed = camera.alarm.events(latest=True)
threading.Timer(0.2, closed.close).start()
print([*closed])
"""
    assert ["[alarm(code=1499)]", "[]"] == printed(program)
