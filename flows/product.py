"""Products once they are made: check them, look at them, and the keys that sign them."""

from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from flows.terminal import give_json, tell
from sco.errors import ConfigurationError, IntegrityError
from sco.project import Project

if TYPE_CHECKING:
    from sco.products.attestation import Verdict

SHOWN = 20


def verify(path: Path, key: Path | None, as_json: bool) -> None:
    """Read everything at a product's folder or a store. Raises IntegrityError naming what is wrong."""
    from sco.products.seal import MANIFEST
    from sco.store import Store

    if (path / MANIFEST).is_file():
        _verify_product(path, key, as_json)
        return
    if not Store.exists(str(path)):
        raise ConfigurationError(f"{path} is neither a product ({MANIFEST} is missing) nor a store: give one of these")
    if key:
        raise ConfigurationError(f"{path} is a store, and stores are not signed: leave out --key")
    wrong = Store.open(str(path)).verify()
    if as_json:
        give_json("verification", {"path": str(path), "wrong": wrong})
    _require(path, wrong)
    tell(f"{path}: every byte is what it should be")


def new_key(path: Path, as_json: bool) -> None:
    """Make a signing key in a file, and its public half beside it."""
    from sco.products import keys

    public = keys.create(path)
    told = {"secret": str(path), "public": str(public), "id": keys.read_public(public).keyid}
    if as_json:
        give_json("key", told)
        return
    print(public)
    tell(f"the secret key is in {path}: keep it, and sign with {keys.SIGNING_KEY}={path.resolve()}")
    tell(f"give {public} to whoever is to check your products; its id is {told['id']}")


def show_key(path: Path | None, as_json: bool) -> None:
    """The id and the public half of a key: of this file, or of the one that products are signed with now."""
    from sco.products import keys

    key = keys.read_public(path or keys.named())
    pem = keys.public_pem(key)
    if as_json:
        give_json("key", {"id": key.keyid, "public": pem})
        return
    print(pem, end="")
    tell(f"id {key.keyid}")


def preview(name: str, port: int) -> None:
    """Serve a product on loopback until Ctrl-C."""
    from sco.products.preview import Preview

    folder = Path(name)
    if not folder.is_dir():
        folder = Project.load(name).product_root / "latest"
    server = Preview(folder, port)
    print(server.url, flush=True)
    tell(f"{folder} is served to this machine alone; stop with Ctrl-C")
    with suppress(KeyboardInterrupt):
        server.run()


def _verify_product(path: Path, key: Path | None, as_json: bool) -> None:
    from sco.products import attestation, keys

    found = attestation.verify(path, keys.read_public(key) if key else None)
    if as_json:
        told = {
            "path": str(path),
            "wrong": list(found.faults),
            "signer": found.signer or None,
            "vouched": found.vouched,
        }
        give_json("verification", told)
    _require(path, list(found.faults))
    tell(f"{path}: every byte is what it should be; {_signature_words(found)}")


def _signature_words(found: "Verdict") -> str:
    if not found.signer:
        return "it is not signed, so nothing says who made it"
    if found.vouched:
        return f"signed by the key that you gave, {found.signer}"
    return f"signed by {found.signer}; to know whose key that is, get it from its owner and give it with --key"


def _require(path: Path, wrong: list[str]) -> None:
    if wrong:
        shown = "\n  ".join(wrong[:SHOWN])
        raise IntegrityError(f"{len(wrong)} things at {path} are not what they should be:\n  {shown}")
