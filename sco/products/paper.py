"""A report on paper: A4 pages in one language, the same bytes for the same story."""

from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from threading import Lock
from typing import Any
from xml.sax.saxutils import escape

import matplotlib
from PIL import Image
from reportlab import rl_config
from reportlab.lib.colors import HexColor
from reportlab.lib.enums import TA_RIGHT
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.lib.utils import ImageReader
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.platypus import Flowable, KeepTogether, Paragraph, SimpleDocTemplate, Spacer, Table, TableStyle

from sco.model import Class
from sco.products import figures, lines, mapview, words
from sco.products.shares import Divided
from sco.products.story import Panel, Story, sources_said
from sco.products.words import Language

INK, QUIET, RULE, WARNING = (HexColor(colour) for colour in ("#16242c", "#55646d", "#dde3e6", "#ffc94d"))
WHITE, HATCH, DOT = HexColor("#ffffff"), HexColor(figures.HATCH), HexColor(figures.DOT)
MAP_WIDTH, MAP_HEIGHT = 78 * mm, 66 * mm
LINE = 4 * mm
"""Of the legend of classes and textures."""
HATCH_STEP = 1.1 * mm
BODY, BOLD = "SCO-Sans", "SCO-Sans-Bold"


rl_config.useA85 = 0  # streams as they are: letters in their place are a quarter longer, and slow to make
ONE_AT_A_TIME = Lock()
"""reportlab keeps what it knows of fonts for the whole process."""


def write(story: Story, language: Language, folder: Path) -> None:
    """Write a story in one language; its pictures lie in `folder`."""
    with ONE_AT_A_TIME:
        _write(story, language, folder)


def _write(story: Story, language: Language, folder: Path) -> None:
    _fonts()
    project = story.publication.project
    title = f"{words.of(project.title, language)}, {words.of(story.name, language)}"
    document = SimpleDocTemplate(
        str(folder / story.pdf(language)),
        pagesize=A4,
        leftMargin=16 * mm, rightMargin=16 * mm, topMargin=16 * mm, bottomMargin=18 * mm,
        title=("SIMULATED / SIMULÉ: " if project.simulated else "") + title,
        author="Space for Climate Observatory",
        subject=story.made_from[:16],
        lang=language,
        invariant=1,
    )  # fmt: skip
    content = [
        *_head(story, language),
        *(part for panel in story.panels for part in _panel(story, panel, language, folder)),
    ]
    document.build(
        [*content, *_foot(story, language)],
        onFirstPage=_numbered(story, language),
        onLaterPages=_numbered(story, language),
    )


class Map(Flowable):  # type: ignore[misc, unused-ignore]
    """A layer's picture with the zones' outlines and its colours."""

    def __init__(self, story: Story, panel: Panel, language: Language, picture: Path) -> None:
        super().__init__()
        self.frame = mapview.Frame(story.publication.geobox)
        self.outlines = story.outlines
        self.panel, self.language, self.picture = panel, language, picture
        self.unit = min(MAP_WIDTH / self.frame.width, MAP_HEIGHT / self.frame.height)

    def wrap(self, *_: float) -> tuple[float, float]:
        """Width and height that it takes."""
        return self.frame.width * self.unit, self.frame.height * self.unit + self.foot

    @property
    def foot(self) -> float:
        """Height of what is below the map."""
        classes = len(self.panel.colours.classes)
        return float((2 * mm + classes * LINE if classes else 9 * mm) + (1 + self.panel.blank) * LINE + 1 * mm)

    def draw(self) -> None:
        """Draw it from its lower left corner."""
        canvas, (width, whole) = self.canv, self.wrap()
        canvas.saveState()
        canvas.translate(0, self.foot)
        height = whole - self.foot
        clip = canvas.beginPath()
        clip.rect(0, 0, width, height)
        canvas.clipPath(clip, stroke=0, fill=0)
        self._hatch(0, 0, width, height)
        self._picture(height)
        for thickness, colour in ((1.6, HexColor("#ffffff")), (0.6, INK)):
            canvas.setLineWidth(thickness)
            canvas.setStrokeColor(colour)
            for ring in self.outlines:
                self._ring(ring, height)
        canvas.restoreState()
        self._legend(width)

    def _hatch(self, left: float, bottom: float, width: float, height: float) -> None:
        """Where there was no clear observation: lines on white, within what is clipped to."""
        self.canv.setFillColor(WHITE)
        self.canv.rect(left, bottom, width, height, stroke=0, fill=1)
        self.canv.setStrokeColor(HATCH)
        self.canv.setLineWidth(0.35)
        for place in range(int((width + height) / HATCH_STEP) + 1):
            start = left - height + place * HATCH_STEP
            self.canv.line(start, bottom, start + height, bottom + height)

    def _picture(self, height: float) -> None:
        with Image.open(self.picture) as picture:
            pixels = ImageReader(picture.convert("RGBA"))
            across, down = (side * self.frame.step * self.unit for side in picture.size)
        self.canv.drawImage(pixels, 0, height - down, across, down, mask="auto")

    def _ring(self, ring: list[list[float]], height: float) -> None:
        path = self.canv.beginPath()
        path.moveTo(ring[0][0] * self.unit, height - ring[0][1] * self.unit)
        for x, y in ring[1:]:
            path.lineTo(x * self.unit, height - y * self.unit)
        path.close()
        self.canv.drawPath(path)

    def _legend(self, width: float) -> None:
        if self.panel.colours.classes:
            self._classes()
        else:
            self._ramp(width)
        self._textures()

    def _textures(self) -> None:
        """What the map's textures stand for, below the other lines of the legend."""
        bottom = 0.5 * mm
        for sentence, fill in (("paper_blank", self._dots), ("paper_unseen", self._hatch)):
            if sentence == "paper_blank" and not self.panel.blank:
                continue
            self._framed(bottom, fill, words.say(sentence, self.language))
            bottom += LINE

    def _framed(self, bottom: float, fill: Callable[[float, float, float, float], None], told: str) -> None:
        """A line of the legend whose swatch is filled by `fill`."""
        canvas, side = self.canv, (0, bottom, 4 * mm, 2.6 * mm)
        canvas.saveState()
        frame = canvas.beginPath()
        frame.rect(*side)
        canvas.clipPath(frame, stroke=0, fill=0)
        fill(*side)
        canvas.restoreState()
        canvas.setStrokeColor(QUIET)
        canvas.setLineWidth(0.4)
        canvas.rect(*side, stroke=1, fill=0)
        canvas.setFont(BODY, 7)
        canvas.setFillColor(QUIET)
        canvas.drawString(5.5 * mm, bottom + 0.5 * mm, told)

    def _dots(self, left: float, bottom: float, width: float, height: float) -> None:
        self.canv.setFillColor(WHITE)
        self.canv.rect(left, bottom, width, height, stroke=0, fill=1)
        self.canv.setFillColor(DOT)
        for row in range(int(height / mm) + 1):
            for column in range(int(width / mm) + 1):
                self.canv.circle(left + (column + 0.5) * mm, bottom + (row + 0.3) * mm, 0.2 * mm, stroke=0, fill=1)

    def _flat(self, colour: str) -> Callable[[float, float, float, float], None]:
        def fill(*side: float) -> None:
            self.canv.setFillColor(HexColor(colour))
            self.canv.rect(*side, stroke=0, fill=1)

        return fill

    def _classes(self) -> None:
        for place, one in enumerate(self.panel.colours.classes, start=1):
            self._framed(self.foot - 1 * mm - place * LINE, self._flat(one.colour), words.of(one.words, self.language))

    def _ramp(self, width: float) -> None:
        canvas, colours, indicator = self.canv, self.panel.colours, self.panel.indicator
        stops = [HexColor(stop) for stop in colours.stops()]
        canvas.saveState()
        bar = canvas.beginPath()
        bar.rect(0, self.foot - 5 * mm, width, 3 * mm)
        canvas.clipPath(bar, stroke=0, fill=0)
        canvas.linearGradient(0, 0, width, 0, stops)
        canvas.restoreState()
        canvas.setFont(BODY, 7)
        canvas.setFillColor(QUIET)
        canvas.drawString(0, self.foot - 8 * mm, words.said(colours.low, indicator, self.language))
        canvas.drawRightString(width, self.foot - 8 * mm, words.said(colours.high, indicator, self.language))


def _head(story: Story, language: Language) -> list[Flowable]:
    project = story.publication.project
    warning = [_band("paper_simulated_line", language)] if project.simulated else []
    summary = [_text(words.of(project.summary, language))] if project.summary else []
    return [
        *warning,
        _text("Space for Climate Observatory", "eyebrow"),
        _text(words.of(project.title, language), "title"),
        _text(words.say("paper_report_of", language).format(period=words.of(story.name, language)), "subtitle"),
        *summary,
        Spacer(0, 4 * mm),
    ]


def _panel(story: Story, panel: Panel, language: Language, folder: Path) -> list[Flowable]:
    picture = Map(story, panel, language, folder / panel.layer.overlay)
    facts = [*_numbers(panel, language), *_largest(panel, language)]
    beside = Table([[picture, facts]], colWidths=[MAP_WIDTH + 5 * mm, None], style=_PLAIN)
    heading = _text(words.of(panel.indicator.title, language), "heading")
    return [
        KeepTogether([heading, _text(words.of(panel.indicator.description, language), "small"), beside]),
        *_divided(panel, language),
        *_source(story, panel, language),
    ]


def _numbers(panel: Panel, language: Language) -> list[Flowable]:
    indicator = panel.indicator
    seen = words.share(panel.coverage, language)
    told = [
        _text(panel.headline(language), "value"),
        _text(words.say("paper_covered", language).format(percent=seen)),
    ]
    if panel.whole:
        away = words.said(panel.whole.anomaly, indicator, language, sign=True)
        told.append(_text(words.say("from_usual", language).format(value=away)))
    return told


def _classes(panel: Panel, language: Language) -> list[Flowable]:
    head = [_text(words.say("paper_class", language), "label"), _text(words.say("paper_share", language), "heads")]
    rows = [
        [_text(words.of(one.kind.words, language), "cell"), _text(words.share(one.share, language, 1), "number")]
        for one in panel.shares
    ]
    told = ("classes_told", "paper_zones_elsewhere") if panel.more_divided else ("classes_told",)
    notes = [_text(words.say(name, language), "small") for name in told]
    return [Spacer(0, 3 * mm), Table([head, *rows], style=_RULED, hAlign="LEFT"), Spacer(0, 1 * mm), *notes]


def _divided(panel: Panel, language: Language) -> list[Flowable]:
    """The share of each class in each zone, over the whole width of the page."""
    if not panel.divided:
        return []
    kinds = panel.indicator.classes
    head = [
        _text(words.say("zone", language), "label"),
        *(_text(words.of(one.words, language), "heads") for one in kinds),
    ]
    rows = [
        [
            _text(words.of(one.zone, language), "cell"),
            *(_text(share, "number") for share in _told(one, kinds, language)),
        ]
        for one in panel.divided
    ]
    widths = [42 * mm, *[(A4[0] - 74 * mm) / len(kinds)] * len(kinds)]
    return [
        Spacer(0, 2 * mm),
        Table([head, *rows], style=_RULED, hAlign="LEFT", colWidths=widths, repeatRows=1),
    ]


def _told(one: Divided, kinds: Sequence[Class], language: Language) -> list[str]:
    return [words.share(share, language, 1) for share in one.shares] or ["–"] * len(kinds)


def _largest(panel: Panel, language: Language) -> list[Flowable]:
    if panel.is_category:
        return _classes(panel, language)
    if not panel.largest:
        return [_text(words.say(panel.why_none, language), "small")]
    columns = {"zone": "label", **({} if panel.is_difference else {"value": "heads"}), "paper_anomaly": "heads"}
    head = [_text(words.say(name, language), style) for name, style in columns.items()]
    rows = [
        [
            _text(words.of(one.zone, language), "cell"),
            *([] if panel.is_difference else [_text(words.said(one.value, panel.indicator, language), "number")]),
            _text(words.said(one.anomaly, panel.indicator, language, sign=True), "far" if one.is_far else "number"),
        ]
        for one in panel.largest
    ]
    return [
        Spacer(0, 3 * mm),
        _text(words.say("paper_largest", language), "label"),
        Table([head, *rows], style=_RULED, hAlign="LEFT"),
    ]


def _source(story: Story, panel: Panel, language: Language) -> list[Flowable]:
    told = sources_said(story.publication, panel, language)
    return [*(_text(line, "source") for line in told), Spacer(0, 4 * mm)]


def _foot(story: Story, language: Language) -> list[Flowable]:
    publication = story.publication
    warning = lines.reference_warning(publication)
    limits = [words.of(warning, language)] if warning else []
    told = [
        *limits,
        words.say("paper_limits", language),
        *story.credits,
        words.say("paper_snapshot", language).format(digest=story.made_from[:16]),
    ]
    return [_text(line, "source") for line in told]


def _numbered(story: Story, language: Language) -> Any:
    def number(canvas: Any, _: Any) -> None:
        canvas.setFont(BODY, 7)
        canvas.setFillColor(QUIET)
        canvas.drawString(16 * mm, 10 * mm, words.of(story.name, language))
        canvas.drawRightString(A4[0] - 16 * mm, 10 * mm, str(canvas.getPageNumber()))

    return number


def _band(sentence: str, language: Language) -> Flowable:
    style = TableStyle([("BACKGROUND", (0, 0), (-1, -1), WARNING)])
    return Table([[_text(words.say(sentence, language), "cell")]], style=style, colWidths=[A4[0] - 32 * mm])


def _text(text: str, style: str = "body") -> Paragraph:
    """Words from outside are words, never the markup that a Paragraph would take them for.

    Its lines break at narrow spaces, so that these are wide here.
    """
    return Paragraph(escape(text.replace(words.NARROW, words.NO_BREAK)), _styles()[style])


@cache
def _fonts() -> None:
    """DejaVu Sans out of matplotlib's wheel: it has the letters and signs that a PDF's own fonts lack."""
    folder = Path(matplotlib.get_data_path()) / "fonts" / "ttf"
    for name, file in ((BODY, "DejaVuSans.ttf"), (BOLD, "DejaVuSans-Bold.ttf")):
        pdfmetrics.registerFont(TTFont(name, str(folder / file)))


@cache
def _styles() -> dict[str, ParagraphStyle]:
    body = ParagraphStyle("body", fontName=BODY, fontSize=8.5, leading=12, textColor=INK, splitLongWords=True)
    changed: dict[str, dict[str, Any]] = {
        "body": {},
        "eyebrow": {"fontSize": 7.5, "textColor": QUIET, "spaceBefore": 4},
        "title": {"fontName": BOLD, "fontSize": 18, "leading": 23},
        "subtitle": {"fontSize": 12, "leading": 16, "textColor": QUIET, "spaceAfter": 4},
        "heading": {"fontName": BOLD, "fontSize": 12, "leading": 16, "spaceBefore": 4},
        "value": {"fontName": BOLD, "fontSize": 17, "leading": 22},
        "small": {"fontSize": 7.5, "leading": 10, "textColor": QUIET, "spaceAfter": 3},
        "label": {"fontSize": 7.5, "leading": 10, "textColor": QUIET},
        "heads": {"fontSize": 7.5, "leading": 10, "textColor": QUIET, "alignment": TA_RIGHT},
        "cell": {"fontSize": 8, "leading": 10.5},
        "number": {"fontSize": 8, "leading": 10.5, "alignment": TA_RIGHT},
        "far": {"fontName": BOLD, "fontSize": 8, "leading": 10.5, "alignment": TA_RIGHT},
        "source": {"fontSize": 6.6, "leading": 8.8, "textColor": QUIET, "spaceBefore": 2},
    }
    return {name: ParagraphStyle(name, body, **changes) for name, changes in changed.items()}


_PLAIN = TableStyle([("VALIGN", (0, 0), (-1, -1), "TOP"), ("LEFTPADDING", (0, 0), (-1, -1), 0)])
_RULED = TableStyle(
    [
        ("LINEBELOW", (0, 0), (-1, -1), 0.4, RULE),
        ("VALIGN", (0, 0), (-1, -1), "TOP"),
        ("LEFTPADDING", (0, 0), (-1, -1), 0),
        ("RIGHTPADDING", (0, 0), (-1, -1), 4),
    ]
)
