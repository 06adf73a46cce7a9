// The board: a column per state, newest moved first, thirty cards at a time.

const PAGE = 30;

class BoardView {
  constructor(app) {
    Object.assign(this, { app, parts: null, views: new Map() });
    this.filter = el("input", { type: "search", class: "alnb-input alnb-filter",
      placeholder: "Filter: words of name, family, hypothesis, #id",
      "aria-label": "Filter experiments", maxlength: 200, on: { input: () => this.#filter() } });
    this.found = el("span", { class: "alnb-dim", "aria-live": "polite" });
    this.columns = STATES.map((state) => this.#column(state));
    this.board = el("div", { class: "alnb-board", role: "group", "aria-label": "Board" }, this.columns.map((column) => column.node));
    this.node = el("div", { class: "alnb-view alnb-board-view" }, el("div", { class: "alnb-bar" }, this.filter, this.found), this.board);
  }

  #column(state) {
    const total = el("span", { class: "alnb-n" }, "0");
    const body = el("div", { class: "alnb-col-body", tabindex: 0, role: "group", "aria-label": `cards ${words(state)}` });
    const column = { state, total, body, limit: PAGE, drawn: [] };
    column.more = button("", () => { column.limit += PAGE; this.app.redrawColumn(state); },
      { kind: "alnb-wide", aria: `More cards ${words(state)}` });
    column.node = el("section", { class: "alnb-col", "data-state": state, "aria-label": words(state) },
      el("h3", { class: "alnb-col-head" }, el("span", null, words(state)), total), body);
    return column;
  }

  #filter() {
    this.parts = needles(this.filter.value);
    for (const column of this.columns) column.limit = PAGE;
    this.app.redrawAll();
  }

  paint(changes) {
    const now = Date.now();
    const dirty = this.columns.filter((column) => changes.all || changes.columns.has(column.state));
    const wanted = new Set();
    const plans = dirty.map((column) => this.#plan(column, changes, wanted, now));
    for (const plan of plans) this.#place(plan, wanted);
    this.#forget(plans, wanted);
    if (changes.requests) for (const view of this.views.values()) view.update(this.app.store.cards.get(view.id) ?? view.card, now);
    const { policy, stop_reason: ended, running } = this.app.store.campaign;
    this.board.classList.toggle("alnb-over", Boolean(ended) && !running);
    const proposed = this.columns[0];
    show(proposed.node, policy?.approval === "ask" || this.app.store.columns.proposed.list.length > 0);
  }

  /** Which cards a column shows: the first ones, and further down whichever a person is busy with. */
  #plan(column, changes, wanted, now) {
    const { list } = this.app.store.columns[column.state];
    const found = this.parts ? list.filter((card) => matches(card, this.parts)) : list;
    const shown = found.slice(0, column.limit);
    for (const card of this.#held(column, shown)) shown.push(card);
    const nodes = shown.map((card) => {
      let view = this.views.get(card.id);
      if (!view) this.views.set(card.id, (view = new CardView(this.app, card)));
      if (changes.all || view.card !== card || !view.toolKey || changes.cards.has(card.id)) view.update(card, now);
      wanted.add(view.node);
      return view.node;
    });
    return { column, nodes, all: list.length, found: found.length, left: found.length - shown.length };
  }

  #held(column, shown) {
    const ids = new Set(shown.map((card) => card.id));
    const held = [];
    for (const view of this.views.values()) {
      const card = this.app.store.cards.get(view.id);
      if (card?.state === column.state && !ids.has(view.id) && view.busy) held.push(card);
    }
    return held;
  }

  #place({ column, nodes, all, found, left }, wanted) {
    setText(column.total, found === all ? integer(all) : `${integer(found)} of ${integer(all)}`);
    const tail = left > 0 ? [column.more] : [];
    setText(column.more, `${integer(left)} more`);
    column.node.classList.toggle("alnb-empty", !nodes.length);
    arrange(column.body, [...nodes, ...tail], wanted);
    column.drawn = nodes;
  }

  #forget(plans, wanted) {
    for (const { column } of plans) {
      for (const child of [...column.body.children]) if (child !== column.more && !column.drawn.includes(child)) child.remove();
    }
    for (const [id, view] of this.views) if (!view.node.isConnected && !wanted.has(view.node)) this.views.delete(id);
    if (this.parts) {
      const total = this.columns.reduce((sum, column) => sum + this.app.store.columns[column.state].list.filter((card) => matches(card,
        this.parts)).length, 0);
      setText(this.found, `${plural(total, "experiment")} found`);
    } else setText(this.found, "");
  }

  tick(now) {
    for (const view of this.views.values()) view.tick(now);
  }
}
