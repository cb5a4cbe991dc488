"""A night: the update, and the product after it where that has ended well. What the schedule runs."""

from prefect import flow

from flows import run
from flows.artifacts import show_report
from flows.backfill import carry_out_batch, look
from flows.deployed import locked, reporting
from flows.naming import run_name
from sco.errors import LockedError
from sco.project import Project
from sco.summary import Summary


@flow(name="night", flow_run_name=run_name, validate_parameters=False)
def night(project: str) -> Summary:
    """Whatever is new or stale up to now, then the product if the project publishes; one run, so that no event is lost.

    Failed reads do not keep the product back: the gate of publication judges them. A project that another run holds
    ends this one as "Locked".
    """
    try:
        with reporting(project):
            summary = run.reconcile(project, "update", each=carry_out_batch, look=look)
            show_report(summary)
            if Project.load(project).publish:
                run.publish(project)
    except LockedError as error:
        summary = locked(error)
    return summary
