"use strict";
// Says things in the page's language. Everything goes in as text, never as markup.
Page.words = (function () {
  let lang = "fr";
  const { words } = Page.sheet;

  function speak(language) {
    lang = language;
    document.documentElement.lang = lang;
    document.querySelectorAll("button[data-lang]").forEach((node) => node.setAttribute("aria-pressed", String(node.dataset.lang === lang)));
    document.querySelectorAll("[data-label-fr]").forEach((node) => node.setAttribute("aria-label", lang === "fr" ? node.dataset.labelFr : node.dataset.labelEn));
  }

  const pick = (both) => both[lang];
  // What is there in both languages, or in English alone.
  const told = (one) => (typeof one === "string" ? element("i", one, { lang: "en" }) : pick(one));
  const capital = (text) => text.charAt(0).toUpperCase() + text.slice(1);

  function say(name, filled = {}) {
    return pick(words[name]).replace(/\{(\w+)\}/g, (_, key) => String(filled[key]));
  }

  // A sentence about n things, or its other one where the language speaks of so many in the singular.
  function counted(name, n, filled = {}, digits = Number.isInteger(n) ? 0 : 1) {
    const rounded = Number(n.toFixed(digits)), one = lang === "fr" ? Math.abs(rounded) < 2 : n === 1 && digits === 0;
    return say(one ? `${name}_one` : name, { ...filled, n: figure(n, digits) });
  }

  const labelled = (label, told) => `${label}${lang === "fr" ? "\u00a0: " : ": "}${told}`;
  const listed = (told) => told.join(semicolon());
  const semicolon = () => (lang === "fr" ? "\u202f; " : "; ");
  const colon = () => (lang === "fr" ? "\u00a0: " : ": ");
  const between = (parts, mark) => parts.flatMap((part, place) => (place ? [mark, part] : [part]));

  function figure(value, digits) {
    const text = new Intl.NumberFormat(lang, { minimumFractionDigits: digits, maximumFractionDigits: digits }).format(Math.abs(value));
    return (value < 0 && /[1-9]/.test(text) ? "−" : "") + text;
  }

  const percent = (share, digits = 0) => figure(100 * share, digits) + (lang === "fr" ? "\u202f%" : "%");

  // The unit after a number, on the same line.
  const unit = (one) => (pick(one.unit) === "%" ? (lang === "fr" ? "\u202f%" : "%") : pick(one.unit) && `\u00a0${pick(one.unit)}`);

  function shown(value, one, digits = one.digits) {
    if (value === null || value === undefined) return "–";
    if (one.percent) return percent(value, Math.max(digits - 2, 1));
    const text = figure(value, digits) + unit(one);
    return one.signed ? signed(text, value) : text;
  }

  // Whether a standard error says something: that of a share, where it leaves the share within nothing and all.
  const informs = (value, error, one) => !one.share || (error <= value && value <= 1 - error);

  // A value and its standard error, where one is known and says something.
  function within(value, error, one, digits = one.digits) {
    if (value === null || error === null || error === undefined || !informs(value, error, one)) return shown(value, one, digits);
    const plain = one.percent ? figure(100 * value, Math.max(digits - 2, 1)) : figure(value, digits);
    return `${one.signed ? signed(plain, value) : plain} ± ${shown(error, { ...one, signed: false }, digits)}`;
  }

  function signed(text, value) {
    return value > 0 && /[1-9]/.test(text) ? `+${text}` : text;
  }

  function difference(value, one) {
    if (value === null) return "–";
    return one.percent ? points(value, 1) : signed(shown(value, { ...one, signed: false }), value);
  }

  function slope(value, one) {
    if (one.percent) return points(value, 2);
    return signed(figure(value, one.digits + 1) + unit(one), value);
  }

  const points = (value, digits) => signed(counted("points", 100 * value, {}, digits), value);

  // An element with this text or these children.
  function element(name, content, attributes = {}) {
    const node = document.createElement(name);
    for (const [key, value] of Object.entries(attributes)) if (value !== null) node.setAttribute(key, value);
    node.append(...[content].flat().filter((one) => one !== null && one !== undefined));
    return node;
  }

  return { speak, pick, capital, say, counted, labelled, listed, told, semicolon, colon, between, figure, signed, percent, shown, within, difference, slope, element, get lang() { return lang; } };
}());
