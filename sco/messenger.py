"""The way to a catalog: polite, patient with a busy server, never led elsewhere; page after page of its reply.

Only `collections`, `bbox`, `datetime` and `limit` are asked, which every STAC API must understand: servers that do
not know `query` or `filter` answer with nothing, or with everything, and no error. A `filter` is added only where the
server says that it knows it.
"""

import json
import time
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC
from itertools import count
from typing import Any
from urllib.parse import urljoin, urlsplit

from pystac import STACError, STACTypeError
from pystac_client import Client, ItemSearch
from pystac_client.errors import ClientTypeError
from pystac_client.exceptions import APIError
from pystac_client.stac_api_io import StacApiIO
from pystac_client.warnings import PystacClientWarning
from requests.exceptions import ChunkedEncodingError
from urllib3 import Retry

from sco.errors import UpstreamError
from sco.item import shown
from sco.landing import AGENT, LOOPBACK
from sco.model import BBox, Catalog
from sco.rate import wait_turn
from sco.reply import MOST_ITEMS, Question, cause, key_of, line_of

HEADERS = {"User-Agent": AGENT}
TIMEOUT = (10.0, 60.0)  # seconds to connect, seconds between two bytes
TRIES = 3  # of a reply that breaks off halfway, which urllib3 does not retry

PATIENCE = Retry(
    total=5,
    connect=2,  # a server that refuses is given up in under 2 seconds, one that is busy in about 20
    read=2,
    allowed_methods=None,
    respect_retry_after_header=True,
    retry_after_max=120,
    backoff_factor=0.5,
    backoff_jitter=0.5,
    raise_on_status=False,
)

FILTERS = ("/item-search#filter", "/conf/cql2-json", "/conf/basic-cql2")
"""How the conformance classes end that a server must name before it is trusted to understand a filter."""

BROKEN = (
    APIError,
    STACError,
    STACTypeError,
    ClientTypeError,
    PystacClientWarning,
    ValueError,
    TypeError,
    KeyError,
    AttributeError,
    RecursionError,
)
"""What pystac-client raises for a reply that is missing, or is not the JSON that it should be."""

PageBody = Callable[[str, BBox, str, int], Mapping[str, Any]]


class Messenger(StacApiIO):
    """pystac-client's transport: polite, patient with a busy server and with a reply that breaks off."""

    def __init__(self, catalog: Catalog) -> None:
        super().__init__(max_retries=PATIENCE.new(status_forcelist=catalog.retried))
        self.catalog = catalog
        self.host = urlsplit(catalog.url).hostname or ""

    def json_loads(self, txt: str, *_: Any, **__: Any) -> Any:
        """The JSON in `txt`; NaN is let through, so that one bad item does not cost the whole page."""
        return json.loads(txt)

    def read_json(self, source: Any, *args: Any, **kwargs: Any) -> Any:
        """The JSON at `source`, asked for again if it breaks off; never from elsewhere, which a link may name."""
        self._check_link(str(source))
        for tried in range(1, TRIES):
            try:
                return self._read(source, *args, **kwargs)
            except (APIError, json.JSONDecodeError) as error:
                if not _broke_off(error):
                    raise
                time.sleep(PATIENCE.backoff_factor * tried)
        return self._read(source, *args, **kwargs)

    def _read(self, source: Any, *args: Any, **kwargs: Any) -> Any:
        if self.host not in LOOPBACK:  # a server of one's own needs no politeness
            wait_turn(self.host, self.catalog.requests_per_second)
        return super().read_json(source, *args, **kwargs)

    def _check_link(self, link: str) -> None:
        if not link.startswith(("https://", "http://")):
            raise APIError(f"its link {shown(link)} is no web address")
        if urlsplit(link).hostname != self.host and urlsplit(link).hostname not in self.catalog.hosts:
            raise APIError(f"its link {shown(link)} leads away from {self.host}")


def gather(question: Question) -> tuple[list[str], int]:
    """The items that come, as lines, and on how many pages. Raises UpstreamError where not all of them come."""
    try:
        return _gathered(_pages(question))
    except BROKEN as error:
        if question.max_cloud is not None and 400 <= (getattr(error, "status_code", None) or 0) < 500:
            return gather(replace(question, max_cloud=None))  # it does not know the filter after all
        raise UpstreamError(cause(error)) from error


def _pages(question: Question) -> Iterator[dict[str, Any]]:
    messenger = Messenger(question.catalog)
    if question.catalog.pages:
        yield from _numbered(question, messenger, question.catalog.pages)
    else:
        yield from _linked(question, messenger)


def _numbered(question: Question, messenger: Messenger, body_of: PageBody) -> Iterator[dict[str, Any]]:
    """Pages that are asked for by number, until one comes that is not full or all that match have come."""
    catalog, came = question.catalog, 0
    interval = "/".join(
        moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ") for moment in (question.start, question.end)
    )
    for number in count(1):
        body = dict(body_of(question.collection.id, question.bbox, interval, number))
        page = messenger.read_json(f"{catalog.url}/search", method="POST", headers=HEADERS, parameters=body)
        yield page
        full, matched = len(_features(page)), _matched(page)
        came += full
        if full == 0 or (came >= matched if matched is not None else full < catalog.page_limit):
            return


def _linked(question: Question, messenger: Messenger) -> Iterator[dict[str, Any]]:
    """Pages that follow one another by their links."""
    search = _search(question, messenger)
    page = messenger.read_json(search.url, method=search.method, parameters=search.get_parameters())
    while True:
        yield page
        link = _next(page)
        if link is None:
            return
        page = _turn(messenger, search, link)


def _search(question: Question, messenger: Messenger) -> ItemSearch:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", PystacClientWarning)  # a server that says little of itself may still answer
        client = Client.open(question.catalog.url, stac_io=messenger, headers=HEADERS, timeout=TIMEOUT)
        return client.search(
            collections=[question.collection.id],
            bbox=question.bbox,
            datetime=(question.start, question.end),
            limit=question.catalog.page_limit,
            **_filter(question, client.get_conforms_to()),
        )


def _filter(question: Question, conforms_to: Sequence[object]) -> dict[str, Any]:
    """Words that keep clouded items from being sent, and no others, for a server that says it knows them."""
    known = all(any(str(said).endswith(name) for said in conforms_to) for name in FILTERS)
    if question.max_cloud is None or not known:
        return {}
    cloud = {"property": "eo:cloud_cover"}
    clear = {"op": "<=", "args": [cloud, question.max_cloud]}
    return {
        "filter": {"op": "or", "args": [clear, {"op": "isNull", "args": [cloud]}]},
        "filter_lang": "cql2-json",
    }


def _next(page: Mapping[str, Any]) -> Mapping[str, Any] | None:
    return next((link for link in page.get("links") or [] if link.get("rel") == "next"), None)


def _turn(messenger: Messenger, search: ItemSearch, link: Mapping[str, Any]) -> Any:
    """The page behind a `next` link, which may be a POST whose body stands in the link, whole or to be merged."""
    before = search.get_parameters() if link.get("merge") else {}
    method = link.get("method", "GET")
    parameters = {**before, **(link.get("body") or {})} if method == "POST" else {}
    href = urljoin(search.url, link["href"])
    return messenger.read_json(href, method=method, headers=link.get("headers"), parameters=parameters)


def _gathered(pages: Iterator[dict[str, Any]]) -> tuple[list[str], int]:
    """The items of all pages. Stops at a page that brings nothing new; raises UpstreamError if items are missing."""
    items: list[str] = []
    known: set[str] = set()
    turned = 0
    for turned, page in enumerate(pages, 1):  # noqa: B007 - it is told when all is over
        features = _features(page)
        fresh = {key_of(item) for item in features} - known
        items.extend(map(line_of, features))
        known |= fresh
        if not fresh or len(known) > MOST_ITEMS:
            break
    _check_complete(page, len(known), looped=bool(features) and not fresh)
    return items, turned


def _features(page: object) -> Sequence[Any]:
    features = page.get("features") if isinstance(page, Mapping) else None
    if not isinstance(features, list):
        raise UpstreamError(f"its reply is no FeatureCollection: {shown(page)}")
    return features


def _check_complete(page: Mapping[str, Any], came: int, looped: bool) -> None:
    if came > MOST_ITEMS:
        raise UpstreamError(f"it has more than {MOST_ITEMS:,} items: ask for fewer days or a smaller area")
    matched = _matched(page)
    if matched is not None and came < matched:
        raise UpstreamError(f"it counts {matched} items and gave {came} of them")
    if matched is None and looped:
        raise UpstreamError(f"its pages repeat themselves after {came} items, and it does not say how many there are")


def _matched(page: Mapping[str, Any]) -> int | None:
    context = page.get("context")
    matched = page.get("numberMatched", context.get("matched") if isinstance(context, Mapping) else None)
    return matched if type(matched) is int else None


def _broke_off(error: Exception) -> bool:
    return isinstance(error, json.JSONDecodeError) or isinstance(error.__context__, ChunkedEncodingError)
