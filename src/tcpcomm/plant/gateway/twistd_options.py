"""The option ``--plant`` of ``twistd tcpcomm``: :class:`PlantOptions`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from twisted.python import usage

if TYPE_CHECKING:
    from tcpcomm.plant.gateway.plan import Plan

_SERVERS_ONLY: Final = (
    "app",
    "listen",
    "allow",
    "framing",
    "encoding",
    "gap",
    "max-frame",
    "max-sessions",
    "max-sessions-per-address",
    "idle-timeout",
    "heartbeat-timeout",
    "evict",
    "psk",
    "name",
    "client-ca",
    "client-name",
    "revoked",
    "workers",
    "allow-http",
    "no-framing-hints",
)
"""The options that describe a server."""


class PlantOptions(usage.Options):
    """The option ``--plant``."""

    optParameters: list[Any] = [  # noqa: RUF012 - the name and kind are Twisted's
        [
            "plant",
            None,
            None,
            "Run the gateway that this FILE, such as plant.toml, describes, in place of a server. 'tcpcomm "
            "check FILE' checks it.",
        ],
    ]

    plan: Plan | None = None
    """The gateway to run, or None."""

    def read_plan(self, problems: list[str]) -> None:
        """Read and check the file. Add mistakes, and options that a gateway lacks, to the problems."""
        from tcpcomm.plant.gateway.configuration.mistakes import PlantMistakes  # noqa: PLC0415 - for --plant only
        from tcpcomm.plant.gateway.configuration.plant_file import read_plant  # noqa: PLC0415

        names = [name for name in _SERVERS_ONLY if self._is_given(name)]
        if names:
            options = ", ".join(f"--{name}" for name in names)
            problems.append(f"{options} cannot stand beside --plant: the file says what runs, and how")
        try:
            self.plan = read_plant(self["plant"])
        except PlantMistakes as mistakes:
            problems += mistakes.lines

    def _is_given(self, name: str) -> bool:
        parameters = (each for base in type(self).__mro__ for each in _parameters_of(base))
        default = next((each[2] for each in parameters if each[0] == name), None)
        return bool(self.get(name)) and self[name] != default


def _parameters_of(base: type[Any]) -> list[Any]:
    return list(vars(base).get("optParameters", ()))
