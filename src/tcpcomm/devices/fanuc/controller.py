"""A robot controller in memory: :class:`Controller`, the equipment's end of the Remote Motion Interface."""

# ruff: noqa: PLR0917 - the packets of motions have many fields

from __future__ import annotations

import json
from collections import deque
from collections.abc import Awaitable, Callable

from attrs import asdict, evolve
from twisted.internet.defer import Deferred, DeferredLock

from tcpcomm.conversation.responder import current_session
from tcpcomm.devices.fanuc.error_ids import ErrorId
from tcpcomm.devices.fanuc.rmi import Rmi
from tcpcomm.devices.fanuc.values import (
    ActiveFrames,
    CartesianPosition,
    Configuration,
    Connected,
    CurrentJointAngles,
    ErrorText,
    Frame,
    InputPort,
    JointAngles,
    OnOff,
    Position,
    SpeedType,
    Status,
    TcpSpeed,
    TermType,
    ToolFrame,
    UserFrame,
)
from tcpcomm.errors import Fault, NoReply
from tcpcomm.session.protocol import FrameProtocol

_HIGHEST_FRAME = 9
_HIGHEST_TOOL = 10


class Controller(Rmi):
    """
    A controller in memory, which carries out instructions one after the other.

    Serve it at both ports: ``serve(controller, at=["tcp:16001", "tcp:16002"], allow=[…])``. Subclasses
    override :meth:`on_motion`, which takes the time of a motion.

    Args:
        port: the port that FRC_Connect tells.

    Attributes:
        position: where the tool is.
        joints: the angles of the joints.
        inputs: the digital inputs by their numbers, True is ON; :meth:`set_input` changes one.
        outputs: the digital outputs.
        frames: the user frames by their numbers.
        tools: the tools by their numbers.
        servo_ready: False if a fault is active.
        auto: False if the teach pendant is enabled.
        is_connected: True if another host has the interface.
        override: the override of the speed, in percent.
        error: the newest fault, in the controller's words.
        programs: the names of the programs that FRC_Call has run.
        programs_known: the names that it may run; None: all.
    """

    def __init__(self, port: int = 16002) -> None:
        self.own_port = port
        self.position, self.joints = Position(), JointAngles()
        self.inputs: dict[int, bool] = {}
        self.outputs: dict[int, bool] = {}
        self.frames = {number: Frame() for number in range(_HIGHEST_FRAME + 1)}
        self.tools = {number: Frame() for number in range(1, _HIGHEST_TOOL + 1)}
        self.frame, self.tool = 0, 1
        self.servo_ready, self.auto, self.is_connected = True, True, False
        self.override = 100
        self.error = ""
        self.programs: deque[str] = deque(maxlen=1000)
        self.programs_known: set[str] | None = None
        self.is_running = self.is_paused = self.is_held = False
        self.next_sequence = 1
        self._owner: FrameProtocol | None = None  # the session that began the run
        self._run = 0  # instructions of an earlier run are dropped
        self._turn = DeferredLock()
        self._changed: list[Deferred[None]] = []

    def on_motion(self, target: Position | JointAngles) -> Awaitable[None] | None:
        """
        Move. Override it, as ``async def`` if it takes time, to see where the robot goes.

        Raise Fault to say that the place cannot be reached: the controller then holds.
        """
        return None

    def set_input(self, port: int, is_on: bool) -> None:
        """Change a digital input, as a sensor does."""
        self.inputs[port] = is_on
        self._changes()

    def fail(self, error: str) -> None:
        """Have a fault now, such as an emergency stop: stop all, and tell the hosts."""
        self.error, self.servo_ready, self.is_held = error, False, True
        self.system_fault(self.next_sequence)
        self._changes()

    def session_ended(self, session: FrameProtocol, reason: str) -> None:
        if session is self._owner:
            self._stop()

    def unknown(self, frame: bytes) -> bytes | None:
        """Answer what is not a packet of RMI as the controller does, which does not know its word."""
        answer = {"Command": "Unknown", "ErrorID": int(ErrorId.INVALID_RMI_COMMAND)}
        return json.dumps(answer).encode("ascii")

    # Communication

    async def connect(self) -> Connected:
        if self.is_connected:
            raise Fault(ErrorId.ROBOT_IS_ALREADY_CONNECTED)
        return Connected(self.own_port, 5, 1)

    async def disconnect(self) -> None:
        self._stop()

    # Commands

    async def initialize(self) -> None:
        if not self.servo_ready:
            raise Fault(ErrorId.CONTROLLER_SERVO_IS_OFF)
        if not self.auto or self.is_running:
            raise Fault(ErrorId.INVALID_CONTROLLER_STATE)
        self._stop()
        self.is_running, self._owner = True, current_session()

    async def abort(self) -> None:
        if not self.is_running:
            raise Fault(ErrorId.RMI_IS_NOT_RUNNING)
        self._stop()

    async def pause(self) -> None:
        if not self.is_running:
            raise Fault(ErrorId.RMI_IS_NOT_RUNNING)
        self.is_paused = True

    async def continue_(self) -> None:
        if not self.is_paused:
            raise Fault(ErrorId.TP_PROGRAM_IS_NOT_PAUSED)
        if not self.servo_ready:
            raise Fault(ErrorId.CANNOT_RESUME_TP_PROGRAM)
        self.is_paused = False
        self._changes()

    async def reset(self) -> None:
        self.servo_ready, self.is_held, self.error = True, False, ""
        self._changes()

    async def get_status(self) -> Status:
        return Status(
            ServoReady=int(self.servo_ready),
            TPMode=int(not self.auto),
            RMIMotionStatus=int(self.is_running),
            ProgramStatus=1 if self.is_paused else 0 if self.is_running else 2,
            NextSequenceID=self.next_sequence,
            Override=self.override,
        )

    async def read_error(self) -> ErrorText:
        return ErrorText(self.error)

    async def set_override(self, Value: int) -> None:
        self.override = Value

    async def get_uframe_utool(self) -> ActiveFrames:
        return ActiveFrames(self.frame, self.tool)

    async def set_uframe_utool(self, UFrameNumber: int, UToolNumber: int) -> None:
        self._check_numbers(UFrameNumber, UToolNumber)
        self.frame, self.tool = UFrameNumber, UToolNumber

    def _check_numbers(self, frame: int, tool: int) -> None:
        if frame not in self.frames:
            raise Fault(ErrorId.INVALID_UFRAME_NUMBER)
        if tool not in self.tools:
            raise Fault(ErrorId.INVALID_UTOOL_NUMBER)

    async def read_uframe_data(self, FrameNumber: int) -> UserFrame:
        self._check_numbers(FrameNumber, 1)
        return UserFrame(self.frames[FrameNumber], FrameNumber)

    async def write_uframe_data(self, FrameNumber: int, Frame: Frame) -> None:
        self._check_numbers(FrameNumber, 1)
        if FrameNumber == 0:
            raise Fault(ErrorId.INVALID_UFRAME_NUMBER)  # the world frame
        self.frames[FrameNumber] = Frame

    async def read_utool_data(self, ToolNumber: int) -> ToolFrame:
        self._check_numbers(0, ToolNumber)
        return ToolFrame(self.tools[ToolNumber], ToolNumber)

    async def write_utool_data(self, ToolNumber: int, Frame: Frame) -> None:
        self._check_numbers(0, ToolNumber)
        self.tools[ToolNumber] = Frame

    async def read_cartesian_position(self) -> CartesianPosition:
        return CartesianPosition(Configuration(self.tool, self.frame), self.position)

    async def read_joint_angles(self) -> CurrentJointAngles:
        return CurrentJointAngles(self.joints)

    async def read_tcp_speed(self) -> TcpSpeed:
        return TcpSpeed(0.0)

    async def read_din(self, PortNumber: int) -> InputPort:
        return InputPort(PortNumber, int(self.inputs.get(PortNumber, False)))

    async def write_dout(self, PortNumber: int, PortValue: OnOff) -> None:
        self.outputs[PortNumber] = PortValue == "ON"

    # Instructions

    def _stop(self) -> None:
        """End the run, and drop its instructions."""
        self._owner = None
        self.is_running = self.is_paused = self.is_held = False
        self.next_sequence = 1
        self._run += 1
        self._changes()

    def _changes(self) -> None:
        """Have the instructions that wait look again."""
        changed, self._changed = self._changed, []
        for each in changed:
            each.callback(None)

    async def _until(self, condition: Callable[[], bool], run: int) -> None:
        """Wait until a condition holds. Raises NoReply if the run is over."""
        while self._run == run and not condition():
            changed: Deferred[None] = Deferred()
            self._changed.append(changed)
            await changed
        if self._run != run:
            raise NoReply

    async def _instruct(self, number: int, act: Callable[[], Awaitable[None] | None]) -> None:
        """Carry out an instruction when its turn has come."""
        if not self.is_running:
            raise Fault(ErrorId.RMI_IS_NOT_RUNNING)
        if self.is_held:
            raise Fault(ErrorId.RMI_IS_IN_HOLD_STATE)
        if number != self.next_sequence:
            self.is_held = True
            raise Fault(ErrorId.INVALID_SEQUENCE_ID)
        self.next_sequence += 1
        run = self._run
        await self._turn.acquire()
        try:
            await self._until(lambda: not (self.is_paused or self.is_held), run)
            acting = act()
            if acting is not None:
                await acting
            if self._run != run:
                raise NoReply
        except Fault:
            self.is_held = True
            raise
        finally:
            self._turn.release()

    async def _move(
        self, number: int, target: Callable[[], Position | JointAngles], where: Configuration | None = None
    ) -> None:
        async def act() -> None:
            if where is not None:
                self._check_numbers(where.UFrameNumber, where.UToolNumber)
            place = target()
            moving = self.on_motion(place)
            if moving is not None:
                await moving
            if isinstance(place, Position):
                self.position = place
            else:
                self.joints = place

        await self._instruct(number, act)

    def _shifted(self, shift: Position) -> Position:
        old = asdict(self.position)
        return evolve(self.position, **{key: old[key] + value for key, value in asdict(shift).items()})

    def _turned(self, shift: JointAngles) -> JointAngles:
        old = asdict(self.joints)
        return evolve(self.joints, **{key: old[key] + value for key, value in asdict(shift).items()})

    async def linear_motion(
        self,
        SequenceID: int,
        Configuration: Configuration,
        Position: Position,
        SpeedType: SpeedType,
        Speed: int,
        TermType: TermType,
        TermValue: int = 100,
    ) -> None:
        await self._move(SequenceID, lambda: Position, Configuration)

    async def linear_relative(
        self,
        SequenceID: int,
        Configuration: Configuration,
        Position: Position,
        SpeedType: SpeedType,
        Speed: int,
        TermType: TermType,
        TermValue: int = 100,
    ) -> None:
        await self._move(SequenceID, lambda: self._shifted(Position), Configuration)

    async def joint_motion(
        self,
        SequenceID: int,
        Configuration: Configuration,
        Position: Position,
        SpeedType: SpeedType,
        Speed: int,
        TermType: TermType,
        TermValue: int = 100,
    ) -> None:
        await self._move(SequenceID, lambda: Position, Configuration)

    async def joint_relative(
        self,
        SequenceID: int,
        Configuration: Configuration,
        Position: Position,
        SpeedType: SpeedType,
        Speed: int,
        TermType: TermType,
        TermValue: int = 100,
    ) -> None:
        await self._move(SequenceID, lambda: self._shifted(Position), Configuration)

    async def joint_motion_jrep(
        self,
        SequenceID: int,
        JointAngle: JointAngles,
        SpeedType: SpeedType,
        Speed: int,
        TermType: TermType,
        TermValue: int = 100,
    ) -> None:
        await self._move(SequenceID, lambda: JointAngle)

    async def joint_relative_jrep(
        self,
        SequenceID: int,
        JointAngle: JointAngles,
        SpeedType: SpeedType,
        Speed: int,
        TermType: TermType,
        TermValue: int = 100,
    ) -> None:
        await self._move(SequenceID, lambda: self._turned(JointAngle))

    async def circular_motion(
        self,
        SequenceID: int,
        Configuration: Configuration,
        Position: Position,
        ViaConfiguration: Configuration,
        ViaPosition: Position,
        SpeedType: SpeedType,
        Speed: int,
        TermType: TermType,
        TermValue: int = 100,
    ) -> None:
        await self._move(SequenceID, lambda: Position, Configuration)

    async def wait_time(self, SequenceID: int, Time: float) -> None:
        await self._instruct(SequenceID, lambda: None)

    async def wait_din(self, SequenceID: int, PortNumber: int, PortValue: OnOff) -> None:
        run, wanted = self._run, PortValue == "ON"
        await self._instruct(
            SequenceID, lambda: self._until(lambda: self.inputs.get(PortNumber, False) is wanted, run)
        )

    async def set_uframe(self, SequenceID: int, FrameNumber: int) -> None:
        await self._instruct(SequenceID, lambda: self.set_uframe_utool(FrameNumber, self.tool))

    async def set_utool(self, SequenceID: int, ToolNumber: int) -> None:
        await self._instruct(SequenceID, lambda: self.set_uframe_utool(self.frame, ToolNumber))

    async def call_program(self, SequenceID: int, ProgramName: str) -> None:
        async def act() -> None:
            if self.programs_known is not None and ProgramName not in self.programs_known:
                raise Fault(ErrorId.INVALID_CALL_PROGRAM_NAME)
            self.programs.append(ProgramName)

        await self._instruct(SequenceID, act)
