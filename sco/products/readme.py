"""README.md of the product: what lies where, and how to check it with and without this code."""

from pathlib import Path

from sco.products.attestation import PUBLIC_KEY
from sco.products.contents import Publication
from sco.products.seal import ENVELOPE, MANIFEST, SUMS

NAME = "README.md"
WHAT = """\
# {id} {version}

A product of the Space for Climate Observatory pipeline. {simulated}Open `index.html`; it needs no server and no
network.

| path | holds |
|---|---|
| `index.html`, `page/`, `figures/`, `reports/` | the page, its pictures and the report of each period |
| `cog/` | maps as cloud-optimised GeoTIFFs, and the number of observations behind each pixel |
| `zarr/` | all of it as Zarr v3: `xarray.open_zarr("zarr")`; coarser copies in `zarr/overviews/` |
| `series.csv`, `series.parquet` | series of each zone: zone, indicator, period, statistic, value, unit, n |
| `scenes.csv`, `provenance/` | what everything was made from |
| `stac/`, `catalog/`, `ro-crate-metadata.json`, `CITATION.cff` | records for catalogs, archives and citation |
| `{manifest}`, `{sums}`{and_signature} | the seal |

## Check that nothing was changed

With this code: `sco verify FOLDER{key}`. Without it, in this folder:

```sh
sha256sum --check --quiet {sums}
```
"""
SIGNED = """
It names every file that is missing or different. A file that was added is in no list: compare with
`find . -type f | wc -l`, which must give {number} with the {beside} files of the seal.

## Check who made it

The seal is signed with the Ed25519 key `{signer}`, which is the SHA-256 of the public key's file. Get that file, here
KEY.pub, from whoever made the product, and not from this folder. `{envelope}` is a DSSE envelope around an in-toto
statement; OpenSSL 3 checks it:

```sh
work=$(mktemp -d)
sed -n 's/^ "payload": "\\(.*\\)",$/\\1/p' {envelope} | base64 -d > $work/statement.json
sed -n 's/^   "sig": "\\(.*\\)"$/\\1/p' {envelope} | base64 -d > $work/signature
printf 'DSSEv1 28 application/vnd.in-toto+json %s ' $(wc -c < $work/statement.json) > $work/signed
cat $work/statement.json >> $work/signed
openssl pkeyutl -verify -pubin -inkey KEY.pub -rawin -in $work/signed -sigfile $work/signature
grep -q "$(sha256sum < {sums} | cut -c -64)" $work/statement.json && echo "the list of files is the one that was signed"
```
"""
UNSIGNED = """
It names every file that is missing or different. A file that was added is in no list: compare with
`find . -type f | wc -l`, which must give {number} with the {beside} files of the seal.

The product is **not signed**: whoever can change a file can change the lists, too. Keep a copy of `{sums}` elsewhere if
that matters.
"""


def write(publication: Publication, folder: Path) -> None:
    """Write the file; it must be the last one before the folder is sealed, because it tells how many there are."""
    signed = bool(publication.signer)
    beside = 3 if signed else 2
    number = sum(path.is_file() for path in folder.rglob("*")) + 1 + beside
    text = WHAT + (SIGNED if signed else UNSIGNED)
    words = {
        "id": publication.project.id,
        "version": publication.version,
        "simulated": "**The data are simulated: this territory does not exist.** " * publication.project.simulated,
        "manifest": MANIFEST,
        "sums": SUMS,
        "and_signature": f", `{ENVELOPE}`, `{PUBLIC_KEY}`" if signed else "",
        "envelope": ENVELOPE,
        "key": " --key KEY.pub" if signed else "",
        "number": str(number),
        "beside": str(beside),
        "signer": publication.signer,
    }
    told = text
    for name, value in words.items():
        told = told.replace(f"{{{name}}}", value)
    (folder / NAME).write_text(told, "utf-8")
