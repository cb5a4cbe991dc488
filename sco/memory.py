"""What is remembered of items between plans, as files that are believed only whole, and of the same reader.

Each begins with the SHA-256 of what follows, which is Parquet and no code. A file that is damaged, of another reader or
of another question is as good as none.
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
from pyarrow import parquet

from sco import findings
from sco.draft import drafted
from sco.findings import Findings
from sco.reply import Fate, Sieve

LINES = pa.schema({"digest": pa.binary(32), "fate": pa.int32(), "moment": pa.int64()})
"""A line of a file by its SHA-256, which of the kinds of fate it has, and when it was taken."""
SEAL = hashlib.sha256().digest_size


@dataclass(frozen=True)
class Memory:
    """The files of one source and the places that it is asked about, read by one reader."""

    stem: Path
    reader: str
    places: Sequence[str]
    """`place_of` every question."""

    def findings(self) -> Findings:
        """What was made of items."""
        table = self._recall(".items", findings.SCHEMA)
        return Findings.none() if table is None else Findings(table)

    def keep_findings(self, found: Findings) -> None:
        """Remember what was made of items."""
        self._remember(".items", found.table)

    def sieve(self) -> Sieve:
        """Which lines of files are asked for."""
        table = self._recall(".lines", LINES)
        try:
            return Sieve() if table is None else Sieve(_fates(table))
        except (ValueError, KeyError, TypeError, IndexError):
            return Sieve()

    def keep_sieve(self, sieve: Sieve) -> None:
        """Remember which of the lines that were met are asked for."""
        kinds = {kind: number for number, kind in enumerate({fate[:2]: None for fate in sieve.met.values()})}
        columns = {
            "digest": list(sieve.met),
            "fate": [kinds[fate[:2]] for fate in sieve.met.values()],
            "moment": [fate.moment for fate in sieve.met.values()],
        }
        told = json.dumps([[sorted(wanted), sorted(judged)] for wanted, judged in kinds])
        self._remember(".lines", pa.table(columns, LINES).replace_schema_metadata({"kinds": told}))

    @property
    def _key(self) -> str:
        return json.dumps([self.reader, *self.places])

    def _recall(self, suffix: str, schema: pa.Schema) -> pa.Table | None:
        try:
            content = memoryview(self.stem.with_suffix(suffix).read_bytes())
            if hashlib.sha256(content[SEAL:]).digest() != content[:SEAL]:
                return None
            table = parquet.read_table(pa.BufferReader(pa.py_buffer(content[SEAL:])))
        except (OSError, pa.ArrowException):
            return None
        is_ours = table.schema.equals(schema) and (table.schema.metadata or {}).get(b"key") == self._key.encode()
        return table.combine_chunks() if is_ours else None

    def _remember(self, suffix: str, table: pa.Table) -> None:
        sink = pa.BufferOutputStream()
        told = {**(table.schema.metadata or {}), b"key": self._key.encode()}
        parquet.write_table(table.replace_schema_metadata(told), sink, compression="zstd")
        content = sink.getvalue()
        with drafted(self.stem.with_suffix(suffix)) as draft, draft.open("wb") as file:
            file.write(hashlib.sha256(content).digest())
            file.write(content)


def _fates(table: pa.Table) -> dict[bytes, Fate]:
    kinds = [(frozenset(wanted), frozenset(judged)) for wanted, judged in json.loads(table.schema.metadata[b"kinds"])]
    rows = zip(*(table[name].to_pylist() for name in LINES.names), strict=True)
    return {digest: Fate(kinds[kind][0], kinds[kind][1], moment) for digest, kind, moment in rows}
