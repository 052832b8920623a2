"""
Share links among gateways by RabbitMQ: :class:`RabbitOwnership`.

Each link has a quorum queue with one token. The queue gives it to one consumer, the single active one, and
the gateway that holds the token owns the link. When its connection ends, the broker gives the token to
the next gateway. A token is replaced at each takeover and every 30 s. That shows that the majority of the
broker's nodes still knows this gateway as the owner, and keeps the token young: a broker drops a message
that came back too often, and closes a channel that keeps one for 30 minutes.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar, Final

from attrs import define, field
from pika.exceptions import AMQPError
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.error import ConnectionClosed
from twisted.internet.task import deferLater
from twisted.python.failure import Failure

from tcpcomm.errors import ConfigurationError
from tcpcomm.plant.errors import SinkUnavailable
from tcpcomm.plant.sinks.rabbitmq.broker_session import BrokerSession
from tcpcomm.plant.sinks.rabbitmq.dialler import Dialler, within
from tcpcomm.plant.sinks.rabbitmq.held_name import hold_name
from tcpcomm.plant.sinks.rabbitmq.kept_session import KeptSession
from tcpcomm.plant.sinks.rabbitmq.options import RabbitMqOptions
from tcpcomm.plant.sinks.rabbitmq.refusals import reason_text, refusal_text
from tcpcomm.plant.sinks.rabbitmq.token_publisher import NoQueue, NoSpace, TokenPublisher
from tcpcomm.runtime.bounded_logger import BoundedLogger
from tcpcomm.runtime.monotonic_time import the_reactor

RENEW_TOKEN: Final = 30.0
"""
Seconds for which an owner keeps the token of a link. Then a new one replaces it, which proves that the
owner lives.
"""

RENEW_WITHIN: Final = 20.0
"""Seconds in which a broker must take a new token of a link. Then the link is no longer owned."""

_PLACE_AGAIN: Final = 1.0  # seconds between attempts to put the first token into a queue
_CLAIM_AGAIN: Final = 2.0  # seconds between attempts to claim a link
_QUEUE: Final = {"x-queue-type": "quorum", "x-single-active-consumer": True, "x-max-length": 1}


class RabbitOwnership:
    """
    The ownership of links, by tokens in queues of RabbitMQ.

    Args:
        sink: the brokers and their limits; the queue for results is not used.
        plant: the name that all gateways which share the links have in common.
        gateway: the name of this gateway; each has its own.
        reactor: connects.

    The package pika must be installed: ``pip install "tcpcomm[rabbitmq]"``.
    """

    log = BoundedLogger()

    def __init__(self, sink: RabbitMqOptions, plant: str, gateway: str, reactor: Any = None) -> None:
        self._reactor = the_reactor(reactor)
        self._options = sink
        self._plant = plant
        self._gateway = gateway
        self._claims: dict[str, _Claim] = {}
        purpose = f"tcpcomm: links of {plant} for {gateway}"
        self._kept = KeptSession(Dialler(sink, purpose, self._reactor), self._use, self._reactor)
        tokens = Dialler(sink, f"tcpcomm: tokens of {plant} from {gateway}", self._reactor)
        self._tokens = TokenPublisher(tokens, sink.confirm_timeout, self._reactor)

    def claim(self, link: str, gained: Callable[[], object], lost: Callable[[str], object]) -> None:
        """
        Wait for a link.

        Args:
            link: the name of the link.
            gained: is called when the link belongs to this gateway.
            lost: is called with the reason when it no longer does.
        """
        if link in self._claims:
            raise ConfigurationError(f"the link {link} is claimed already: claim each link once")
        self._claims[link] = _Claim(
            link=link,
            queue=f"{self._plant}.links.{link}",
            gained=gained,
            lost=lost,
            tokens=self._tokens,
            patience=self._options.heartbeat,
            reactor=self._reactor,
        )

    def owns(self, link: str) -> bool:
        """
        Return True if the link belongs to this gateway now.

        It looks at the clock. A process that was stopped, and goes on, gets False before it acts.
        """
        return link in self._claims and self._claims[link].is_held

    def start(self) -> None:
        """Connect, and wait for the links."""
        self._kept.start()

    async def stop(self) -> None:
        """Call ``lost`` for each link, and release the links, so that others get them at once."""
        for each in self._claims.values():
            each.end("this gateway stops")
        await self._kept.stop()
        self._tokens.close("this gateway stops")

    def problem(self) -> str:
        """Return what keeps this gateway from links, in words; empty if nothing does."""
        problems = (f"{each.link}: {each.problem}" for each in self._claims.values() if each.problem)
        return self._kept.problem or "; ".join(problems)

    async def _use(self, session: BrokerSession) -> None:
        await hold_name(
            session,
            queue=f"tcpcomm.owner.{self._plant}.{self._gateway}",
            gateway=self._gateway,
            silence=self._options.heartbeat,
            tell=self._kept.tell,
            reactor=self._reactor,
        )
        running = [Deferred.fromCoroutine(each.run(session)) for each in self._claims.values()]
        try:
            await session.ended
        finally:
            for deferred in running:
                deferred.addErrback(self._claim_failed)
                deferred.cancel()
            for each in self._claims.values():
                each.end(session.reason)

    def _claim_failed(self, failure: Failure) -> None:
        if not failure.check(CancelledError):
            self.log.failure("the program failed to claim a link", failure)


@define(eq=False, kw_only=True)
class _Claim:
    """The claim of one link."""

    link: str
    queue: str
    gained: Callable[[], object]
    lost: Callable[[str], object]
    tokens: TokenPublisher
    patience: float
    reactor: Any
    problem: str = ""
    _session: BrokerSession | None = field(default=None, init=False)  # while the link is owned

    log: ClassVar[BoundedLogger] = BoundedLogger()

    @property
    def is_held(self) -> bool:
        """True while the link is owned and the broker was heard in time."""
        return self._session is not None and self._session.is_alive

    async def run(self, session: BrokerSession) -> None:
        """Claim the link until the connection ends. A failure harms no other link."""
        while not session.reason:
            channel: Any = None
            try:
                channel = await session.channel()
                await self._hold(session, channel)
            except TimeoutError:
                self._fail(session, SinkUnavailable("the broker did not take a new token"))
            except (AMQPError, ConnectionClosed, SinkUnavailable) as error:
                self._fail(session, error)
            finally:
                if channel is not None and channel.is_open:
                    channel.close()  # the broker gives the token to the next gateway
            await deferLater(self.reactor, _CLAIM_AGAIN)

    async def _hold(self, session: BrokerSession, channel: Any) -> None:
        """Wait for the token, and keep it, until the broker takes it away."""
        await channel.basic_qos(prefetch_count=1)
        await channel.queue_declare(self.queue, durable=True, arguments=_QUEUE)
        messages, _ = await channel.basic_consume(self.queue)
        # Each gateway puts a token in. The queue keeps one: two at once do no harm, and none is missing.
        # A token that is there comes without one, also if the broker takes no messages.
        placing = Deferred.fromCoroutine(self._place_first())
        placing.addErrback(self._place_failed)
        try:
            token = await messages.get()
        finally:
            placing.cancel()
        self._begin(session)
        while True:
            if await within(RENEW_WITHIN, Deferred.fromCoroutine(self._place_patiently()), self.reactor):
                channel.basic_ack(token.method.delivery_tag)
                token = await self._next(messages, self.patience)
                if token is None:
                    raise SinkUnavailable("the broker did not renew the token")
            # No second token comes while this one is kept. The wait fails if the queue is deleted.
            await self._next(messages, RENEW_TOKEN)

    async def _place_first(self) -> None:
        """
        Put the first token in as soon as the broker takes it.

        The tokens may go to another node of the broker, which hears of a new queue a moment later.
        """
        while True:
            try:
                if await self._place_patiently():
                    return
            except NoQueue as missing:
                self.log.debug("no token for {link} yet: {reason}", link=self.link, reason=str(missing))
            await deferLater(self.reactor, _PLACE_AGAIN)

    async def _place_patiently(self) -> bool:
        """
        Put a token in. Try again while the broker cannot be reached; return False if it has no space.

        Raises:
            NoQueue: there is no such queue.
        """
        while True:
            try:
                return await self._place()
            except NoQueue:
                raise
            except SinkUnavailable as unavailable:
                self.log.debug("no token for {link} yet: {reason}", link=self.link, reason=str(unavailable))
            await deferLater(self.reactor, _PLACE_AGAIN)

    def _place_failed(self, failure: Failure) -> None:
        if not failure.check(CancelledError):
            self.log.failure("the program failed to put a token for {link}", failure, link=self.link)

    async def _next(self, messages: Any, seconds: float) -> Any:
        """Return the next token, or None if none comes within some seconds."""
        try:
            return await within(seconds, messages.get(), self.reactor)
        except TimeoutError:
            return None

    def _fail(self, session: BrokerSession, error: Exception) -> None:
        reply = getattr(error, "reply_text", "")
        text = refusal_text(reply) if reply else str(error) or repr(error)
        reason = reason_text(session.reason) or text
        if not session.reason and reason != self.problem:
            self.problem = reason
            self.log.warn("the link {link} cannot be claimed: {reason}", link=self.link, reason=reason)
        self.end(reason)

    def end(self, reason: str) -> None:
        """Call ``lost`` if the link was owned until now."""
        session, self._session = self._session, None
        if session is not None:
            self.log.info("the link {link} is lost: {reason}", link=self.link, reason=reason)
            self._call(self.lost, reason)

    def _begin(self, session: BrokerSession) -> None:
        self._session = session
        self.problem = ""
        self.log.info("this gateway owns the link {link} now", link=self.link)
        self._call(self.gained)

    async def _place(self) -> bool:
        """Put a token into the queue. Return False if the broker takes no messages at the moment."""
        try:
            await self.tokens.publish(self.queue)
        except NoSpace:
            return False
        return True

    def _call(self, function: Callable[..., object], *arguments: str) -> None:
        try:
            function(*arguments)
        except Exception:
            self.log.failure("the gateway failed to act on the ownership of {link}", link=self.link)
