"use strict";
// Draws window.SHEET: a map with its periods, and the series of a chosen zone. Text goes in as text, never as markup.
(function () {
  const sheet = window.SHEET;
  const state = { lang: "fr", indicator: 0, period: 0, zone: 0, timer: null };
  const byId = (id) => document.getElementById(id);
  const SVG = "http://www.w3.org/2000/svg";
  const MARGIN = { left: 46, right: 24, top: 8, bottom: 26 };
  const room = { map: 600, chart: 500, tall: 430 };

  function measure() {
    room.map = Math.max(260, byId("map").clientWidth);
    room.chart = Math.max(260, byId("chart").clientWidth);
    room.tall = Math.round(Math.min(430, Math.max(230, room.chart * 0.92)));
  }

  function svg(name, attributes, parent, text) {
    const node = document.createElementNS(SVG, name);
    for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
    if (text !== undefined) node.textContent = text;
    if (parent) parent.append(node);
    return node;
  }

  const indicator = () => sheet.indicators[state.indicator];
  const said = (words) => words[state.lang];
  const capital = (text) => text.charAt(0).toUpperCase() + text.slice(1);

  function figure(value, digits) {
    return new Intl.NumberFormat(state.lang, { minimumFractionDigits: digits, maximumFractionDigits: digits }).format(value).replace("-", "−");
  }

  function shown(value) {
    if (value === null) return "–";
    const one = indicator();
    if (one.percent) return figure(100 * value, 1) + (state.lang === "fr" ? "\u202f%" : "%");
    return figure(value, 2) + (one.unit ? " " + one.unit : "");
  }

  function difference(value) {
    const sign = value > 0 ? "+" : value < 0 ? "−" : "±";
    return sign + (indicator().percent ? figure(Math.abs(100 * value), 1) + " pts" : figure(Math.abs(value), 3));
  }

  function ticks(low, high, count) {
    const rough = (high - low) / count, power = Math.pow(10, Math.floor(Math.log10(rough)));
    const step = [1, 2, 5, 10].map((n) => n * power).find((n) => n >= rough);
    const found = [];
    for (let n = Math.ceil(low / step - 1e-9); n * step <= high + step * 1e-9; n++) found.push(n * step);
    return { step, values: found };
  }

  function buildMap() {
    const frame = sheet.frame, inner = room.map - MARGIN.left - MARGIN.right, scale = inner / frame.width;
    const tall = frame.height * scale;
    const root = svg("svg", { viewBox: `0 0 ${room.map} ${tall + MARGIN.top + MARGIN.bottom}`, role: "img" });
    const defs = svg("defs", {}, root);
    const hatch = svg("pattern", { id: "unseen", width: 7, height: 7, patternUnits: "userSpaceOnUse", patternTransform: "rotate(45)" }, defs);
    svg("rect", { width: 7, height: 7, fill: "#eef1f2" }, hatch);
    svg("rect", { width: 2.5, height: 7, fill: "#dde3e6" }, hatch);
    const clip = svg("clipPath", { id: "frame" }, defs);
    svg("rect", { width: frame.width, height: frame.height }, clip);
    svg("rect", { x: MARGIN.left, y: MARGIN.top, width: inner, height: tall, fill: "url(#unseen)" }, root);
    const place = svg("g", { transform: `translate(${MARGIN.left} ${MARGIN.top}) scale(${scale})` }, root);
    const inside = svg("g", { "clip-path": "url(#frame)" }, place);
    svg("image", {
      id: "picture", class: "picture", preserveAspectRatio: "none",
      width: Math.ceil(frame.width / frame.step) * frame.step, height: Math.ceil(frame.height / frame.step) * frame.step,
    }, inside);
    sheet.zones.forEach((zone, index) => {
      if (!zone.rings.length) return;
      const d = zone.rings.map((ring) => "M" + ring.map((point) => point.join(" ")).join("L") + "Z").join("");
      svg("path", { class: "halo", d }, inside);
      const path = svg("path", { class: "zone", d, "data-zone": index, "fill-rule": "evenodd" }, inside);
      svg("title", {}, path, said(zone.name));
      path.addEventListener("click", () => { state.zone = state.zone === index ? 0 : index; draw(); });
    });
    svg("rect", { class: "rim", x: MARGIN.left, y: MARGIN.top, width: inner, height: tall }, root);
    drawCoordinates(svg("g", { class: "ticks" }, root), frame, scale, tall);
    byId("map").replaceChildren(root);
  }

  function drawCoordinates(group, frame, scale, tall) {
    const unit = frame.degrees ? 1 : 1000, name = frame.degrees ? "°" : " km";
    const [across, down] = frame.resolution.map(Math.abs);
    const digits = (step) => Math.max(0, -Math.floor(Math.log10(step) + 1e-9));
    const x = ticks(frame.left / unit, (frame.left + frame.width * across) / unit, 4);
    x.values.forEach((value, index) => {
      const at = MARGIN.left + ((value * unit - frame.left) / across) * scale;
      svg("line", { x1: at, x2: at, y1: MARGIN.top + tall, y2: MARGIN.top + tall + 5 }, group);
      svg("text", { x: at, y: MARGIN.top + tall + 19, "text-anchor": "middle" }, group,
        figure(value, digits(x.step)) + (index === x.values.length - 1 ? name : ""));
    });
    const y = ticks((frame.top - frame.height * down) / unit, frame.top / unit, 4);
    y.values.forEach((value) => {
      const at = MARGIN.top + ((frame.top - value * unit) / down) * scale;
      svg("line", { x1: MARGIN.left - 5, x2: MARGIN.left, y1: at, y2: at }, group);
      svg("text", { x: MARGIN.left - 8, y: at + 4, "text-anchor": "end" }, group, figure(value, digits(y.step)));
    });
  }

  function drawMap() {
    const one = indicator(), overlay = one.overlays[state.period], picture = byId("picture");
    if (overlay) picture.setAttribute("href", overlay); else picture.removeAttribute("href");
    byId("map").firstChild.setAttribute("aria-label", `${said(one.title)}, ${said(sheet.periods[state.period])}`);
    byId("when").textContent = capital(said(sheet.periods[state.period]));
    byId("slider").value = state.period;
    byId("low").textContent = shown(one.low);
    byId("high").textContent = shown(one.high);
    byId("ramp").style.background = `linear-gradient(to right, ${one.stops.join(", ")})`;
    document.querySelectorAll(".zone").forEach((node) => node.classList.toggle("chosen", Number(node.dataset.zone) === state.zone));
  }

  function runs(values) {
    const found = [];
    values.forEach((value, index) => {
      if (value === null) return;
      if (index && values[index - 1] !== null) found[found.length - 1].push(index); else found.push([index]);
    });
    return found;
  }

  function drawChart() {
    const line = indicator().series[state.zone], usual = line.usual, spread = line.spread;
    const edges = line.value.flatMap((value, i) => {
      const around = usual && usual[i] !== null ? [usual[i] - (spread[i] || 0), usual[i] + (spread[i] || 0)] : [];
      return [value, ...around].filter((number) => number !== null);
    });
    let low = Math.min(...edges), high = Math.max(...edges);
    if (!edges.length) [low, high] = [0, 1];
    const air = (high - low || 0.1) * 0.08;
    low -= air; high += air;
    const width = room.chart, height = room.tall, count = line.value.length;
    const x = (i) => MARGIN.left + ((i + 0.5) / count) * (width - MARGIN.left - MARGIN.right);
    const y = (v) => MARGIN.top + ((high - v) / (high - low)) * (height - MARGIN.top - MARGIN.bottom);
    const root = svg("svg", { viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": said(indicator().title) });
    drawGrid(svg("g", { class: "grid" }, root), x, y, ticks(low, high, 4));
    if (usual) {
      for (const run of runs(usual)) {
        const over = run.map((i) => `${x(i)} ${y(usual[i] + (spread[i] || 0))}`);
        const under = run.map((i) => `${x(i)} ${y(usual[i] - (spread[i] || 0))}`).reverse();
        svg("path", { class: "spread", d: "M" + over.concat(under).join("L") + "Z" }, root);
        svg("path", { class: "usual", d: "M" + run.map((i) => `${x(i)} ${y(usual[i])}`).join("L") }, root);
      }
    }
    svg("line", { class: "cursor", x1: x(state.period), x2: x(state.period), y1: MARGIN.top, y2: height - MARGIN.bottom }, root);
    for (const run of runs(line.value)) svg("path", { class: "observed", d: "M" + run.map((i) => `${x(i)} ${y(line.value[i])}`).join("L") }, root);
    line.value.forEach((value, i) => {
      const now = i === state.period;
      if (value !== null && (now || count <= 60)) svg("circle", { class: now ? "dot now" : "dot", cx: x(i), cy: y(value), r: now ? 5.5 : 2.4 }, root);
    });
    const hit = svg("rect", { class: "hit", x: MARGIN.left, y: 0, width: width - MARGIN.left - MARGIN.right, height }, root);
    hit.addEventListener("click", (event) => {
      const box = hit.getBoundingClientRect();
      state.period = Math.min(count - 1, Math.max(0, Math.floor(((event.clientX - box.left) / box.width) * count)));
      draw();
    });
    byId("chart").replaceChildren(root);
    drawReading(line);
  }

  function drawGrid(group, x, y, across) {
    const width = room.chart, height = room.tall, digits = Math.max(0, -Math.floor(Math.log10(across.step * (indicator().percent ? 100 : 1)) + 1e-9));
    for (const value of across.values) {
      svg("line", { x1: MARGIN.left, x2: width - MARGIN.right, y1: y(value), y2: y(value) }, group);
      svg("text", { x: MARGIN.left - 8, y: y(value) + 4, "text-anchor": "end" }, group,
        indicator().percent ? figure(100 * value, digits) + (state.lang === "fr" ? "\u202f%" : "%") : figure(value, digits));
    }
    const firsts = sheet.years.flatMap((year, i) => (i === 0 || sheet.years[i - 1] !== year ? [i] : []));
    const skip = Math.ceil((firsts.length * 50) / width);
    firsts.filter((_, n) => n % skip === 0).forEach((i) => {
      svg("line", { x1: x(i), x2: x(i), y1: MARGIN.top, y2: height - MARGIN.bottom + 5 }, group);
      svg("text", { x: x(i) + 4, y: height - 6 }, group, sheet.years[i]);
    });
  }

  function drawReading(line) {
    const value = line.value[state.period], usual = line.usual ? line.usual[state.period] : null;
    const strong = document.createElement("b");
    strong.textContent = shown(value);
    const covered = Math.round(100 * (line.coverage[state.period] || 0));
    const parts = [capital(said(sheet.periods[state.period])), state.lang === "fr" ? `${covered} % vu` : `${covered}% seen`];
    if (value !== null && usual !== null && usual !== undefined) {
      parts.push(difference(value - usual) + (state.lang === "fr" ? " par rapport à l'habitude" : " from usual"));
    }
    byId("reading").replaceChildren(strong, parts.join(" · "));
  }

  function drawChoices() {
    byId("indicators").replaceChildren(...sheet.indicators.map((one, index) => {
      const button = document.createElement("button");
      button.type = "button";
      button.textContent = said(one.title);
      button.setAttribute("aria-pressed", String(index === state.indicator));
      button.addEventListener("click", () => { state.indicator = index; draw(); });
      return button;
    }));
    byId("what").textContent = said(indicator().description);
    byId("zone").replaceChildren(...sheet.zones.map((zone, index) => new Option(said(zone.name), index, false, index === state.zone)));
  }

  function draw() {
    drawChoices();
    drawMap();
    drawChart();
  }

  function speak(lang) {
    state.lang = lang;
    document.documentElement.lang = lang;
    document.querySelectorAll("[data-lang]").forEach((node) => node.setAttribute("aria-pressed", String(node.dataset.lang === lang)));
    build();
  }

  function build() {
    measure();
    buildMap();
    draw();
  }

  function play() {
    if (state.timer) {
      clearInterval(state.timer);
      state.timer = null;
    } else {
      state.timer = setInterval(() => { state.period = (state.period + 1) % sheet.periods.length; drawMap(); drawChart(); }, 700);
    }
    byId("play").textContent = state.timer ? "❚❚" : "▶";
  }

  state.period = indicator().latest;
  byId("slider").addEventListener("input", (event) => { state.period = Number(event.target.value); drawMap(); drawChart(); });
  byId("zone").addEventListener("change", (event) => { state.zone = Number(event.target.value); draw(); });
  byId("play").addEventListener("click", play);
  document.querySelectorAll("[data-lang]").forEach((node) => node.addEventListener("click", () => speak(node.dataset.lang)));
  window.addEventListener("resize", () => { if (byId("map").clientWidth !== room.map) build(); });
  speak((navigator.language || "fr").toLowerCase().startsWith("fr") ? "fr" : "en");
}());
