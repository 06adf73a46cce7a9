// The leaderboard: scores of one evaluator are ranked; others, and quarantined ones, stand below without a rank.

const ROWS = 100;
const LEADER_COLUMNS = [["rank", "rank", "r"], ["name", "experiment", "l"], ["family", "family", "l"], ["score", "score", "r"],
  ["shrunken", "shrunken (90 %)", "r"], ["n", "n", "r"],
  ["fidelity", "fidelity", "l"], ["evaluator", "evaluator", "l"], ["verdict", "verdict", "l"], ["cpu", "CPU a run", "r"],
  ["seconds", "time in all", "r"], ["author", "author", "l"]];

class LeaderboardView {
  constructor(app) {
    Object.assign(this, { app, limit: ROWS, key: "rank", down: false, rows: new Map() });
    this.filter = el("input", { type: "search", class: "alnb-input alnb-filter", placeholder: "Filter the leaderboard",
      "aria-label": "Filter the leaderboard",
      maxlength: 200, on: { input: () => { this.limit = ROWS; app.redrawAll(); } } });
    this.note = el("span", { class: "alnb-dim" });
    this.sealed = el("div");
    this.heads = LEADER_COLUMNS.map(([key, label, align]) => el("th", { scope: "col", class: align === "r" ? "alnb-num" : null,
      "data-key": key },
      button(label, () => this.#sort(key), { kind: "alnb-sort", aria: `Sort by ${label}` })));
    this.body = el("tbody");
    this.more = button("", () => { this.limit += ROWS; app.redrawAll(); }, { kind: "alnb-wide" });
    this.node = el("div", { class: "alnb-view" }, el("div", { class: "alnb-bar" }, this.filter, this.note), this.sealed,
      el("div", { class: "alnb-scroll alnb-tall", tabindex: 0, role: "region", "aria-label": "Leaderboard" },
        el("table", { class: "alnb-table alnb-leader" }, el("thead", null, el("tr", null, this.heads)), this.body)), this.more);
  }

  #sort(key) {
    this.down = this.key === key ? !this.down : false;
    this.key = key;
    this.app.redrawAll();
  }

  paint(changes) {
    if (!changes.all && !changes.scores && !changes.sections.has("leaderboard")) return;
    this.#heads();
    const { store } = this.app;
    const ranked = this.app.ranked();
    const ranks = new Map(ranked.map((card, i) => [card.id, i + 1]));
    const parts = needles(this.filter.value);
    const found = ranked.filter((card) => matches(card, parts));
    const sorted = this.key === "rank" && !this.down ? found : found.sort(this.#order(ranks));
    const rows = this.#lines(sorted.slice(0, this.limit), ranks, parts || sorted.length > this.limit);
    rows.push(...this.#unranked(store, parts));
    arrange(this.body, rows);
    setText(this.note, this.#summary(found.length, ranked.length));
    show(this.more, sorted.length > this.limit);
    setText(this.more, `${integer(sorted.length - this.limit)} more`);
    redraw(this.sealed, store.campaign.sealed, () => sealedLine(store));
  }

  #heads() {
    for (const head of this.heads) {
      const on = head.dataset.key === this.key;
      setAttr(head, "aria-sort", on ? (this.down ? "descending" : "ascending") : null);
    }
    setText(this.heads[3].firstChild, short(this.app.store.metric.name, 24));
  }

  #summary(found, all) {
    const { metric } = this.app.store;
    const unit = metric.unit ? ` ${short(metric.unit, 20)}` : "";
    const way = `${short(metric.name, 40)}${unit}, ${metric.direction === "maximize" ? "more" : "less"} is better`;
    return `${found === all ? integer(all) : `${integer(found)} of ${integer(all)}`} ranked · ${way}`;
  }

  #order(ranks) {
    const sign = this.down ? -1 : 1;
    const { rows } = this.#told();
    const value = this.key === "rank" ? (card) => ranks.get(card.id)
      : this.key === "shrunken" ? (card) => rows[card.id]?.shrunken : (card) => card[this.key];
    return (a, b) => sign * compare(value(a), value(b)) || ranks.get(a.id) - ranks.get(b.id);
  }

  /** Rows with the baselines between them, where the order is by rank or score; below the last row of a partial list none is drawn. */
  #lines(cards, ranks, partial) {
    const rows = cards.map((card) => [card.score, this.#row(card, ranks.get(card.id))]);
    if (!["rank", "score"].includes(this.key)) return rows.map(([, row]) => row);
    const { store } = this.app;
    const best = store.metric.direction === "maximize" ? -1 : 1;
    const way = best * (this.down ? -1 : 1) * (this.key === "score" && best < 0 ? -1 : 1);
    const last = partial && rows.length ? rows.at(-1)[0] : null;
    for (const [name, value] of Object.entries(store.campaign.baselines ?? {})) {
      if (Number.isFinite(value) && (last === null || way * (value - last) <= 0)) rows.push([value, this.#baseline(name, value)]);
    }
    return rows.sort((a, b) => way * (a[0] - b[0])).map(([, row]) => row);
  }

  /** What may be luck in the best scores, and what their compute says. */
  #told() {
    const { reference = null, rows = {} } = this.app.store.section("leaderboard");
    return { reference, rows };
  }

  #baseline(name, value) {
    const row = this.#kept(`baseline ${name}`, () => el("tr", { class: "alnb-baseline" }, el("td", null, ""),
      el("td", { colspan: 2 }, "baseline ", said(name, 80)),
      el("td", { class: "alnb-num" }), el("td", { colspan: LEADER_COLUMNS.length - 4 })));
    setText(row.children[2], scoreText(value));
    return row;
  }

  #kept(key, make) {
    if (!this.rows.has(key)) this.rows.set(key, make());
    return this.rows.get(key);
  }

  #row(card, rank) {
    const row = this.#kept(card.id, () => this.#newRow(card));
    const { reference, rows } = this.#told();
    const told = rank ? rows[card.id] : null;
    const texts = [rank ?? "–", null, null, scoreText(card.score), shrunkenText(told), card.n || "", words(card.fidelity),
      short(card.evaluator, 12),
      short(card.verdict, 24) || "–", computeText(card, told, reference), duration(card.seconds), null];
    texts.forEach((text, i) => { if (text !== null) setText(row.children[i], text); });
    setAttr(row.children[9], "title", told?.note ? short(told.note, 200) : null);
    setText(row.name, short(card.name, 80));
    setText(row.family, short(card.family, 40));
    setText(row.author, short(card.author, 24));
    return row;
  }

  #newRow(card) {
    const open = button("", (event) => this.app.openDetail(card.id, event.currentTarget), { kind: "alnb-link" });
    const name = el("bdi");
    open.append(name);
    const family = el("bdi");
    const author = el("bdi");
    const cells = LEADER_COLUMNS.map(([, , align]) => el("td", { class: align === "r" ? "alnb-num" : null }));
    cells[1].append(open, el("span", { class: "alnb-dim" }, ` #${card.id}`));
    cells[2].append(family);
    cells[11].append(author);
    return Object.assign(el("tr", { class: hueClass(this.app.store, card.family), "data-id": card.id }, cells), { name, family, author });
  }

  #unranked(store, parts) {
    const others = [];
    const bad = [];
    const evaluator = store.evaluator;
    for (const card of store.cards.values()) {
      if (card.score === null || !matches(card, parts)) continue;
      if (card.quarantined) bad.push(card);
      else if (card.evaluator !== evaluator) others.push(card);
    }
    return [...this.#group("other", "measured by another evaluator: not ranked", others),
      ...this.#group("quarantine", "quarantined: not ranked", bad)];
  }

  #group(key, title, cards) {
    if (!cards.length) return [];
    const head = this.#kept(key, () => el("tr", { class: "alnb-group" }, el("th", { colspan: LEADER_COLUMNS.length, scope: "colgroup" })));
    setText(head.firstChild, `${title} (${integer(cards.length)})`);
    cards.sort((a, b) => compare(b.scored, a.scored));
    return [head, ...cards.slice(0, ROWS).map((card) => this.#row(card, null))];
  }
}

/** Order of two values of a kind; what is missing comes last. */
function compare(a, b) {
  if (a === null || a === undefined) return b === null || b === undefined ? 0 : 1;
  if (b === null || b === undefined) return -1;
  return typeof a === "number" ? a - b : String(a).localeCompare(String(b));
}

function shrunkenText(told) {
  if (!told || told.shrunken === null) return "–";
  return `${scoreText(told.shrunken)} (${scoreText(told.low)} to ${scoreText(told.high)})`;
}

/** CPU seconds of a run; where they say something of a gain, also how many times those of the reference. */
function computeText(card, told, reference) {
  const spent = duration(card.cpu);
  return told?.note && reference !== null ? `${spent} · ${told.compute_ratio.toFixed(1)} × #${reference}` : spent;
}

function sealedLine(store) {
  const { sealed } = store.campaign;
  if (!sealed) return null;
  const baselines = Object.entries(sealed.baselines ?? {}).map(([name, value]) => `${short(name, 30)} ${scoreText(value)}`).join(", ");
  const opened = sealed.opening > 1 ? `opened ${sealed.opening} times, so this is not blind` : "opened once";
  return el("p", { class: "alnb-note" },
    `Sealed test, ${opened}: ${scoreText(sealed.score)} (search ${scoreText(sealed.search)}, confirm ${scoreText(sealed.confirm)})`,
    baselines && ` · baselines there: ${baselines}`);
}
