"""The declaration of the Remote Motion Interface: :class:`Startup`, :class:`Rmi`, and :class:`Motion`."""

# ruff: noqa: PLR0917 - the packets of motions have many fields

from __future__ import annotations

from collections.abc import Awaitable
from typing import Annotated, Any, Final

from twisted.internet.defer import CancelledError, Deferred, DeferredSemaphore

from tcpcomm.codec import Json, ProtocolErrorKind, Range, Unit
from tcpcomm.devices.fanuc.error_ids import ErrorId
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
from tcpcomm.equipment.equipment import Equipment, command, event
from tcpcomm.equipment.face import Face
from tcpcomm.errors import CodecError, Fault, NotSent, OutcomeUnknown
from tcpcomm.framing import Delimited

AT_ONCE: Final = 8
"""Instructions of one ``Motion`` of a FANUC robot under way at once. The others wait at the host."""

LONGEST_MOTION: Final = 600.0
"""
Seconds for one instruction of a FANUC robot, from when it is sent. Then the call fails with
``ReplyTimeout``.
"""

_SLOWEST: Final = 60.0
"""Seconds that the controller may take to abort the motion program."""

_CODES: Final = {
    ProtocolErrorKind.UNREADABLE: int(ErrorId.INVALID_TEXT_STRING),
    ProtocolErrorKind.MALFORMED: int(ErrorId.INVALID_RMI_COMMAND),
    ProtocolErrorKind.UNKNOWN_COMMAND: int(ErrorId.INVALID_RMI_COMMAND),
    ProtocolErrorKind.BAD_PARAMETERS: int(ErrorId.INVALID_VALUE),
    ProtocolErrorKind.WRONG_STATE: int(ErrorId.RMI_IS_NOT_RUNNING),
    ProtocolErrorKind.INTERNAL: int(ErrorId.INTERNAL_SYSTEM_ERROR),
}


def _objects(word: str, *, id: str | None = None) -> Json:
    """Return the codec of packets with their word under this key."""
    return Json(
        word,
        id=id,
        result=None,
        fault=None,
        code="ErrorID",
        reason=None,
        data=None,
        success={"ErrorID": 0},
        echo=True,
        ignore=("Group", "GroupMask"),  # of controllers with several groups; this is for the first
        ignore_unknown=True,  # newer controllers tell more, such as "UI[2]" in their status
        ascii=True,
        codes=_CODES,
        meanings=ErrorId,
    )


_PACKETS: Final = _objects("Command")
_INSTRUCTIONS: Final = _objects("Instruction", id="SequenceID")

Sequence = Annotated[int, Range(1, 2**31 - 1)]
"""The id of an instruction. The controller takes only the next one, from 1 on after FRC_Initialize."""

Percent = Annotated[int, Range(1, 100), Unit("%")]
TermValue = Annotated[int, Range(0, 100)]


class Startup(Equipment):
    """A controller at its first port, 16001, where it tells the port for all else."""

    framing = Delimited(b"\r\n")
    codec = _PACKETS

    async def port(self) -> int:
        """Return the port for all else."""
        return (await self.connect()).PortNumber

    @command({"Communication": "FRC_Connect"})
    async def connect(self) -> Connected:
        """Ask for the port for all else."""
        raise NotImplementedError


class Motion(Face["Rmi"]):
    """
    A run of the motion program, RMI_MOVE. It counts the ids of the instructions.

    Each call returns when the controller has carried out the instruction. Up to 8 may be under way: begin
    several to have the robot pass from one to the next without a stop; more wait here. After a fault, or a
    lost connection, the robot stands still until a new :meth:`start`. A run that ends takes nothing with it
    into the next one: what waits here then fails with NotSent.
    """

    def __init__(self, device: Rmi) -> None:
        super().__init__(device)
        self._next = 1
        self._room = DeferredSemaphore(AT_ONCE)
        self._under_way: set[Deferred[Any]] = set()
        self._run = 0

    async def start(self) -> None:
        """
        Begin a run: abort an old one, reset a fault, and initialize. Wait for its end.

        Calls of a run before that still wait fail with OutcomeUnknown, or with NotSent if their instruction
        was not sent.

        Raises:
            Fault: the controller is not ready, for example because its teach pendant is enabled.
        """
        status = await self.device.get_status()
        if status.RMIMotionStatus:
            await self.device.abort()
        if not status.ServoReady:
            await self.device.reset()
        self._end_run()  # the ids begin again: an old instruction must not be taken for a new one
        await self.device.initialize()
        self._next = 1

    async def abort(self) -> None:
        """
        End the run.

        Calls that wait fail with OutcomeUnknown, or with NotSent if their instruction was not sent.

        Raises:
            Fault: the motion program does not run. The calls that wait end all the same.
        """
        try:
            await self.device.abort()
        except Fault:
            self._end_run()
            raise
        self._end_run()

    def _end_run(self) -> None:
        self._run += 1
        for waiting in list(self._under_way):
            waiting.cancel()

    async def linear(
        self,
        position: Position,
        speed: int,
        *,
        configuration: Configuration | None = None,
        speed_type: SpeedType = "mmSec",
        term_type: TermType = "FINE",
        term_value: int = 100,
        relative: bool = False,
    ) -> None:
        """
        Move in a straight line.

        Args:
            position: the place, or with ``relative`` the shift from where the robot stands then.
            speed: by default in mm/s.
            configuration: the tool, the frame and the arm; by default tool 1 and frame 0.
            speed_type: the unit of the speed.
            term_type: ``FINE`` stops at the place, ``CNT`` passes it.
            term_value: how wide ``CNT`` passes it, in percent.
            relative: True for a shift.

        Raises:
            Fault: the controller refuses it, or could not carry it out.
            OutcomeUnknown: the connection was lost, or the run was aborted.
        """
        move = self.device.linear_relative if relative else self.device.linear_motion
        where = Configuration() if configuration is None else configuration
        await self._instruct(
            lambda number: move(
                SequenceID=number,
                Configuration=where,
                Position=position,
                SpeedType=speed_type,
                Speed=speed,
                TermType=term_type,
                TermValue=term_value,
            )
        )

    async def joint(
        self,
        place: JointAngles | Position,
        speed: int,
        *,
        configuration: Configuration | None = None,
        speed_type: SpeedType = "Percent",
        term_type: TermType = "FINE",
        term_value: int = 100,
        relative: bool = False,
    ) -> None:
        """
        Move all joints together, on the quickest way.

        Args:
            place: the angles, or a position; with ``relative`` the shift of them.
            speed: by default in percent of the greatest speed.
            configuration: for a position, as for :meth:`linear`.
            speed_type: the unit of the speed.
            term_type: as for :meth:`linear`.
            term_value: as for :meth:`linear`.
            relative: True for a shift.

        Raises:
            Fault, OutcomeUnknown: as for :meth:`linear`.
        """
        device = self.device
        if isinstance(place, JointAngles):
            turn, angles = device.joint_relative_jrep if relative else device.joint_motion_jrep, place
            await self._instruct(
                lambda number: turn(
                    SequenceID=number,
                    JointAngle=angles,
                    SpeedType=speed_type,
                    Speed=speed,
                    TermType=term_type,
                    TermValue=term_value,
                )
            )
            return
        move, position = device.joint_relative if relative else device.joint_motion, place
        where = Configuration() if configuration is None else configuration
        await self._instruct(
            lambda number: move(
                SequenceID=number,
                Configuration=where,
                Position=position,
                SpeedType=speed_type,
                Speed=speed,
                TermType=term_type,
                TermValue=term_value,
            )
        )

    async def circular(
        self,
        via: Position,
        position: Position,
        speed: int,
        *,
        configuration: Configuration | None = None,
        speed_type: SpeedType = "mmSec",
        term_type: TermType = "FINE",
        term_value: int = 100,
    ) -> None:
        """Move on an arc through ``via`` to ``position``. The rest is as for :meth:`linear`."""
        where = Configuration() if configuration is None else configuration
        await self._instruct(
            lambda number: self.device.circular_motion(
                SequenceID=number,
                Configuration=where,
                Position=position,
                ViaConfiguration=where,
                ViaPosition=via,
                SpeedType=speed_type,
                Speed=speed,
                TermType=term_type,
                TermValue=term_value,
            )
        )

    async def wait(self, seconds: float) -> None:
        """Have the controller wait between two instructions."""
        await self._instruct(lambda number: self.device.wait_time(number, seconds))

    async def wait_for_input(self, port: int, value: OnOff = "ON") -> None:
        """Have the controller wait for a digital input."""
        await self._instruct(lambda number: self.device.wait_din(number, port, value))

    async def use(self, *, frame: int | None = None, tool: int | None = None) -> None:
        """Use a user frame or a tool from the next instruction on."""
        if frame is not None:
            await self._instruct(lambda number: self.device.set_uframe(number, frame))
        if tool is not None:
            await self._instruct(lambda number: self.device.set_utool(number, tool))

    async def call(self, program: str) -> None:
        """Run another program of the controller."""
        await self._instruct(lambda number: self.device.call_program(number, program))

    async def _instruct(self, ask: Any) -> None:
        """Send an instruction with the next id, and wait until it is carried out."""
        run = self._run
        await self._room.acquire()
        if run != self._run:
            self._room.release()
            raise NotSent("the run ended before this instruction was sent")
        number = self._next
        self._next += 1
        asked: Awaitable[None] = ask(number)
        if isinstance(asked, Deferred):
            self._under_way.add(asked)
        try:
            await asked
        except (NotSent, CodecError):
            if self._run == run and self._next == number + 1:
                self._next = number  # the controller has not seen it
            raise
        except CancelledError:
            if self._run == run:
                raise
            raise OutcomeUnknown(f"instruction {number} was aborted before it was done") from None
        finally:
            self._under_way.discard(asked)
            self._room.release()


class Rmi(Startup):
    """
    A robot controller that speaks the Remote Motion Interface, at the port that FRC_Connect tells.

    Commands are answered at once, instructions when they are carried out. ``motion()`` sends instructions
    and counts their ids.
    """

    heartbeat = "get_status"
    heartbeat_while_busy = True

    def motion(self) -> Motion:
        """Return a new run of the motion program; keep it for all its instructions."""
        return Motion(self)

    # Communication

    @command({"Communication": "FRC_Disconnect"})
    async def disconnect(self) -> None:
        """End the session. The controller aborts the motion program and closes the connection."""
        raise NotImplementedError

    @event({"Communication": "FRC_SystemFault"})
    def system_fault(self, SequenceID: int) -> None:
        """The controller had a fault, and stopped at this instruction. ``read_error`` says more."""

    @event({"Communication": "FRC_Terminate"})
    def terminate(self) -> None:
        """The controller ends the session, because nothing was asked for long."""

    # Commands

    @command("FRC_Initialize")
    async def initialize(self) -> None:
        """Begin a run of the motion program. The next instruction has the id 1."""
        raise NotImplementedError

    @command("FRC_Abort", timeout=_SLOWEST)
    async def abort(self) -> None:
        """Abort the motion program, and drop the instructions that were not carried out."""
        raise NotImplementedError

    @command("FRC_Pause")
    async def pause(self) -> None:
        """Pause the motion program."""
        raise NotImplementedError

    @command("FRC_Continue")
    async def continue_(self) -> None:
        """Go on after a pause."""
        raise NotImplementedError

    @command("FRC_Reset")
    async def reset(self) -> None:
        """Reset the faults of the controller."""
        raise NotImplementedError

    @command("FRC_GetStatus", idempotent=True)
    async def get_status(self) -> Status:
        """Return the state of the controller."""
        raise NotImplementedError

    @command("FRC_ReadError", idempotent=True)
    async def read_error(self) -> ErrorText:
        """Return the newest fault of the controller, in its own words."""
        raise NotImplementedError

    @command("FRC_SetOverRide")
    async def set_override(self, Value: Percent) -> None:
        """Set the override of the speed."""
        raise NotImplementedError

    @command("FRC_GetUFrameUTool", idempotent=True)
    async def get_uframe_utool(self) -> ActiveFrames:
        """Return the numbers of the user frame and the tool in use."""
        raise NotImplementedError

    @command("FRC_SetUFrameUTool")
    async def set_uframe_utool(self, UFrameNumber: int, UToolNumber: int) -> None:
        """Use a user frame and a tool."""
        raise NotImplementedError

    @command("FRC_ReadUFrameData", idempotent=True)
    async def read_uframe_data(self, FrameNumber: int) -> UserFrame:
        """Return a user frame."""
        raise NotImplementedError

    @command("FRC_WriteUFrameData")
    async def write_uframe_data(self, FrameNumber: int, Frame: Frame) -> None:
        """Set a user frame."""
        raise NotImplementedError

    @command("FRC_ReadUToolData", idempotent=True)
    async def read_utool_data(self, ToolNumber: int) -> ToolFrame:
        """Return a tool."""
        raise NotImplementedError

    @command("FRC_WriteUToolData")
    async def write_utool_data(self, ToolNumber: int, Frame: Frame) -> None:
        """Set a tool."""
        raise NotImplementedError

    @command("FRC_ReadCartesianPosition", idempotent=True)
    async def read_cartesian_position(self) -> CartesianPosition:
        """Return where the tool is, in the user frame in use."""
        raise NotImplementedError

    @command("FRC_ReadJointAngles", idempotent=True)
    async def read_joint_angles(self) -> CurrentJointAngles:
        """Return the angles of the joints."""
        raise NotImplementedError

    @command("FRC_ReadTCPSpeed", idempotent=True)
    async def read_tcp_speed(self) -> TcpSpeed:
        """Return the speed of the tool."""
        raise NotImplementedError

    @command("FRC_ReadDIN", idempotent=True)
    async def read_din(self, PortNumber: int) -> InputPort:
        """Return a digital input."""
        raise NotImplementedError

    @command("FRC_WriteDOUT")
    async def write_dout(self, PortNumber: int, PortValue: OnOff) -> None:
        """Set a digital output."""
        raise NotImplementedError

    # Instructions

    @command("FRC_LinearMotion", codec=_INSTRUCTIONS, timeout=LONGEST_MOTION)
    async def linear_motion(
        self,
        SequenceID: Sequence,
        Configuration: Configuration,
        Position: Position,
        SpeedType: SpeedType,
        Speed: int,
        TermType: TermType,
        TermValue: TermValue = 100,
    ) -> None:
        """Move in a straight line to a position."""
        raise NotImplementedError

    @command("FRC_LinearRelative", codec=_INSTRUCTIONS, timeout=LONGEST_MOTION)
    async def linear_relative(
        self,
        SequenceID: Sequence,
        Configuration: Configuration,
        Position: Position,
        SpeedType: SpeedType,
        Speed: int,
        TermType: TermType,
        TermValue: TermValue = 100,
    ) -> None:
        """Move in a straight line by a shift."""
        raise NotImplementedError

    @command("FRC_JointMotion", codec=_INSTRUCTIONS, timeout=LONGEST_MOTION)
    async def joint_motion(
        self,
        SequenceID: Sequence,
        Configuration: Configuration,
        Position: Position,
        SpeedType: SpeedType,
        Speed: int,
        TermType: TermType,
        TermValue: TermValue = 100,
    ) -> None:
        """Move all joints together to a position."""
        raise NotImplementedError

    @command("FRC_JointRelative", codec=_INSTRUCTIONS, timeout=LONGEST_MOTION)
    async def joint_relative(
        self,
        SequenceID: Sequence,
        Configuration: Configuration,
        Position: Position,
        SpeedType: SpeedType,
        Speed: int,
        TermType: TermType,
        TermValue: TermValue = 100,
    ) -> None:
        """Move all joints together by a shift."""
        raise NotImplementedError

    @command("FRC_JointMotionJRep", codec=_INSTRUCTIONS, timeout=LONGEST_MOTION)
    async def joint_motion_jrep(
        self,
        SequenceID: Sequence,
        JointAngle: JointAngles,
        SpeedType: SpeedType,
        Speed: int,
        TermType: TermType,
        TermValue: TermValue = 100,
    ) -> None:
        """Move all joints together to angles."""
        raise NotImplementedError

    @command("FRC_JointRelativeJRep", codec=_INSTRUCTIONS, timeout=LONGEST_MOTION)
    async def joint_relative_jrep(
        self,
        SequenceID: Sequence,
        JointAngle: JointAngles,
        SpeedType: SpeedType,
        Speed: int,
        TermType: TermType,
        TermValue: TermValue = 100,
    ) -> None:
        """Move all joints together by angles."""
        raise NotImplementedError

    @command("FRC_CircularMotion", codec=_INSTRUCTIONS, timeout=LONGEST_MOTION)
    async def circular_motion(
        self,
        SequenceID: Sequence,
        Configuration: Configuration,
        Position: Position,
        ViaConfiguration: Configuration,
        ViaPosition: Position,
        SpeedType: SpeedType,
        Speed: int,
        TermType: TermType,
        TermValue: TermValue = 100,
    ) -> None:
        """Move on an arc through the via position."""
        raise NotImplementedError

    @command("FRC_WaitTime", codec=_INSTRUCTIONS, timeout=LONGEST_MOTION)
    async def wait_time(self, SequenceID: Sequence, Time: Annotated[float, Unit("s")]) -> None:
        """Wait for a time."""
        raise NotImplementedError

    @command("FRC_WaitDIN", codec=_INSTRUCTIONS, timeout=LONGEST_MOTION)
    async def wait_din(self, SequenceID: Sequence, PortNumber: int, PortValue: OnOff) -> None:
        """Wait for a digital input."""
        raise NotImplementedError

    @command("FRC_SetUFrame", codec=_INSTRUCTIONS, timeout=LONGEST_MOTION)
    async def set_uframe(self, SequenceID: Sequence, FrameNumber: int) -> None:
        """Use a user frame from here on."""
        raise NotImplementedError

    @command("FRC_SetUTool", codec=_INSTRUCTIONS, timeout=LONGEST_MOTION)
    async def set_utool(self, SequenceID: Sequence, ToolNumber: int) -> None:
        """Use a tool from here on."""
        raise NotImplementedError

    @command("FRC_Call", codec=_INSTRUCTIONS, timeout=LONGEST_MOTION)
    async def call_program(self, SequenceID: Sequence, ProgramName: str) -> None:
        """Run another program of the controller."""
        raise NotImplementedError
