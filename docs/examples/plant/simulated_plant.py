"""The 20 simulated devices of the example plant: real protocols, and values that are drawn."""

from random import Random

from plant_devices import Camera, LaserSensor, Position, Reading, Scale
from tcpcomm import Equipment, Fault
from tcpcomm.devices import find_device

RANDOM = Random(7)


class SimulatedCamera(Camera):
    """A camera with a part that lies somewhere."""

    async def locate(self, job: int) -> Position:
        if job > 9:
            raise Fault(2, "no such job")
        return Position(RANDOM.uniform(-1, 1), RANDOM.uniform(-1, 1), RANDOM.uniform(-5, 5))


class SimulatedScale(Scale):
    """A scale with parts of 250 g."""

    async def weigh(self) -> float:
        return RANDOM.gauss(250.0, 0.4)

    async def zero(self) -> None:
        pass


class SimulatedLaser(LaserSensor):
    """A sensor that sees parts pass."""

    async def measure(self) -> Reading:
        return Reading(RANDOM.randint(11_900, 12_100), RANDOM.randint(3000, 4000))


def devices() -> list[Equipment]:
    """Make the devices, in the order of their ports."""
    controllers = ["modbus", "modbus", "modbus", "slmp", "xgt", "fins", "s7", "keyence", "cognex"]
    own = [SimulatedCamera] * 4 + [SimulatedScale] * 3 + [SimulatedLaser] * 2
    return [
        *(simulator(name) for name in controllers),
        *(kind() for kind in own),
        simulator("scpi"),
        simulator("scpi"),
    ]


def simulator(name: str) -> Equipment:
    """Make a device of the catalogue, which behaves as a real one."""
    kind = find_device(name).load_simulator()
    assert kind is not None
    return kind()
