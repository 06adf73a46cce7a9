// What the campaign has cost, beside what it may cost.

class SpendingView {
  constructor(app) {
    this.app = app;
    this.totals = el("div");
    this.tables = el("div", { class: "alnb-columns" });
    this.node = el("div", { class: "alnb-view" }, this.totals, this.tables);
  }

  paint(changes) {
    if (!changes.all && !changes.sections.has("spending") && !changes.sections.has("campaign")) return;
    const { store } = this.app;
    const spending = store.section("spending");
    redraw(this.totals, [spending, store.campaign.limits, store.cards.size], () => totalsBox(store, spending));
    redraw(this.tables, [spending.by_role, spending.by_phase, spending.by_model, spending.by_experiment],
      () => costTables(this.app, spending));
  }
}

function totalsBox(store, spending) {
  const limits = store.campaign.limits ?? {};
  const pays = paysModel(spending, limits);
  const all = (spending.input_tokens ?? 0) + (spending.output_tokens ?? 0);
  const lines = [
    ["dollars", spending.usd ?? 0, limits.usd, dollars], ["tokens", all, limits.tokens, tokenText],
      ["time", spending.wall_s, limits.wall_s, duration],
    ["experiments", store.cards.size, limits.max_experiments, integer], ["runs", null, limits.max_runs, integer],
  ].filter(([, value, limit], i) => limit || (value !== null && value !== undefined && (pays || i > 1)));
  const notes = [
    pays ? plural(spending.requests ?? 0, "request") : "no model paid",
    pays && `${tokenText(spending.input_tokens)} tokens in, of them ${percent(spending.cache_share)} from the cache, `
      + `${tokenText(spending.output_tokens)} out`,
    `${duration(spending.compute_s)} of compute`,
    spending.forecast_usd === null || spending.forecast_usd === undefined ? null
      : `forecast at this pace: ${dollars(spending.forecast_usd)}`,
    spending.unpriced ? `${plural(spending.unpriced, "request")} without a known price: the true sum is higher` : null,
  ].filter(Boolean);
  return section("Spent", el("div", { class: "alnb-budget" }, lines.map((line) => budgetLine(...line))),
    el("p", { class: "alnb-dim" }, notes.join(" · ")));
}

function budgetLine(name, value, limit, text) {
  const part = limit && value !== null ? value / limit : null;
  return el("div", { class: "alnb-budget-line" }, el("span", { class: "alnb-label" }, name),
    el("span", { class: "alnb-num" }, value === null ? `at most ${text(limit)}` : limit
      ? `${text(value)} of ${text(limit)} (${percent(part)})` : `${text(value)}, no limit`),
    part === null ? el("span") : meter(`${name}: ${percent(part)} of the budget`, part));
}

function costTables(app, spending) {
  const groups = [["by role", "role", spending.by_role], ["by phase", "phase", spending.by_phase],
    ["by model", "model", spending.by_model], ["by experiment", "experiment", spending.by_experiment]];
  const filled = groups.filter(([, , rows]) => rows?.length);
  if (!filled.length) return empty("No model was paid: nothing to divide.");
  return filled.map(([title, key, rows]) => section(title, table([key, "requests", "in", "cached", "out", "dollars"],
    rows.slice(0, 200).map((row) => costRow(app, key, row)), { align: "lrrrrr" })));
}

function costRow(app, key, row) {
  const name = row[key] ?? row.name ?? row.key;
  const first = key === "experiment" && Number.isInteger(name) ? experimentButton(app, name) : said(name ?? "none", 80);
  return [first, integer(row.requests ?? row.calls), tokenText(row.input_tokens), tokenText(row.cached_tokens),
    tokenText(row.output_tokens),
    `${dollars(row.usd ?? 0)}${row.unpriced ? ` + ${row.unpriced} unpriced` : ""}`];
}
