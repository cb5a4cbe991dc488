"""The seal: any change to a product is found and named, with our command and with standard tools."""

import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from delta import publication_in

from sco.errors import ConfigurationError
from sco.products import attestation, keys, seal
from sco.products.attestation import Verdict
from sco.products.contents import Publication
from sco.products.publication import publish
from sco.products.seal import ENVELOPE, MANIFEST, SUMS


@pytest.fixture(scope="module")
def key(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    file = tmp_path_factory.mktemp("keys") / "product.pem"
    keys.create(file)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(keys.SIGNING_KEY, str(file))
        yield file


@pytest.fixture(scope="module")
def public(key: Path) -> Path:
    return key.with_name("product.pem.pub")


@pytest.fixture(scope="module")
def signed(key: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return publish(signed_publication(tmp_path_factory.mktemp("signed")))


@pytest.fixture
def copy(signed: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(signed, tmp_path / "copy"))


def signed_publication(folder: Path) -> Publication:
    return replace(publication_in(folder, months=1), signer=keys.signer_id())


def flip(path: Path, place: int = -1) -> None:
    content = bytearray(path.read_bytes())
    content[place if place >= 0 else len(content) // 2] ^= 1
    path.write_bytes(content)


def test_a_signed_product_is_sound(signed: Path, public: Path) -> None:
    key = keys.read_public(public)
    assert attestation.verify(signed, key) == Verdict((), key.keyid, True)
    assert attestation.verify(signed) == Verdict((), key.keyid, False)


def test_one_flipped_byte_in_any_file_is_found_and_named(copy: Path, public: Path) -> None:
    key = keys.read_public(public)
    names = sorted(path.relative_to(copy).as_posix() for path in copy.rglob("*") if path.is_file())
    assert {MANIFEST, SUMS, ENVELOPE, "index.html", "series.parquet", "zarr/zarr.json"} <= set(names)
    for name in names:
        whole = (copy / name).read_bytes()
        flip(copy / name)
        faults = attestation.verify(copy, key).faults
        assert [fault for fault in faults if fault.startswith(name)], f"{name}: {faults}"
        (copy / name).write_bytes(whole)
    assert attestation.verify(copy, key).faults == ()


@pytest.mark.parametrize("name", [MANIFEST, SUMS, ENVELOPE])
def test_every_byte_of_the_lists_and_of_the_signature_counts(copy: Path, public: Path, name: str) -> None:
    key, length = keys.read_public(public), (copy / name).stat().st_size
    for place in range(0, length, max(1, length // 60)):
        whole = (copy / name).read_bytes()
        flip(copy / name, place)
        wrong = seal.verify(copy) if name != ENVELOPE else attestation._envelope_faults(copy, key, lists=True)
        assert [fault for fault in wrong if fault.startswith(name)], place
        (copy / name).write_bytes(whole)


def test_a_replaced_signature_fails(copy: Path, public: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.pem"
    keys.create(other)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(keys.SIGNING_KEY, str(other))
        signer = keys.signer()
        assert signer is not None
        attestation.sign(copy, signer)
    (fault,) = attestation.verify(copy, keys.read_public(public)).faults
    assert fault.startswith(f"{ENVELOPE} is not signed by the key {keys.read_public(public).keyid[:16]}")
    assert attestation.verify(copy).faults  # nor by the key that lies in the product


def test_a_product_that_is_changed_and_listed_again_fails(copy: Path, public: Path) -> None:
    (copy / "series.csv").write_text("zone\n")
    seal.seal(copy)
    assert seal.verify(copy) == []
    faults = attestation.verify(copy, keys.read_public(public)).faults
    assert set(faults) == {f"{name} has other bytes than were signed" for name in (MANIFEST, SUMS, "series.csv")}


def test_a_signature_that_was_taken_away_is_missed(copy: Path, public: Path) -> None:
    (copy / ENVELOPE).unlink()
    missing = (f"{ENVELOPE} is missing: the product is not signed",)
    assert attestation.verify(copy, keys.read_public(public)).faults == missing
    assert attestation.verify(copy).faults == missing


def test_a_product_without_a_key_says_that_it_is_not_signed(tmp_path: Path, public: Path) -> None:
    folder = publish(publication_in(tmp_path, months=1))
    assert attestation.verify(folder) == Verdict((), "", False)
    assert attestation.verify(folder, keys.read_public(public)).faults
    assert "**not signed**" in (folder / "README.md").read_text()


def test_the_same_inputs_and_key_give_the_same_bytes(signed: Path, tmp_path: Path) -> None:
    again = publish(signed_publication(tmp_path))
    assert again.name == signed.name
    assert (again / ENVELOPE).read_bytes() == (signed / ENVELOPE).read_bytes()
    assert (again / MANIFEST).read_bytes() == (signed / MANIFEST).read_bytes()


def test_another_key_is_another_version(signed: Path, tmp_path: Path) -> None:
    assert publication_in(tmp_path, months=1).version != signed.name


def test_the_statement_is_in_toto_with_slsa_provenance(signed: Path) -> None:
    import base64

    envelope = json.loads((signed / ENVELOPE).read_text())
    statement = json.loads(base64.b64decode(envelope["payload"]))
    assert statement["_type"] == "https://in-toto.io/Statement/v1"
    assert statement["predicateType"] == "https://slsa.dev/provenance/v1"
    subjects = {one["name"]: one["digest"]["sha256"] for one in statement["subject"]}
    assert subjects["cog/ndvi/ndvi_2022-01.tif"] == seal.fingerprint(signed / "cog/ndvi/ndvi_2022-01.tif").sha256
    made_from = {one.get("uri"): one for one in statement["predicate"]["buildDefinition"]["resolvedDependencies"]}
    record = "provenance/ndvi/ndvi_2022-01.json"
    assert made_from[record]["digest"]["sha256"] == seal.fingerprint(signed / record).sha256
    told = json.loads((signed / record).read_text())
    assert [one["scenes"][0]["id"] for one in told["partitions"]] == ["S2A_2022-01"] * 4


@pytest.mark.skipif(not (shutil.which("openssl") and shutil.which("sha256sum")), reason="no openssl or sha256sum")
def test_standard_tools_verify_what_the_readme_says(copy: Path, public: Path) -> None:
    readme = (copy / "README.md").read_text()
    blocks = [block.replace("KEY.pub", str(public)) for block in re.findall(r"```sh\n(.*?)```", readme, re.S)]
    assert len(blocks) == 2

    def run(script: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(["bash", "-e"], input=script, cwd=copy, capture_output=True, text=True, check=False)

    assert run(blocks[0]).returncode == 0
    told = run(blocks[1])
    assert "Signature Verified Successfully" in told.stdout
    assert "the list of files is the one that was signed" in told.stdout
    number = int(re.search(r"must give (\d+)", readme)[1])  # type: ignore[index]
    assert sum(path.is_file() for path in copy.rglob("*")) == number
    flip(copy / "scenes.csv")
    assert "scenes.csv: FAILED" in run(blocks[0]).stdout
    flip(copy / ENVELOPE, (copy / ENVELOPE).read_text().index('"sig"') + 12)
    assert run(blocks[1]).returncode != 0


def test_keys_are_made_once_and_kept_from_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    public = keys.create(tmp_path / "key")
    assert (tmp_path / "key").stat().st_mode & 0o777 == 0o600
    assert keys.read_public(public).keyid == seal.fingerprint(public).sha256 == keys.read_public(tmp_path / "key").keyid
    with pytest.raises(ConfigurationError, match="exists and is not written over"):
        keys.create(tmp_path / "key")
    monkeypatch.setenv(keys.SIGNING_KEY, str(tmp_path / "key"))
    assert keys.signer_id() == keys.read_public(public).keyid
    os.chmod(tmp_path / "key", 0o644)
    with pytest.raises(ConfigurationError, match="can be read by other users"):
        keys.signer()
    monkeypatch.setenv(keys.SIGNING_KEY, str(public))
    with pytest.raises(ConfigurationError, match="holds no signing key"):
        keys.signer()
    monkeypatch.delenv(keys.SIGNING_KEY)
    assert keys.signer_id() == ""


def test_a_manifest_cannot_name_files_outside(tmp_path: Path) -> None:
    told = {"manifest": 2, "root": "", "files": {"../secret": {"size": 1, "sha256": "00"}}}
    (tmp_path / MANIFEST).write_text(json.dumps(told))
    assert "it names files outside the folder" in seal.verify(tmp_path)[0]
