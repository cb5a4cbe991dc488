"""The order of things: flows that Prefect runs, and the `sco` command."""
