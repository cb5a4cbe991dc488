"""What is remembered of items between plans, as files that are believed only whole, and of the same reader.

Each begins with the SHA-256 of what follows, which is Parquet and no code. A file that is damaged, of another reader or
of another question is as good as none.
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
from pyarrow import parquet

from sco import findings
from sco.draft import drafted
from sco.findings import Findings
from sco.sieve import Known, Sieve

LINES = pa.schema({"digest": pa.binary(32), "fate": pa.int32(), "moment": pa.int64()})
"""A line of a file by its SHA-256, which of the kinds of fate it has, and when it was taken.
Those of a sheaf follow one another."""
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
            return Sieve() if table is None else Sieve(_known(table))
        except (ValueError, KeyError, TypeError, IndexError):
            return Sieve()

    def keep_sieve(self, sieve: Sieve) -> None:
        """Remember which of the lines that were met are asked for."""
        known = sieve.kept()
        columns = {"digest": list(known.digests), "fate": known.kinds, "moment": known.moments}
        told = {
            "fates": [[sorted(wanted), sorted(judged)] for wanted, judged in known.fates],
            "sheaves": [[*numbers, sha256.hex()] for *numbers, sha256 in known.spans],
        }
        facts = {name: json.dumps(fact) for name, fact in told.items()}
        self._remember(".lines", pa.table(columns, LINES).replace_schema_metadata(facts))

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
        return table if is_ours else None

    def _remember(self, suffix: str, table: pa.Table) -> None:
        sink = pa.BufferOutputStream()
        told = {**(table.schema.metadata or {}), b"key": self._key.encode()}
        parquet.write_table(table.replace_schema_metadata(told), sink, compression="lz4")
        content = sink.getvalue()
        with drafted(self.stem.with_suffix(suffix)) as draft, draft.open("wb") as file:
            file.write(hashlib.sha256(content).digest())
            file.write(content)


def _known(table: pa.Table) -> Known:
    facts = {name: json.loads(table.schema.metadata[name]) for name in (b"fates", b"sheaves")}
    return Known(
        table["digest"].to_pylist(),
        np.array(table["fate"].to_pylist(), np.int32),
        np.array(table["moment"].to_pylist(), np.int64),
        [(frozenset(wanted), frozenset(judged)) for wanted, judged in facts[b"fates"]],
        [(first, count, size, bytes.fromhex(sha256)) for first, count, size, sha256 in facts[b"sheaves"]],
    )
