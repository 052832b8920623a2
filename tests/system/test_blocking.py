"""
``tcpcomm.blocking`` and ``tcpcomm.as_future`` in programs of their own, over real sockets.

A process has one reactor, which other tests run in the main thread; so each program here is a process.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys

from tests.conftest import skip
from tests.system.running import DEADLINE, Server, environment

IMPORTS = """
import sys, threading, time
from tcpcomm import Fault, NotReady, NotSent, blocking, in_thread
from tests.equipment.declared import Lamp, Position, VisionCamera
"""

PRELUDE = (
    IMPORTS
    + """
class MyCamera(VisionCamera):
    def locate(self, job):
        if job < 0:
            raise Fault(2, "no such job")
        return Position(1.0, 2.0, float(job))

    @in_thread
    def light(self, lamp):
        self.alarm(code=7 if lamp is Lamp.ON else 8)

    def reset(self):
        pass

served = MyCamera()
serving = blocking.serve(served, at="tcp:0:interface=127.0.0.1")
AT = f"tcp:127.0.0.1:{serving.ports[0]}"
"""
)


def run(program: str, prelude: str = PRELUDE) -> subprocess.CompletedProcess[str]:
    """Run a program to its end, which it has to come to by itself."""
    return subprocess.run(
        [sys.executable, "-c", prelude + program],
        env=environment(),
        capture_output=True,
        encoding="utf-8",
        timeout=DEADLINE,
    )


def printed(program: str, prelude: str = PRELUDE) -> list[str]:
    """The lines that a program prints, which prints nothing on standard error."""
    ended = run(program, prelude)
    assert (0, "") == (ended.returncode, ended.stderr)
    return ended.stdout.splitlines()


def test_a_script_asks_is_told_no_and_ends_by_itself_without_closing_anything() -> None:
    program = """
camera = blocking.remote(VisionCamera, at=AT)
print(camera.locate(job=3), camera.locate(4).angle, camera.reset())
try:
    camera.locate(job=-1)
except Fault as fault:
    print(fault)
print(camera, blocking.raw(camera, b"TRG,5"), "locate" in dir(camera), camera.locate.__doc__)
"""
    assert [
        "Position(x=1.0, y=2.0, angle=3.0) 4.0 None",
        "2: no such job",
        "<blocking VisionCamera: ready> b'OK,1.000,2.000,5.000' True Take a picture and locate the part.",
    ] == printed(program)


def test_it_may_be_used_from_several_threads_which_may_outlive_the_main_one() -> None:
    program = """
camera = blocking.remote(VisionCamera, at=AT)
main_is_over = threading.Event()

def work(number):
    threading.main_thread().join()
    for job in range(50):
        assert camera.locate(job=100 * number + job).angle == 100 * number + job
    print("done\\n", end="")  # in one piece, because others print at the same time

for number in range(4):
    threading.Thread(target=work, args=(number,)).start()
"""
    assert 4 * ["done"] == printed(program)


def test_observers_see_the_states_and_the_messages_of_a_script_s_link() -> None:
    program = """
from tcpcomm import SessionObserver

class Recorder(SessionObserver):
    def link_state(self, link, state, reason):
        print(state.value)

    def message(self, session, message):
        print(message.kind.value, message.name, message.frame, threading.current_thread().name)

with blocking.remote(VisionCamera, at=AT, observers=[Recorder()]) as camera:
    camera.locate(job=3)
"""
    assert [
        "connecting",
        "handshaking",
        "ready",
        "command locate b'TRG,3' tcpcomm reactor",
        "reply locate b'OK,1.000,2.000,3.000' tcpcomm reactor",
        "draining",
        "down",
    ] == printed(program)


def test_a_notebook_can_use_it_within_its_own_loop() -> None:
    """A cell of Jupyter runs in an asyncio loop."""
    program = """
import asyncio
import tcpcomm

async def cell():
    with blocking.remote(VisionCamera, at=AT) as camera:
        print(camera.locate(job=3).angle)

asyncio.run(cell())
"""
    assert ["3.0"] == printed(program)


def test_remote_with_await_in_a_script_that_uses_blocking_is_told_to_use_that_too() -> None:
    """The reactor runs in the background then. It was used from this thread, which is not safe."""
    program = """
import tcpcomm

camera = blocking.remote(VisionCamera, at=AT)
for call in (
    lambda: tcpcomm.remote(VisionCamera, at=AT),
    lambda: tcpcomm.serve(served, at="tcp:0:interface=127.0.0.1"),
):
    try:
        call()
    except tcpcomm.ConfigurationError as error:
        print(error)
"""
    told = (
        "{0}() was called in the thread 'MainThread', but the reactor runs in another one: use "
        "tcpcomm.blocking.{0}, which works in every thread"
    )
    assert [told.format("remote"), told.format("serve")] == printed(program)


def test_the_end_of_a_script_waits_for_connections_for_a_limited_time() -> None:
    program = """
from twisted.internet.defer import Deferred
from tcpcomm.host import reactor_thread

reactor_thread.GRACE = 0.2
reactor_thread.at_the_end(Deferred)
print("done")
"""
    assert ["done"] == printed(program)


def test_the_link_is_observed_awaited_and_closed_by_the_context_manager() -> None:
    program = """
with blocking.remote(VisionCamera, at=AT) as camera:
    link = blocking.link_of(camera)
    link.wait_until_ready(20)
    print(link.state.value, link.reason)
print(link.state.value)
serving.close()
nobody = blocking.remote(VisionCamera, at=AT)
states = []
down = threading.Event()
gone = threading.Event()
end = blocking.link_of(nobody).observe_outages(gone=lambda reason: gone.set(), back=gone.clear)
blocking.link_of(nobody).observe(lambda state, reason: (states.append(state.value), down.set()))
for wait in (lambda: blocking.link_of(nobody).wait_until_ready(0.3), lambda: nobody.locate(job=1)):
    try:
        wait()
    except NotReady as error:
        print("was not ready" in str(error))
        break
blocking.link_of(nobody).kick()
assert down.wait(20)
assert gone.wait(20)
end()
"""
    assert ["ready the peer is proven", "down", "True"] == printed(program)


def test_in_the_reactor_s_thread_and_with_a_strange_object_it_is_refused_in_words() -> None:
    program = """
from twisted.internet import reactor
from tcpcomm import ConfigurationError

camera = blocking.remote(VisionCamera, at=AT)
told = threading.Event()

def in_the_reactor():
    try:
        camera.locate(job=1)
    except ConfigurationError as error:
        print(error)
    told.set()

reactor.callFromThread(in_the_reactor)
told.wait(20)
try:
    blocking.link_of(served)
except ConfigurationError as error:
    print("not a proxy that tcpcomm.blocking.remote made" in str(error))
"""
    assert [
        "tcpcomm.blocking cannot wait in the reactor's thread, where nothing would happen meanwhile: "
        "use tcpcomm.remote there, with await",
        "True",
    ] == printed(program)


def test_an_error_shows_the_script_s_line_and_little_else() -> None:
    ended = run("""
camera = blocking.remote(VisionCamera, at=AT)
camera.locate(job=-1)  # the line
""")

    assert 1 == ended.returncode
    assert ended.stderr.startswith("Traceback (most recent call last):\n")
    assert ended.stderr.endswith("tcpcomm.errors.Fault: 2: no such job\n")
    assert ended.stderr.count("File ") < 6


PATIENT = """
from twisted.internet.defer import Deferred
from tcpcomm import Equipment, blocking, command, event
from tcpcomm.codec import Template

class Oven(Equipment):
    codec = Template(fault="NG")

    @command("HEAT", reply="HOT", timeout=600.0)
    def heat(self) -> None:
        print("heating", flush=True)
        return Deferred()

    @event("DONE")
    def done(self) -> None: ...

serving = blocking.serve(Oven(), at="tcp:0:interface=127.0.0.1")
oven = blocking.remote(Oven, at=f"tcp:127.0.0.1:{serving.ports[0]}")
for wait in (oven.heat, lambda: next(oven.done.events()), lambda: [*oven.done.events(timeout=600.0)]):
    try:
        print("waiting", flush=True)
        wait()
    except KeyboardInterrupt:
        print("interrupted", flush=True)
"""


def test_ctrl_c_interrupts_what_waits_and_the_program_ends() -> None:
    if sys.platform == "win32":
        skip("Windows has no signals that a program could send")
    with Server(command=[sys.executable, "-c", PATIENT]) as running:
        running.wait_for("heating")  # so the main thread waits
        for count in (1, 2, 3):
            running.signal(signal.SIGINT)
            running.wait_for("interrupted", count=count)
            if count < 3:
                running.wait_for("waiting", count=count + 1)

        assert 0 == running.wait()


RESTLESS = (
    PATIENT.partition("for wait in")[0].replace('print("heating", flush=True)', "pass")
    + """
import queue, random, signal, threading, time

delays, main = queue.SimpleQueue(), threading.get_ident()

def interrupt():
    while True:
        time.sleep(delays.get())
        signal.pthread_kill(main, signal.SIGINT)

threading.Thread(target=interrupt, daemon=True).start()
chosen = random.Random(1)
for _ in range(1000):
    try:
        delays.put(chosen.uniform(0.0, 0.0003))
        next(oven.done.events())
    except KeyboardInterrupt:
        pass
print("interrupted by nothing else")
"""
)


def test_ctrl_c_at_any_moment_of_a_wait_is_a_keyboard_interrupt() -> None:
    """It ended no wait that was just about to begin; within threading.Event it could be a RuntimeError."""
    if sys.platform == "win32":
        skip("Windows has no signals that a program could send")
    assert ["interrupted by nothing else"] == printed(RESTLESS, "")


ASYNCIO = """
import asyncio, sys
from twisted.internet import asyncioreactor

async def main():
    asyncioreactor.install(asyncio.get_running_loop())
    from twisted.internet import reactor
    reactor.startRunning(installSignalHandlers=False)

    from tcpcomm import Fault, as_future, link_of, remote, serve
    from tcpcomm.server.simulator import simulated
    from tests.equipment.declared import VisionCamera

    service = serve(simulated(VisionCamera, seed=1), at="tcp:0:interface=127.0.0.1")
    service.startService()
    camera = remote(VisionCamera, at=f"tcp:127.0.0.1:{service.ports[0].getHost().port}")
    located = await asyncio.gather(*(as_future(camera.locate(job)) for job in range(3)))
    print([type(each).__name__ for each in located])

    async def both():
        return await camera.locate(job=1), await camera.locate(job=2)

    print(len(await as_future(both())))
    await as_future(link_of(camera).stopService())
    await as_future(service.stopService())

asyncio.run(main())
"""


def test_a_program_on_asyncio_awaits_commands_as_futures() -> None:
    assert ["['Position', 'Position', 'Position']", "2"] == printed(ASYNCIO, "")


def test_without_the_asyncio_reactor_a_future_is_refused_in_words() -> None:
    program = """
import asyncio
from tcpcomm import ConfigurationError, as_future
from twisted.internet.defer import succeed

async def main():
    try:
        await as_future(succeed(1))
    except ConfigurationError as error:
        print(error)

asyncio.run(main())
"""
    (line,) = printed(program, "")
    assert line.startswith("Twisted's reactor does not run on this asyncio loop: ")


FORK = """
import multiprocessing, os, sys, warnings
from tcpcomm import ConfigurationError

warnings.simplefilter("ignore", DeprecationWarning)  # from 3.12 on, of a fork beside threads

def use_again():
    try:
        camera.locate(job=3)
    except ConfigurationError as error:
        print(error)
    try:
        next(alarms)
    except ConfigurationError as error:
        print("no events either")
    sys.stdout.flush()
"""

FORKED = (
    "tcpcomm.blocking was used before this process was forked, and its connections belong to the parent"
)


def test_a_forked_process_is_told_that_the_connections_are_its_parent_s() -> None:
    _needs_fork()
    program = f"""{FORK}
camera = blocking.remote(VisionCamera, at=AT)
alarms = camera.alarm.events()
print(camera.locate(3).angle, flush=True)
for context in ("fork", "os.fork"):
    if context == "fork":
        child = multiprocessing.get_context(context).Process(target=use_again)
        child.start()
        child.join(10)
        print(child.exitcode)
    elif not (number := os.fork()):
        use_again()
        os._exit(0)
    else:
        print(os.waitpid(number, 0)[1])
print(camera.locate(4).angle)
"""
    lines = printed(program)
    told = [lines[0], *(line.partition(":")[0] for line in lines[1:])]
    assert ["3.0", FORKED, "no events either", "0", FORKED, "no events either", "0", "4.0"] == told


def test_a_process_that_was_forked_before_may_use_it() -> None:
    _needs_fork()
    program = f"""{FORK}
def use(at):
    print(blocking.remote(VisionCamera, at=at).locate(3).angle, flush=True)
    os._exit(0)

reading, writing = os.pipe()
if not os.fork():
    use(os.read(reading, 100).decode())
exec(PRELUDE)
os.write(writing, AT.encode())
print(os.wait()[1])
"""
    assert ["3.0", "0"] == printed(program, prelude=f"PRELUDE = {PRELUDE!r}\n{IMPORTS}")


def _needs_fork() -> None:
    if not hasattr(os, "fork"):
        skip("this system has no fork")


def test_a_script_asks_several_units_on_one_connection() -> None:
    program = """
from tcpcomm import blocking
from tests.conversation.test_header_values import MyPlc, Plc

serving = blocking.serve(MyPlc(), at="tcp:0:interface=127.0.0.1")
plc = blocking.remote(Plc, at=f"tcp:127.0.0.1:{serving.ports[0]}")
print(plc.read(5), plc.unit(7).read(5), plc.unit.value, plc.unit(7).unit.value, plc.unit(7))
plc.unit.set(3)
print(plc.read(5), plc.unit.value, blocking.link_of(plc).state.value)
changes = iter(plc.unit(7).changed)
plc.__exit__()
print([*changes], [*plc.unit(7).changed])
"""
    assert [
        "105 705 1 7 <blocking Plc: ready>",
        "305 3 ready",
        "[] []",
    ] == printed(program, "")


FACES = """
from tcpcomm import blocking
from tests.equipment.test_faces import MyPlc, Plc

serving = blocking.serve(MyPlc(), at="tcp:0:interface=127.0.0.1")
"""


def test_a_face_returns_results_in_a_script() -> None:
    assert ["None", "[107, 108]", "[100]", "[700, 700]"] == printed(
        """
with blocking.remote(Plc, at=f"tcp:127.0.0.1:{serving.ports[0]}") as plc:
    print(plc.at(2).write(5, [7, 8]))
    print(plc.at(2)[5:7])
    print(plc.data(5))
    print(plc.unit(7).data[0:2])
""",
        FACES,
    )


def test_a_face_in_a_script_is_neither_gone_through_nor_assigned_to() -> None:
    assert [
        "'BlockingFace' object is not iterable",
        "call a method that writes, such as write(5, 7): nothing was sent",
    ] == printed(
        """
def try_it(statement):
    try:
        exec(statement)
    except TypeError as error:
        print(error)

with blocking.remote(Plc, at=f"tcp:127.0.0.1:{serving.ports[0]}") as plc:
    try_it("list(plc.data)")
    try_it("plc.data[5] = 7")
""",
        FACES,
    )
