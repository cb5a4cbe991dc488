"""Count what each catalog has of a project's acquisitions: what a weekly schedule runs."""

from prefect import flow

from flows.artifacts import show_holdings
from flows.deployed import reporting
from flows.naming import run_name
from sco.audit import Holding
from sco.audit import audit as count
from sco.project import Project


@flow(name="audit", flow_run_name=run_name, validate_parameters=False)
def audit(project: str) -> tuple[Holding, ...]:
    """By source, month and catalog; nothing is stored and no pixel is read."""
    with reporting(project):
        one = Project.load(project)
        holdings = count(one)
        show_holdings(one.id, holdings)
    return holdings
