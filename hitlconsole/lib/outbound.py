"""HTTP to addresses that others named: only to the public network, or where the owner allows it.

A name is resolved once, every address it has is checked, and the connection goes to the very
address that was checked; the certificate and the Host header stay those of the name. Redirects
are answers, not followed; what is read and how long it takes is bounded.
"""

import ipaddress
import socket
import ssl
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from queue import Empty, SimpleQueue
from threading import Thread
from typing import Any
from urllib.parse import SplitResult, urlsplit

import httpcore
from django.conf import settings

MAX_URL = 2000
MAX_READ = 65_536
EXCERPT = 2000
SCHEMES = {"http": 80, "https": 443}
_NAT64 = IPv6Network("64:ff9b::/96")
_UNICAST = IPv6Network("2000::/3")
# Not public, whatever `is_global` of this Python's minor version says about them: reserved for
# protocols, relays of 6to4, tunnels whose far end is unknown, documentation.
_NEVER = tuple(
    ipaddress.ip_network(text)
    for text in (
        "192.0.0.0/24",
        "192.88.99.0/24",
        "2001::/23",
        "2001:db8::/32",
        "2002::/16",
        "3fff::/20",
    )
)

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network


class Refused(Exception):
    """This URL is no target, now or later, unless somebody changes something."""


class Unreachable(Exception):
    """No answer this time: the name, the connection, the time limit or the answer itself."""


@dataclass(frozen=True, slots=True)
class Response:
    """`excerpt`: the first characters of the body; `retry_after` in seconds."""

    status: int
    excerpt: str
    retry_after: float | None = None


def check_url(url: str) -> str | None:
    """Why this URL can never be a target, in words; None where it may be one. Looks nothing up."""
    try:
        _split(url)
    except Refused as refused:
        return str(refused)
    return None


def post(url: str, *, body: bytes, headers: Mapping[str, str], timeout: float = 10.0) -> Response:
    """Send it; any answer is returned, whatever its status. `timeout`: seconds for all of it.

    Raises Refused and Unreachable.
    """
    parts, end = _split(url), time.monotonic() + timeout
    backend = _CheckedBackend(_networks(settings.OUTBOUND_ALLOW), end)
    sent = [*headers.items(), ("Host", parts.netloc), ("Content-Length", str(len(body)))]
    try:
        with httpcore.ConnectionPool(ssl_context=_trust(), network_backend=backend) as pool:
            limits = dict.fromkeys(("connect", "read", "write", "pool"), timeout)
            with pool.stream(
                "POST", url, headers=sent, content=body, extensions={"timeout": limits}
            ) as answer:
                return Response(answer.status, _read(answer, end), _retry_after(answer))
    except (httpcore.NetworkError, httpcore.TimeoutException, httpcore.ProtocolError) as error:
        raise Unreachable(f"{type(error).__name__}: {error}") from error
    except (ssl.SSLError, OSError) as error:
        raise Unreachable(str(error)) from error


@lru_cache(maxsize=1)
def _trust() -> ssl.SSLContext:
    """The authorities that this machine trusts; reading them takes longer than a call may."""
    return ssl.create_default_context()


def _split(url: str) -> SplitResult:
    if len(url) > MAX_URL:
        raise Refused(f"the URL has more than {MAX_URL} characters")
    if not all("!" <= character <= "~" for character in url):
        raise Refused("the URL contains a space, a control character or one beyond ASCII")
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError as error:
        raise Refused(f"the URL cannot be read: {error}") from None
    if parts.scheme not in SCHEMES or not host:
        raise Refused("the URL must begin with https:// or http:// and name a host")
    if "@" in parts.netloc:
        raise Refused("the URL must not contain a user name or password")
    if parts.fragment:
        raise Refused("the URL must not contain a fragment")
    literal = _literal(host)
    if literal is not None and not _may_reach(literal, _networks(settings.OUTBOUND_ALLOW)):
        raise Refused(f"{host} is not a public address")
    return parts


def _literal(host: str) -> Address | None:
    """An address that is written out, also in the forms that only resolvers understand."""
    try:
        return ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        pass
    try:
        return IPv4Address(socket.inet_aton(host))  # 2130706433, 0x7f.1, 0177.0.0.1
    except OSError:
        return None


def _networks(texts: Iterable[str]) -> tuple[Network, ...]:
    return tuple(ipaddress.ip_network(text) for text in texts)


def _may_reach(address: Address, allowed: tuple[Network, ...]) -> bool:
    meant = _unwrapped(address)
    if any(one in network for network in allowed for one in (address, meant)):
        return True
    if isinstance(meant, IPv6Address) and meant not in _UNICAST:
        return False
    if any(meant in network for network in _NEVER):
        return False
    return meant.is_global and not meant.is_multicast and not meant.is_reserved


def _unwrapped(address: Address) -> Address:
    """The IPv4 address inside of an IPv6 one, where it is only a form of it."""
    if isinstance(address, IPv4Address):
        return address
    if address in _NAT64:
        return IPv4Address(int(address) & 0xFFFF_FFFF)
    return address.ipv4_mapped or address


class _CheckedBackend(httpcore.SyncBackend):
    """Connects to an address that was checked, and lets nothing last longer than the whole may."""

    def __init__(self, allowed: tuple[Network, ...], end: float) -> None:
        super().__init__()
        self._allowed, self._end = allowed, end

    def connect_tcp(self, host: str, port: int, *args: Any, **kwargs: Any) -> Any:
        addresses = _resolve(host, port, self._end)
        for address in addresses:
            if not _may_reach(address, self._allowed):
                raise Refused(f"{host} resolves to {address}, which is not a public address")
        return _BoundedStream(self._first_open(addresses, port), self._end)

    def _first_open(self, addresses: list[Address], port: int) -> httpcore.NetworkStream:
        """Each has its share of the time that is left; the last one's failure is told."""
        *others, last = addresses
        for done, address in enumerate(others):
            share = _left(self._end) / (len(addresses) - done)
            try:
                return super().connect_tcp(str(address), port, share)
            except (httpcore.ConnectError, httpcore.ConnectTimeout):
                continue
        return super().connect_tcp(str(last), port, _left(self._end))


class _BoundedStream(httpcore.NetworkStream):
    """A stream whose every wait ends when the time for the whole exchange is over."""

    def __init__(self, stream: Any, end: float) -> None:
        self._stream, self._end = stream, end

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return bytes(self._stream.read(max_bytes, _left(self._end)))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """The wrapped stream would wait anew for each part of it that is sent."""
        connection = self._stream.get_extra_info("socket")
        try:
            while buffer:
                connection.settimeout(_left(self._end))
                buffer = buffer[connection.send(buffer) :]
        except TimeoutError as error:
            raise httpcore.WriteTimeout(str(error)) from error
        except OSError as error:
            raise httpcore.WriteError(str(error)) from error

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore.NetworkStream:
        stream = self._stream.start_tls(ssl_context, server_hostname, _left(self._end))
        return _BoundedStream(stream, self._end)

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


def _left(end: float) -> float:
    left = end - time.monotonic()
    if left <= 0:
        raise httpcore.ReadTimeout("the time for the whole exchange is over")
    return left


def _resolve(host: str, port: int, end: float) -> list[Address]:
    """In a thread, which is left behind where the system takes longer than there is time."""
    answers: SimpleQueue[list[Address] | Exception] = SimpleQueue()

    def look_up() -> None:
        try:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
            texts = dict.fromkeys(str(entry[4][0]).partition("%")[0] for entry in found)
            answers.put([ipaddress.ip_address(text) for text in texts])
        except (OSError, ValueError) as error:
            answers.put(error)

    Thread(target=look_up, name="outbound-resolve", daemon=True).start()
    try:
        answer = answers.get(timeout=_left(end))
    except Empty:
        raise Unreachable(f"{host} could not be resolved in time") from None
    if isinstance(answer, Exception):
        raise Unreachable(f"{host} cannot be resolved: {answer}") from answer
    return answer


def _read(answer: httpcore.Response, end: float) -> str:
    body = b""
    for chunk in answer.iter_stream():
        body += chunk
        if len(body) >= MAX_READ:
            break
        _left(end)
    # A database column takes no NUL.
    return body[: EXCERPT * 4].decode("utf-8", "replace")[:EXCERPT].replace("\x00", "\ufffd")


def _retry_after(answer: httpcore.Response) -> float | None:
    """Seconds from the answer on; a moment counts from the sender's own Date."""
    headers = {name.lower(): value.strip() for name, value in answer.headers}
    text = headers.get(b"retry-after", b"")
    if text.isdigit():
        return float(text[:9])
    try:
        at, sent = (parsedate_to_datetime(one.decode()) for one in (text, headers[b"date"]))
        return max(0.0, (at - sent).total_seconds())
    except (KeyError, ValueError, TypeError, OverflowError):
        return None
