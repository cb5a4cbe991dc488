"""What there is to say of a period: each indicator's map, the zones farthest from usual, and where both come from."""

import hashlib
import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from sco.model import Indicator, Words
from sco.period import Slice
from sco.products import figures, lines, origins, phrases, words
from sco.products.contents import LEAST_SEEN, Layer, Publication
from sco.products.lines import Chronicle, Standing
from sco.products.shares import Divided, Share

FOLDER = "reports"
LARGEST = 3
"""Zones that are told of."""
Rings = list[list[list[float]]]
DIVIDED = 40
"""Zones that shares of classes are told of, at most; series.csv has them all."""
SCENES = 40
"""Scenes that are named, at most; scenes.csv has them all."""


@dataclass(frozen=True)
class Panel:
    """One indicator in one period: a map, what it comes to, and what it was made from."""

    layer: Layer = field(repr=False)
    """Left out of what is printed of a panel, since it holds a function, whose address changes."""
    colours: figures.Colours
    value: float | None
    error: float | None
    coverage: float
    blank: bool
    """Whether there is ground that was seen and has no value."""
    whole: Standing | None
    largest: tuple[Standing, ...]
    shares: tuple[Share, ...]
    """What there is of each class, the most first; nothing of what is no classes."""
    divided: tuple[Divided, ...]
    """How much of the whole area, and of zones after it, is of each class; nothing of what is no classes."""
    more_divided: int
    """Zones that are left out of these."""
    scenes: tuple[str, ...]
    more_scenes: int
    made_from: tuple[Words, ...]
    rejected: tuple[Words, ...]
    """How many scenes were left out for which reason."""
    codes: tuple[str, ...]

    @property
    def why_none(self) -> str:
        """Name of the sentence that says why no zone is told of."""
        return "paper_comparison" if lines.is_comparison(self.indicator) else "paper_no_anomalies"

    @property
    def is_difference(self) -> bool:
        """Whether its values say themselves how far from usual they are."""
        return lines.is_difference(self.indicator)

    @property
    def is_category(self) -> bool:
        """Whether it tells shares of classes."""
        return words.is_category(self.indicator)

    def headline(self, language: words.Language) -> str:
        """The one number of the area: its value, or its commonest class and the share of that."""
        if self.is_category:
            return self.shares[0].told(language) if self.shares else "–"
        return words.within(self.value, self.error, self.indicator, language)

    @property
    def indicator(self) -> Indicator:
        """What is shown."""
        return self.layer.indicator


@dataclass(frozen=True)
class Story:
    """All that a report says."""

    publication: Publication
    period: Slice
    name: Words
    """The period as people say it."""
    panels: tuple[Panel, ...]
    outlines: Rings = field(repr=False)
    """Of the zones, in pixels."""

    @property
    def made_from(self) -> str:
        """SHA-256, hexadecimal, over all that its layers were made from; it stays while they stay."""
        told = (self.publication.made_from(panel.layer) for panel in self.panels)
        return hashlib.sha256("\n".join(told).encode()).hexdigest()

    @property
    def credits(self) -> list[str]:
        """The credit lines that are owed for its layers, each once."""
        owed = (line for panel in self.panels for line in self.publication.credits_of(panel.layer))
        return list(dict.fromkeys(owed))

    @property
    def page(self) -> str:
        """Path of the report in the product."""
        return f"{FOLDER}/{self.period.label}.html"

    def pdf(self, language: words.Language) -> str:
        """Path of the report in one language, for paper."""
        return f"{FOLDER}/{self.period.label}.{language}.pdf"


def tell(publication: Publication, chronicles: Mapping[str, Chronicle], period: Slice, outlines: Rings) -> Story:
    """What there is to say of a period."""
    layers = [layer for layer in publication.layers if layer.period == period]
    panels = tuple(_panel(publication, chronicles[layer.indicator.id], layer) for layer in layers)
    return Story(publication, period, words.named(period, publication.project.period.every), panels, outlines)


def sources_said(publication: Publication, panel: Panel, language: words.Language) -> list[str]:
    """Where a figure comes from, in a few lines."""
    recipe = origins.recipe(publication, panel.indicator)
    count = len(panel.scenes) + panel.more_scenes
    masked = ", ".join(words.meaning(flag, language) for flag in recipe["masked"])
    version = words.say("version", language).format(version=recipe["version"])
    told = [
        (words.counted("paper_scenes_used", count, language), _scenes(panel, language)),
        (words.say("rejected", language), words.listed([words.of(one, language) for one in panel.rejected], language)),
        (
            words.say("made_from", language),
            words.listed([words.of(one, language) for one in panel.made_from], language),
        ),
        (words.say("masks", language), masked),
        (words.say("code", language), words.listed([", ".join(panel.codes), version], language)),
        (words.say("paper_file", language), panel.layer.cog),
    ]
    return [words.labelled(label, what, language) for label, what in told if what]


def _scenes(panel: Panel, language: words.Language) -> str:
    more = [words.counted("and_more", panel.more_scenes, language)] if panel.more_scenes else []
    return ", ".join([*panel.scenes, *more])


def _panel(publication: Publication, chronicle: Chronicle, layer: Layer) -> Panel:
    indicator, period = layer.indicator, layer.period
    place, table = publication.place_of(layer), publication.overall[indicator.id]
    mean, error, coverage = (float(table[name].values[place, 0]) for name in ("mean", "error", "coverage"))
    divided = chronicle.divided(period)
    manifests = origins.manifests_of(publication, layer).values()
    scenes = sorted({str(scene["id"]) for one in manifests for scene in one.get("scenes", ())})
    return Panel(
        layer=layer,
        colours=figures.colours_of(publication, indicator),
        value=mean if coverage >= LEAST_SEEN and math.isfinite(mean) else None,
        error=error if math.isfinite(error) else None,
        coverage=coverage,
        blank=publication.summaries[layer.name].census["blank"] > 0,
        whole=chronicle.standing(period),
        largest=tuple(chronicle.standings(period)[:LARGEST]),
        shares=chronicle.class_shares(period),
        divided=tuple(divided[: 1 + DIVIDED]),
        more_divided=max(0, len(divided) - 1 - DIVIDED),
        scenes=tuple(scenes[:SCENES]),
        more_scenes=max(0, len(scenes) - SCENES),
        made_from=tuple(origins.made_from(publication, manifests)),
        rejected=tuple(one.words for one in phrases.left_out(origins.rejected_of(manifests))),
        codes=tuple(origins.codes_of(manifests)),
    )
