// Progress: every score in its order, the running best, baselines as lines, families as arms; shares and slots.

const HEIGHT = 280;
const EDGE = { left: 62, right: 16, top: 14, bottom: 30 };

class ProgressView {
  constructor(app) {
    Object.assign(this, { app, arm: null, width: 0 });
    this.arms = el("div", { class: "alnb-chips", role: "group", "aria-label": "Families" });
    this.tip = el("div", { class: "alnb-dim alnb-tip", "aria-live": "off" });
    this.plot = el("div", { class: "alnb-plot", on: { pointermove: (event) => this.#point(event), click: (event) => this.#pick(event),
      pointerleave: () => setText(this.tip, "") } });
    this.shares = el("div");
    this.slots = el("div");
    this.judge = el("div");
    this.node = el("div", { class: "alnb-view" }, section("Running best", this.arms, this.plot, this.tip),
      el("div", { class: "alnb-columns" }, this.shares, el("div", null, this.judge, this.slots)));
    this.watch = new ResizeObserver((entries) => this.#resize(entries[0].contentRect.width));
    this.watch.observe(this.plot);
    this.chips = new KeyedList(this.arms, ([family]) => this.#chip(family), (node, [family, number]) => {
      setText(node.count, ` ${number}`);
      setAttr(node, "aria-pressed", String(this.arm === family));
    });
  }

  close() {
    this.watch.disconnect();
  }

  #resize(width) {
    if (Math.abs(width - this.width) < 2 || width < 50) return;
    this.width = width;
    this.app.redrawAll();
  }

  #chip(family) {
    const node = button("", () => { this.arm = this.arm === family ? null : family; this.app.redrawAll(); },
      { kind: `alnb-arm ${hueClass(this.app.store, family)}` });
    node.count = el("span", { class: "alnb-dim" });
    node.append(el("span", { class: "alnb-swatch", "aria-hidden": "true" }), said(family, 40), node.count);
    return node;
  }

  paint(changes) {
    if (changes.all || changes.scores) this.#scores();
    const judge = this.app.store.section("judge");
    redraw(this.judge, judge, () => judgeBox(this.app, judge));
    if (changes.all || changes.columns.size || changes.sections.has("campaign")) {
      const { store } = this.app;
      redraw(this.shares, [[...store.familyCounts], this.bests], () => sharesTable(this.app, this.bests ?? new Map()));
      const running = store.columns.running.list.slice(0, 32).map((card) => [card.id, card.name, card.job]);
      redraw(this.slots, [store.campaign.slots, store.campaign.slots_busy, running], () => slotsBox(this.app, running));
    }
  }

  #scores() {
    const { store } = this.app;
    const ranked = this.app.ranked();
    this.points = [...ranked].sort((a, b) => (a.scored < b.scored ? -1 : a.scored > b.scored ? 1 : a.id - b.id));
    this.bests = new Map();
    for (const card of ranked) if (!this.bests.has(card.family)) this.bests.set(card.family, card);
    const numbers = new Map();
    for (const card of this.points) numbers.set(card.family, (numbers.get(card.family) ?? 0) + 1);
    this.chips.draw([...numbers].sort((a, b) => b[1] - a[1]), ([family]) => family);
    const key = JSON.stringify([this.width, this.arm, store.campaign.baselines, store.campaign.certificate, store.metric,
      this.points.map((card) => [card.id, card.score])]);
    if (key === this.key || !this.width) return;
    this.key = key;
    this.scale = plotScale(store, this.points, this.width);
    this.plot.replaceChildren(this.points.length ? plotOf(store, this.points, this.scale, this.arm) : empty("No scores so far."));
  }

  #nearest(event) {
    if (!this.points?.length || !this.scale) return null;
    const box = this.plot.getBoundingClientRect();
    const [x, y] = [event.clientX - box.left, event.clientY - box.top];
    let best = null;
    const around = Math.round(this.scale.index(x));
    const reach = Math.ceil(this.points.length / this.width * 12) + 1;
    for (let i = Math.max(0, around - reach); i <= Math.min(this.points.length - 1, around + reach); i += 1) {
      const far = Math.hypot(this.scale.x(i) - x, this.scale.y(this.points[i].score) - y);
      if (far < 16 && (!best || far < best[0])) best = [far, this.points[i]];
    }
    return best?.[1] ?? null;
  }

  #point(event) {
    const card = this.#nearest(event);
    setText(this.tip, card ? `#${card.id} ${short(card.name, 80)} · ${short(card.family, 40)} · ${scoreText(card.score)} ${spread(card)}`
      : "");
  }

  #pick(event) {
    const card = this.#nearest(event);
    if (card) this.app.openDetail(card.id, this.app.tabs.tabs.find((tab) => tab.tabIndex === 0));
  }
}

/** Scales of the plot. The worst scores may lie beyond it: a few failures would flatten everything else. */
function plotScale(store, points, width) {
  const values = points.map((card) => card.score).sort((a, b) => a - b);
  const up = store.metric.direction === "maximize";
  const at = (part) => values[Math.round(part * (values.length - 1))];
  let [low, high] = up ? [at(0.08), at(1)] : [at(0), at(0.92)];
  const reach = Math.max(high - low, Math.abs(high) * 0.02, 1e-12);
  for (const value of Object.values(store.campaign.baselines ?? {})) {
    if (value > low - 1.5 * reach && value < high + 1.5 * reach) [low, high] = [Math.min(low, value), Math.max(high, value)];
  }
  const pad = Math.max(high - low, Math.abs(high) * 1e-3, 1e-12) * 0.06;
  [low, high] = [low - pad, high + pad];
  const [inner, tall] = [width - EDGE.left - EDGE.right, HEIGHT - EDGE.top - EDGE.bottom];
  const last = Math.max(1, points.length - 1);
  return {
    low, high, width,
    x: (i) => EDGE.left + inner * i / last,
    index: (x) => (x - EDGE.left) / inner * last,
    y: (value) => EDGE.top + tall * (1 - (Math.max(low, Math.min(high, value)) - low) / (high - low)),
  };
}

function plotOf(store, points, scale, arm) {
  const best = bestLine(store, points, scale, null);
  const beyond = points.filter((card) => card.score < scale.low || card.score > scale.high).length;
  const found = store.ranked()[0];
  const told = `${plural(points.length, "score")} in the order they came. Best ${scoreText(found?.score)} by experiment ${found?.id}.`;
  return svg("svg", { class: "alnb-svg", width: scale.width, height: HEIGHT, viewBox: `0 0 ${scale.width} ${HEIGHT}`, role: "img",
    "aria-label": told },
    svg("title", null, told), axes(store, points, scale, beyond), noiseBand(store, scale),
    baselineLines(store, scale), dots(store, points, scale, arm),
    svg("path", { class: "alnb-best", d: best }), arm === null ? null : svg("path", { class: `alnb-arm-best ${hueClass(store, arm)}`,
      d: bestLine(store, points, scale, arm) }));
}

function bestLine(store, points, scale, arm) {
  let best = null;
  let path = "";
  points.forEach((card, i) => {
    if (arm !== null && card.family !== arm) return;
    if (best !== null && !store.better(card.score, best)) return;
    path += best === null ? `M${scale.x(i).toFixed(1)} ${scale.y(card.score).toFixed(1)}`
      : `H${scale.x(i).toFixed(1)}V${scale.y(card.score).toFixed(1)}`;
    best = card.score;
  });
  return path && `${path}H${scale.x(points.length - 1).toFixed(1)}`;
}

/** One path per family: thousands of circles would be thousands of nodes. */
function dots(store, points, scale, arm) {
  const paths = new Map();
  points.forEach((card, i) => paths.set(card.family,
    `${paths.get(card.family) ?? ""}M${scale.x(i).toFixed(1)} ${scale.y(card.score).toFixed(1)}h0`));
  return [...paths].map(([family, d]) => svg("path",
    { class: `alnb-dots ${hueClass(store, family)} ${arm === null || arm === family ? "" : "alnb-faint"}`, d }));
}

function axes(store, points, scale, beyond) {
  const lines = ticks(scale.low, scale.high).map((value) => [
    svg("line", { class: "alnb-grid", x1: EDGE.left, x2: scale.width - EDGE.right, y1: scale.y(value), y2: scale.y(value) }),
    svg("text", { class: "alnb-axis", x: EDGE.left - 6, y: scale.y(value) + 4, "text-anchor": "end" }, scoreText(value)),
  ]);
  const name = `${short(store.metric.name, 24)}, ${store.metric.direction === "maximize" ? "more" : "less"} is better`;
  const outside = beyond ? ` · ${integer(beyond)} beyond the scale, drawn at its edge` : "";
  return svg("g", null, lines, svg("text", { class: "alnb-axis", x: EDGE.left, y: HEIGHT - 8 }, "1"),
    svg("text", { class: "alnb-axis", x: (EDGE.left + scale.width) / 2, y: HEIGHT - 8, "text-anchor": "middle" },
      `experiments in the order of their scores · ${name}${outside}`),
    svg("text", { class: "alnb-axis", x: scale.width - EDGE.right, y: HEIGHT - 8, "text-anchor": "end" }, integer(points.length)));
}

function ticks(low, high) {
  const rough = (high - low) / 6;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].find((each) => each * power >= rough) * power;
  const values = [];
  for (let value = Math.ceil(low / step) * step; value <= high && values.length < 10; value += step) values.push(value);
  return values;
}

/** What one comparison on search cannot tell from the certified baseline. */
function noiseBand(store, scale) {
  const { value, band } = store.campaign.certificate ?? {};
  if (!Number.isFinite(value) || !Number.isFinite(band) || value + band < scale.low || value - band > scale.high) return null;
  const [top, low] = [scale.y(value + band), scale.y(value - band)];
  const told = `less than ${scoreText(band)} from the certified baseline: not told from noise`;
  return svg("rect", { class: "alnb-noise", x: EDGE.left, width: scale.width - EDGE.left - EDGE.right, y: top,
    height: Math.max(1, low - top) }, svg("title", null, told));
}

/** Baselines as dashed lines; labels that would cover each other are moved apart. */
function baselineLines(store, scale) {
  const lines = Object.entries(store.campaign.baselines ?? {}).filter(([, value]) => value >= scale.low && value <= scale.high).sort((a,
    b) => b[1] - a[1]);
  let free = EDGE.top;
  return lines.map(([name, value]) => {
    const y = scale.y(value);
    const text = Math.max(y - 3, free);
    free = text + 12;
    return svg("g", { class: "alnb-base" }, svg("line", { x1: EDGE.left, x2: scale.width - EDGE.right, y1: y, y2: y }),
      svg("text", { x: scale.width - EDGE.right - 4, y: text, "text-anchor": "end" }, `${short(name, 40)} ${scoreText(value)}`));
  });
}

function sharesTable(app, bests) {
  const { store } = app;
  const all = Math.max(1, store.cards.size);
  const rows = [...store.familyCounts].filter(([, number]) => number > 0).sort((a, b) => b[1] - a[1]).slice(0,
    60).map(([family, number]) => {
    const best = bests.get(family);
    return [el("span", { class: hueClass(store, family) }, el("span", { class: "alnb-swatch", "aria-hidden": "true" }), said(family, 60)),
      el("span", { class: "alnb-share" }, meter(`${short(family, 60)}: ${percent(number / all)}`, number / all)), integer(number),
        percent(number / all),
      best ? [scoreText(best.score), " ", experimentButton(app, best.id)] : "–"];
  });
  return section("Families", table(["family", "", "experiments", "share", "best"], rows, { align: "llrrr" }));
}

function slotsBox(app, running) {
  const { slots = 0, slots_busy: busy = 0 } = app.store.campaign;
  const boxes = Array.from({ length: Math.min(slots, 128) },
    (_, i) => el("span", { class: "alnb-slot", "data-busy": i < busy ? "1" : null }));
  return section(`Slots: ${integer(busy)} of ${integer(slots)} busy`, el("div", { class: "alnb-slots", "aria-hidden": "true" }, boxes),
    running.length ? el("ul", { class: "alnb-list" }, running.map(([id, name, job]) => el("li", null, experimentButton(app, id), " ",
      said(name, 80), job ? el("span", { class: "alnb-dim" }, ` job ${job}`) : null))) : empty("Nothing runs."));
}
