"""Commands about a product, its keys, and new territories. Heavy imports happen inside them."""

from pathlib import Path
from typing import Annotated

import typer

from flows.options import AsJson
from sco.errors import ConfigurationError

app = typer.Typer()
keys = typer.Typer(help="The keys that products are signed with.", no_args_is_help=True)
app.add_typer(keys, name="keys")


@app.command()
def verify(
    path: Annotated[Path, typer.Argument(help="A product's folder, or a store.")],
    key: Annotated[Path | None, typer.Option(help="The public key that the product must be signed by.")] = None,
    as_json: AsJson = False,
) -> None:
    """Read everything that is stored or published at PATH and name what is wrong."""
    from flows import product

    product.verify(path, key, as_json)


@app.command()
def preview(
    project: Annotated[str, typer.Argument(metavar="PROJECT|PATH", help="A project, or a product's folder.")],
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 for any that is free.")] = 0,
) -> None:
    """Serve a product to this machine's browser, until Ctrl-C."""
    from flows import product

    product.preview(project, port)


@keys.command("new")
def new_key(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The secret key's; FILE.pub is for the public one.")],
    as_json: AsJson = False,
) -> None:
    """Make an Ed25519 key to sign products with."""
    from flows import product

    product.new_key(file, as_json)


@keys.command("show")
def show_key(
    file: Annotated[Path | None, typer.Argument(metavar="[FILE]", help="SCO_SIGNING_KEY where left out.")] = None,
    as_json: AsJson = False,
) -> None:
    """The public half of a key, and its id."""
    from flows import product

    product.show_key(file, as_json)


@app.command()
def new(
    project: Annotated[str, typer.Argument(metavar="PROJECT", help="Its name, which becomes configs/PROJECT.toml.")],
    other: Annotated[str, typer.Option("--from", metavar="OTHER", help="The project whose recipe it takes.")],
    bbox: Annotated[str, typer.Option(metavar="W,S,E,N", help="Its box in degrees.")],
    title_en: Annotated[str | None, typer.Option(help="Its title in English; its name if left out.")] = None,
    title_fr: Annotated[str | None, typer.Option(help="Its title in French; its name if left out.")] = None,
    as_json: AsJson = False,
) -> None:
    """The same recipe on a new territory: writes its file in configs/."""
    from flows import territory

    territory.new(project, other, _box(bbox), (title_en, title_fr), as_json)


def _box(told: str) -> tuple[float, float, float, float]:
    try:
        west, south, east, north = (float(number) for number in told.split(","))
    except ValueError as error:
        raise ConfigurationError(f"{told!r} is no box: write west,south,east,north in degrees") from error
    return west, south, east, north
