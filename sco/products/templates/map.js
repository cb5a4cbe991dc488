"use strict";
// The map: one layer of the chosen indicator, the zones over it, a graticule, and the number under a place.
Page.map = (function () {
  const { frame, zones } = Page.sheet;
  const { say, pick, element } = Page.words, { names } = Page;
  const columns = Math.ceil(frame.width / frame.step), rows = Math.ceil(frame.height / frame.step);
  const place = (x, y) => L.latLng(-y, x);
  const whole = L.latLngBounds(place(0, frame.height), place(frame.width, 0));
  const outlines = new Map();
  let map, picture, paper, pin, home;

  function build(on) {
    shape();
    map = L.map("map", { crs: L.CRS.Simple, minZoom: -8, maxZoom: 6, zoomSnap: 0, zoomDelta: 0.75, attributionControl: false, zoomControl: false, scrollWheelZoom: false, maxBoundsViscosity: 1 });
    L.control.zoom({ position: "topright" }).addTo(map);
    fit();
    [paper, picture] = ["paper", "picture"].map((className) => L.imageOverlay("", L.latLngBounds(place(0, rows * frame.step), place(columns * frame.step, 0)), { className, alt: "" }));
    graticule();
    [...zones.keys()].filter((index) => zones[index].rings.length).sort((a, b) => zones[b].km2 - zones[a].km2).forEach((index) => outline(index, on));
    pin = L.circleMarker(place(0, 0), { radius: 6, className: "pin", interactive: false, fillOpacity: 1 });
    listen(on);
  }

  function shape() {
    const box = document.getElementById("map");
    box.style.height = `${Math.round(Math.min(560, Math.max(160, box.clientWidth * frame.height / frame.width)))}px`;
  }

  function fit() {
    map.invalidateSize(false);
    map.setMinZoom(-8);
    map.fitBounds(whole, { animate: false, padding: [2, 2] });
    home = map.getZoom();
    map.setMinZoom(home);
    map.setMaxBounds(whole.pad(0.02));
    hold();
  }

  // At its widest there is nothing to drag, and a finger should scroll the page.
  function hold() {
    if (map.getZoom() > home + 0.01) map.dragging.enable(); else map.dragging.disable();
  }

  function graticule() {
    for (const { label, line } of frame.graticule) {
      L.polyline(line.map(([x, y]) => place(x, y)), { className: "graticule", interactive: false }).addTo(map);
      const lowest = line.reduce((best, point) => (point[1] - point[0] > best[1] - best[0] ? point : best));
      const text = element("span", ""), edges = [lowest[0] > frame.width * 0.85 ? "before" : "", lowest[1] < frame.height * 0.09 ? "under" : ""];
      L.marker(place(...lowest), { icon: L.divIcon({ className: `degrees ${edges.join(" ")}`, html: text, iconSize: null }), interactive: false, keyboard: false, alt: "" }).addTo(map).getElement().setAttribute("aria-hidden", "true");
      outlines.set(text, label);
    }
  }

  // The points of a ring, which comes as its first point and the way from each to the next.
  function points(steps) {
    const found = [];
    for (let i = 0, x = 0, y = 0; i < steps.length; i += 2) {
      x += steps[i]; y += steps[i + 1];
      found.push(place(x * frame.unit, y * frame.unit));
    }
    return found;
  }

  function outline(index, on) {
    const rings = zones[index].rings.map(points);
    L.polygon(rings, { className: "halo", interactive: false, fill: false }).addTo(map);
    const zone = L.polygon(rings, { className: "zone", fillOpacity: 0, bubblingMouseEvents: true }).addTo(map);
    const node = zone.getElement(), name = element("span", "");
    zone.bindTooltip(name, { sticky: true, className: "name" });
    node.setAttribute("tabindex", "0");
    node.setAttribute("role", "button");
    node.dataset.zone = index;
    node.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" && event.key !== " ") return;
      event.preventDefault();
      event.stopPropagation();
      on.zone(index);
    });
    node.addEventListener("focus", () => { if (node.matches(":focus-visible")) zone.openTooltip(); });
    node.addEventListener("blur", () => zone.closeTooltip());
    zone.on("click", () => on.zone(index));
    names.add(map, rings.reduce((longest, ring) => (ring.length > longest.length ? ring : longest)), zones[index].name, zones[index].km2);
    outlines.set(name, zones[index].name);
    outlines.set(node, zones[index].name);
  }

  function listen(on) {
    const box = map.getContainer();
    const cross = element("div", "", { class: "cross", "aria-hidden": "true" });
    box.append(cross);
    const middle = () => { const { lat, lng } = map.getCenter(); return [lng, -lat]; };
    map.on("mousemove", ({ latlng }) => on.point([latlng.lng, -latlng.lat]));
    box.addEventListener("mouseleave", () => { on.point(null); map.scrollWheelZoom.disable(); });
    map.on("click", ({ latlng }) => { map.scrollWheelZoom.enable(); on.keep([latlng.lng, -latlng.lat]); });
    map.on("zoomend", hold);
    map.on("moveend", names.write);
    map.on("moveend", () => { if (document.activeElement === box && box.matches(":focus-visible")) on.aim(middle()); });
    box.addEventListener("focus", () => { if (box.matches(":focus-visible")) on.aim(middle()); });
    box.addEventListener("keydown", (event) => { if (event.target === box && event.key === "Enter") on.keep(middle()); });
    let width = box.clientWidth;
    const resized = (size) => { box.style.width = size; shape(); fit(); };
    window.addEventListener("beforeprint", () => resized("80mm"));
    window.addEventListener("afterprint", () => resized(""));
    window.addEventListener("resize", () => { if (box.clientWidth !== width) { width = box.clientWidth; shape(); fit(); } });
  }

  // Shows a picture, or that there is none. White under it keeps the hatch from showing through its colours.
  function show(address, label) {
    for (const one of [paper, picture]) if (address) one.setUrl(address).addTo(map); else one.remove();
    map.getContainer().setAttribute("aria-label", label);
  }

  function choose(index) {
    document.querySelectorAll("#map .zone").forEach((node) => {
      const chosen = Number(node.dataset.zone) === index;
      node.classList.toggle("chosen", chosen);
      node.setAttribute("aria-pressed", String(chosen));
    });
  }

  function mark(at) {
    if (at) pin.setLatLng(place(...at)).addTo(map).bringToFront(); else pin.remove();
  }

  function speak() {
    for (const [node, words] of outlines) {
      if (node.dataset.zone) node.setAttribute("aria-label", pick(words)); else node.textContent = pick(words);
    }
    for (const [name, word] of [["in", "zoom_in"], ["out", "zoom_out"]]) {
      const button = map.getContainer().querySelector(`.leaflet-control-zoom-${name}`);
      button.title = say(word);
      button.setAttribute("aria-label", say(word));
    }
    document.getElementById("map-help").textContent = say("map_help");
    names.write();
  }

  // The cell of a place in pixels, or null outside.
  function cell([x, y]) {
    if (x < 0 || y < 0 || x >= frame.width || y >= frame.height) return null;
    return Math.floor(y / frame.step) * columns + Math.floor(x / frame.step);
  }

  // Longitude and latitude of a place in pixels, between the points of a lattice.
  function degrees([x, y]) {
    const side = Math.sqrt(frame.lon.length), across = (x / frame.width) * (side - 1), down = (y / frame.height) * (side - 1);
    const i = Math.min(side - 2, Math.max(0, Math.floor(across))), j = Math.min(side - 2, Math.max(0, Math.floor(down)));
    const u = across - i, v = down - j, at = (list, a, b) => list[(j + b) * side + i + a];
    return [frame.lon, frame.lat].map((list) =>
      (1 - v) * ((1 - u) * at(list, 0, 0) + u * at(list, 1, 0)) + v * ((1 - u) * at(list, 0, 1) + u * at(list, 1, 1)));
  }

  return { build, show, choose, mark, speak, cell, degrees, opacity: (share) => picture.setOpacity(share), get leaflet() { return map; } };
}());
