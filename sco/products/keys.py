"""The Ed25519 keys that products are signed with, as PEM files: PKCS#8 for the secret half, SPKI for the public one."""

import hashlib
import os
import stat
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)
from securesystemslib.signer import CryptoSigner, SSlibKey

from sco.errors import ConfigurationError

SIGNING_KEY = "SCO_SIGNING_KEY"
"""The environment variable that names the file of the secret key."""
PRIVATE_MODE = 0o600


def create(path: Path) -> Path:
    """A new secret key in `path`, that its owner alone may read, and its public half beside it; the public file.

    Raises ConfigurationError where either file exists: a key that was used must not be lost.
    """
    public = path.with_name(path.name + ".pub")
    key = Ed25519PrivateKey.generate()
    secret = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    try:
        _write(path, secret, PRIVATE_MODE)
        _write(public, _pem(key.public_key()), 0o644)
    except FileExistsError as error:
        raise ConfigurationError(f"{error.filename} exists and is not written over: name another file") from error
    return public


def signer() -> CryptoSigner | None:
    """What signs with the key of the file that SCO_SIGNING_KEY names; None where it names none.

    Raises ConfigurationError for a file that is missing, no Ed25519 key, or open to other users.
    """
    if not os.environ.get(SIGNING_KEY):
        return None
    path = named()
    key = _read_secret(path)
    if stat.S_IMODE(path.stat().st_mode) & 0o077:
        raise ConfigurationError(f"the signing key {path} can be read by other users: chmod 600 {path}")
    return CryptoSigner(key, _described(key.public_key()))


def named() -> Path:
    """The file that SCO_SIGNING_KEY names. Raises ConfigurationError where it names none."""
    found = os.environ.get(SIGNING_KEY)
    if not found:
        raise ConfigurationError(f"{SIGNING_KEY} names no key, so products are not signed: give a FILE, or set it")
    return Path(found)


def signer_id() -> str:
    """The id of the key that products are signed with now; empty where there is none."""
    found = signer()
    return str(found.public_key.keyid) if found else ""


def public_pem(key: SSlibKey) -> str:
    """The public key as a PEM file has it."""
    return _pem(Ed25519PublicKey.from_public_bytes(bytes.fromhex(key.keyval["public"]))).decode()


def read_public(path: Path) -> SSlibKey:
    """The public key in a PEM file; of a file with a secret key, its public half. Raises ConfigurationError."""
    try:
        text = path.read_bytes()
        if b"PRIVATE" in text:
            return _described(_read_secret(path).public_key())
        key = load_pem_public_key(text)
    except (OSError, ValueError, UnsupportedAlgorithm) as error:
        raise ConfigurationError(f"{path} holds no public key: {error}; give the .pub of `sco keys new`") from error
    if not isinstance(key, Ed25519PublicKey):
        raise ConfigurationError(f"{path} holds a key that is not Ed25519: give the .pub of `sco keys new`")
    return _described(key)


def _read_secret(path: Path) -> Ed25519PrivateKey:
    try:
        key = load_pem_private_key(path.read_bytes(), None)
    except (OSError, ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise ConfigurationError(f"{path} holds no signing key: {error}; make one with: sco keys new FILE") from error
    if not isinstance(key, Ed25519PrivateKey):
        raise ConfigurationError(f"{path} holds a key that is not Ed25519: make one with: sco keys new FILE")
    return key


def _described(key: Ed25519PublicKey) -> SSlibKey:
    """The key under the SHA-256 of its PEM, which `sha256sum FILE.pub` gives as well."""
    name = hashlib.sha256(_pem(key)).hexdigest()
    return SSlibKey(name, "ed25519", "ed25519", {"public": key.public_bytes(Encoding.Raw, PublicFormat.Raw).hex()})


def _pem(key: Ed25519PublicKey) -> bytes:
    return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def _write(path: Path, content: bytes, mode: int) -> None:
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with os.fdopen(handle, "wb") as file:
        file.write(content)
