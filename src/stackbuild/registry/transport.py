"""HTTP as a registry client needs it: tried again when that may help, redirected with care, never in clear
text but to hosts that may be spoken to so.

What is refused here nothing above has to think of: http to a host that is not named for it, a redirect that
would carry an Authorization header to another origin, an answer larger than its limit.
"""

from __future__ import annotations

import contextlib
import datetime
import email.utils
import ipaddress
import random
import re
import ssl
import threading
import urllib.parse
import urllib.request
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..errors import RegistryError
from ..trace import span
from .failures import Broken, failures, is_final, is_no_tls, is_tls, reason

TRIES = 6
BACKOFF = 0.25  # seconds before the second try; doubled each time, and spread by chance
LONGEST_PAUSE = 60.0  # seconds that a server may ask to be left alone before that is a failure
PIECE = 1 << 18
_TIMEOUT = (10.0, 60.0)  # seconds to connect, and between two arrivals of data
_AGAIN = (408, 429, 500, 502, 503, 504)
_REDIRECTS = (301, 302, 303, 307, 308)
_MOST_REDIRECTS = 5
_CERTIFICATES = ("/etc/docker/certs.d", "/etc/containers/certs.d", "~/.config/containers/certs.d")

_URL = re.compile(r"https?://(?:[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(?::\d{1,5})?(?:[/?#][!#-\[\]-~]*)?\Z")

Body = bytes | Callable[[], Iterator[bytes]]


class Cancelled(RegistryError):
    """The transport was closed while it was at work."""


@dataclass
class Answer:
    """A response. headers: as received, names without case; url: where it came from, redirects followed;
    body: what was read of it."""

    status: int
    headers: Mapping[str, str]
    url: str
    _raw: Any = field(repr=False)
    _transport: Transport = field(repr=False)
    body: bytes = field(default=b"", repr=False)

    def pieces(self) -> Iterator[bytes]:
        """The body as it arrives. Raises Broken when it breaks off."""
        try:
            while piece := self._raw.read(PIECE):
                self._transport.check_open()
                yield piece
        except failures() as error:
            raise Broken(reason(error)) from error
        finally:
            self.close()

    def read(self, limit: int) -> bytes:
        """The whole body. Raises Broken, and RegistryError when it is larger than `limit` bytes."""
        found = bytearray()
        for piece in self.pieces():
            found += piece
            if len(found) > limit:
                self.close()
                raise RegistryError(f"the answer is larger than {limit} bytes")
        return bytes(found)

    def close(self) -> None:
        """Let go of the connection; it serves again unless much was left unread."""
        if (left := self._raw.length_remaining) is not None and left <= PIECE:
            self._raw.drain_conn()
        else:
            self._raw.close()
        self._raw.release_conn()


def is_local(hostname: str) -> bool:
    """Whether a host is this machine, so that clear text does not leave it."""
    try:
        return hostname == "localhost" or ipaddress.ip_address(hostname).is_loopback
    except ValueError:
        return False


def check_url(url: str) -> str:
    """`url`, if every parser reads the same host in it: no user, no backslash, nothing unprintable.

    Raises ValueError.
    """
    if not _URL.match(url):
        raise ValueError(f"{shown(url)} is a malformed URL")
    return url


def origin(url: str) -> tuple[str, str, int]:
    """Scheme, host and port of a URL (RFC 6454)."""
    parts = urllib.parse.urlsplit(url)
    return parts.scheme, parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)


class Transport:
    """Connections to any number of hosts, shared by threads.

    insecure: "host[:port]" of registries that may be spoken to in clear text, as this machine always may;
    backoff: seconds before a second try; tries: at most. Use `close` to let go, which also ends what other
    threads have under way.
    """

    def __init__(self, insecure: Collection[str] = (), backoff: float = BACKOFF, tries: int = TRIES) -> None:
        self._insecure = frozenset(host.lower() for host in insecure)
        self.tries, self._backoff = tries, backoff
        self._pools: dict[str, Any] = {}
        self._schemes: dict[str, str] = {}
        self._lock, self._probing = threading.Lock(), threading.Lock()
        self._closed = threading.Event()

    def scheme(self, host: str) -> str:
        """ "https", or "http" where that is allowed and the host speaks nothing better."""
        hostname = urllib.parse.urlsplit(f"//{host}").hostname or host
        if host not in self._insecure and hostname not in self._insecure and not is_local(hostname):
            return "https"
        with self._probing:
            if host not in self._schemes:
                try:
                    self._send("GET", f"https://{host}/v2/", {}, None).close()
                except failures() as error:
                    if not is_no_tls(error) and not self._speaks_http(host):
                        return "https" if is_tls(error) else "http"  # for now; it may be otherwise next time
                    self._schemes[host] = "http"
                else:
                    self._schemes[host] = "https"
            return self._schemes[host]

    def _speaks_http(self, host: str) -> bool:
        """Whether a host that TLS got nowhere with answers in clear text; one that wants TLS says 400."""
        with contextlib.suppress(*failures()):
            raw = self._send("GET", f"http://{host}/v2/", {}, None)
            raw.close()
            return int(raw.status) != 400
        return False

    def check_open(self) -> None:
        """Raise Cancelled once the transport is closed."""
        if self._closed.is_set():
            raise Cancelled("interrupted")

    def exchange(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str] | None = None,
        body: Body | None = None,
        *,
        tries: int | None = None,
        limit: int | None = None,
    ) -> Answer:
        """One request and its answer, whatever its status; the caller reads or closes it.

        limit: bytes of the body to read at most, as a part of each try. Tried again after failures that pass.
        Redirects of GET and HEAD are followed, without Authorization when they lead elsewhere. Raises Broken,
        and RegistryError when the server must not be followed, or sends more.
        """
        try:
            check_url(url)
        except ValueError as error:
            raise RegistryError(str(error)) from None
        most = tries or self.tries
        passing: tuple[type[Exception], ...] = (*failures(), Broken)
        for number in range(1, most + 1):
            self.check_open()
            try:
                with span("request", method=method, url=shown(url)):
                    answer = self._follow(method, url, dict(headers or {}), body)
                if limit is not None and answer.status not in _AGAIN:
                    answer.body = answer.read(limit)
            except passing as error:
                if number == most or is_final(error):
                    times = f" ({number} tries)" if number > 1 else ""
                    what = error.what if isinstance(error, Broken) else reason(error)
                    raise Broken(f"{method} {shown(url)}: {what}{times}") from error
                self.pause(number)
                continue
            if answer.status not in _AGAIN or number == most:
                return answer
            if not self.pause(number, answer.headers.get("Retry-After")):
                return answer
            answer.close()
        raise AssertionError

    def pause(self, number: int, asked: str | None = None) -> bool:
        """Wait after the failure with that number, longer if the server asked (Retry-After, in seconds).

        Answers False at once when it asked for too much. Raises Cancelled.
        """
        pause = self._backoff * 2 ** (number - 1) * random.uniform(0.5, 1.0)
        if (wanted := _seconds(asked or "")) > LONGEST_PAUSE:
            return False
        pause = max(pause, wanted)
        if self._closed.wait(pause):
            raise Cancelled("interrupted")
        return True

    def _follow(self, method: str, url: str, headers: dict[str, str], body: Body | None) -> Answer:
        for _ in range(_MOST_REDIRECTS + 1):
            raw = self._send(method, url, headers, body)
            answer = Answer(raw.status, raw.headers, url, raw, self)
            location = raw.headers.get("Location")
            if raw.status not in _REDIRECTS or method not in ("GET", "HEAD") or not location:
                return answer
            answer.close()
            target = self.joined(url, location)
            if origin(target) != origin(url):
                headers = {name: value for name, value in headers.items() if name.lower() != "authorization"}
            url = target
        raise RegistryError(f"{shown(url)} redirects more than {_MOST_REDIRECTS} times")

    def joined(self, url: str, location: str) -> str:
        """Where a Location header leads. Raises RegistryError when that is no place to go."""
        try:
            target = urllib.parse.urljoin(url, location)
            if not target.startswith(("http://", "https://")):
                raise RegistryError(f"{shown(url)} leads to {shown(target)}, which is not https")
            scheme, hostname, port = origin(check_url(target))
        except ValueError:
            raise RegistryError(f"{shown(url)} leads to a malformed URL") from None
        # Only who is this machine already may send us to another port of it.
        here = is_local(hostname) and is_local(origin(url)[1])
        if scheme == "http" and not here and not {hostname, f"{hostname}:{port}"} & self._insecure:
            raise RegistryError(f"{shown(url)} leads to {shown(target)}, which is not https")
        return target.partition("#")[0]

    def _send(self, method: str, url: str, headers: Mapping[str, str], body: Body | None) -> Any:
        data = body() if callable(body) else body
        return self._pool(url).request(
            method,
            url,
            body=data,
            headers={"User-Agent": "stackbuild", "Accept-Encoding": "identity", **headers},
            retries=False,
            redirect=False,
            preload_content=False,
            decode_content=False,
        )

    def _pool(self, url: str) -> Any:
        """The connections for a URL's origin: its certificates, its proxy."""
        import urllib3

        scheme, hostname, port = origin(url)
        name = f"{scheme}://{hostname}:{port}"
        with self._lock:
            if name not in self._pools:
                options: dict[str, Any] = {
                    "maxsize": 16,
                    "timeout": urllib3.Timeout(connect=_TIMEOUT[0], read=_TIMEOUT[1]),
                }
                if scheme == "https":
                    options["ssl_context"] = _context(hostname, port)
                proxy = (
                    None if is_local(hostname) or urllib.request.proxy_bypass(hostname) else _proxy(scheme)
                )
                if proxy:
                    self._pools[name] = urllib3.ProxyManager(
                        proxy, proxy_headers=_proxy_headers(proxy), **options
                    )
                else:
                    self._pools[name] = urllib3.PoolManager(**options)
            return self._pools[name]

    def close(self) -> None:
        """End everything."""
        self._closed.set()
        with self._lock:
            for pool in self._pools.values():
                pool.clear()


def _seconds(text: str) -> float:
    """A Retry-After (RFC 9110, section 10.2.3) as seconds from now; 0 when it says nothing sound."""
    if text.isascii() and text.isdigit():
        return float(text[:9])
    try:
        when = email.utils.parsedate_to_datetime(text)
        return max(0.0, (when - datetime.datetime.now(datetime.UTC)).total_seconds())
    except (ValueError, TypeError, OverflowError):
        return 0.0


def _proxy(scheme: str) -> str | None:
    proxies = urllib.request.getproxies()
    return proxies.get(scheme) or proxies.get("all")


def _proxy_headers(proxy: str) -> Mapping[str, str] | None:
    import urllib3

    parts = urllib.parse.urlsplit(proxy)
    if parts.username is None:
        return None
    user = f"{urllib.parse.unquote(parts.username)}:{urllib.parse.unquote(parts.password or '')}"
    return urllib3.make_headers(proxy_basic_auth=user)


def _context(hostname: str, port: int) -> ssl.SSLContext:
    """Trust as the system has it, and in the CA files that Docker and podman look at for this host."""
    context = ssl.create_default_context()
    for top in _CERTIFICATES:
        for host in (f"{hostname}:{port}", hostname):
            for file in sorted(Path(top).expanduser().joinpath(host).glob("*.crt")):
                try:
                    context.load_verify_locations(file)
                    # From 3.13 on Python wants what many a CA of one's own lacks; Docker does not.
                    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
                except (OSError, ssl.SSLError) as error:
                    raise RegistryError(f"the CA file {file} cannot be used: {error}") from error
    return context


def shown(url: str) -> str:
    """A URL for messages: its query may hold what is secret."""
    parts = urllib.parse.urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    return f"{parts.scheme}://{host}{parts.path}"
