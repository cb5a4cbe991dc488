"use strict";
// Loads the parts of the page, and starts it. A page on a disk cannot fetch a file, so that data comes as scripts.
window.Page = (function () {
  const KEPT = 24;
  const PARTS = ["words", "names", "map", "chart", "origin", "sheet"];
  const waiting = {}, layers = new Map();

  function script(name) {
    return new Promise((resolve, reject) => {
      const node = document.createElement("script");
      node.async = false;
      node.src = `page/${name}.js`;
      node.onload = () => { node.remove(); resolve(); };
      node.onerror = () => { node.remove(); reject(new Error(`page/${name}.js`)); };
      document.head.append(node);
    });
  }

  async function fetched(name) {
    if (!(window.SHEET && name in window.SHEET)) await script(name);
    const content = window.SHEET[name];
    return content.packed ? JSON.parse(new TextDecoder().decode(await inflate(content.packed))) : content;
  }

  function load(name) {
    waiting[name] ??= fetched(name);
    waiting[name].catch(() => delete waiting[name]);
    return waiting[name];
  }

  async function inflate(text) {
    const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
    return new Uint8Array(await new Response(stream).arrayBuffer());
  }

  function planes(bytes, number) {
    const cells = bytes.length / number / 2;
    return Array.from({ length: number }, (_, plane) => {
      const low = plane * cells * 2, high = low + cells;
      return Uint16Array.from({ length: cells }, (__, i) => bytes[low + i] | (bytes[high + i] << 8));
    });
  }

  async function decode(layer) {
    const packed = await load(`values/${layer}`);
    const [codes, seen, masked, failed, errors] = planes(await inflate(packed.data), packed.error ? 5 : 4);
    const count = (plane, i) => plane[i] * packed.count, none = (plane, i) => !plane || plane[i] === 65535;
    delete window.SHEET[`values/${layer}`];
    delete waiting[`values/${layer}`];
    return (i) => ({
      value: none(codes, i) ? null : packed.offset + packed.scale * codes[i],
      error: none(errors, i) ? null : packed.error * errors[i],
      seen: count(seen, i), masked: count(masked, i), failed: count(failed, i),
    });
  }

  // A function from cell to what is known of it; the layers that were last asked for are kept.
  function numbers(layer) {
    const found = layers.get(layer) ?? decode(layer);
    layers.delete(layer);
    layers.set(layer, found);
    found.catch(() => layers.delete(layer));
    if (layers.size > KEPT) layers.delete(layers.keys().next().value);
    return found;
  }

  load("index").then((sheet) => {
    window.Page.sheet = sheet;
    PARTS.forEach(script);
  });
  return { load, numbers };
}());
