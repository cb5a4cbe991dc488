"""What a run did, in numbers and reasons."""

from dataclasses import dataclass

from sco.plan import Plan


@dataclass(frozen=True)
class Summary:
    """What a run did."""

    project: str
    run: str
    batches: int
    computed: int = 0
    empty: int = 0
    failed: tuple[str, ...] = ()
    """Partitions with assets that could not be read, or that could not be computed, each with class and reason."""
    uncomputed: int = 0
    """How many of these brought nothing into the store."""
    waiting: int = 0
    """Derived partitions that were left to the next run, as what they are made from could not be computed."""
    unusable: tuple[str, ...] = ()
    """Items that catalogs offered and that are no scenes, each with its catalog and the reason."""
    seconds: float = 0.0
    snapshot: str = ""

    @property
    def partitions(self) -> int:
        """How many partitions were committed."""
        return self.computed + self.empty


def unusable(plan: Plan) -> tuple[str, ...]:
    """The items that the plan had to do without because they are rubbish, each with its catalog and the reason."""
    rejected = (one for answer in plan.answers for one in answer.rejected if one.rubbish)
    return tuple(f"{one.id} of {one.catalog}: {one.reason}" for one in rejected)
