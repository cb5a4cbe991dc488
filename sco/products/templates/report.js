"use strict";
// The language of a report, kept in its address.
(function () {
  function speak(lang) {
    document.documentElement.lang = lang;
    document.querySelectorAll("button[data-lang]").forEach((node) => node.setAttribute("aria-pressed", String(node.dataset.lang === lang)));
    history.replaceState(null, "", `#lang=${lang}`);
  }

  document.querySelectorAll("button[data-lang]").forEach((node) => node.addEventListener("click", () => speak(node.dataset.lang)));
  const asked = new URLSearchParams(location.hash.slice(1)).get("lang") ?? (navigator.language || "fr").slice(0, 2).toLowerCase();
  speak(asked === "fr" ? "fr" : "en");
}());
