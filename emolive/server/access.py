"""Who asks, and whether that is allowed."""

from __future__ import annotations

import secrets
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from urllib.parse import urlsplit

from starlette.requests import HTTPConnection

from emolive.i18n import tr
from emolive.server.tokens import SHORTEST_PUBLIC, Grant, Scope, Tokens, hashed

_MOST_KEYS = 10_000


class RateLimiter:
    """A token bucket for each key: `burst` at once, `per_second` in the long run.

    It knows 10,000 keys; overflow policy: the ones that were quiet for longest are forgotten, which
    fills their buckets.
    """

    def __init__(
        self, per_second: float, burst: int, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._per_second = per_second
        self._burst = burst
        self._clock = clock
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def wait_s(self, key: str) -> float:
        """Seconds until it may be done once more; 0.0: now."""
        return max(0.0, (1.0 - self._level(key)) / self._per_second)

    def take(self, key: str) -> bool:
        """Do it once; whether that was allowed."""
        level = self._level(key)
        allowed = level >= 1.0
        self._buckets[key] = level - allowed, self._clock()
        self._buckets.move_to_end(key)
        while len(self._buckets) > _MOST_KEYS:
            self._buckets.popitem(last=False)
        return allowed

    def _level(self, key: str) -> float:
        level, at = self._buckets.get(key, (float(self._burst), self._clock()))
        return min(float(self._burst), level + (self._clock() - at) * self._per_second)


COOKIE = "emolive_session"
SESSION_S = 12 * 3_600
_MOST_SESSIONS = 10_000
# Wrong tokens from one address: ten at once, then one in six seconds.
_TRIES = 10
_TRIES_PER_S = 1 / 6
# Requests with one token.
_REQUESTS = 200
_REQUESTS_PER_S = 50.0


class Refused(Exception):  # noqa: N818 - it is an answer
    """No, with an HTTP status, a sentence, and when to try again."""

    def __init__(self, status: int, sentence: str, retry_s: float | None = None) -> None:
        super().__init__(sentence)
        self.status = status
        self.sentence = sentence
        self.retry_s = retry_s

    @property
    def headers(self) -> dict[str, str]:
        """Of the answer."""
        found = {} if self.retry_s is None else {"Retry-After": str(int(self.retry_s) + 1)}
        return found | ({"WWW-Authenticate": "Bearer"} if self.status == 401 else {})


class Access:
    """Tokens, sessions of browsers, and how often somebody may ask.

    Sessions live in memory for twelve hours, 10,000 at most; overflow policy: the oldest end.
    """

    def __init__(
        self,
        tokens: Tokens,
        origins: tuple[str, ...] = (),
        public_url: str | None = None,
    ) -> None:
        """`origins`: from which pages may use it besides its own, which may be at `public_url`."""
        self._tokens = tokens
        self._origins = frozenset(origin.rstrip("/").lower() for origin in origins)
        self._public = _host(public_url or "")
        self._sessions: OrderedDict[str, tuple[Grant, float]] = OrderedDict()
        self._wrong = RateLimiter(_TRIES_PER_S, _TRIES)
        self._requests = RateLimiter(_REQUESTS_PER_S, _REQUESTS)

    def log_in(self, token: str, address: str) -> tuple[Grant, str]:
        """A session for a browser: who it is, and the cookie's value.

        Raises:
            Refused: the token is none, or too many wrong ones were tried from this address.
        """
        grant = self._limited(self.token_grant(token, address), address)
        session = secrets.token_urlsafe(32)
        self._sessions[hashed(session)] = grant, time.monotonic() + SESSION_S
        while len(self._sessions) > _MOST_SESSIONS:
            self._sessions.popitem(last=False)
        return grant, session

    def log_out(self, session: str) -> None:
        """End a session; one that is not there is none."""
        self._sessions.pop(hashed(session), None)

    def grant(self, connection: HTTPConnection, *, given: str | None = None) -> Grant:
        """Who asks; `given`: a token that came another way.

        Raises:
            Refused: nobody known, from elsewhere, or too often.
        """
        address = connection.client.host if connection.client else ""
        header = connection.headers.get("authorization", "")
        scheme, _, bearer = header.partition(" ")
        token = bearer.strip() if scheme.lower() == "bearer" else None
        token = token or given or connection.query_params.get("token")
        if token is not None:
            found = self.token_grant(token, address)
        else:
            self.check_origin(connection.headers)
            known = self._session(connection.cookies.get(COOKIE, ""))
            if known is None:
                raise Refused(401, tr("Log in, or give a token."))
            found = known
        return self._limited(found, address)

    def require(self, grant: Grant, scope: Scope) -> Grant:
        """The grant, if it permits this.

        Raises:
            Refused: it does not.
        """
        if not grant.permits(scope):
            raise Refused(
                403,
                tr("This token does not permit it: {scope} is needed.", scope=scope.value),
            )
        return grant

    def holds(self, grant: Grant) -> bool:
        """Whether what was granted before still is."""
        return self._tokens.holds(grant)

    def check_origin(self, headers: Mapping[str, str]) -> None:
        """A page of another site must not use somebody's session.

        Raises:
            Refused: it is one.
        """
        origin = headers.get("origin")
        if origin is None:
            return
        host = _host(origin)
        own = host and host in (_host("//" + headers.get("host", "")), self._public)
        if not own and origin.rstrip("/").lower() not in self._origins:
            raise Refused(403, tr("Pages of other sites may not use this server: see --origin."))

    def token_grant(self, token: str, address: str) -> Grant:
        """What a token permits; wrong ones are counted by `address`.

        Behind one address may be many people, so a long token that is right passes whatever the
        others of its address try: nobody comes upon one by trying. A short one is not looked at.

        Raises:
            Refused: it is none, or too many wrong ones were tried.
        """
        wait_s = self._wrong.wait_s(address)
        looked_at = wait_s == 0.0 or len(token) >= SHORTEST_PUBLIC
        if looked_at and (found := self._tokens.grant(token)) is not None:
            return found
        if wait_s > 0.0:
            raise Refused(429, tr("Too many wrong tokens: wait a moment."), wait_s)
        self._wrong.take(address)
        raise Refused(401, tr("This token is not known, or was revoked."))

    def _limited(self, grant: Grant, address: str) -> Grant:
        who = grant.id or f"{grant.name} {address}"
        if not self._requests.take(who):
            raise Refused(429, tr("Too many requests: wait a moment."), self._requests.wait_s(who))
        return grant

    def _session(self, session: str) -> Grant | None:
        found = self._sessions.get(hashed(session)) if session else None
        if found is None or found[1] < time.monotonic() or not self._tokens.holds(found[0]):
            return None
        return found[0]


def _host(address: str) -> str:
    """The host of an address and its port, which some name although it is the usual one."""
    try:
        host = urlsplit(address).netloc.lower()
    except ValueError:  # an open bracket, say
        return ""
    return host.removesuffix(":80").removesuffix(":443")
