"use strict";
// Wires the page together. What is chosen is kept in the address, so that a link or a reload shows the same.
(function () {
  const { sheet, map, chart, origin, words } = Page;
  const { say, pick, capital, counted, labelled, percent, shown, within, difference, slope, element } = words;
  const byId = (id) => document.getElementById(id);
  const state = { lang: "fr", indicator: 0, period: 0, zone: 0, at: null, aim: null, timer: null };
  const indicator = () => sheet.indicators[state.indicator];
  const period = () => sheet.periods[state.period];
  const layer = () => (indicator().layers[state.period] ? `${indicator().id}_${period().label}` : null);
  const fillIn = (pattern, name) => pattern.replaceAll("{layer}", name).replaceAll("{indicator}", indicator().id).replaceAll("{period}", period().label);

  function remember() {
    const kept = { lang: state.lang, indicator: indicator().id, period: period().label };
    if (state.zone) kept.zone = state.zone;
    if (state.at) kept.at = state.at.map((value) => Math.floor(value) + 0.5).join(",");
    history.replaceState(null, "", "#" + new URLSearchParams(kept));
  }

  function recall() {
    const kept = new URLSearchParams(location.hash.slice(1));
    const found = (list, name, key) => list.findIndex((one) => one[key] === kept.get(name));
    const asked = kept.get("lang") ?? (navigator.language || "fr").slice(0, 2).toLowerCase();
    state.lang = asked === "fr" ? "fr" : "en";
    state.indicator = Math.max(0, found(sheet.indicators, "indicator", "id"));
    const place = found(sheet.periods, "period", "label");
    state.period = place < 0 ? indicator().featured : place;
    const zone = Number(kept.get("zone"));
    state.zone = Number.isInteger(zone) && sheet.zones[zone] ? zone : 0;
    const at = (kept.get("at") ?? "").split(",").map(Number);
    state.at = at.length === 2 && at.every(Number.isFinite) && map.cell(at) !== null ? at : null;
  }

  function drawChoices() {
    byId("indicators").replaceChildren(...sheet.indicators.map((one, index) => {
      const button = element("button", pick(one.title), { type: "button", "aria-pressed": String(index === state.indicator) });
      button.addEventListener("click", () => choose({ indicator: index, period: one.layers[state.period] ? state.period : one.featured }, "indicators", index));
      return button;
    }));
    byId("what").textContent = pick(indicator().description);
    byId("zone").replaceChildren(...sheet.zones.map((zone, index) => new Option(pick(zone.name), index, false, index === state.zone)));
  }

  function drawMap() {
    const name = layer(), label = say("map_of", { title: pick(indicator().title), period: pick(period()) });
    map.show(name ? fillIn(sheet.picture, name) : null, name ? label : `${label}. ${say("no_map")}`);
    byId("when").textContent = capital(pick(period()));
    byId("slider").value = state.period;
    byId("slider").setAttribute("aria-valuetext", capital(pick(period())));
    byId("low").textContent = shown(indicator().low, indicator(), 2);
    byId("high").textContent = shown(indicator().high, indicator(), 2);
    byId("unit").textContent = indicator().percent ? say("share") : pick(indicator().unit) || say("no_unit");
    for (const [id, pattern, label] of [["raster", sheet.raster, "GeoTIFF"], ["report", sheet.report, say("report")]]) {
      byId(id).hidden = !name;
      byId(id).textContent = label;
      if (name) byId(id).href = fillIn(pattern, name);
    }
    legend(indicator());
    map.choose(state.zone);
    under(null);
  }

  // Colours from low to high, or one of its own for each class.
  function legend(one) {
    ["low", "high", "unit", "ramp"].forEach((id) => { byId(id).hidden = one.classes.length > 0; });
    byId("blank").hidden = !one.blank.includes(state.period);
    if (!one.classes.length) ramp(one.stops);
    byId("classes").replaceChildren(...named(one));
  }

  const named = (one) => one.classes.map((each) => element("span", [swatch(each), pick(each)]));

  function swatch(one, share) {
    const node = element("i", "");
    node.style.backgroundColor = one.colour;
    if (share !== undefined) node.style.width = `${100 * share}%`;
    return node;
  }

  function ramp(stops) {
    const canvas = byId("ramp"), pen = canvas.getContext("2d"), shades = pen.createLinearGradient(0, 0, canvas.width, 0);
    stops.forEach((stop, i) => shades.addColorStop(i / (stops.length - 1), stop));
    pen.fillStyle = shades;
    pen.fillRect(0, 0, canvas.width, canvas.height);
  }

  // The number under the pointer. Only what was asked for last is shown: loading may take a while.
  async function under(at) {
    state.aim = at;
    const name = layer(), cell = at ? map.cell(at) : null;
    if (cell === null || !name) { byId("under").textContent = name ? say("hint") : say("no_map"); return; }
    const found = await numbers(name);
    if (found && state.aim === at && layer() === name) {
      const one = found(cell);
      byId("under").replaceChildren(element("b", origin.exact(one, indicator())), ` · ${origin.observed(one)} · ${origin.whereSaid(at)}`);
    }
  }

  async function numbers(name) {
    try {
      return await Page.numbers(name);
    } catch (error) {
      byId("under").textContent = say("missing", { file: error.message });
      return null;
    }
  }

  // What a screen reader hears while the map is moved by keys.
  async function aim(at) {
    await under(at);
    if (state.aim === at) byId("pinned").textContent = byId("under").textContent;
  }

  async function drawOrigin() {
    const name = layer(), one = indicator(), when = period(), at = state.at;
    map.mark(at);
    if (!name) { byId("made").replaceChildren(); byId("pinned").textContent = say("no_map"); return; }
    try {
      const more = () => Page.load(`origins/${name}`), head = await Page.load(`layers/${name}`);
      const [made, read] = at ? await Promise.all([more(), numbers(name)]) : [null, null];
      if (layer() !== name || state.at !== at) return;
      const found = read && read(map.cell(at));
      origin.draw(one, when, head, made, at, found, more);
      const told = found && [origin.exact(found, one), origin.observed(found)].join(" · ");
      byId("pinned").textContent = found ? labelled(`${pick(one.title)}, ${pick(when)}`, told) : at ? byId("under").textContent : say("hint");
    } catch (error) {
      byId("pinned").textContent = say("missing", { file: error.message });
    }
  }

  // Lines of zones come some in a file, the whole area's in one of its own.
  async function drawSeries() {
    const one = indicator(), zone = state.zone, group = zone ? 1 + Math.floor((zone - 1) / sheet.together) : 0;
    try {
      const { lines } = await Page.load(`series/${one.id}/${group}`);
      if (indicator() === one && state.zone === zone) drawChart(lines[zone ? (zone - 1) % sheet.together : 0]);
    } catch (error) {
      byId("reading").textContent = say("missing", { file: error.message });
    }
  }

  function drawChart(line) {
    const names = [0, sheet.periods.length - 1].map((place) => pick(sheet.periods[place]));
    const label = say(indicator().category ? "classes_chart" : "chart_of", { title: pick(indicator().title), zone: pick(sheet.zones[state.zone].name), first: names[0], last: names[1] });
    chart.draw(indicator(), line, state.period, label, (place) => choose({ period: place }));
    const { category } = indicator(), ranks = category ? ranked(line.shares[state.period]) : [];
    const strong = element("b", category ? dominant(ranks) : within(line.value[state.period], line.error?.[state.period], indicator()));
    byId("reading").replaceChildren(strong, [capital(pick(period())), ...said(line)].join(" · "));
    byId("trend").textContent = category ? say("classes_told") : trendSaid(line.trend);
    byId("key-trend").hidden = !(line.trend && line.trend.certain);
    byId("key").hidden = category;
    byId("key-classes").hidden = !category;
    byId("key-classes").replaceChildren(...(category ? named(indicator()) : []));
    document.querySelectorAll(".key .compared").forEach((node) => { node.hidden = !line.usual; });
    byId("table").className = `${line.usual ? "" : "alone"} ${indicator().percent ? "" : "unmeasured"} ${category ? "category" : ""}`;
    byId("head-value").textContent = capital(say(category ? "dominant" : "mean"));
  }

  // The classes of which there is something, the most first: [class, share].
  function ranked(shares) {
    const told = (shares ?? []).flatMap((share, place) => (share >= 0.0005 ? [[indicator().classes[place], share]] : []));
    return told.sort(([, one], [, other]) => other - one);
  }

  const classSaid = ([one, share]) => `${pick(one)} ${percent(share, 1)}`;
  const dominant = (ranks) => (ranks.length ? classSaid(ranks[0]) : "–");

  // Shares of classes as a bar, lowest class first, and in words, the most first.
  function divided(shares) {
    if (!shares) return "–";
    const bar = element("span", shares.map((share, place) => swatch(indicator().classes[place], share)), { class: "bar", "aria-hidden": "true" });
    return [bar, ranked(shares).map(classSaid).join(", ")];
  }

  function said(line) {
    const told = [say("covered", { percent: percent(line.coverage[state.period] ?? 0) })];
    const { category } = indicator();
    if (category ? !line.shares[state.period] : line.value[state.period] === null) return [...told, say("too_little_seen")];
    if (category) return [...told, ...ranked(line.shares[state.period]).slice(1).map(classSaid)];
    const away = chart.anomalies(line)[state.period];
    if (away === null) return told;
    const [mean, low, high] = ["mean", "low", "high"].map((name) => shown(chart.usual(line, name)[state.period], indicator()));
    return [...told, say("from_usual", { value: difference(away, indicator()) }), counted("usual_range", chart.usual(line, "years")[state.period], { mean, low, high })];
  }

  function trendSaid(trend) {
    if (!trend) return say("trend_none");
    const [value, low, high] = ["slope", "low", "high"].map((name) => slope(trend[name], indicator()));
    return say(trend.certain ? "trend_certain" : "trend_uncertain", { slope: value, low, high, p: trend.p < 0.001 ? `p < ${words.figure(0.001, 3)}` : `p = ${words.figure(trend.p, 3)}` });
  }

  async function drawZones() {
    const one = indicator(), name = layer(), when = period();
    try {
      const [row, trends] = await Promise.all([name ? Page.load(`layers/${name}`) : null, Page.load(`series/${one.id}/trends`)]);
      if (indicator() !== one || period() !== when) return;
      byId("caption").textContent = say("zones_in", { title: pick(one.title), period: pick(when) });
      const spoken = document.activeElement?.dataset?.row;
      byId("zones").replaceChildren(...sheet.zones.map((zone, index) => zoneRow(zone, index, row, trends)));
      if (spoken !== undefined) byId("zones").querySelector(`[data-row="${spoken}"]`)?.focus();
    } catch (error) {
      byId("caption").textContent = say("missing", { file: error.message });
    }
  }

  function zoneRow(zone, index, row, trends) {
    const of = (name) => row?.[name]?.[index] ?? null, value = of("value"), seen = of("coverage") ?? 0, trend = trends.slope[index];
    const km2 = indicator().percent && value !== null ? `${words.figure(value * seen * zone.km2, 2)} km²` : "–";
    const button = element("button", pick(zone.name), { type: "button", class: "link", "aria-pressed": String(index === state.zone), "data-row": index });
    button.addEventListener("click", () => choose({ zone: index }));
    const shares = of("shares"), { category } = indicator();
    const cells = [["", category ? dominant(ranked(shares)) : within(value, of("error"), indicator())],
      ["parts", category ? divided(shares) : ""],
      ["compared", element("span", difference(of("away"), indicator()), { class: of("far") ? "far" : "" })],
      ["trend", element("span", trend === null ? "–" : slope(trend, indicator()), { class: trends.certain[index] ? "certain" : "" })],
      ["area", km2], ["", percent(seen)]];
    return element("tr", [element("th", button, { scope: "row" }), ...cells.map(([kind, cell]) => element("td", cell, { class: `n ${kind}` }))]);
  }

  // Takes what was chosen and draws it; the focus stays with what was pressed, even where that is drawn anew.
  function choose(chosen, group, index) {
    Object.assign(state, chosen);
    draw();
    if (group) byId(group).children[index].focus();
  }

  function draw() {
    remember();
    drawChoices();
    drawMap();
    drawSeries();
    drawZones();
    drawOrigin();
  }

  function speak(language) {
    state.lang = language;
    words.speak(language);
    map.speak();
    byId("play").setAttribute("aria-label", say(state.timer ? "pause" : "play"));
    draw();
  }

  function play() {
    if (state.timer) clearInterval(state.timer);
    state.timer = state.timer ? null : setInterval(() => choose({ period: next() }), 900);
    byId("play").textContent = state.timer ? "❚❚" : "▶";
    byId("play").setAttribute("aria-label", say(state.timer ? "pause" : "play"));
  }

  function next() {
    const places = [...sheet.periods.keys()].filter((place) => indicator().layers[place]);
    return places.find((place) => place > state.period) ?? places[0];
  }

  recall();
  words.speak(state.lang);
  map.build({
    point: under,
    aim,
    keep: (at) => { if (map.cell(at) !== null) choose({ at }); },
    zone: (index) => choose({ zone: index }),
  });
  byId("slider").addEventListener("input", (event) => choose({ period: Number(event.target.value) }));
  byId("zone").addEventListener("change", (event) => choose({ zone: Number(event.target.value) }));
  byId("opacity").addEventListener("input", (event) => map.opacity(Number(event.target.value) / 100));
  byId("play").addEventListener("click", play);
  document.querySelectorAll("button[data-lang]").forEach((node) => node.addEventListener("click", () => speak(node.dataset.lang)));
  window.addEventListener("hashchange", () => { if (location.hash.includes("=")) { recall(); speak(state.lang); } });
  document.querySelector(".skip").addEventListener("click", (event) => { event.preventDefault(); byId("explore").focus(); });
  let width = byId("chart").clientWidth;
  window.addEventListener("resize", () => { if (byId("chart").clientWidth !== width) { width = byId("chart").clientWidth; drawSeries(); } });
  speak(state.lang);
}());
