// People: what agents ask, what people order, and what became of it.

class PeopleView {
  constructor(app) {
    Object.assign(this, { app });
    this.questions = el("div", { class: "alnb-entries" });
    this.open = new KeyedList(this.questions, (item) => new QuestionView(app, item).node, (node, item) => node.view.update(item));
    this.answered = el("div");
    this.chat = new ChatBox(app);
    this.inject = injectForm(app);
    this.policy = new PolicyForm(app);
    this.budget = new BudgetForm(app);
    this.notes = el("div");
    this.commands = el("div");
    this.none = empty("No agent asks for anything.");
    this.node = el("div", { class: "alnb-view alnb-columns" },
      el("div", null, section("Questions of agents", this.none, this.questions, this.answered), section("Ask the lab", this.chat.node),
        section("Notes", noteForm(app, () => null), this.notes),
        section("Last wishes", this.commands)),
      el("div", null, section("Inject an experiment", this.inject.node), section("Approval", this.policy.node),
        section("Budget", this.budget.node)));
  }

  paint(changes) {
    const some = changes.all || changes.requests || ["people", "campaign"].some((name) => changes.sections.has(name));
    if (!some) return;
    const people = this.app.store.section("people");
    const questions = people.questions ?? [];
    const open = questions.filter((item) => item.answer === null || item.answer === undefined);
    this.open.draw(open, (item) => item.id);
    show(this.none, !open.length);
    const told = questions.filter((item) => !open.includes(item));
    redraw(this.answered, told, () => answeredList(this.app, told));
    this.chat.paint(people.chat ?? []);
    this.policy.paint();
    this.budget.paint();
    this.inject.paint();
    redraw(this.notes, people.notes, () => el("ul", { class: "alnb-list" }, (people.notes ?? []).map((note) => noteItem(this.app, note))));
    const own = this.app.link.requests.filter((request) => request.state === "sending"
      || (request.state === "refused" && !request.id && Date.now() - request.at < REMEMBERED_MS));
    const { running } = this.app.store.campaign;
    redraw(this.commands, [people.commands, own.map((request) => [request.tag, request.state, request.why]), running],
      () => commandTable(people.commands ?? [], own, running));
  }

  tick(now) {
    for (const node of this.questions.children) node.view.tick(now);
  }
}

class QuestionView {
  constructor(app, item) {
    Object.assign(this, { app, item });
    this.deadline = el("span", { class: "alnb-dim" });
    this.text = el("input", { class: "alnb-input", "aria-label": `Answer to question ${item.id}`, placeholder: "answer", maxlength: 4000 });
    const options = (item.options ?? []).map((option) => steer(app, short(option, 80), () => this.#answer(String(option)),
      { always: true, aria: `Answer question ${item.id}: ${short(option, 80)}` }));
    this.error = errorLine();
    this.outbox = new Outbox(app, this.error);
    this.node = el("article", { class: "alnb-entry alnb-question", "data-question": item.id },
      el("div", { class: "alnb-asking" }, el("strong", null, said(item.role, 40)), " asks",
        item.experiment ? [" about ", experimentButton(app, item.experiment)] : null, ": ", said(item.question, 4000)),
      el("div", { class: "alnb-dim" }, "without an answer: ", said(item.default || "nothing", 400), " ", this.deadline),
      options.length ? el("div", { class: "alnb-tools" }, options) : null,
      el("form", { class: "alnb-inline", on: { submit: (event) => this.#submit(event) } }, this.text,
        submitButton(app, "Answer", { always: true, aria: `Send the answer to question ${item.id}` })), this.error);
    this.node.view = this;
  }

  update(item) {
    this.item = item;
    this.tick(Date.now());
  }

  tick(now) {
    const left = (Date.parse(this.item.deadline) - now) / 1000;
    setText(this.deadline, !Number.isFinite(left) ? "" : left > 0 ? `in ${left < 60 ? `${Math.ceil(left / 10) * 10} s` : duration(left)}`
      : "(the deadline has passed)");
  }

  #submit(event) {
    event.preventDefault();
    if (this.text.value.trim()) this.#answer(this.text.value.trim(), [this.text]);
    else this.text.focus();
  }

  #answer(text, inputs = []) {
    this.outbox.send("answer", { id: this.item.id, text }, `answer question ${this.item.id}`, inputs);
  }
}

function answeredList(app, items) {
  if (!items.length) return null;
  const who = (item) => (item.answered_by === "default" ? "nobody answered in time" : short(item.answered_by, 40));
  const line = (item) => el("li", null, said(item.role, 40), item.experiment ? [" on ", experimentButton(app, item.experiment)] : null,
    ": ", said(item.question, 1000), " → ", said(item.answer, 1000), el("span", { class: "alnb-dim" }, ` (${who(item)})`));
  return el("details", { "data-key": "answered" }, el("summary", null, plural(items.length, "answered question")),
    el("ul", { class: "alnb-list" }, items.map(line)));
}

class ChatBox {
  constructor(app) {
    this.app = app;
    this.list = el("div", { class: "alnb-chat", role: "log", "aria-label": "Questions and answers", tabindex: 0 });
    this.text = el("input", { class: "alnb-input", "aria-label": "Question", placeholder: "What is happening? Any errors? Best so far?",
      maxlength: 2000 });
    const error = errorLine();
    const outbox = new Outbox(app, error);
    const ask = (text, inputs = []) => outbox.send("ask", { text }, "question", inputs);
    const form = el("form", { class: "alnb-inline", on: { submit: (event) => {
      event.preventDefault();
      if (this.text.value.trim()) ask(this.text.value.trim(), [this.text]);
      else this.text.focus();
    } } }, this.text, submitButton(app, "Ask", { always: true }));
    const ready = ["What is happening?", "Any errors?", "Best so far?"].map((text) => steer(app, text, () => ask(text), { always: true }));
    this.node = el("div", null, this.list, form, error, el("div", { class: "alnb-tools" }, ready));
    this.rows = new KeyedList(this.list, (row) => this.#row(row), (node, row) => this.#update(node, row));
  }

  #row(row) {
    const answer = el("div", { class: "alnb-answer" });
    const node = el("div", { class: "alnb-talk" }, el("div", { class: "alnb-asks" }, said(row.question, 2000),
      el("span", { class: "alnb-dim" }, ` ${short(row.by, 40)}, ${clock(row.at)}`)), answer);
    return Object.assign(node, { answer });
  }

  #update(node, row) {
    const open = row.answer === null || row.answer === undefined;
    setText(node.answer, open ? "waiting for the answer …" : visible(short(row.answer, 20000)));
    setAttr(node.answer, "data-open", open ? "1" : null);
  }

  paint(chat) {
    const rows = [...chat].sort((a, b) => a.id - b.id);
    const key = JSON.stringify(rows);
    if (this.key === key) return;
    this.key = key;
    this.rows.draw(rows, (row) => row.id);
    show(this.list, rows.length > 0);
    this.list.scrollTop = this.list.scrollHeight;
  }
}

function commandTable(rows, own, running) {
  const mine = own.map((request) => [clock(request.at), request.about, "you", fateWord(request.state), said(request.why, 400)]);
  const told = [...rows].sort((a, b) => b.id - a.id).map((row) => [clock(row.at), said(commandText(row), 200), said(row.actor, 40),
    fateWord(row.state), row.state === "pending" && !running ? sentWord({ running }) : said(row.result, 600)]);
  const all = [...mine, ...told];
  return all.length ? table(["when", "wish", "by", "state", "what became of it"], all) : empty("Nobody has asked for anything.");
}

function fateWord(state) {
  const text = { pending: "sent", applied: "✓ applied", refused: "✗ refused" }[state] ?? state;
  return el("span", { class: "alnb-fate", "data-state": state }, text);
}

function commandText(row) {
  const { id, ...rest } = row.args ?? {};
  const more = Object.entries(rest).filter(([, value]) => value !== ""
    && value !== null).map(([name, value]) => `${name} ${typeof value === "object" ? JSON.stringify(value) : value}`);
  return [words(row.verb), id === undefined || id === null ? "" : `#${id}`, more.join(", ")].filter(Boolean).join(" ");
}
