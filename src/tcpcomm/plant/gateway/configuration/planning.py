"""From settings to a plan: :class:`Planner` checks all that one key alone cannot show."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from pathlib import Path as FilePath
from typing import Any, Final

import attrs
from attrs import evolve, frozen
from twisted.internet.task import Clock

from tcpcomm.devices.catalogue import find_device
from tcpcomm.equipment.declaration import Declaration, check_states
from tcpcomm.equipment.equipment import Equipment, declaration_of
from tcpcomm.equipment.messages import Command
from tcpcomm.errors import CodecError, ConfigurationError
from tcpcomm.host.link import HostLink
from tcpcomm.host.options import HostOptions
from tcpcomm.link.policy import PROFILES, Policy
from tcpcomm.net.psk import read_keys
from tcpcomm.plant.gateway.calls import DeviceCall, argument_problems, call_named, read_value
from tcpcomm.plant.gateway.configuration.mistakes import MistakeList, Path, did_you_mean
from tcpcomm.plant.gateway.configuration.settings import (
    DefaultSettings,
    LinkSettings,
    PlantSettings,
    PolicySettings,
    PollSettings,
)
from tcpcomm.plant.gateway.encoding_trial import encoding_error
from tcpcomm.plant.gateway.plan import OPCUA, Plan, PlannedLink, PlannedPoll, Route
from tcpcomm.plant.opcua.packages import check_asyncua
from tcpcomm.runtime.load_object import Wanted, load_object, names_file, names_user_code
from tcpcomm.session.heartbeat import Heartbeats

DEFAULT_PROFILE: Final = "fleet"
"""The profile of a link whose device declares no policy: a gateway has many links."""

DEFAULT_EVERY: Final = 1.0
"""The seconds between two polls."""

MAX_LINKS: Final = 5000
"""Links of one gateway. A configuration with more is refused."""

_NOT_SHARED: Final = ("like", "at", "listen")
_EVERY_EVENT: Final = "*"
_DECLARATION: Final = Wanted("equipment", lambda kind: issubclass(kind, Equipment))
_WRITES_A_FILE: Final = ("files", "sqlite")


@frozen
class _Resolved:
    """The settings of a link with those of the link that it is like, and the place of each in the file."""

    name: str
    settings: LinkSettings
    origins: Mapping[str, Path]

    def path(self, key: str) -> Path:
        return self.origins.get(key, ("links", self.name))


class Planner:
    """
    Makes a plan of settings.

    Args:
        settings: the configuration.
        folder: relative paths of files are below this folder.
        mistakes: takes the mistakes.
        reactor: the reactor of the links, or a test's clock.
    """

    def __init__(
        self, settings: PlantSettings, folder: FilePath, mistakes: MistakeList, reactor: Any
    ) -> None:
        self._settings = settings
        self._folder = folder
        self._mistakes = mistakes
        self._reactor = reactor
        self._declarations: dict[Any, Declaration | None] = {}

    def plan(self) -> Plan:
        """Return the plan. Use it only if the list of mistakes is empty."""
        gateway, links = self._settings.gateway, self._settings.links
        sinks = self._settings.sinks
        self._check_whole()
        planned = {name: self._link(name, each) for name, each in links.items()}
        self._check_places(planned.values())
        return Plan(
            name=gateway.name,
            plant=gateway.plant or gateway.name,
            outbox=self._folder / FilePath(gateway.outbox.file).expanduser(),
            max_mib=gateway.outbox.max_mib,
            max_messages=gateway.outbox.max_messages,
            sinks=sinks,
            links={name: each for name, each in planned.items() if each is not None},
            standby=gateway.standby,
            metrics=gateway.metrics,
            opcua=self._settings.opcua,
        )

    def _check_whole(self) -> None:
        gateway, mistakes = self._settings.gateway, self._mistakes
        if not self._settings.links and not mistakes.has_below("links"):
            mistakes.add(("links",), "there is no link: add a table [links.NAME]")
        if len(self._settings.links) > MAX_LINKS:
            mistakes.add(
                ("links",),
                f"there are {len(self._settings.links)} links, and one gateway takes {MAX_LINKS}: "
                "run several gateways",
            )
        if not self._settings.sinks and not mistakes.has_below("sinks"):
            mistakes.add(("sinks",), 'there is no sink: add a table [sinks.NAME] with kind = "files"')
        folder = (self._folder / FilePath(gateway.outbox.file).expanduser()).parent
        if not folder.is_dir():
            mistakes.add(("gateway", "outbox", "file"), f"there is no folder {folder}: make it")
        if gateway.metrics is not None:
            try:
                check_place(gateway.metrics)
            except ConfigurationError as error:
                mistakes.add_error(("gateway", "metrics"), error)
        if gateway.standby is not None:
            path = ("gateway", "standby")
            self._check_sinks(path, [gateway.standby])
            sink = self._settings.sinks.get(gateway.standby)
            if sink is not None and sink.kind != "rabbitmq":
                mistakes.add(path, f"the sink {gateway.standby!r} is of the kind {sink.kind}, not rabbitmq")
        self._check_sink_files()
        if self._settings.opcua is not None:
            try:
                check_asyncua()
                from tcpcomm.plant.opcua.security import check_files  # noqa: PLC0415 - it needs asyncua

                check_files(self._settings.opcua)
            except ConfigurationError as error:
                mistakes.add_error(("opcua",), error)
        for key in ("to", "states", "commands_from"):
            self._check_sinks(("defaults", key), getattr(self._settings.defaults, key) or ())

    def _check_sink_files(self) -> None:
        """Try each sink, without connecting. Note files that two of them, or the outbox, would write."""
        mistakes = self._mistakes
        outbox = self._folder / FilePath(self._settings.gateway.outbox.file).expanduser()
        users = {os.path.realpath(outbox): "the outbox"}
        for name, each in self._settings.sinks.items():
            file = getattr(each, "path", None) if each.kind in _WRITES_A_FILE else None
            try:
                each.open(name, Clock())
            except ConfigurationError as error:
                if mistakes.has_below("sinks", name):
                    continue  # it may be wrong only for that
                is_of_file = file is not None and str(error).startswith(str(file))
                mistakes.add_error(("sinks", name, "path") if is_of_file else ("sinks", name), error)
            if file is None:
                continue
            first = users.setdefault(os.path.realpath(self._folder / file), f"the sink {name}")
            if first != f"the sink {name}":
                text = f"{first} writes this file, too: name another file"
                mistakes.add(("sinks", name, "path"), text)

    def _check_sinks(self, path: Path, names: Iterable[str]) -> tuple[str, ...]:
        found = tuple(dict.fromkeys(names))
        for each in found:
            if each not in self._settings.sinks and not self._mistakes.has_below("sinks", each):
                self._mistakes.add(
                    path, f"there is no sink {each!r}{did_you_mean(each, self._settings.sinks)}"
                )
        return tuple(each for each in found if each in self._settings.sinks)

    def _sinks_of(
        self, resolved: _Resolved, key: str, otherwise: Iterable[str]
    ) -> tuple[Path, tuple[str, ...]]:
        """Return the place of the sinks that a key names, in the link or in the defaults, and the sinks."""
        own, default = getattr(resolved.settings, key), getattr(self._settings.defaults, key)
        path = resolved.path(key) if own is not None or default is None else ("defaults", key)
        return path, tuple(_first(own, default, otherwise))

    def _check_places(self, links: Iterable[PlannedLink | None]) -> None:
        places: dict[str, str] = {}
        for each in links:
            if each is None or not isinstance(each.options.get("listen"), str):
                continue
            first = places.setdefault(each.place, each.name)
            if first != each.name:
                self._mistakes.add(
                    ("links", each.name, "listen"),
                    f"the link {first} listens at {each.place}, too: give each link a port of its own",
                )

    # -- one link ---------------------------------------------------------------------------------------

    def _resolve(self, name: str, settings: LinkSettings) -> _Resolved | None:
        own = {each.name: ("links", name, each.name) for each in attrs.fields(LinkSettings)}
        if settings.like is None:
            return _Resolved(name, settings, own)
        path = ("links", name, "like")
        model = self._settings.links.get(settings.like)
        if model is None:
            if self._mistakes.has_below("links", settings.like):
                return None
            self._mistakes.add(
                path,
                f"there is no link {settings.like!r}{did_you_mean(settings.like, self._settings.links)}",
            )
            return None
        if model.like is not None:
            self._mistakes.add(path, f"the link {settings.like!r} is like another one: name that")
            return None
        changes = {
            each.name: getattr(model, each.name)
            for each in attrs.fields(LinkSettings)
            if each.name not in _NOT_SHARED and getattr(settings, each.name) is None
        }
        origins = own | {key: ("links", settings.like, key) for key in changes if changes[key] is not None}
        return _Resolved(name, evolve(settings, **changes), origins)

    def _link(self, name: str, given: LinkSettings) -> PlannedLink | None:
        resolved = self._resolve(name, given)
        if resolved is None:
            return None
        settings, defaults = resolved.settings, self._settings.defaults
        if settings.device is None:
            if not self._mistakes.has_below(*resolved.path("device")):
                self._mistakes.add(
                    ("links", name),
                    "device is missing: name one that 'tcpcomm devices' lists, or file.py:Class",
                )
            return None
        declaration = self._declaration(settings.device, resolved.path("device"))
        options = self._options(resolved, declaration)
        if declaration is None:
            return None
        commands = self._commands(resolved, declaration)
        header = self._header(resolved, declaration)
        opcua = self._settings.opcua
        callers = (OPCUA,) if opcua is not None and opcua.commands else ()
        from_path, named = self._sinks_of(resolved, "commands_from", tuple(self._settings.sinks))
        place = settings.at if settings.at is not None else settings.listen
        return PlannedLink(
            name=name,
            declaration=declaration,
            place=place if isinstance(place, str) else "an endpoint",
            options=options,
            header=header,
            polls=self._polls(resolved, declaration, header),
            events=self._events(resolved, declaration),
            states=self._states(resolved),
            commands=commands,
            commands_from=frozenset((*self._check_sinks(from_path, named), *callers)),
            max_commands=_first(settings.max_commands, defaults.max_commands, 8),
        )

    def _declaration(self, device: Any, path: Path) -> Declaration | None:
        """Return the declaration of a device, or None. Each is loaded once."""
        if device not in self._declarations:
            try:
                self._declarations[device] = self._loaded(device)
            except ConfigurationError as error:
                self._declarations[device] = None
                self._mistakes.add_error(path, error)
        return self._declarations[device]

    def _loaded(self, device: Any) -> Declaration:
        if not isinstance(device, str):
            return declaration_of(device)
        if not names_user_code(device):
            return declaration_of(find_device(device).load())
        return declaration_of(load_object(in_folder(self._folder, device), _DECLARATION))

    def _options(self, resolved: _Resolved, declaration: Declaration | None) -> dict[str, Any]:
        """Return the options of the link by keyword. They are tried, without connecting."""
        settings, defaults = resolved.settings, self._settings.defaults
        where: Path = ("links", resolved.name)
        if (settings.at is None) == (settings.listen is None):
            if self._mistakes.has_below(*where, "at") or self._mistakes.has_below(*where, "listen"):
                return {}
            self._mistakes.add(
                where,
                'write one place: at = "tcp:10.0.0.5:9999", where the device listens, or listen = '
                '"tcp:9999:interface=10.0.0.1", where it connects to us',
            )
            return {}
        allow = _first(settings.allow, defaults.allow, None)
        options: dict[str, Any] = {
            "retries": _first(settings.retries, defaults.retries, 1),
            "wait": _first(settings.wait, defaults.wait, 0.0),
            "policy": self._policy(resolved, declaration),
            "reactor": self._reactor,
        }
        options["connect"] = settings.at
        if settings.listen is not None:
            options["listen"] = settings.listen
            if allow is not None:
                options["allow"] = None if allow == ("any",) else allow
        elif settings.allow is not None:
            self._mistakes.add(resolved.path("allow"), "has no effect without listen")
        options["keys"] = self._keys(resolved)
        options["credentials"] = self._credentials(resolved)
        if not self._mistakes.has_below(*resolved.path("credentials")):
            self._try(resolved, declaration, options)
        return options

    def _try(
        self, resolved: _Resolved, declaration: Declaration | None, options: Mapping[str, Any]
    ) -> None:
        """Make the link, as far as it is known. That connects nothing."""
        settings = resolved.settings
        path: Path = ("links", resolved.name, "at" if settings.at is not None else "listen")
        try:
            made = HostOptions(**options)
            made.source()
            if declaration is not None:
                path = resolved.path("device")
                HostLink(declaration, made)
        except ConfigurationError as error:
            text = str(error)
            if text.startswith("the login needs credentials"):
                missing = text.partition(": give ")[0]
                self._mistakes.add(resolved.path("credentials"), f"{missing}: write them here")
            elif text.startswith(("allow", "there is no network")) or "is not a network" in text:
                self._mistakes.add_error(resolved.path("allow"), error)
            else:
                self._mistakes.add_error(path, error)

    def _policy(self, resolved: _Resolved, declaration: Declaration | None) -> Policy:
        settings, defaults = resolved.settings, self._settings.defaults
        name = _first(settings.profile, defaults.profile, None)
        declared = None if declaration is None else declaration.policy
        base: Policy = PROFILES[name or DEFAULT_PROFILE]
        if name is None and declared is not None:
            base = PROFILES[declared] if isinstance(declared, str) else declared
        for path, changes in (
            (("defaults", "policy"), defaults.policy),
            (resolved.path("policy"), settings.policy),
        ):
            if changes is not None:
                try:
                    base = _changed(base, changes)
                except ConfigurationError as error:
                    self._mistakes.add_error(path, error)
        return base

    def _keys(self, resolved: _Resolved) -> Any:
        settings = resolved.settings
        if settings.psk is None and settings.psk_name is None:
            return None
        if settings.psk is None or settings.psk_name is None:
            if self._mistakes.has_below("links", resolved.name):
                return None
            missing = "psk" if settings.psk is None else "psk_name"
            self._mistakes.add(("links", resolved.name), f"psk and psk_name belong together: add {missing}")
            return None
        try:
            return read_keys(str(self._folder / settings.psk), settings.psk_name)
        except ConfigurationError as error:
            self._mistakes.add_error(resolved.path("psk"), error)
            return None

    def _credentials(self, resolved: _Resolved) -> dict[str, str] | None:
        found = {}
        for name, each in (resolved.settings.credentials or {}).items():
            try:
                found[name] = each.reveal()
            except ConfigurationError as error:
                self._mistakes.add_error((*resolved.path("credentials"), name), error)
                return None
        return found

    def _header(self, resolved: _Resolved, declaration: Declaration) -> dict[str, Any]:
        found = {}
        fields = declaration.dialect.header_values
        for name, value in (resolved.settings.header or {}).items():
            path = (*resolved.path("header"), name)
            if name not in fields:
                hint = did_you_mean(name, fields)
                self._mistakes.add(path, f"the headers of {declaration.name} have no value {name!r}{hint}")
                continue
            try:
                found[name] = read_value(fields[name].type, value)
            except CodecError as error:
                self._mistakes.add_error(path, error)
        return found

    def _route(
        self,
        resolved: _Resolved,
        path: Path,
        to: Iterable[str],
        name: str,
        *,
        poll: PollSettings | None = None,
    ) -> Route:
        gateway, defaults = self._settings.gateway, self._settings.defaults
        topic = (poll.topic if poll is not None else None) or "{link}/{name}"
        words = {"gateway": gateway.name, "plant": gateway.plant or gateway.name}
        own = None if poll is None else poll.expires_in
        return Route(
            to=self._check_sinks(path, to),
            topic=topic.format(link=resolved.name, name=name, **words),
            expires_in=_first(own, resolved.settings.expires_in, defaults.expires_in),
        )

    def _polls(
        self, resolved: _Resolved, declaration: Declaration, header: Mapping[str, Any]
    ) -> tuple[PlannedPoll, ...]:
        found: dict[str, PlannedPoll] = {}
        for index, poll in enumerate(resolved.settings.poll or ()):
            if poll is None:  # it has mistakes
                continue
            path = (*resolved.path("poll"), index)
            name = poll.name or poll.command
            if name in found:
                self._mistakes.add(
                    path, f"another poll has the name {name!r}: give each a name of its own with name ="
                )
                continue
            planned = self._poll(resolved, declaration, poll, path)
            if planned is not None:
                found[name] = planned
                self._try_to_write(planned, declaration, header, path)
        return tuple(found.values())

    def _poll(
        self, resolved: _Resolved, declaration: Declaration, poll: PollSettings, path: Path
    ) -> PlannedPoll | None:
        defaults: DefaultSettings = self._settings.defaults
        path_of_sinks, to = self._sinks_of(resolved, "to", tuple(self._settings.sinks))
        if poll.to is not None:
            path_of_sinks, to = (*path, "to"), poll.to
        route = self._route(resolved, path_of_sinks, to, poll.name or poll.command, poll=poll)
        only_changes = _first(poll.only_changes, defaults.only_changes, False)
        if poll.at_least_every is not None and not only_changes and not self._mistakes.has_below(*path):
            self._mistakes.add((*path, "at_least_every"), "has no effect without only_changes = true")
        try:
            called = call_named(declaration, poll.command)
        except ConfigurationError as error:
            self._mistakes.add_error((*path, "command"), error)
            return None
        problems = [*argument_problems(declaration, called, poll.arguments)]
        for name, text in problems:
            self._mistakes.add((*path, "with", name), text)
        if problems:
            return None
        deadline = _first(poll.deadline, defaults.deadline, None)
        return PlannedPoll(
            name=poll.name or poll.command,
            call=DeviceCall.of(declaration, called, poll.arguments, deadline=deadline),
            every=_first(poll.every, defaults.every, DEFAULT_EVERY),
            jitter=_first(poll.jitter, defaults.jitter, 0.0),
            route=route,
            only_changes=only_changes,
            at_least_every=_first(poll.at_least_every, defaults.at_least_every, None),
        )

    def _try_to_write(
        self, planned: PlannedPoll, declaration: Declaration, header: Mapping[str, Any], path: Path
    ) -> None:
        """Note a mistake if the command cannot be written with its arguments."""
        error = encoding_error(declaration, planned.call, header)
        if error is None:
            return
        where = (*path, "with") if planned.call.values else (*path, "command")
        name = re.split(r"[.\[]", error.path)[0] if isinstance(error, CodecError) else ""
        if name in planned.call.values and isinstance(error, CodecError):
            place = f"{error.path}: " if error.path != name else ""
            self._mistakes.add((*path, "with", name), f"{place}{error.reason}")
        else:
            self._mistakes.add(where, f"the command can never be sent: {error}")

    def _events(self, resolved: _Resolved, declaration: Declaration) -> dict[str, Route]:
        given = dict(resolved.settings.events or {})
        path = resolved.path("events")
        found: dict[str, Route] = {}
        for name, to in given.items():
            if name != _EVERY_EVENT and name not in declaration.events:
                hint = did_you_mean(name, declaration.events)
                self._mistakes.add((*path, name), f"{declaration.name} has no event {name!r}{hint}")
            elif name == _EVERY_EVENT and not declaration.events:
                self._mistakes.add((*path, name), f"{declaration.name} has no events")
            names = (
                [name]
                if name != _EVERY_EVENT
                else [each for each in declaration.events if each not in given]
            )
            for each in names:
                found[each] = self._route(resolved, (*path, name), to, each)
        return {name: route for name, route in found.items() if name in declaration.events and route.to}

    def _states(self, resolved: _Resolved) -> Route | None:
        path, to = self._sinks_of(resolved, "states", ())
        route = self._route(resolved, path, to, "state")
        return route if route.to else None

    def _commands(self, resolved: _Resolved, declaration: Declaration) -> dict[str, Command]:
        found = {}
        for name in resolved.settings.commands or ():
            if name in declaration.commands:
                found[name] = declaration.commands[name]
                continue
            hint = did_you_mean(name, declaration.commands)
            self._mistakes.add(
                resolved.path("commands"), f"{declaration.name} declares no command {name!r}{hint}"
            )
        try:
            other = declaration.host_side
            check_states(declaration, *([] if other is None else [declaration_of(other)]))
        except ConfigurationError as error:
            self._mistakes.add_error(resolved.path("device"), error)
        return found


def check_place(place: str) -> None:
    """Raise ConfigurationError if the figures cannot be served at a place, or need a package."""
    from tcpcomm.plant.metrics.watcher import Metrics  # noqa: PLC0415 - few plants need it
    from tcpcomm.plant.metrics.web_service import MetricsService  # noqa: PLC0415

    MetricsService(place, Metrics(), reactor=Clock())


def in_folder(folder: FilePath, name: str) -> str:
    """Return ``module:name`` or ``file.py:name`` so that a file or a module in the folder is found."""
    if names_file(name):
        return str(folder / name)
    place, _, attribute = name.rpartition(":")
    if place.endswith(".py") or "/" in place or "\\" in place:
        return f"{folder / place}:{attribute}"
    beside = folder / f"{place}.py"
    return f"{beside}:{attribute}" if place and beside.is_file() else name


def _first(*values: Any) -> Any:
    """Return the first value that is not None, or the last one."""
    return next((each for each in values if each is not None), values[-1])


def _changed(policy: Policy, changes: PolicySettings) -> Policy:
    """Return a policy with the times that settings give."""
    given = attrs.asdict(changes, filter=lambda _, value: value is not None)
    interval, timeout = given.pop("heartbeat_interval", None), given.pop("heartbeat_timeout", None)
    backoff = {name: given.pop(name) for name in ("quick", "quick_for", "cap") if name in given}
    if backoff:
        given["backoff"] = evolve(policy.backoff, **backoff)
    if interval is not None or timeout is not None:
        old = policy.heartbeats
        interval = interval or (old.interval if old is not None else timeout / 3)
        timeout = timeout or (old.timeout if old is not None else 3 * interval)
        given["heartbeats"] = Heartbeats(interval, timeout)
    return evolve(policy, **given)
