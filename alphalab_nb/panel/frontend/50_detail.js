// The drawer of one experiment. It asks the kernel for what a card does not hold, and again when the card changes.

const FACT_ORDER = ["id", "name", "family", "state", "outcome", "verdict", "hypothesis", "brief", "config", "error", "parent", "author",
  "stage",
  "fidelity", "priority", "fixes", "created", "moved"];
const REFRESH_MS = 2000;

class Detail {
  constructor(app) {
    Object.assign(this, { app, id: null, data: null });
    this.title = el("h3", { class: "alnb-drawer-title", tabindex: -1 });
    this.line = el("p", { class: "alnb-dim" });
    this.pages = Object.fromEntries(["facts", "code", "diff", "debrief", "log", "history",
      "notes"].map((id) => [id, el("div", { class: "alnb-page" })]));
    this.notes = el("div");
    this.noteForm = noteForm(app, () => this.id);
    this.pages.notes.append(this.notes, this.noteForm);
    const label = { facts: "Facts", code: "Code", diff: "Diff", debrief: "Debrief", log: "Log", history: "Moves and runs", notes: "Notes" };
    this.tabs = new Tabs(app, "Experiment", Object.entries(this.pages).map(([id, node]) => ({ id, label: label[id], node })),
      () => this.paint());
    this.node = el("aside", { class: "alnb-drawer", hidden: true, "aria-label": "Experiment", on: {
      keydown: (event) => { if (event.key === "Escape") this.close(); },
    } }, el("div", { class: "alnb-row" }, this.title, button("Close", () => this.close(), { aria: "Close the experiment" })), this.line,
      this.tabs.list, this.tabs.panels);
  }

  open(id, opener) {
    if (this.id !== id) {
      Object.assign(this, { id, data: null, why: "", asked: false });
      for (const page of [...Object.values(this.pages), this.notes]) delete page.drawn;
    }
    this.opener = opener;
    show(this.node, true);
    this.app.root.dataset.detail = String(id);
    if (!this.tabs.selected) this.tabs.select("facts");
    this.fetch();
    this.paint();
    this.title.focus({ preventScroll: true });
    this.node.scrollIntoView({ block: "nearest" });
  }

  close() {
    show(this.node, false);
    delete this.app.root.dataset.detail;
    const { id, opener } = this;
    this.id = null;
    const back = opener?.isConnected ? opener : this.app.root.querySelector(`[data-id="${Number(id)}"] .alnb-card-title`);
    (back ?? this.app.tabs.tabs.find((tab) => tab.tabIndex === 0)).focus({ preventScroll: true });
  }

  fetch() {
    if (!this.app.isLive || this.id === null || this.asked) return;
    const { id } = this;
    this.asked = true;
    this.at = Date.now();
    this.app.link.ask("detail", id, (data, why) => {
      if (this.id !== id) return;
      Object.assign(this, { data: data ?? this.data, why, asked: false });
      this.app.schedule();
    });
  }

  /** The card has changed: ask again, at most every two seconds. */
  refresh() {
    if (this.id === null || this.later) return;
    const wait = Math.max(0, (this.at ?? 0) + REFRESH_MS - Date.now());
    this.later = this.app.link.later(wait, () => { this.later = null; this.asked = false; this.fetch(); });
  }

  paint() {
    if (this.id === null) return;
    const card = this.app.store.cards.get(this.id);
    this.title.replaceChildren(`#${this.id} `, said(card?.name ?? "unknown experiment", 200));
    setText(this.line, card ? cardLine(card) : "This experiment is not on the board.");
    const page = this.tabs.selected;
    const host = page === "notes" ? this.notes : this.pages[page];
    if (!this.data && page !== "facts") return redraw(host, ["none", this.#nothing()], () => empty(this.#nothing()));
    const build = { facts: factsPage, code: codePage, diff: diffPage, debrief: debriefPage, log: logPage, history: historyPage,
      notes: notesPage }[page];
    const state = page === "facts" ? [this.data?.experiment, this.data?.cost, this.data?.notebooks, card?.raw] : pageState(page, this.data);
    const stick = host.querySelector(".alnb-box");
    const top = stick?.scrollTop ?? 0;
    redraw(host, [state, this.id], () => build(this.app, this.data ?? {}, card));
    const box = host.querySelector(".alnb-box");
    if (box && box !== stick) box.scrollTop = page === "log" ? box.scrollHeight : top;
  }

  #nothing() {
    if (this.why) return `The kernel could not read this: ${short(this.why, 400)}`;
    return this.app.isLive ? "Reading …" : "Only a live kernel can show this.";
  }
}

function pageState(page, data) {
  const names = { code: ["code", "attempts"], diff: ["diff"], debrief: ["debrief"], log: ["log"], history: ["moves", "runs", "attempts"],
    notes: ["notes"] };
  return names[page].map((name) => data[name]);
}

function cardLine(card) {
  return [words(card.state), short(card.family, 60), valueText(card), ...badgesOf(card),
    card.seconds ? `${duration(card.seconds)} of compute` : ""]
    .filter(Boolean).join(" · ");
}

function factsPage(app, data, card) {
  const experiment = data.experiment ?? Object.fromEntries(FACT_ORDER.filter((name) => card && name in card).map((name) => [name,
    card[name]]));
  const names = [...FACT_ORDER.filter((name) => name in experiment),
    ...Object.keys(experiment).filter((name) => !FACT_ORDER.includes(name))];
  const rows = names.filter((name) => experiment[name] !== null && experiment[name] !== "").map((name) => [words(name),
    factValue(app, name, experiment[name])]);
  const notebooks = (data.notebooks ?? []).map((each) => el("li", null, fileLink(app, each.path, each.label)));
  return [facts(rows), notebooks.length ? section("Notebooks", el("ul", { class: "alnb-list" }, notebooks)) : null,
    data.cost ? section("Cost", costLine(data.cost)) : null];
}

function factValue(app, name, value) {
  if (name === "parent") return experimentButton(app, value);
  if (name === "created" || name === "moved") return clock(value);
  if (name === "config" || name === "config_json") return textBox(typeof value === "string" ? value : JSON.stringify(value, null, 2),
    { code: true, label: "config" });
  if (typeof value === "boolean") return value ? "yes" : "no";
  const text = plain(value);
  return text.length > 300 || text.includes("\n") ? textBox(text, { label: words(name), code: name === "error" }) : text;
}

function costLine(cost) {
  const used = `${tokenText(cost.input_tokens)} tokens in, ${tokenText(cost.output_tokens)} out`;
  return el("p", null, `${dollars(cost.usd)} · ${plural(cost.requests ?? 0, "request")} · ${used}`);
}

function codePage(app, data) {
  const files = data.code ?? [];
  if (!files.length) return empty("No code so far.");
  const newest = (data.attempts ?? []).at(-1);
  const line = newest ? el("p", { class: "alnb-dim" },
    `attempt ${newest.number}, commit ${short(newest.commit, 12)}`) : null;
  return [line, ...files.map((each, i) => el("details", { open: i === 0, "data-key": short(each.file, 200) },
    el("summary", null, said(each.file)), textBox(each.text, { code: true, label: `code of ${short(each.file, 80)}` })))];
}

function diffPage(app, data) {
  return data.diff ? diffBox(data.diff, "difference to the parent")
    : empty("No difference to show: it has no parent with code, or no code itself.");
}

function debriefPage(app, data) {
  return data.debrief ? textBox(data.debrief, { label: "debrief" }) : empty("No debrief so far.");
}

function logPage(app, data) {
  return data.log ? textBox(data.log, { code: true, label: "end of the newest run's log" }) : empty("No run has written a log.");
}

function historyPage(app, data) {
  const moves = (data.moves ?? []).map((move) => [clock(move.at), `${move.source ? `${words(move.source)} → ` : ""}${words(move.target)}`,
    said(move.actor, 60), said(move.reason, 500)]);
  const runs = (data.runs ?? []).map((run) => [run.id, run.kind, run.fidelity, run.partition, run.seed, words(run.status), run.label ?? "",
    scoreText(run.value), duration(run.seconds), clock(run.started)]);
  const attempts = (data.attempts ?? []).map((each) => [each.number, short(each.commit, 12)]);
  return [
    section("Moves", moves.length ? table(["when", "move", "by", "why"], moves) : empty("none")),
    section("Runs", runs.length ? table(["run", "kind", "fidelity", "partition", "seed", "status", "label", "value", "took", "began"],
      runs, { align: "rlllrllrrl" }) : empty("none")),
    section("Attempts", attempts.length ? table(["attempt", "commit"], attempts, { align: "rl" }) : empty("none")),
  ];
}

function notesPage(app, data) {
  const notes = data.notes ?? [];
  return notes.length ? el("ul", { class: "alnb-list" }, notes.map((note) => noteItem(app, note))) : empty("No notes on this experiment.");
}

function noteItem(app, note) {
  return el("li", null, el("span", { class: "alnb-dim" }, `${clock(note.at)} `), said(note.author, 60),
    note.experiment ? [" on ", experimentButton(app, note.experiment)] : null,
    ": ", said(note.text, 4000));
}

/** A form for a note; `about` gives the experiment, or null for the whole campaign. */
function noteForm(app, about) {
  const text = el("textarea", { class: "alnb-input", rows: 2, maxlength: 5000, "aria-label": "Note" });
  const error = errorLine();
  const outbox = new Outbox(app, error, { here: (request) => (request.args.id ?? null) === about() });
  return el("form", { class: "alnb-form", on: { submit: (event) => {
    event.preventDefault();
    const id = about();
    if (text.value.trim()) outbox.send("note", { text: text.value.trim(), ...(id === null ? {} : { id }) },
      id === null ? "note" : `note on #${id}`, [text]);
    else text.focus();
  } } }, field("Note (the Strategist reads it at its next turn)", text), error, submitButton(app, "Add note"));
}
