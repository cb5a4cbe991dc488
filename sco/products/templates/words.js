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
  const capital = (text) => text.charAt(0).toUpperCase() + text.slice(1);

  function say(name, filled = {}) {
    return pick(words[name]).replace(/\{(\w+)\}/g, (_, key) => String(filled[key]));
  }

  function figure(value, digits) {
    const text = new Intl.NumberFormat(lang, { minimumFractionDigits: digits, maximumFractionDigits: digits }).format(Math.abs(value));
    return (value < 0 && /[1-9]/.test(text) ? "−" : "") + text;
  }

  const percent = (share, digits = 0) => figure(100 * share, digits) + (lang === "fr" ? "\u202f%" : "%");

  function shown(value, one, digits = one.digits) {
    if (value === null || value === undefined) return "–";
    if (one.percent) return percent(value, Math.max(digits - 2, 1));
    return figure(value, digits) + (one.unit ? ` ${one.unit}` : "");
  }

  // A value and its standard error, where one is known.
  function within(value, error, one, digits = one.digits) {
    if (value === null || error === null || error === undefined) return shown(value, one, digits);
    const plain = one.percent ? figure(100 * value, Math.max(digits - 2, 1)) : figure(value, digits);
    return `${plain} ± ${shown(error, one, digits)}`;
  }

  function signed(text, value) {
    return value > 0 && /[1-9]/.test(text) ? `+${text}` : text;
  }

  function difference(value, one) {
    if (value === null) return "–";
    const text = one.percent ? `${figure(100 * value, 1)} pts` : shown(value, one);
    return signed(text, value);
  }

  function slope(value, one) {
    const text = one.percent ? `${figure(100 * value, 2)} pts` : figure(value, one.digits + 1) + (one.unit ? ` ${one.unit}` : "");
    return signed(text, value);
  }

  // An element with this text or these children.
  function element(name, content, attributes = {}) {
    const node = document.createElement(name);
    for (const [key, value] of Object.entries(attributes)) if (value !== null) node.setAttribute(key, value);
    node.append(...[content].flat().filter((one) => one !== null && one !== undefined));
    return node;
  }

  return { speak, pick, capital, say, figure, percent, shown, within, difference, slope, element, get lang() { return lang; } };
}());
