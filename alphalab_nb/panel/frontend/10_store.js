// What is known of the campaign: cards in columns that stay sorted, events, sections; and what has changed since it was drawn.

const STATES = ["proposed", "to_implement", "implemented", "checked", "queued", "running", "finished", "analyzed", "done", "cancelled"];
const WAITING = new Set(["to_implement", "implemented", "checked", "queued"]);
const FIELDS = ["id", "name", "family", "hypothesis", "state", "outcome", "verdict", "quarantined", "pinned", "priority", "fidelity",
  "parent",
  "author", "fixes", "attempt", "moved", "score", "n", "sd", "smoke", "seconds", "evaluator", "scored", "job",
  "stage", "cpu"];
const KEPT_EVENTS = 2000;
const SAVED_EVENTS = 300;
const SAVED_CARDS = 1000;
const BULK = 500;

/** What a view has to draw again. Views that are not seen collect it until they are. */
class Changes {
  constructor() {
    this.clear();
  }

  clear() {
    Object.assign(this, { all: false, columns: new Set(), cards: new Set(), sections: new Set(), scores: false, events: false,
      requests: false });
  }

  merge(other) {
    for (const name of ["columns", "cards", "sections"]) for (const item of other[name]) this[name].add(item);
    for (const name of ["all", "scores", "events", "requests"]) this[name] ||= other[name];
  }
}

function cardOf(raw) {
  const card = { raw };
  for (let i = 0; i < FIELDS.length; i += 1) card[FIELDS[i]] = raw[i] ?? null;
  card.at = Date.parse(card.moved) || 0;
  card.urgency = WAITING.has(card.state) ? [card.pinned ? 1 : 0, card.priority ?? 0] : [0, 0];
  return card;
}

/** Order within a column: pinned, then priority where cards wait; newest moved first; ids break ties, so the order is total. */
function ahead(a, b) {
  return b.urgency[0] - a.urgency[0] || b.urgency[1] - a.urgency[1] || b.at - a.at || b.id - a.id;
}

class Column {
  constructor() {
    this.list = [];
    this.unsorted = false;
  }

  add(card) {
    if (this.unsorted) this.list.push(card);
    else this.list.splice(this.#place(card), 0, card);
  }

  remove(card) {
    const at = this.unsorted ? this.list.indexOf(card) : this.#place(card);
    if (this.list[at] === card) this.list.splice(at, 1);
  }

  settle() {
    if (this.unsorted) this.list.sort(ahead);
    this.unsorted = false;
  }

  #place(card) {
    let low = 0;
    let high = this.list.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (ahead(this.list[middle], card) < 0) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

class Store {
  constructor() {
    this.cards = new Map();
    this.columns = Object.fromEntries(STATES.map((state) => [state, new Column()]));
    this.events = [];
    this.sections = {};
    this.texts = {};
    this.families = new Map();
    this.familyCounts = new Map();
    this.working = new Map();
    this.rev = null;
  }

  section(name) {
    return this.sections[name] ?? {};
  }

  get campaign() {
    return this.section("campaign");
  }

  get metric() {
    return this.campaign.metric ?? { name: "score", direction: "minimize", unit: "" };
  }

  /** True if score a is better than score b. */
  better(a, b) {
    return this.metric.direction === "maximize" ? a > b : a < b;
  }

  familyNumber(family) {
    if (!this.families.has(family)) this.families.set(family, this.families.size);
    return this.families.get(family);
  }

  /** Version of the evaluator whose scores are ranked: the campaign's own, else that of the newest score. */
  get evaluator() {
    const own = this.campaign.harness;
    if (own) return String(own).slice(0, 12);
    let newest = null;
    for (const card of this.cards.values()) if (card.score !== null && (!newest || card.scored > newest.scored)) newest = card;
    return newest?.evaluator ?? null;
  }

  /** Cards with a score that ranks, best first. */
  ranked() {
    const evaluator = this.evaluator;
    const sign = this.metric.direction === "maximize" ? -1 : 1;
    const rows = [];
    for (const card of this.cards.values()) {
      if (card.score !== null && !card.quarantined && card.evaluator === evaluator) rows.push(card);
    }
    return rows.sort((a, b) => sign * (a.score - b.score) || a.id - b.id);
  }

  /** The best baseline as [name, value], or null. */
  bestBaseline() {
    let best = null;
    for (const [name, value] of Object.entries(this.campaign.baselines ?? {})) {
      if (Number.isFinite(value) && (!best || this.better(value, best[1]))) best = [name, value];
    }
    return best;
  }

  /** Take a message of type delta; return what changed. A reset that repeats what is known changes nothing. */
  apply(message) {
    const changes = new Changes();
    const cards = message.cards ?? [];
    if (message.reset) this.#forget(new Set(cards.map((raw) => raw[0])), changes);
    if (cards.length > BULK) for (const column of Object.values(this.columns)) column.unsorted = true;
    for (const raw of cards) this.#card(raw, changes);
    for (const column of Object.values(this.columns)) column.settle();
    this.#events(message.events ?? [], changes);
    for (const [name, value] of Object.entries(message.sections ?? {})) this.#section(name, value, changes);
    if (message.rev !== undefined) this.rev = message.rev;
    return changes;
  }

  #forget(kept, changes) {
    for (const [id, card] of this.cards) {
      if (kept.has(id)) continue;
      this.cards.delete(id);
      this.columns[card.state].remove(card);
      this.#countFamily(card, -1);
      changes.columns.add(card.state);
      changes.cards.add(id);
      changes.scores = true;
    }
  }

  #card(raw, changes) {
    const old = this.cards.get(raw[0]);
    if (old && FIELDS.every((_, i) => old.raw[i] === raw[i])) return;
    const card = cardOf(raw);
    if (!this.columns[card.state]) return;
    if (old) this.columns[old.state].remove(old);
    this.columns[card.state].add(card);
    this.cards.set(card.id, card);
    this.familyNumber(card.family);
    if (old) this.#countFamily(old, -1);
    this.#countFamily(card, 1);
    changes.cards.add(card.id);
    changes.columns.add(card.state);
    if (old) changes.columns.add(old.state);
    if (!old || ["score", "quarantined", "evaluator", "sd", "verdict", "family",
      "n"].some((name) => old[name] !== card[name])) changes.scores = true;
  }

  #countFamily(card, step) {
    this.familyCounts.set(card.family, (this.familyCounts.get(card.family) ?? 0) + step);
  }

  #events(events, changes) {
    const last = this.events.at(-1)?.[0] ?? -1;
    const fresh = events.filter((event) => event[0] > last);
    if (!fresh.length) return;
    this.events.push(...fresh);
    if (this.events.length > KEPT_EVENTS) this.events.splice(0, this.events.length - KEPT_EVENTS);
    changes.events = true;
  }

  #section(name, value, changes) {
    const text = JSON.stringify(value);
    if (this.texts[name] === text) return;
    this.texts[name] = text;
    this.sections[name] = value;
    changes.sections.add(name);
    if (name === "campaign") changes.scores = true;
    if (name === "working") this.#working(value ?? [], changes);
  }

  #working(rows, changes) {
    const touched = [...this.working.keys(), ...rows.map((row) => row.experiment)];
    this.working = new Map(rows.filter((row) => row.experiment).map((row) => [row.experiment, row]));
    for (const id of touched) {
      const card = this.cards.get(id);
      if (!card) continue;
      changes.cards.add(id);
      changes.columns.add(card.state);
    }
  }

  /** Of many cards a notebook keeps those that are open, the best and the newest. */
  #savedCards() {
    if (this.cards.size <= SAVED_CARDS) return [...this.cards.values()];
    const newest = [...this.cards.values()].sort((a, b) => b.at - a.at);
    const ordered = [...STATES.slice(0, 7).flatMap((state) => this.columns[state].list), ...this.ranked().slice(0, SAVED_CARDS / 5),
      ...newest];
    return [...new Set(ordered)].slice(0, SAVED_CARDS);
  }

  /** The whole state as one message. `rev` comes last: comparing two of them then ends at the first look. */
  snapshot() {
    return {
      type: "delta", reset: true, at: new Date().toISOString(), total: this.cards.size, cards: this.#savedCards().map((card) => card.raw),
      events: this.events.slice(-SAVED_EVENTS), sections: { ...this.sections }, rev: this.rev,
    };
  }
}

/** The words of a filter box, or null if it is empty. */
function needles(text) {
  const parts = text.toLowerCase().split(/\s+/).filter(Boolean);
  return parts.length ? parts : null;
}

function matches(card, parts) {
  if (!parts) return true;
  const texts = [card.name, card.family, card.hypothesis, card.author].map((text) => short(text, 300));
  card.hay ??= `#${card.id} ${texts.join(" ")}`.toLowerCase();
  return parts.every((part) => card.hay.includes(part));
}
