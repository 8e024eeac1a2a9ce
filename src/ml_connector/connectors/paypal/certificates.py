"""The certificates PayPal signs webhooks with: fetched from its own hosts, chain proven, kept for a day.

Verifying is pure and may run where nothing may wait, so it only looks here. What is not here is fetched beside it,
once; the delivery is answered 503 meanwhile and PayPal sends it again. Nothing unverified is ever accepted.
"""

from __future__ import annotations

import ssl
import threading
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from urllib.parse import urlsplit

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.x509 import verification

from ml_connector.connectors.http import Http, Reach
from ml_connector.connectors.paypal.doorkeys import DoorKey
from ml_connector.errors import ConnectorError

MAX_BYTES = 64 * 1024
TIMEOUT_S = 5.0
KEPT = timedelta(hours=24)
FRESH = timedelta(minutes=10)  # a certificate younger than this is not fetched again because a signature fails
PAUSE = timedelta(seconds=60)  # after a failure the same address is left alone
AT_ONCE = 4  # downloads under way
MAX_ADDRESSES = 32  # remembered at once: made-up addresses must not fill the memory
NAME = "messageverificationcerts.paypal.com"
SUFFIX = ".paypal.com"
BEGIN = b"-----BEGIN CERTIFICATE-----"

Download = Callable[[str, DoorKey], bytes]
Vouch = Callable[[], bool]
"""Asks PayPal itself whether it signed the delivery at hand."""


class CertificateProblem(Exception):
    """A certificate cannot be had or trusted; the text says which part failed: address, download, file, chain."""


@dataclass(frozen=True, slots=True)
class _Held:
    key: RSAPublicKey
    fetched_at: datetime
    ends_at: datetime


@dataclass(slots=True)
class _Slot:
    held: _Held | None = None
    problem: str = ""
    failed_at: datetime | None = None
    under_way: bool = False


def in_background(job: Callable[[], None]) -> None:
    """Run a download beside whoever asked for it."""
    threading.Thread(target=job, name="paypal-certificate", daemon=True).start()


class CertificateStore:
    """Proven public keys by address. Thread-safe; `held` and `ask_for` never wait."""

    def __init__(
        self, download: Download | None = None, *, run: Callable[[Callable[[], None]], None] = in_background
    ) -> None:
        self._download = download or fetched
        self._run = run
        self._slots: dict[tuple[str, DoorKey], _Slot] = {}
        self._lock = threading.Lock()

    def held(self, url: str, door: DoorKey, *, now: datetime) -> RSAPublicKey | None:
        """The public key at this address, if it was proven within a day and has not ended."""
        with self._lock:
            slot = self._slots.get((url, door))
        return slot.held.key if slot and slot.held and now < slot.held.ends_at else None

    def ask_for(
        self, url: str, door: DoorKey, *, now: datetime, check: Callable[[RSAPublicKey], bool], vouch: Vouch | None
    ) -> bool:
        """Have it fetched (again), unless that runs already or was done moments ago; whether it was set going.

        `vouch` is asked when the chain cannot be proven here: PayPal's own word for a delivery that `check` finds
        signed by this very key makes the key good as well.
        """
        with self._lock:
            slot = self._slot((url, door))
            waits = slot.failed_at is not None and now - slot.failed_at < PAUSE
            fresh = slot.held is not None and now - slot.held.fetched_at < FRESH
            busy = sum(one.under_way for one in self._slots.values()) >= AT_ONCE
            if slot.under_way or waits or fresh or busy:
                return False
            slot.under_way = True
        self._run(lambda: self._fill(slot, url, door, now=now, check=check, vouch=vouch))
        return True

    def problem(self, url: str, door: DoorKey) -> str:
        """Why there is no key, in words; empty when nothing failed."""
        with self._lock:
            slot = self._slots.get((url, door))
        return slot.problem if slot else ""

    def problems(self) -> tuple[str, ...]:
        """Everything that failed last, for a ping of the same process."""
        with self._lock:
            return tuple(slot.problem for slot in self._slots.values() if slot.problem)

    def _slot(self, name: tuple[str, DoorKey]) -> _Slot:
        if name not in self._slots and len(self._slots) >= MAX_ADDRESSES:
            for old in [key for key, slot in self._slots.items() if not slot.under_way][: MAX_ADDRESSES // 2]:
                del self._slots[old]
        return self._slots.setdefault(name, _Slot())

    def _fill(
        self,
        slot: _Slot,
        url: str,
        door: DoorKey,
        *,
        now: datetime,
        check: Callable[[RSAPublicKey], bool],
        vouch: Vouch | None,
    ) -> None:
        held, problem = None, ""
        try:
            held = self._proven(url, door, now=now, check=check, vouch=vouch)
        except CertificateProblem as failed:
            problem = str(failed)
        except Exception as failed:  # noqa: BLE001 - the end of a thread: what it cannot do is told, not lost
            problem = f"The certificate at {url} could not be read: {type(failed).__name__}."
        with self._lock:
            slot.under_way = False
            slot.problem = problem
            slot.failed_at = now if problem else None
            if held is not None:
                slot.held = held

    def _proven(
        self, url: str, door: DoorKey, *, now: datetime, check: Callable[[RSAPublicKey], bool], vouch: Vouch | None
    ) -> _Held:
        certificates = parsed(self._download(url, door))
        leaf = certificates[0]
        key = leaf.public_key()
        if not isinstance(key, RSAPublicKey):
            raise CertificateProblem(f"The certificate at {url} has no RSA key.")
        try:
            prove(certificates, roots=door.roots, now=now)
        except CertificateProblem:
            if vouch is None or not check(key) or not vouch():
                raise
        return _Held(key, now, min(now + KEPT, leaf.not_valid_after_utc))


def fetched(url: str, door: DoorKey) -> bytes:
    """The bytes at an allowed address. Raises CertificateProblem; follows no redirect, waits five seconds."""
    if not door.allows(url):
        raise CertificateProblem(f"{url[:200]} is no address for certificates of PayPal's {door.environment}.")
    parts = urlsplit(url)
    origin = f"{parts.scheme}://{parts.netloc}"
    reach = Reach(origin, frozenset({parts.hostname or ""}), frozenset({door.origin} - {""}))
    http = Http(reach, timeout_s=TIMEOUT_S)
    try:
        answer = http.send("GET", url, operation="GET certificate")
    except ConnectorError as failed:
        raise CertificateProblem(f"The certificate at {url} could not be fetched: {failed.what}") from None
    finally:
        http.close()
    if answer.status != 200:
        raise CertificateProblem(f"{url} answered {answer.status} instead of a certificate.")
    return answer.body


def parsed(body: bytes) -> Sequence[x509.Certificate]:
    """All certificates in a file, the leaf first."""
    if len(body) > MAX_BYTES:
        raise CertificateProblem(f"The certificate's file has {len(body)} bytes; {MAX_BYTES} are read.")
    try:
        return x509.load_pem_x509_certificates(body)
    except ValueError:
        raise CertificateProblem("The certificate's file holds no certificate.") from None


def prove(certificates: Sequence[x509.Certificate], *, roots: str, now: datetime) -> None:
    """Raise CertificateProblem unless the leaf is PayPal's by name and leads to a trusted root, all valid now.

    Which usage PayPal's leaf states is not documented: any is taken. Names and signatures are strict.
    """
    own = tuple(x509.load_pem_x509_certificates(roots.encode())) if roots else ()
    trusted = own or system_roots()
    if not trusted:
        raise CertificateProblem("This machine has no trusted root certificates: set SSL_CERT_FILE.")
    leaf, others = certificates[0], list(certificates[1:])
    ee = verification.ExtensionPolicy.permit_all().require_present(
        x509.SubjectAlternativeName, verification.Criticality.AGNOSTIC, None
    )
    builder = (
        verification.PolicyBuilder()
        .store(verification.Store(list(trusted)))
        .time(now)
        .extension_policies(ca_policy=verification.ExtensionPolicy.webpki_defaults_ca(), ee_policy=ee)
    )
    try:
        builder.build_server_verifier(x509.DNSName(_name_of(leaf))).verify(leaf, others)
    except (verification.VerificationError, ValueError) as failed:
        raise CertificateProblem(f"The certificate's chain is not trusted: {str(failed)[:200]}.") from None


def _name_of(leaf: x509.Certificate) -> str:
    """PayPal's name in the leaf, to be proven by the verifier; a wildcard stands for the name seen so far."""
    try:
        names = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        found = names.get_values_for_type(x509.DNSName)
    except (x509.ExtensionNotFound, ValueError):
        raise CertificateProblem("The certificate names no host.") from None
    for name in found:
        if name.endswith(SUFFIX):
            return NAME if name.startswith("*") else name
    raise CertificateProblem(f"The certificate is of {', '.join(found)[:200]}, not of PayPal.")


@lru_cache(maxsize=1)
def system_roots() -> tuple[x509.Certificate, ...]:
    """The roots this machine trusts, as OpenSSL is set up (SSL_CERT_FILE), else those of certifi where it is there."""
    context = ssl.create_default_context()
    found = [_der(der) for der in context.get_ca_certs(binary_form=True)] or _bundled()
    return tuple(one for one in found if one is not None)


def _bundled() -> list[x509.Certificate | None]:
    try:
        import certifi
    except ImportError:
        return []
    context = ssl.create_default_context(cafile=certifi.where())
    return [_der(der) for der in context.get_ca_certs(binary_form=True)]


def _der(der: bytes) -> x509.Certificate | None:
    """A root; None for an old one that breaks today's rules."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return x509.load_der_x509_certificate(der)
        except ValueError:
            return None
