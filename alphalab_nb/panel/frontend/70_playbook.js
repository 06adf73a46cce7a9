// The playbook: what holds, by kind, with the experiments it rests on; people add, edit and retire.

const KINDS = [["works", "Works"], ["fails", "Fails"], ["avoid", "Avoid"], ["insight", "Insights"]];

class PlaybookView {
  constructor(app) {
    this.app = app;
    this.growth = el("div");
    this.lists = new Map(KINDS.map(([kind, title]) => [kind, this.#group(title)]));
    this.retired = this.#group("Retired");
    this.form = entryForm(app);
    this.node = el("div", { class: "alnb-view alnb-columns" },
      el("div", null, [...this.lists.values(), this.retired].map((group) => group.node)),
        el("div", null, this.growth, section("Add an entry", this.form)));
  }

  #group(title) {
    const body = el("div", { class: "alnb-entries" });
    const head = el("h3", { class: "alnb-h" });
    const list = new KeyedList(body, (entry) => new EntryView(this.app, entry).node, (node, entry) => node.view.update(entry));
    return { title, head, list, node: el("section", { class: "alnb-section" }, head, body) };
  }

  paint(changes) {
    if (!changes.all && !changes.sections.has("playbook") && !changes.sections.has("learning")) return;
    const { entries = [], growth = [] } = this.app.store.section("playbook");
    const learning = this.app.store.section("learning");
    const course = Array.isArray(learning) ? learning : [];  // a notebook saved by an older version has none
    const active = entries.filter((entry) => entry.status !== "retired");
    for (const [kind, group] of this.lists) this.#draw(group, active.filter((entry) => entry.kind === kind));
    this.#draw(this.retired, entries.filter((entry) => entry.status === "retired"));
    redraw(this.growth, [growth, course, active], () => growthBox(growth, course, active));
  }

  #draw(group, entries) {
    show(group.node, entries.length > 0);
    setText(group.head, `${group.title} (${entries.length})`);
    group.list.draw(entries, (entry) => entry.id);
  }
}

class EntryView {
  constructor(app, entry) {
    Object.assign(this, { app });
    this.claim = el("bdi", { class: "alnb-claim" });
    this.evidence = el("span", { class: "alnb-chips" });
    this.line = el("span", { class: "alnb-dim" });
    this.tools = el("div", { class: "alnb-tools" });
    this.history = el("div");
    const id = entry.id;
    this.edit = steer(app, "Edit", () => this.#edit(), { aria: `Edit entry ${id}` });
    this.retire = steer(app, "Retire", (event) => inlineForm(event.currentTarget, this.tools, { label: `Retire entry ${id}?`, field: false,
      ok: "Retire", danger: true,
      onSend: () => app.link.command("playbook_retire", { entry: id }, `retire entry ${id}`) }), { aria: `Retire entry ${id}` });
    this.versions = button("Versions", () => this.#versions(), { aria: `Versions of entry ${id}` });
    this.tools.append(this.edit, this.retire, this.versions);
    this.node = el("article", { class: "alnb-entry", "data-entry": id }, this.claim, el("div", { class: "alnb-row alnb-wrap" },
      this.evidence, this.line), this.tools, this.history);
    this.node.view = this;
  }

  update(entry) {
    this.entry = entry;
    const retired = entry.status === "retired";
    setText(this.claim, short(entry.claim, 4000));
    redraw(this.evidence, entry.evidence, () => (entry.evidence ?? []).map((id) => experimentButton(this.app, id)));
    const author = `${entry.human ? "a person" : "agent"} (${short(entry.author, 40)})`;
    const { said = "", gain = null, use = 0 } = entry.standing ?? {};
    const effect = gain === null ? "" : `effect ${gain > 0 ? "+" : ""}${Number((100 * gain).toPrecision(2))} %`;
    setText(this.line, [short(said, 200), effect, use ? `cited ${plural(use, "time")}` : "", author, `version ${entry.version}`,
      clock(entry.at), retired ? "retired" : ""].filter(Boolean).join(" · "));
    setAttr(this.node, "data-retired", retired ? "1" : null);
    show(this.edit, !retired);
    show(this.retire, !retired);
    show(this.versions, entry.version > 1);
  }

  #edit() {
    if (this.form) return this.form.elements.claim.focus();
    const done = () => this.#done(form);
    const form = entryForm(this.app, this.entry, { done, back: (typed, why) => this.#again(typed, why) });
    this.form = form;
    this.node.append(form);
    return this.form.elements.claim.focus();
  }

  /** Close a form, unless that has been done already; the focus goes back only from within it. */
  #done(form) {
    if (this.form !== form) return;
    const held = focused(form);
    form.remove();
    this.form = null;
    if (held) this.edit.focus({ preventScroll: true });
  }

  /** A version was refused after its form had closed: open it again as it was. */
  #again(typed, why) {
    if (this.form) return;
    const holder = focused(this.app.root);
    this.#edit();
    this.form.elements.claim.value = typed.claim;
    this.form.elements.evidence.value = typed.evidence;
    setText(this.form.querySelector(".alnb-error"), why);
    holder?.focus({ preventScroll: true });
  }

  #versions() {
    if (this.history.childNodes.length) return this.history.replaceChildren();
    this.history.replaceChildren(empty(this.app.isLive ? "Reading …" : "Only a live kernel can show this."));
    return this.app.link.ask("versions", this.entry.id, (versions, why) => this.history.replaceChildren(versions ? versionList(versions)
      : empty(short(why, 400))));
  }
}

function versionList(versions) {
  const ordered = [...versions].sort((a, b) => a.version - b.version);
  return el("ol", { class: "alnb-versions" }, ordered.map((each, i) => el("li", null,
    el("div", { class: "alnb-dim" },
      `version ${each.version} by ${short(each.author, 40)}, ${clock(each.at)}${each.status === "retired" ? ", retired" : ""}`,
      each.evidence?.length ? ` · evidence ${each.evidence.map((id) => `#${id}`).join(" ")}` : ""),
    el("div", null, i ? wordDiff(ordered[i - 1].claim, each.claim) : said(each.claim, 4000)))));
}

const DIFF_WORDS = 600;

/** The words of `next` with what was taken out of and put into `prior`. */
function wordDiff(prior, next) {
  const [a, b] = [prior, next].map((text) => short(text, 8000).split(/(\s+)/).filter((word) => word !== ""));
  if (a.length > DIFF_WORDS || b.length > DIFF_WORDS) return [el("del", null, said(prior, 4000)), " ", el("ins", null, said(next, 4000))];
  const common = commonLengths(a, b);
  const parts = [];
  const add = (kind, word) => { if (parts.at(-1)?.kind === kind) parts.at(-1).text += word; else parts.push({ kind, text: word }); };
  let [i, j] = [0, 0];
  while (i < a.length || j < b.length) {
    if (i < a.length && j < b.length && a[i] === b[j]) { add("bdi", a[i]); i += 1; j += 1; }
    else if (j >= b.length || (i < a.length && common[i + 1][j] >= common[i][j + 1])) { add("del", a[i]); i += 1; }
    else { add("ins", b[j]); j += 1; }
  }
  return parts.map(({ kind, text }, i) => [i && touching(parts[i - 1].text, text) ? " " : null, el(kind,
    { "aria-label": kind === "bdi" ? null : `${kind === "ins" ? "added" : "taken out"}: ${short(text, 200)}` }, text)]);
}

/** Whether two words would stand together as one. */
function touching(left, right) {
  return /\S$/.test(left) && /^\S/.test(right);
}

/** Lengths of the longest common subsequences of the ends of two lists. */
function commonLengths(a, b) {
  const lengths = Array.from({ length: a.length + 1 }, () => new Uint16Array(b.length + 1));
  for (let i = a.length - 1; i >= 0; i -= 1) {
    for (let j = b.length - 1; j >= 0; j -= 1) lengths[i][j] = a[i] === b[j] ? lengths[i + 1][j + 1] + 1 : Math.max(lengths[i + 1][j],
      lengths[i][j + 1]);
  }
  return lengths;
}

/** The form of a new entry, or of an old one with `done` for its end and `back` for what was typed if it is refused after that. */
function entryForm(app, entry = null, { done = null, back = null } = {}) {
  const claim = el("textarea", { name: "claim", class: "alnb-input", rows: 3, maxlength: 4000, "aria-label": "Claim" });
  const kind = el("select", { name: "kind", class: "alnb-input", "aria-label": "Kind" },
    KINDS.map(([value, label]) => el("option", { value }, label)));
  const evidence = el("input", { name: "evidence", class: "alnb-input", "aria-label": "Evidence", placeholder: "3, 17", maxlength: 400 });
  const error = errorLine();
  const outbox = new Outbox(app, error, { sent: done, back: entry && ((request, why) => back(
    { claim: request.args.claim, evidence: request.args.evidence.join(", ") }, why)) });
  claim.value = entry?.claim ?? "";
  evidence.value = (entry?.evidence ?? []).join(", ");
  return el("form", { class: "alnb-form", on: {
    submit: (event) => {
      event.preventDefault();
      const ids = numbersOf(evidence.value);
      const text = claim.value.trim();
      if (!text) complain(app, error, "Write the claim.");
      else if (ids === null) complain(app, error, "Evidence is a list of experiment numbers, such as 3, 17.");
      else if (entry) outbox.send("playbook_edit", { entry: entry.id, claim: text, evidence: ids }, `edit entry ${entry.id}`);
      else outbox.send("playbook_add", { claim: text, kind: kind.value, evidence: ids }, "add to the playbook", [claim, evidence]);
    },
    keydown: (event) => { if (event.key === "Escape" && done) { event.stopPropagation(); done(); } },
  } }, field("Claim", claim), entry ? null : field("Kind", kind), field("Evidence (experiments)", evidence), error,
    el("div", { class: "alnb-row alnb-start" }, submitButton(app, entry ? "Save" : "Add entry"),
      done ? button("Back", done, { aria: "Back: do not save" }) : null));
}

/** Experiment numbers of a text, or null if it holds something else. */
function numbersOf(text) {
  const parts = text.split(/[\s,;]+/).filter(Boolean).map((part) => Number(part.replace(/^#/, "")));
  return parts.every((part) => Number.isInteger(part) && part > 0) ? parts : null;
}

function growthBox(growth, course, active) {
  if (!growth.length) return section("Growth", empty("The playbook is empty."));
  const counts = new Map();
  for (const { standing } of active) if (standing) counts.set(standing.word, (counts.get(standing.word) ?? 0) + 1);
  const stand = [...counts].map(([word, count]) => `${integer(count)} ${word}`).join(", ");
  const told = `from ${integer(growth[0][1])} to ${integer(growth.at(-1)[1])} words in ${plural(growth.length, "change")}`;
  return section("Growth", el("p", null, `${plural(active.length, "entry", "entries")} in force${
    stand ? ` (${stand})` : ""}, ${told}.`), course.length ? coursePlot(course) : null);
}
