"""The certificate chain that signs webhooks: own root, intermediate and leaves, good and deliberately bad ones."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from ml_connector_sandbox.core.instants import instant

HOST = "messageverificationcerts.paypal.com"
KINDS = (
    "good", "expired", "not_yet_valid", "wrong_host", "self_signed", "foreign_root", "no_intermediate", "garbage",
    "huge",
)  # fmt: skip
_PATH = "/v1/notifications/certs/"
_HUGE = 1024 * 1024
_YEAR = timedelta(days=365)


@lru_cache(maxsize=64)
def _key(role: str) -> rsa.RSAPrivateKey:
    # Made once a process: a key takes a moment, and no test needs two worlds with different ones.
    del role
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


@dataclass(frozen=True, slots=True)
class Leaf:
    """A certificate as served: its id in the URL, the bytes a receiver gets, the key behind it."""

    id: str
    kind: str
    pem: bytes
    key: rsa.RSAPrivateKey

    @property
    def path(self) -> str:
        """Where it is served."""
        return _PATH + self.id

    def sign(self, message: bytes) -> bytes:
        """RSA PKCS#1 v1.5 over SHA-256."""
        return self.key.sign(message, padding.PKCS1v15(), hashes.SHA256())

    def sign_sha1(self, message: bytes) -> bytes:
        """As `sign`, with the hash nobody should accept."""
        return self.key.sign(message, padding.PKCS1v15(), hashes.SHA1())  # noqa: S303 - the fault to be refused


class Authority:
    """Makes leaves on demand. `born` is the instant (microseconds) at which its certificates begin to be valid."""

    def __init__(self, born: int) -> None:
        self._born = instant(born)
        self.root = _issue(None, "Sandbox Root", key="root", start=self._born - _YEAR, ca=True, path_length=None)
        self.intermediate = _issue(
            self.root, "Sandbox Intermediate", key="intermediate", start=self._born - _YEAR, ca=True, path_length=0,
            issuer_key="root",
        )  # fmt: skip
        self._leaves: dict[str, Leaf] = {}

    def leaf(self, kind: str, generation: int) -> Leaf:
        """The leaf of a kind; each generation (rotation) has its own key and URL."""
        name = f"CERT-{generation:04d}-{kind.replace('_', '-')}"
        if name not in self._leaves:
            self._leaves[name] = self._make(name, kind, f"leaf-{generation}")
        return self._leaves[name]

    def served(self, name: str) -> bytes | None:
        """The bytes under this name, if such a leaf was made."""
        leaf = self._leaves.get(name)
        return leaf.pem if leaf else None

    def public_key(self, leaf: Leaf) -> rsa.RSAPublicKey:
        """For checks of our own."""
        return leaf.key.public_key()

    def root_pem(self) -> str:
        """What a test puts into its trust store."""
        return _pem(self.root).decode()

    def intermediate_pem(self) -> str:
        """What completes a chain whose file lacks it."""
        return _pem(self.intermediate).decode()

    def _make(self, name: str, kind: str, key: str) -> Leaf:
        start, host = self._born - timedelta(days=1), HOST
        issuer, issuer_key = self.intermediate, "intermediate"
        chain = [self.intermediate]
        if kind == "expired":
            start = self._born - 2 * _YEAR - timedelta(days=30)
        elif kind == "not_yet_valid":
            start = self._born + _YEAR
        elif kind == "wrong_host":
            host = "messageverificationcerts.evilpaypal.test"
        elif kind == "foreign_root":
            issuer_key = "foreign"
            issuer = _issue(None, "Another Root", key="foreign", start=self._born - _YEAR, ca=True, path_length=None)
            chain = [issuer]
        elif kind == "self_signed":
            own = _issue(None, host, key=key, start=start, ca=False, path_length=None)
            return Leaf(name, kind, _pem(own), _key(key))
        elif kind == "no_intermediate":
            chain = []
        if kind == "garbage":
            return Leaf(name, kind, b"-----BEGIN CERTIFICATE-----\nnot base64!\n-----END CERTIFICATE-----\n", _key(key))
        made = _issue(issuer, host, key=key, start=start, ca=False, path_length=None, issuer_key=issuer_key)
        pem = b"".join(_pem(certificate) for certificate in [made, *chain])
        return Leaf(name, kind, pem + (b"\n" * _HUGE if kind == "huge" else b""), _key(key))


def _issue(
    issuer: x509.Certificate | None,
    name: str,
    *,
    key: str,
    start: datetime,
    ca: bool,
    path_length: int | None,
    issuer_key: str = "",
) -> x509.Certificate:
    """One certificate, valid two years (an authority: ten); without issuer it signs itself."""
    own, signer = _key(key), _key(issuer_key or key)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer.subject if issuer else subject)
        .public_key(own.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(start + (10 if ca else 2) * _YEAR)
        .add_extension(x509.BasicConstraints(ca=ca, path_length=path_length), critical=True)
        .add_extension(_usage(ca), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(own.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False)
    )
    if not ca:
        builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        builder = builder.add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
    return builder.sign(signer, hashes.SHA256())


def _usage(ca: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not ca, content_commitment=False, key_encipherment=False, data_encipherment=False,
        key_agreement=False, key_cert_sign=ca, crl_sign=ca, encipher_only=False, decipher_only=False,
    )  # fmt: skip


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)
