"""Calls to addresses that strangers named reach the public network alone."""

import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from pytest_django.fixtures import Settings

from hitlconsole.lib import outbound
from hitlconsole.lib.outbound import Refused, Unreachable, check_url, post
from tests.peers.http import HTTPPeer, Reply


@pytest.fixture
def peer(settings: Settings) -> Iterator[HTTPPeer]:
    settings.OUTBOUND_ALLOW = ["127.0.0.1/32"]
    with HTTPPeer() as peer:
        yield peer


def resolver(monkeypatch: pytest.MonkeyPatch, *answers: list[str]) -> list[str]:
    """Names resolve to these addresses, one list after the other; what was asked."""
    asked: list[str] = []
    left = list(answers)
    real = socket.getaddrinfo

    def resolve(host: str, port: int, *args: Any, **kwargs: Any) -> Any:
        if host.replace(".", "").isdigit() or ":" in host:
            return real(host, port, *args, **kwargs)
        asked.append(host)
        addresses = left.pop(0)
        return [(0, socket.SOCK_STREAM, 6, "", (address, port)) for address in addresses]

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    return asked


@pytest.mark.parametrize(
    "url",
    [
        "ftp://example.com/",
        "https:///nowhere",
        "//example.com",
        "https://user:password@example.com/",
        "https://example.com/#part",
        "https://example.com/a b",
        "https://exämple.com/",
        "http://１２７.0.0.1/",
        "https://example.com/\x7f",
        "https://[::1",
        "https://example.com:99999/",
        "https://" + "a" * 2000 + ".example",
        "http://127.0.0.1/",
        "http://10.1.2.3/",
        "http://169.254.169.254/latest/meta-data",
        "http://100.64.0.1/",
        "http://0.0.0.0/",
        "http://224.0.0.1/",
        "http://255.255.255.255/",
        "http://192.0.2.1/",
        "http://192.0.0.8/",
        "http://198.18.0.1/",
        "http://240.0.0.1/",
        "http://2130706433/",
        "http://0x7f000001/",
        "http://0177.0.0.1/",
        "http://127.1/",
        "http://[::]/",
        "http://[::1]/",
        "http://[::ffff:127.0.0.1]/",
        "http://[::127.0.0.1]/",
        "http://[fe80::1%25eth0]/",
        "http://[fc00::1]/",
        "http://[64:ff9b::7f00:1]/",
        "http://[2002:7f00:1::]/",
        "http://[2002:808:808::]/",
        "http://[2001:0:808:808::1]/",
        "http://[2001:db8::1]/",
        "http://[64:ff9b:1::a00:1]/",
        "http://[::ffff:0:10.0.0.1]/",
        "http://[fec0::1]/",
        "http://[ff02::1]/",
    ],
)
def test_what_can_never_be_a_target(url: str, settings: Settings) -> None:
    settings.OUTBOUND_ALLOW = []
    assert check_url(url) is not None
    with pytest.raises(Refused):
        post(url, body=b"", headers={})


@pytest.mark.parametrize(
    "url",
    [
        "https://example.com/hooks?x=1",
        "http://8.8.8.8:8080/",
        "https://[2606:4700::1111]/",
        "https://[::ffff:8.8.8.8]/",
        "https://[64:ff9b::808:808]/",
        "https://xn--exmple-cua.com/%C3%A4",
    ],
)
def test_what_may_be_one(url: str, settings: Settings) -> None:
    settings.OUTBOUND_ALLOW = []
    assert check_url(url) is None


def test_an_answer(peer: HTTPPeer) -> None:
    peer.expect()
    peer.replies = [Reply(202, b"thanks", {"Retry-After": "7"})]
    answer = post(f"{peer.url}/x?y=1", body=b"{}", headers={"Content-Type": "application/json"})
    assert (answer.status, answer.excerpt, answer.retry_after) == (202, "thanks", 7.0)
    (received,) = peer.received
    assert (received.path, received.body) == ("/x?y=1", b"{}")
    assert received.headers["host"] == f"127.0.0.1:{peer.port}"


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"Retry-After": "0"}, 0.0),
        ({"Retry-After": "9" * 40}, 999_999_999.0),
        ({"Retry-After": "-5"}, None),
        ({"Retry-After": "soon"}, None),
        ({"Retry-After": f"Thu, 01 Jan {'9' * 20} 00:02:00 GMT"}, None),
        ({"Retry-After": "Thu, 01 Jan 2026 00:02:00 GMT", "Date": f"1 Jan 2026 +{'9' * 20}"}, None),
        ({"Retry-After": "Thu, 01 Jan 2026 00:02:00 -0000"}, None),
        ({"Retry-After": "Thu, 01 Jan 2026 00:02:00 GMT"}, 120.0),
        ({"Retry-After": "Wed, 31 Dec 2025 00:00:00 GMT"}, 0.0),
        ({}, None),
    ],
)
def test_when_to_come_again(
    settings: Settings, headers: dict[str, str], seconds: float | None
) -> None:
    """A moment is measured by the clock of the one who named it."""
    settings.OUTBOUND_ALLOW = ["127.0.0.1/32"]
    fields = {"Date": "Thu, 01 Jan 2026 00:00:00 GMT", "Content-Length": "0"} | headers
    head = "HTTP/1.1 503 Busy\r\n" + "".join(f"{k}: {v}\r\n" for k, v in fields.items())
    with raw_server(f"{head}\r\n".encode()) as port:
        answer = post(f"http://127.0.0.1:{port}/", body=b"", headers={})
    assert (answer.status, answer.retry_after) == (503, seconds)


def test_the_address_that_was_checked_is_the_one_that_is_called(
    peer: HTTPPeer, monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> None:
    """A name that answers differently the second time is not asked a second time."""
    peer.expect()
    asked = resolver(monkeypatch, ["127.0.0.1"], ["10.0.0.1"])
    post(f"http://agent.example:{peer.port}/", body=b"", headers={})
    assert asked == ["agent.example"]
    assert peer.received[0].headers["host"] == f"agent.example:{peer.port}"


@pytest.mark.parametrize("addresses", [["10.0.0.1"], ["8.8.8.8", "10.0.0.1"], ["::ffff:10.0.0.1"]])
def test_a_name_with_any_private_address_is_refused(
    monkeypatch: pytest.MonkeyPatch, settings: Settings, addresses: list[str]
) -> None:
    settings.OUTBOUND_ALLOW = []
    resolver(monkeypatch, addresses)
    with pytest.raises(Refused, match="not a public address"):
        post("http://agent.example/", body=b"", headers={})


def test_the_next_address_is_tried_where_nobody_listens(
    peer: HTTPPeer, monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> None:
    peer.expect()
    settings.OUTBOUND_ALLOW = ["127.0.0.0/8", "::1/128"]
    asked = resolver(monkeypatch, ["::1", "127.0.0.1"])
    assert post(f"http://agent.example:{peer.port}/", body=b"", headers={}).status == 200
    assert asked == ["agent.example"]


def test_redirects_are_answers(peer: HTTPPeer) -> None:
    peer.expect()
    peer.replies = [Reply(307, b"", {"Location": "http://169.254.169.254/"})]
    assert post(peer.url, body=b"", headers={}).status == 307


def test_a_huge_answer_is_cut(peer: HTTPPeer) -> None:
    peer.expect()
    peer.replies = [Reply(200, b"x" * 3_000_000)]
    assert len(post(peer.url, body=b"", headers={}).excerpt) == outbound.EXCERPT


@contextmanager
def raw_server(*chunks: bytes, pause: float = 0.0) -> Iterator[int]:
    """A server that writes these pieces, with a pause before each."""
    listener = socket.create_server(("127.0.0.1", 0))
    stopped = threading.Event()

    def serve() -> None:
        connection, _ = listener.accept()
        with connection:
            connection.recv(65536)
            for chunk in chunks:
                if stopped.wait(pause):
                    return
                try:
                    connection.sendall(chunk)
                except OSError:
                    return

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield listener.getsockname()[1]
    finally:
        stopped.set()
        listener.close()
        thread.join(5)


def test_a_server_that_drips_ends_in_time(settings: Settings) -> None:
    """Each piece comes soon enough, and with more time all of them would be there."""
    settings.OUTBOUND_ALLOW = ["127.0.0.1/32"]
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n"
    with raw_server(head, *[b"x"] * 10, pause=0.3) as port, pytest.raises(Unreachable):
        post(f"http://127.0.0.1:{port}/", body=b"", headers={}, timeout=1.0)


def test_headers_that_drip_end_in_time(settings: Settings) -> None:
    settings.OUTBOUND_ALLOW = ["127.0.0.1/32"]
    pieces = b"HTTP/1.1 200 OK|\r\nContent-|Length|: |0|\r\n|X: |1|\r\n|\r\n".split(b"|")
    with raw_server(*pieces, pause=0.3) as port, pytest.raises(Unreachable):
        post(f"http://127.0.0.1:{port}/", body=b"", headers={}, timeout=1.0)


def test_a_server_that_reads_slowly_ends_in_time(settings: Settings) -> None:
    """Each part is taken soon enough, and with more time all of them would be."""
    settings.OUTBOUND_ALLOW = ["127.0.0.1/32"]
    listener = socket.create_server(("127.0.0.1", 0))
    got: list[bytes] = []

    def read_slowly() -> None:
        connection, _ = listener.accept()
        with connection:
            while part := connection.recv(1_000_000, socket.MSG_WAITALL):
                got.append(part)
                time.sleep(0.1)

    thread = threading.Thread(target=read_slowly, daemon=True)
    thread.start()
    url, body = f"http://127.0.0.1:{listener.getsockname()[1]}/", b"x" * 50_000_000
    with pytest.raises(Unreachable):
        post(url, body=body, headers={}, timeout=1.0)
    thread.join(30)
    listener.close()
    assert sum(map(len, got)) < len(body)


def test_a_resolver_that_hangs_ends_in_time(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    released = threading.Event()

    def hang(*args: Any, **kwargs: Any) -> Any:
        released.wait(30)
        raise socket.gaierror("gave up")

    monkeypatch.setattr(socket, "getaddrinfo", hang)
    with pytest.raises(Unreachable, match="could not be resolved in time"):
        post("http://nobody.example/", body=b"", headers={}, timeout=0.5)
    released.set()


@pytest.mark.parametrize("answer", [b"", b"nonsense\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Len"])
def test_a_broken_answer_is_a_temporary_failure(settings: Settings, answer: bytes) -> None:
    settings.OUTBOUND_ALLOW = ["127.0.0.1/32"]
    with raw_server(answer) as port, pytest.raises(Unreachable):
        post(f"http://127.0.0.1:{port}/", body=b"", headers={}, timeout=5.0)


def test_nobody_listens_and_nobody_is_there(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.OUTBOUND_ALLOW = ["127.0.0.1/32"]
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    with pytest.raises(Unreachable):
        post(f"http://127.0.0.1:{port}/", body=b"", headers={})

    def unknown(*args: Any, **kwargs: Any) -> Any:
        raise socket.gaierror("unknown name")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    with pytest.raises(Unreachable, match="cannot be resolved"):
        post("http://nobody.example/", body=b"", headers={})


@contextmanager
def tls_server(certificate: Path) -> Iterator[tuple[int, list[str | None]]]:
    """Its port, and the name that the caller asked for."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    asked: list[str | None] = []
    context.sni_callback = lambda _, name, __: asked.append(name)
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        connection, _ = listener.accept()
        # Who does not trust the certificate goes away in the midst.
        with suppress(OSError), context.wrap_socket(connection, server_side=True) as secured:
            secured.recv(65536)
            secured.sendall(b"HTTP/1.1 204 Good\r\n\r\n")
        connection.close()

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield listener.getsockname()[1], asked
    finally:
        thread.join(5)
        listener.close()


@pytest.fixture
def trust(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[Path], None]]:
    """Makes the machine trust an authority for the time of the test."""

    def trust_file(file: Path) -> None:
        monkeypatch.setenv("SSL_CERT_FILE", str(file))
        outbound._trust.cache_clear()

    yield trust_file
    outbound._trust.cache_clear()


def test_a_certificate_of_the_name_is_good_at_the_address_that_was_checked(
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    trust: Callable[[Path], None],
) -> None:
    settings.OUTBOUND_ALLOW = ["127.0.0.1/32"]
    certificate = self_signed(tmp_path)
    trust(certificate)
    resolver(monkeypatch, ["127.0.0.1"])
    with tls_server(certificate) as (port, asked):
        answer = post(f"https://agent.example:{port}/", body=b"", headers={})
    assert (answer.status, asked) == (204, ["agent.example"])


@pytest.mark.parametrize(
    ("host", "trusted", "words"),
    [
        ("other.example", True, "Hostname mismatch"),
        ("127.0.0.1", True, "IP address mismatch"),
        ("agent.example", False, "self-signed certificate"),
    ],
)
def test_any_other_certificate_is_refused(
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    trust: Callable[[Path], None],
    host: str,
    trusted: bool,
    words: str,
) -> None:
    settings.OUTBOUND_ALLOW = ["127.0.0.1/32"]
    certificate = self_signed(tmp_path)
    if trusted:
        trust(certificate)
    resolver(monkeypatch, ["127.0.0.1"])
    with tls_server(certificate) as (port, _), pytest.raises(Unreachable, match=words):
        post(f"https://{host}:{port}/", body=b"", headers={})


def self_signed(folder: Path) -> Path:
    """For agent.example, with what strict checks ask of an authority."""
    key = ec.generate_private_key(ec.SECP256R1())
    public = key.public_key()
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "agent.example")])
    now = datetime.now(UTC)
    built = x509.CertificateBuilder().subject_name(name).issuer_name(name)
    built = built.public_key(public).serial_number(x509.random_serial_number())
    built = built.not_valid_before(now - timedelta(hours=1)).not_valid_after(
        now + timedelta(days=1)
    )
    own = x509.SubjectKeyIdentifier.from_public_key(public)
    issuer = x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(own)
    names = x509.SubjectAlternativeName([x509.DNSName("agent.example")])
    authority = x509.BasicConstraints(ca=True, path_length=None)
    for extension in (own, issuer, names, authority):
        built = built.add_extension(extension, critical=extension is authority)
    path = folder / "server.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    signed = built.sign(key, hashes.SHA256())
    path.write_bytes(private + signed.public_bytes(serialization.Encoding.PEM))
    return path
