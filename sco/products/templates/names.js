"use strict";
// The names of the zones on the map: those that fit inside of their zone, over no smaller zone and no other name.
Page.names = (function () {
  const { pick, element } = Page.words;
  const STEPS = 6, HIGH = 16, AIR = 4;
  const zones = [];
  let map;

  // Smaller zones come first: they have the least room.
  function add(onto, ring, name, size) {
    map = onto;
    const node = element("span", "");
    const marker = L.marker(ring[0], { icon: L.divIcon({ className: "on-map", html: node, iconSize: null }), interactive: false, keyboard: false, alt: "" });
    zones.push({ ring, name, size, node, marker });
    zones.sort((a, b) => a.size - b.size);
  }

  function write() {
    for (const zone of zones) {
      zone.node.textContent = pick(zone.name);
      zone.marker.addTo(map).getElement().setAttribute("aria-hidden", "true");
    }
    const widths = zones.map(({ node }) => node.offsetWidth), taken = [];
    const drawn = zones.map(({ ring }) => ring.map((point) => map.latLngToContainerPoint(point))).map((points) => ({ points, ...bounds(points) }));
    zones.forEach((zone, place) => {
      const found = room(drawn[place], drawn.slice(0, place), taken, widths[place] / 2 + AIR, HIGH / 2);
      if (!found) { zone.marker.remove(); return; }
      taken.push(found);
      zone.marker.setLatLng(map.containerPointToLatLng([found.x, found.y]));
    });
  }

  // The place nearest to the middle of a zone where a name of this half width and half height fits.
  function room(zone, smaller, taken, wide, high) {
    if (zone.right - zone.left < 2 * wide || zone.bottom - zone.top < 2 * high) return null;
    const edges = map.getSize(), at = (low, high, step) => low + ((high - low) * (step + 0.5)) / STEPS;
    const left = Math.max(zone.left, 0), right = Math.min(zone.right, edges.x), top = Math.max(zone.top, 0), bottom = Math.min(zone.bottom, edges.y);
    const middle = { x: (left + right) / 2, y: (top + bottom) / 2 };
    const places = [middle, ...Array.from({ length: STEPS * STEPS }, (_, i) => ({ x: at(left, right, i % STEPS), y: at(top, bottom, Math.floor(i / STEPS)) }))];
    const away = (place) => Math.hypot(place.x - middle.x, place.y - middle.y);
    return places.sort((a, b) => away(a) - away(b)).map((place) => ({ ...place, wide, high })).find((box) =>
      corners(box).every((corner) => corner.x > 0 && corner.y > 0 && corner.x < edges.x && corner.y < edges.y && within(corner, zone) && !smaller.some((other) => within(corner, other)))
      && !taken.some((other) => Math.abs(other.x - box.x) < other.wide + wide && Math.abs(other.y - box.y) < other.high + high)) ?? null;
  }

  const corners = ({ x, y, wide, high }) => [[0, 0], [-1, -1], [1, -1], [-1, 1], [1, 1]].map(([across, down]) => ({ x: x + across * wide, y: y + down * high }));

  function bounds(points) {
    const across = points.map(({ x }) => x), down = points.map(({ y }) => y);
    return { left: Math.min(...across), right: Math.max(...across), top: Math.min(...down), bottom: Math.max(...down) };
  }

  // Whether a point is inside of a ring: a line from it to the right crosses the ring an odd number of times.
  function within({ x, y }, { points, left, right, top, bottom }) {
    if (x < left || x > right || y < top || y > bottom) return false;
    let inside = false;
    points.forEach((a, i) => {
      const b = points[(i + 1) % points.length];
      if (a.y > y !== b.y > y && x < a.x + ((y - a.y) / (b.y - a.y)) * (b.x - a.x)) inside = !inside;
    });
    return inside;
  }

  return { add, write };
}());
