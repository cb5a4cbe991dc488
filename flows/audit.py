"""Count what each catalog has of a project's acquisitions: what a weekly schedule runs."""

from prefect import flow

from sco.audit import Holding
from sco.audit import audit as count
from sco.project import Project


@flow(name="audit", flow_run_name="audit-{project}", validate_parameters=False)
def audit(project: str) -> tuple[Holding, ...]:
    """By source, month and catalog; nothing is stored and no pixel is read."""
    return count(Project.load(project))
