"use strict";
// The chart: the series of a zone over what is usual, its differences from that, and its trend.
Page.chart = (function () {
  const SVG = "http://www.w3.org/2000/svg";
  const MARGIN = { left: 52, right: 14, top: 10, bottom: 26, gap: 16 };
  const YEAR = 34;
  const { sheet } = Page;
  const { figure, percent, signed } = Page.words;
  const box = document.getElementById("chart");
  const room = { width: 500, height: 380 };
  let drawn;

  function svg(name, attributes, parent, text) {
    const node = document.createElementNS(SVG, name);
    for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
    if (text !== undefined) node.textContent = text;
    if (parent) parent.append(node);
    return node;
  }

  const known = (value) => value !== null && value !== undefined;

  function ticks(low, high, count) {
    const rough = (high - low) / count, power = Math.pow(10, Math.floor(Math.log10(rough)));
    const step = [1, 2, 5, 10].map((n) => n * power).find((n) => n >= rough * 0.999);
    const values = [];
    for (let n = Math.ceil(low / step - 1e-9); n * step <= high + step * 1e-9; n++) values.push(n * step);
    return { step, values };
  }

  // Runs of neighbouring periods that have a value.
  function runs(values) {
    const found = [];
    values.forEach((value, index) => {
      if (!known(value)) return;
      if (index && known(values[index - 1])) found[found.length - 1].push(index); else found.push([index]);
    });
    return found;
  }

  // What is usual, laid out along the periods.
  function usual(line, name) {
    return sheet.parts.map((part) => (line.usual ? line.usual[name][part - 1] : null));
  }

  function anomalies(line) {
    const mean = usual(line, "mean");
    return line.value.map((value, i) => (known(value) && known(mean[i]) ? value - mean[i] : null));
  }

  function axis(values, top, bottom, about) {
    const edges = values.filter(known);
    let low = Math.min(...edges), high = Math.max(...edges);
    if (!edges.length) [low, high] = [0, 1];
    if (about) [low, high] = [-Math.max(-low, high, 1e-9), Math.max(-low, high, 1e-9)];
    const air = (high - low || Math.abs(high) * 0.1 || 0.1) * 0.07;
    low -= air; high += air;
    return { low, high, top, bottom, at: (value) => top + ((high - value) / (high - low)) * (bottom - top) };
  }

  function draw(...asked) {
    drawn = asked;
    const [one, line, period, label, pick] = asked;
    room.width = Math.max(260, box.clientWidth);
    room.height = Math.round(Math.min(430, Math.max(280, room.width * 0.9)));
    if (one.category) { divided(one, line, period, label, pick); return; }
    const count = line.value.length, right = room.width - MARGIN.right;
    const x = (i) => MARGIN.left + ((i + 0.5) / count) * (right - MARGIN.left);
    const away = anomalies(line), shared = away.some(known);
    const foot = room.height - MARGIN.bottom, middle = shared ? MARGIN.top + (foot - MARGIN.top) * 0.66 : foot;
    const upper = axis([...line.value, ...usual(line, "low"), ...usual(line, "high")], MARGIN.top, middle, false);
    const root = svg("svg", { viewBox: `0 0 ${room.width} ${room.height}`, role: "img", "aria-label": label });
    grid(root, upper, ticks(upper.low, upper.high, 4), one);
    years(root, x, foot);
    reference(root, x, upper, line);
    if (shared) differences(root, x, axis(away, middle + MARGIN.gap, foot, true), away, one, period);
    svg("line", { class: "cursor", x1: x(period), x2: x(period), y1: MARGIN.top, y2: foot }, root);
    series(root, x, upper, line.value, period);
    if (line.trend && line.trend.certain) trend(root, x, upper, line);
    clicks(root, right, foot, count, pick);
    box.replaceChildren(root);
  }

  // The shares of classes of each period, one above the other, the lowest class at the foot.
  function divided(one, line, period, label, pick) {
    const count = line.shares.length, right = room.width - MARGIN.right, foot = room.height - MARGIN.bottom;
    const step = (right - MARGIN.left) / count, x = (i) => MARGIN.left + (i + 0.5) * step, wide = Math.min(60, Math.max(1, step * 0.86));
    const whole = { low: 0, high: 1, at: (value) => MARGIN.top + (1 - value) * (foot - MARGIN.top) };
    const root = svg("svg", { viewBox: `0 0 ${room.width} ${room.height}`, role: "img", "aria-label": label });
    grid(root, whole, ticks(0, 1, 4), { percent: true });
    years(root, x, foot);
    svg("line", { class: "cursor", x1: x(period), x2: x(period), y1: MARGIN.top, y2: foot }, root);
    line.shares.forEach((shares, i) => {
      let below = 0;
      (shares ?? []).forEach((share, place) => {
        const { colour } = one.classes[place];
        svg("rect", { class: "portion", x: x(i) - wide / 2, y: whole.at(below + share), width: wide, height: whole.at(below) - whole.at(below + share), fill: colour }, root);
        below += share;
      });
    });
    if (line.shares[period]) svg("rect", { fill: "none", stroke: "#16242c", "stroke-width": 2, x: x(period) - wide / 2, y: whole.at(1), width: wide, height: whole.at(0) - whole.at(1) }, root);
    clicks(root, right, foot, count, pick);
    box.replaceChildren(root);
  }

  function grid(root, axis, marks, one, differs = one.signed) {
    const text = (value) => (one.percent ? percent(value, digits) : figure(value, digits));
    const group = svg("g", { class: "grid" }, root), digits = Math.max(0, -Math.floor(Math.log10(marks.step * (one.percent ? 100 : 1)) + 1e-9));
    for (const value of marks.values) {
      svg("line", { x1: MARGIN.left, x2: room.width - MARGIN.right, y1: axis.at(value), y2: axis.at(value) }, group);
      svg("text", { x: MARGIN.left - 7, y: axis.at(value) + 4, "text-anchor": "end" }, group, differs ? signed(text(value), value) : text(value));
    }
  }

  function years(root, x, foot) {
    const group = svg("g", { class: "grid" }, root);
    const firsts = sheet.years.flatMap((year, i) => (i === 0 || sheet.years[i - 1] !== year ? [i] : []));
    const skip = Math.ceil((firsts.length * 52) / room.width), half = (x(1) - x(0)) / 2 || 0;
    firsts.forEach((i) => svg("line", { x1: x(i) - half, x2: x(i) - half, y1: MARGIN.top, y2: foot + 5 }, group));
    // The last one is moved in from the edge, where it would be cut off, and takes the room of the one before.
    const named = firsts.filter((_, n) => n % skip === 0).map((i) => ({ year: sheet.years[i], left: Math.min(x(i) - half + 4, room.width - YEAR) }));
    named.filter((one, n) => n === named.length - 1 || one.left + YEAR <= named[n + 1].left)
      .forEach(({ year, left }) => svg("text", { x: left, y: room.height - 7 }, group, year));
  }

  const path = (points) => "M" + points.join("L");

  function reference(root, x, axis, line) {
    const mean = usual(line, "mean"), low = usual(line, "low"), high = usual(line, "high");
    for (const run of runs(mean)) {
      const ends = run.length === 1 ? [x(run[0]) - 3, x(run[0]) + 3] : run.map(x);
      const over = ends.map((at, i) => `${at} ${axis.at(high[run[Math.min(i, run.length - 1)]])}`);
      const under = ends.map((at, i) => `${at} ${axis.at(low[run[Math.min(i, run.length - 1)]])}`).reverse();
      svg("path", { class: "spread", d: path(over.concat(under)) + "Z" }, root);
      svg("path", { class: "usual", d: path(ends.map((at, i) => `${at} ${axis.at(mean[run[Math.min(i, run.length - 1)]])}`)) }, root);
    }
  }

  function differences(root, x, axis, away, one, period) {
    grid(root, axis, ticks(axis.low, axis.high, 3), one, true);
    const wide = Math.max(1.5, (x(1) - x(0) || 8) * 0.7);
    away.forEach((value, i) => {
      if (!known(value)) return;
      const top = Math.min(axis.at(value), axis.at(0)), tall = Math.max(0.75, Math.abs(axis.at(value) - axis.at(0)));
      svg("rect", { class: (value < 0 ? "below" : "above") + (i === period ? " now" : ""), x: x(i) - wide / 2, y: top, width: wide, height: tall }, root);
    });
    svg("line", { class: "zero", x1: MARGIN.left, x2: room.width - MARGIN.right, y1: axis.at(0), y2: axis.at(0) }, root);
  }

  function series(root, x, axis, values, period) {
    for (const run of runs(values)) svg("path", { class: "observed", d: path(run.map((i) => `${x(i)} ${axis.at(values[i])}`)) }, root);
    values.forEach((value, i) => {
      const now = i === period;
      if (known(value) && (now || values.length <= 72)) svg("circle", { class: now ? "dot now" : "dot", cx: x(i), cy: axis.at(value), r: now ? 5.5 : 2.2 }, root);
    });
  }

  // Through the middle of the values, as steep as the trend.
  function trend(root, x, axis, line) {
    const there = line.value.flatMap((value, i) => (known(value) ? [[i, value]] : []));
    const mean = there.reduce((sum, [, value]) => sum + value, 0) / there.length;
    const centre = there.reduce((sum, [i]) => sum + i, 0) / there.length;
    const at = (i) => axis.at(mean + (line.trend.slope * (i - centre)) / sheet.in_a_year), last = line.value.length - 1;
    svg("path", { class: "slope", d: path([`${x(0)} ${at(0)}`, `${x(last)} ${at(last)}`]) }, root);
  }

  function clicks(root, right, foot, count, pick) {
    const hit = svg("rect", { class: "hit", x: MARGIN.left, y: 0, width: right - MARGIN.left, height: foot }, root);
    hit.addEventListener("click", (event) => {
      const { left, width } = hit.getBoundingClientRect();
      pick(Math.min(count - 1, Math.max(0, Math.floor(((event.clientX - left) / width) * count))));
    });
  }

  // On paper it is as wide as its column, so that its words are as large as the others.
  function resized(size) {
    box.style.width = size;
    if (drawn) draw(...drawn);
  }

  window.addEventListener("beforeprint", () => resized("84mm"));
  window.addEventListener("afterprint", () => resized(""));
  return { draw, anomalies, usual };
}());
