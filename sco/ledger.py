"""What the store writes down of each partition beside its pixels: a record and a manifest, as JSON.

A record is kept with a SHA-256 over the partition's name, manifest and pixels. Chunks carry checksums of their own, but
what says which chunk is where does not, so only this shows that a partition is what was committed.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from sco.failure import Failure
from sco.partition import Empty, Partition, Record

if TYPE_CHECKING:
    from numpy.typing import NDArray


def manifest_text(manifest: Mapping[str, Any]) -> str:
    """The manifest as compact JSON, its keys in its own order."""
    return json.dumps(manifest, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def record_text(record: Record, seal: str) -> str:
    """The record as compact JSON, with the seal of what it is the record of."""
    known = {"fingerprint": record.fingerprint, "run": record.run, "sha256": seal}
    empty = {"empty": str(record.empty)} if record.empty else {}
    failed = {"failed_reads": record.failed_reads} if record.failed_reads else {}
    kind = {"failure": str(record.failure)} if record.failure else {}
    return json.dumps(known | empty | failed | kind, separators=(",", ":"))


def parse_record(text: str) -> Record:
    """The record in this text."""
    known = json.loads(text)
    empty = Empty(known["empty"]) if "empty" in known else None
    failure = Failure(known["failure"]) if "failure" in known else None
    return Record(known["fingerprint"], known["run"], empty, known.get("failed_reads", 0), failure)


def seal_in(text: str) -> str:
    """The seal in the text of a record."""
    return str(json.loads(text)["sha256"])


def seal(partition: Partition, manifest: str, planes: "Sequence[NDArray[Any]]") -> str:
    """SHA-256 of a partition as it is stored: its name, the text of its manifest, its values, counts and errors."""
    import numpy as np  # which takes long to import, and who reads records does without

    digest = hashlib.sha256(f"{partition}\n{manifest}\n".encode())
    for plane in planes:
        digest.update(np.ascontiguousarray(plane, plane.dtype.newbyteorder("<")).reshape(-1).view(np.uint8).data)
    return digest.hexdigest()
