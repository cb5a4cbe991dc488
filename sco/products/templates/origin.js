"use strict";
// How the number at a place was made: observations, method, masks, code and scenes.
Page.origin = (function () {
  const { sheet } = Page;
  const { say, pick, told, counted, listed, semicolon, colon, between, percent, within, figure, element } = Page.words;
  const list = document.getElementById("made");

  const observed = (found) => ["seen", "masked", "failed"].map((name) => counted(name, found[name])).join(", ");

  function exact(found, one) {
    const kind = one.classes.find((each) => each.value === found.value);
    if (kind) return pick(kind);
    return found.value === null ? say("no_value") : within(found.value, found.error, one, one.exact);
  }

  function where([x, y]) {
    const [lon, lat] = Page.map.degrees([x, y]), digits = sheet.frame.degrees ? 3 : sheet.frame.cell < 50 ? 5 : 4;
    return [lon, lat].map((value) => value.toFixed(digits));
  }

  function whereSaid(at) {
    const [lon, lat] = where(at).map(Number), digits = where(at)[0].split(".")[1].length;
    const west = Page.words.lang === "fr" ? "O" : "W";
    return `${figure(Math.abs(lat), digits)}° ${lat < 0 ? "S" : "N"}, ${figure(Math.abs(lon), digits)}° ${lon < 0 ? west : "E"}`;
  }

  function tile([x, y]) {
    const part = (pixels) => String(Math.floor(pixels / sheet.frame.tile)).padStart(3, "0");
    return `r${part(y)}c${part(x)}`;
  }

  function row(name, ...content) {
    return [element("dt", say(name)), element("dd", content.flat())];
  }

  // Names of things, which are English in both languages.
  const named = (text) => element("bdi", text, { lang: "en" });

  function method(one) {
    const { recipe } = one, inputs = recipe.inputs.map(([title, statistic]) => `${pick(title)} (${say(`stat_${statistic}`)})`);
    const made = inputs.length ? say("derived", { inputs: inputs.join(", ") })
      : counted("composite", recipe.bands.length, { composite: sheet.words[recipe.composite] ? say(recipe.composite) : recipe.composite, bands: recipe.bands.map(pick).join(", ") });
    return between([listed([made, say("version", { version: recipe.version })]), ...recipe.sensors.map(named)], " · ");
  }

  function scene(one) {
    const facts = [one.time ? pick(one.time) : null, one.catalog ? named(one.catalog) : null,
      one.cloud_percent === undefined ? null : say("cloud", { percent: percent(one.cloud_percent / 100) }),
      one.baseline ? say("baseline", { baseline: one.baseline }) : null].filter((fact) => fact);
    const lines = [...(one.bands ?? []).map(calibration), ...(one.failed ?? []).map(failure)];
    return element("li", [element("code", one.id), " ", ...between(facts, " · "), ...lines.map((line) => element("small", line))]);
  }

  const calibration = ({ how, why }) => [pick(how), ...(why.length ? [" — ", ...between(why.map(told), semicolon())] : [])];
  const failure = ({ what, why }) => between([say("unreadable", { what: pick(what) }), ...why.map(told)], colon());

  // A count that opens into what was counted, which is loaded when it is asked for.
  function counter(count, entries, more) {
    const details = element("details", element("summary", count));
    details.addEventListener("toggle", () => more().then((made) => {
      details.replaceChildren(details.firstChild, element("ul", entries(made), { class: "scenes" }));
    }, (error) => details.append(say("missing", { file: error.message }))), { once: true });
    return details;
  }

  function scenes(head, made, at, more) {
    const own = (all) => (at ? all.tiles[tile(at)] ?? [] : [...all.scenes.keys()]).map((place) => scene(all.scenes[place]));
    const count = made ? own(made).length : head.scenes;
    if (!count) return say("no_scenes");
    const details = counter(counted("images", count), own, more);
    details.open = Boolean(made) && window.matchMedia("(min-width: 800px)").matches;
    return [details, note(say("images_told"))];
  }

  const note = (text) => element("small", text, { class: "quiet" });

  // For each reason how many scenes were left out for it, which opens into what they are.
  function rejected(head, more) {
    return head.rejected.map((told, place) => counter(pick(told), (made) => {
      const { named: every, more: rest } = made.rejected[place];
      const items = every.map(({ id, why }) => element("li", [element("code", id), " ", ...between(why.map(told), colon())]));
      return rest ? [...items, element("li", counted("and_more", rest))] : items;
    }, more));
  }

  // The facts about a layer, all over it or at a place in pixels, with what was found there; `more` loads the scenes.
  function draw(one, period, head, made, at, found, more) {
    const asked = `sco explain ${sheet.project} --period ${period.label}` + (at ? ` --at ${where(at).join(",")}` : "");
    list.replaceChildren(
      ...row("place", at ? `${whereSaid(at)} (${tile(at)})` : say("anywhere")),
      ...row("period", Page.words.capital(pick(period))),
      ...(at && found ? [...row("value", element("b", exact(found, one), { id: "exact" }), ` (${cellSaid(one)})`), ...row("observations", observed(found), note(say("observations_told")))] : []),
      ...row("method", method(one)),
      ...(one.recipe.inputs.length ? [] : row("masks", one.recipe.masked.map((flag) => (sheet.words[`mask_${flag}`] ? say(`mask_${flag}`) : flag)).join(", ") || say("none_masked"))),
      ...row("code", ...head.codes.map((code) => element("code", code))),
      ...(head.made_from.length ? row("made_from", listed(head.made_from.map(pick))) : row("scenes", scenes(head, made, at, more))),
      ...(head.rejected.length ? row("rejected", rejected(head, more)) : []),
      ...row("ask", element("code", asked)),
    );
  }

  function cellSaid(one) {
    const { frame } = sheet, metres = frame.cell;
    const size = frame.degrees ? `${figure(metres, 3)}°` : metres >= 1000 ? `${figure(metres / 1000, 1)} km` : `${figure(metres, 0)} m`;
    return say(frame.step === 1 ? "pixel" : one.category ? "cell_class" : "cell", { size });
  }

  return { draw, exact, observed, whereSaid, cellSaid };
}());
