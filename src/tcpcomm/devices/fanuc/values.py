"""The values that the Remote Motion Interface tells and takes; their fields have FANUC's own names."""

from __future__ import annotations

from typing import Annotated, Literal

from attrs import frozen

from tcpcomm.codec import Range, Unit

Mm = Annotated[float, Unit("mm")]
Degrees = Annotated[float, Unit("degrees")]

SpeedType = Literal["mmSec", "InchMin", "Time", "mSec", "Percent", "mm/sec", "sec", "cm/min", "%"]
"""
The unit of a speed. Versions of the controller differ: ``mmSec`` and ``mm/sec`` are both mm/s, ``Percent``
and ``%`` are both a share of the greatest speed of the joints.
"""

TermType = Literal["FINE", "CNT", "CR"]
"""The end of a motion: ``FINE`` stops at the place, ``CNT`` passes it and goes on."""

OnOff = Literal["ON", "OFF"]


@frozen
class Position:
    """A place: X, Y and Z in mm, the angles W, P and R in degrees, and up to three further axes."""

    X: Mm = 0.0
    Y: Mm = 0.0
    Z: Mm = 0.0
    W: Degrees = 0.0
    P: Degrees = 0.0
    R: Degrees = 0.0
    Ext1: float = 0.0
    Ext2: float = 0.0
    Ext3: float = 0.0


@frozen
class Configuration:
    """The tool and the frame of a position, and the configuration of the arm."""

    UToolNumber: int = 1
    UFrameNumber: int = 0
    Front: int = 1
    Up: int = 1
    Left: int = 0
    Flip: int = 0
    Turn4: int = 0
    Turn5: int = 0
    Turn6: int = 0


@frozen
class JointAngles:
    """The angles of the joints in degrees, and further axes."""

    J1: Degrees = 0.0
    J2: Degrees = 0.0
    J3: Degrees = 0.0
    J4: Degrees = 0.0
    J5: Degrees = 0.0
    J6: Degrees = 0.0
    J7: float = 0.0
    J8: float = 0.0
    J9: float = 0.0


@frozen
class Frame:
    """A user frame or a tool frame: the shift in mm, and the turn in degrees."""

    X: Mm = 0.0
    Y: Mm = 0.0
    Z: Mm = 0.0
    W: Degrees = 0.0
    P: Degrees = 0.0
    R: Degrees = 0.0


_Position = Position
_Configuration = Configuration
_Frame = Frame  # the fields below have the names of these classes


@frozen
class Connected:
    """The answer to FRC_Connect: the port for all else, and the version of the interface."""

    PortNumber: Annotated[int, Range(1, 65535)]
    MajorVersion: int = 0
    MinorVersion: int = 0


@frozen
class Status:
    """The state of the controller."""

    ServoReady: int
    """1 if the servo motors are on, and no fault is active."""
    TPMode: int
    """0 if the teach pendant is disabled, as the interface needs it; 1 if it is enabled."""
    RMIMotionStatus: int
    """1 if the interface runs, after FRC_Initialize."""
    ProgramStatus: int
    """0: running, 1: paused, 2: aborted."""
    SingleStepMode: int = 0
    NumberUTool: int = 10
    NumberUFrame: int = 9
    NextSequenceID: int = 1
    """The id that the next instruction must have."""
    Override: int = 100
    """The override of the speed, in percent."""


@frozen
class CartesianPosition:
    """The current place, with its tool and frame."""

    Configuration: _Configuration
    Position: _Position
    TimeTag: int = 0


@frozen
class CurrentJointAngles:
    """The current angles of the joints."""

    JointAngle: JointAngles
    TimeTag: int = 0


@frozen
class ActiveFrames:
    """The numbers of the user frame and of the tool frame in use."""

    UFrameNumber: int
    UToolNumber: int


@frozen
class UserFrame:
    """A user frame with its number, which is 0 here if the controller gives it another name."""

    Frame: _Frame
    UFrameNumber: int = 0


@frozen
class ToolFrame:
    """A tool frame with its number, which is 0 here if the controller gives it another name."""

    Frame: _Frame
    UToolNumber: int = 0


@frozen
class ErrorText:
    """The newest fault of the controller, in its own words, such as ``SRVO-001 Operator panel E-stop``."""

    ErrorData: str = ""
    Count: int = 1


@frozen
class InputPort:
    """A digital input. Its value is 1 or ON, 0 or OFF, by the version of the controller."""

    PortNumber: int
    PortValue: int | str


@frozen
class TcpSpeed:
    """The speed of the tool center point in mm/s."""

    Speed: Annotated[float, Unit("mm/s")]
    TimeTag: int = 0
