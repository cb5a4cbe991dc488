"""Addresses that can be read now: signed when they are read, and once more where the signature is refused."""

import re
from collections.abc import Callable
from dataclasses import replace
from typing import TypeVar

from sco import landing, library
from sco.errors import UpstreamError
from sco.model import Asset, Scene

T = TypeVar("T")


def on_signed(scene: Scene, band: str, hosts: tuple[str, ...], use: Callable[[Asset], T]) -> T:
    """What `use` makes of the asset of a band, at an address that can be read now.

    Where it fails with UpstreamError and the host refuses the signature by then, as one that is over or was taken
    back, it is used once more with a new one. Raises UpstreamError when nobody signs it, else what `use` raises.
    """
    asset = signed(scene, band)
    try:
        return use(asset)
    except UpstreamError:
        again = _renewed(asset, scene, hosts)
        if again is None:
            raise
    return use(again)


def signed(scene: Scene, band: str) -> Asset:
    """The asset of a band at an address that can be read now. Raises UpstreamError when nobody signs it."""
    asset, sign = scene.assets[band], library.catalogs[scene.catalog].sign
    return asset if sign is None else _signed_by(sign, asset, scene)


def unsigned(text: str) -> str:
    """The text without the queries of addresses, where signatures and tokens are."""
    return re.sub(r"\?[^\s'\",]*", "", text)


def _renewed(asset: Asset, scene: Scene, hosts: tuple[str, ...]) -> Asset | None:
    """The asset with a new signature, where its old one is what it is refused for."""
    renew = library.catalogs[scene.catalog].renew
    if renew is None or not asset.href.startswith("https://") or not landing.is_refused(asset.href, hosts):
        return None
    again = _signed_by(renew, asset, scene)
    return None if again == asset else again


def _signed_by(sign: Callable[[str], str], asset: Asset, scene: Scene) -> Asset:
    try:
        return replace(asset, href=sign(asset.href))
    except OSError as error:
        raise UpstreamError(unsigned(f"{asset.href} cannot be signed by {scene.catalog}: {error}")) from error
