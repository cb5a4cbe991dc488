"""The `sco` command: its groups of commands, and how it ends."""

import sys

import typer

from flows.commands import deliveries, looks, runs, versions
from sco.bulk import ending_soon
from sco.errors import ScoError
from sco.failure import NO_ROOM

INTERRUPTED = 130

app = typer.Typer(
    help="From public satellite catalogs to climate indicators that are right, explained and safe.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
for group in (runs, looks, versions, deliveries):
    app.add_typer(group.app)


def main() -> None:
    """Run the command; every error on purpose is one message and its exit code."""
    try:
        with ending_soon():
            app()
    except ScoError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(error.exit_code)
    except OSError as error:
        if error.errno not in NO_ROOM:
            raise
        print(f"error: {error}: make room, then run the same command again; what was committed stays", file=sys.stderr)
        sys.exit(ScoError.exit_code)
    except (KeyboardInterrupt, SystemExit) as stop:
        if isinstance(stop, SystemExit) and stop.code != INTERRUPTED:
            raise
        print("interrupted: what was committed stays; run the same command again to go on", file=sys.stderr)
        sys.exit(INTERRUPTED)


if __name__ == "__main__":
    main()
