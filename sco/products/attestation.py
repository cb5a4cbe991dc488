"""A signature over the seal: an in-toto statement with SLSA provenance, in a DSSE envelope.

https://in-toto.io/Statement/v1, https://slsa.dev/spec/v1.0/provenance, https://github.com/secure-systems-lab/dsse
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from securesystemslib.dsse import Envelope
from securesystemslib.exceptions import FormatError, VerificationError
from securesystemslib.signer import CryptoSigner, SSlibKey

from sco.errors import ConfigurationError
from sco.products import keys, seal
from sco.products.provenance import PREDICATE
from sco.products.seal import ENVELOPE, MANIFEST, SUMS

STATEMENT = "https://in-toto.io/Statement/v1"
PREDICATE_TYPE = "https://slsa.dev/provenance/v1"
PAYLOAD_TYPE = "application/vnd.in-toto+json"
PUBLIC_KEY = "SEAL.pub"
"""The public key as a file of the product: it shows that the signature is whole, not whose it is."""
CHUNKS = "zarr/"
"""Files below are in the manifest alone: there are too many of them to be subjects of their own."""


@dataclass(frozen=True)
class Verdict:
    """What a product was found to be."""

    faults: tuple[str, ...]
    """One sentence each, naming the file; none for a sound product."""
    signer: str
    """Id of the key that it says it is signed with; empty where it is not signed."""
    vouched: bool
    """The signature was checked with a key that did not come with the product."""


def sign(folder: Path, signer: CryptoSigner) -> None:
    """Write the envelope over the sealed `folder`; the same seal and key give the same bytes."""
    envelope = Envelope(_canonical(_statement(folder)), PAYLOAD_TYPE, {})
    envelope.sign(signer)
    path = folder / ENVELOPE
    path.write_bytes(_text(envelope))
    seal.sync(path)
    seal.sync(folder)


def verify(folder: Path, key: SSlibKey | None = None) -> Verdict:
    """Read every byte of the product, and check the signature with `key`, or else with the key that lies in it.

    Needs nothing but the folder. With `key`, a product that is not signed by it is at fault.
    """
    faults = seal.verify(folder)
    if not (folder / ENVELOPE).exists():
        missing = bool(key) or (folder / PUBLIC_KEY).exists()
        return Verdict((*faults, *([f"{ENVELOPE} is missing: the product is not signed"] * missing)), "", bool(key))
    try:
        own = key or keys.read_public(folder / PUBLIC_KEY)
    except ConfigurationError as error:
        return Verdict((*faults, f"{ENVELOPE} cannot be checked: {error}"), "", False)
    return Verdict((*faults, *_envelope_faults(folder, own)), own.keyid, bool(key))


def is_signed(folder: Path, keyid: str) -> bool:
    """Whether the lists of the files, though not the files, are signed by the key of this id."""
    try:
        key = keys.read_public(folder / PUBLIC_KEY)
    except ConfigurationError:
        return False
    return key.keyid == keyid and not _envelope_faults(folder, key, lists=True)


def _envelope_faults(folder: Path, key: SSlibKey, lists: bool = False) -> list[str]:
    """What is wrong with the signature, or with the files that were signed; with the lists of files alone if asked."""
    path = folder / ENVELOPE
    if path.is_symlink() or not path.is_file():
        return [f"{ENVELOPE} is not a plain file"]
    content = path.read_bytes()
    try:
        envelope = Envelope.from_dict(json.loads(content))
        envelope.verify([key], 1)
    except (VerificationError, FormatError) as error:
        return [f"{ENVELOPE} is not signed by the key {key.keyid[:16]}…: {error}"]
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        return [f"{ENVELOPE} cannot be read: {error!r}"]
    if content != _text(envelope) or envelope.payload_type != PAYLOAD_TYPE or len(envelope.signatures) != 1:
        return [f"{ENVELOPE} has other bytes than were signed"]
    return _subject_faults(folder, envelope.payload, lists)


def _subject_faults(folder: Path, payload: bytes, lists: bool) -> list[str]:
    """Where the signed statement is about other files than lie in the folder."""
    try:
        told = json.loads(payload)
        subjects = {str(one["name"]): str(one["digest"]["sha256"]) for one in told["subject"]}
        kinds = told["_type"], told["predicateType"]
    except (ValueError, KeyError, TypeError) as error:
        return [f"{ENVELOPE} holds no statement: {error!r}"]
    if kinds != (STATEMENT, PREDICATE_TYPE) or not {MANIFEST, SUMS} <= subjects.keys():
        return [f"{ENVELOPE} holds a statement of another kind: {kinds[0]}, {kinds[1]}"]
    asked = {name: subjects[name] for name in (MANIFEST, SUMS)} if lists else subjects
    wrong = [name for name, sha256 in asked.items() if not _is(folder, name, sha256)]
    return [f"{name} has other bytes than were signed" for name in wrong]


def _is(folder: Path, name: str, sha256: str) -> bool:
    path = folder / name
    inside = path.resolve().is_relative_to(folder.resolve())
    return inside and path.is_file() and seal.fingerprint(path).sha256 == sha256


def _statement(folder: Path) -> dict[str, Any]:
    sealed = {name: one.sha256 for name, one in seal.read(folder).items() if not name.startswith(CHUNKS)}
    lists = {name: seal.fingerprint(folder / name).sha256 for name in (MANIFEST, SUMS)}
    return {
        "_type": STATEMENT,
        "subject": [{"name": name, "digest": {"sha256": sha256}} for name, sha256 in (lists | sealed).items()],
        "predicateType": PREDICATE_TYPE,
        "predicate": json.loads((folder / PREDICATE).read_text("utf-8")),
    }


def _canonical(document: dict[str, Any]) -> bytes:
    return json.dumps(document, sort_keys=True, separators=(",", ":")).encode()


def _text(envelope: Envelope) -> bytes:
    return (json.dumps(envelope.to_dict(), indent=1, sort_keys=True) + "\n").encode()
