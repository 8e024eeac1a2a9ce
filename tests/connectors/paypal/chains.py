"""Certificate chains made at test start, good and bad. No private key is ever kept."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
HOST = "messageverificationcerts.paypal.com"
YEAR = timedelta(days=365)


@cache
def key(role: str) -> rsa.RSAPrivateKey:
    del role
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


@dataclass(frozen=True)
class Chain:
    """What PayPal's certificate address serves, its root, and the key that signs."""

    body: bytes
    root: str
    private: rsa.RSAPrivateKey

    def sign(self, message: bytes) -> bytes:
        return self.private.sign(message, padding.PKCS1v15(), hashes.SHA256())


def chain(
    host: str = HOST,
    *,
    leaf: str = "leaf",
    begins: datetime = NOW - YEAR,
    lasts: timedelta = 2 * YEAR,
    with_intermediate: bool = True,
    usage: x509.ObjectIdentifier | None = ExtendedKeyUsageOID.SERVER_AUTH,
    named: bool = True,
    elliptic: bool = False,
) -> Chain:
    root = issue("root", None, "root", ca=True, begins=begins, lasts=10 * YEAR)
    middle = issue("middle", root, "root", ca=True, begins=begins, lasts=10 * YEAR, depth=0)
    names = [host] if named else []
    own = issue(
        leaf, middle, "middle", ca=False, begins=begins, lasts=lasts, names=names, usage=usage, elliptic=elliptic
    )
    served = [own, middle] if with_intermediate else [own]
    body = b"".join(one.public_bytes(Encoding.PEM) for one in served)
    return Chain(body, root.public_bytes(Encoding.PEM).decode(), key(leaf))


def issue(
    role: str,
    issuer: x509.Certificate | None,
    signer: str,
    *,
    ca: bool,
    begins: datetime,
    lasts: timedelta,
    depth: int | None = None,
    names: list[str] | None = None,
    usage: x509.ObjectIdentifier | None = None,
    elliptic: bool = False,
) -> x509.Certificate:
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, role)])
    public = ec.generate_private_key(ec.SECP256R1()).public_key() if elliptic else key(role).public_key()
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer.subject if issuer else subject)
        .public_key(public)
        .serial_number(x509.random_serial_number())
        .not_valid_before(begins)
        .not_valid_after(begins + lasts)
        .add_extension(x509.BasicConstraints(ca=ca, path_length=depth), critical=True)
        .add_extension(x509.KeyUsage(not ca, False, False, False, False, ca, ca, False, False), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(key(signer).public_key()), critical=False)
    )
    if names:
        builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName(one) for one in names]), False)
    if usage is not None and not ca:
        builder = builder.add_extension(x509.ExtendedKeyUsage([usage]), critical=False)
    return builder.sign(key(signer), hashes.SHA256())
