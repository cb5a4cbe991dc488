"""What is checked before any pixel is read: where an asset may lie, and whether the file is what its item says."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal
from urllib.parse import unquote, urlsplit

from sco.errors import SceneError
from sco.model import Asset

if TYPE_CHECKING:
    from rasterio.io import DatasetReader

LOOPBACK = {"127.0.0.1", "localhost", "::1"}
MOST_BLOCK_BYTES = 64 * 2**20


@dataclass(frozen=True)
class Rules:
    """What a project lets a worker read."""

    roots: tuple[Path, ...] = ()
    """Local folders that assets may lie in."""
    mismatch: Literal["reject", "trust-file", "warn"] = "reject"
    contradiction: Literal["quarantine", "pixels"] = "quarantine"


def address(href: str, rules: Rules) -> str:
    """The address that may be opened for this href. Raises SceneError for any other scheme, host or folder."""
    parts = urlsplit(href)
    if "<" in href or href.startswith("/vsi"):
        raise SceneError(f"asset address {href[:80]!r} is not a plain address: only https, s3 and files are read")
    if parts.scheme in {"https", "s3"} or (parts.scheme == "http" and parts.hostname in LOOPBACK):
        return href
    if parts.scheme == "file" or href.startswith("/"):
        return str(_allowed(Path(unquote(parts.path) if parts.scheme else href), rules))
    raise SceneError(f"asset address {href[:80]!r} is neither https, s3 nor a file: it is not read")


def disagreements(file: "DatasetReader", asset: Asset) -> tuple[str, ...]:
    """What the file's header says against its item, in words; nothing where they agree or the item is silent."""
    told = (
        ("CRS", asset.crs, _same_crs(file, asset.crs)),
        ("shape", asset.shape, asset.shape is None or tuple(file.shape) == tuple(asset.shape)),
        ("transform", asset.transform, asset.transform is None or _same_transform(file, asset.transform)),
        ("dtype", asset.dtype, asset.dtype is None or file.dtypes[0] == asset.dtype),
        ("nodata", asset.nodata, asset.nodata is None or file.nodata is None or file.nodata == asset.nodata),
    )
    return tuple(f"item says {name} {said}, file has {_in_file(file, name)}" for name, said, same in told if not same)


def check(file: "DatasetReader", asset: Asset, rules: Rules) -> tuple[str, ...]:
    """The disagreements that are trusted to the file. Raises SceneError if the rules reject them, or for a bomb."""
    height, width = file.block_shapes[0]
    if height * width * 8 > MOST_BLOCK_BYTES and file.profile.get("tiled"):
        raise SceneError(f"{asset.href} has blocks of {width} x {height} pixels: too large to be read safely")
    found = disagreements(file, asset)
    if found and rules.mismatch == "reject":
        raise SceneError(
            f'{asset.href}: {"; ".join(found)}. Set access.mismatch = "trust-file" if the file is the one to believe'
        )
    return found


def _allowed(path: Path, rules: Rules) -> Path:
    resolved = path.resolve()
    if not any(resolved.is_relative_to(root) for root in rules.roots):
        allowed = ", ".join(str(root) for root in rules.roots) or "none"
        raise SceneError(f"{path} is outside the folders that may be read ({allowed}): name its folder in access.files")
    return resolved


def _same_crs(file: "DatasetReader", crs: str | None) -> bool:
    from rasterio.crs import CRS

    return crs is None or (file.crs is not None and CRS.from_user_input(crs) == file.crs)


def _same_transform(file: "DatasetReader", transform: tuple[float, ...]) -> bool:
    step = abs(file.transform.a)
    return all(abs(a - b) <= 1e-3 * step for a, b in zip(tuple(file.transform)[:6], transform, strict=False))


def _in_file(file: "DatasetReader", name: str) -> str:
    match name:
        case "CRS":
            return str(file.crs)
        case "shape":
            return str(file.shape)
        case "transform":
            return str(tuple(file.transform)[:6])
        case "dtype":
            return str(file.dtypes[0])
        case _:
            return str(file.nodata)
