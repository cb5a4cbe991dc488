"""The order of things: flows that Prefect runs, and the `sco` command.

Prefect reads these settings when it is imported, so they are given here, before any flow is. Both telemetry switches
are needed: one alone leaves the server's heartbeat on.
"""

import os
from pathlib import Path

PREFECT_SETTINGS = {
    "DO_NOT_TRACK": "1",
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "PREFECT_CLOUD_ENABLE_ORCHESTRATION_TELEMETRY": "false",
    "PREFECT_TELEMETRY_ENABLE_RESOURCE_METRICS": "false",
    "PREFECT_LOGGING_TO_API_ENABLED": "false",
    "PREFECT_LOGGING_LEVEL": "CRITICAL",
    "PREFECT_FLOWS_HEARTBEAT_FREQUENCY": "60",
    "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "180",
    "PREFECT_HOME": str(Path(__file__).parents[1] / ".prefect"),
}

for _name, _value in PREFECT_SETTINGS.items():
    os.environ.setdefault(_name, _value)
