"""The whole chain on a simulated observatory: scenes, STAC API, update, publication."""

from pathlib import Path

from prefect import flow

from flows.publish import publish
from flows.run import demonstrate
from flows.update import update


@flow(name="demo", validate_parameters=False)
def demo(folder: str) -> Path:
    """A flow of flows; the folder of the published product."""
    return demonstrate(Path(folder), update, publish)
