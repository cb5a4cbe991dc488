"""Runs that died without a word: Prefect shows them as running for ever, unless an automation says otherwise."""

from datetime import timedelta
from typing import Any

NAME = "sco: a run whose heartbeat stops has crashed"
TAG = "sco"
"""What our deployments are tagged with, so that no other run of a server is touched."""
EVERY_SECONDS = 60
"""How often a run of ours gives a sign of life."""
SILENCE = timedelta(minutes=10)
"""After how long without one a run is taken for dead."""
ENDS = ("Completed", "Failed", "Crashed", "Cancelled", "Cancelling", "Locked", "Missed", "Paused", "Suspended")


def automation(silence: timedelta = SILENCE) -> Any:
    """As `prefect.events.schemas.automations.AutomationCore`: a heartbeat, then neither another nor an end."""
    from prefect.client.schemas.objects import StateType
    from prefect.events.actions import ChangeFlowRunState
    from prefect.events.schemas.automations import AutomationCore, EventTrigger, Posture
    from prefect.events.schemas.events import ResourceSpecification

    beat = "prefect.flow-run.heartbeat"
    return AutomationCore(
        name=NAME,
        description=f"No heartbeat for {silence.seconds} s: the process was killed, or its machine went down.",
        trigger=EventTrigger(
            after={beat},
            expect={beat, *(f"prefect.flow-run.{end}" for end in ENDS)},
            match=ResourceSpecification({"prefect.resource.id": ["prefect.flow-run.*"]}),
            match_related=ResourceSpecification(
                {"prefect.resource.role": "tag", "prefect.resource.id": f"prefect.tag.{TAG}"}
            ),
            for_each={"prefect.resource.id"},
            posture=Posture.Proactive,
            threshold=1,
            within=silence,
        ),
        actions=[
            ChangeFlowRunState(
                name=None,
                state=StateType.CRASHED,
                force=False,
                message="its heartbeat stopped; the store has what was committed, and the next run goes on from there",
            )
        ],
    )


def ensure() -> None:
    """The server has this automation once, as it is written here, whatever was there before."""
    from prefect.client.orchestration import get_client

    wanted = automation()
    with get_client(sync_client=True) as client:
        found = client.read_automations_by_name(NAME)
        for surplus in found[1:]:
            client.delete_automation(surplus.id)
        if not found:
            client.create_automation(wanted)
        elif _facts(found[0]) != _facts(wanted):
            client.update_automation(found[0].id, wanted)


def _facts(one: Any) -> dict[str, Any]:
    told = one.model_dump(mode="json", include={"description", "enabled", "trigger", "actions"})
    told["trigger"].pop("id", None)
    for events in ("after", "expect", "for_each"):
        told["trigger"][events] = sorted(told["trigger"][events])
    return dict(told)
