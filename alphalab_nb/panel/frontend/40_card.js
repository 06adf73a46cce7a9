// One card of the board: built once, then only its texts change.

const ACTIONS = { proposed: ["approve", "veto"], running: ["cancel"] };
for (const state of WAITING) ACTIONS[state] = ["veto", "pin", "priority"];

class CardView {
  constructor(app, card) {
    Object.assign(this, { app, id: card.id, card });
    this.title = el("button", { type: "button", class: "alnb-card-title", on: { click: () => app.openDetail(this.id, this.title) } });
    this.hypothesis = el("bdi", { class: "alnb-card-why" });
    this.number = el("span", { class: "alnb-card-id" }, `#${card.id}`);
    this.family = el("bdi", { class: "alnb-card-family" });
    this.score = el("strong");
    this.spread = el("span");
    this.value = el("div", { class: "alnb-card-score" }, this.score, this.spread);
    this.facts = el("div", { class: "alnb-card-facts" });
    this.time = el("time", { class: "alnb-card-time" });
    this.badges = el("div", { class: "alnb-badges" });
    this.asked = el("div", { class: "alnb-asked" });
    this.tools = el("div", { class: "alnb-tools" });
    this.node = el("article", { class: "alnb-card", "data-id": card.id, "aria-label": `experiment ${card.id}` },
      el("div", { class: "alnb-card-top" }, this.title, this.number), this.hypothesis,
      el("div", { class: "alnb-card-low" }, this.family, this.time), this.value, this.facts, this.badges, this.asked, this.tools);
    this.node.view = this;
  }

  update(card, now) {
    this.card = card;
    breakable(this.title, short(card.name, 120));
    setAttr(this.title, "title", short(card.name, 300));
    setText(this.hypothesis, short(card.hypothesis, 160));
    show(this.hypothesis, Boolean(card.hypothesis));
    setText(this.family, short(card.family, 40));
    const hue = hueClass(this.app.store, card.family);
    if (this.hue !== hue) {
      if (this.hue) this.node.classList.remove(this.hue);
      this.node.classList.add(hue);
      this.hue = hue;
    }
    setText(this.score, card.score === null ? "" : scoreText(card.score));
    setText(this.spread, card.score === null ? valueText(card) : `${spread(card)}${card.n > 1 ? ` (${card.n})` : ""}`);
    show(this.value, card.score !== null || card.smoke !== null);
    setText(this.facts, factsText(card, this.app.store.working.get(card.id)));
    this.#badges(badgesOf(card));
    this.#asked();
    this.#tools(card);
    this.tick(now);
  }

  tick(now) {
    setText(this.time, since(this.card.moved, now));
    setAttr(this.time, "datetime", this.card.moved);
  }

  #badges(texts) {
    const key = texts.join("|");
    if (this.badgeKey === key) return;
    this.badgeKey = key;
    this.badges.replaceChildren(...texts.map((text) => el("span", { class: "alnb-badge", "data-badge": text.split(" ")[0] }, text)));
  }

  #asked() {
    const request = this.app.link.about(this.id);
    setText(this.asked, request ? fate({ ...request, about: words(request.verb) }, this.app.store.campaign) : "");
    setAttr(this.asked, "data-state", request?.state ?? null);
  }

  /** Buttons of the card's state. They stay as they are while the state allows the same. */
  #tools(card) {
    const wanted = ACTIONS[card.state] ?? [];
    const key = wanted.join();
    if (this.toolKey !== key) {
      const holder = focused(this.node);
      const lost = holder && this.tools.contains(holder);
      this.toolKey = key;
      this.tools.replaceChildren(...wanted.map((verb) => this.#tool(verb)));
      if (lost) this.title.focus({ preventScroll: true });
    }
    if (this.pin) setAttr(this.pin, "aria-disabled", card.pinned ? "true" : null);
    if (this.priority) setText(this.priority, String(card.priority ?? 0));
    if (this.priority) setAttr(this.priority, "title", `priority ${card.priority ?? 0}: higher runs first`);
    for (const node of this.tools.querySelectorAll("[data-named]")) {
      setAttr(node, "aria-label", `${node.dataset.named} experiment ${card.id} ${short(card.name, 80)}`);
    }
  }

  #tool(verb) {
    if (verb === "approve") return this.#button("Approve", "Approve", "alnb-go", () => this.#send("approve"));
    if (verb === "veto") return this.#button("Veto", "Veto", "alnb-no", (event) => this.#reason("veto", event.currentTarget));
    if (verb === "cancel") return this.#button("Cancel", "Cancel", "alnb-no", (event) => this.#reason("cancel", event.currentTarget));
    if (verb === "pin") return (this.pin = this.#button("Pin", "Pin", "", () => this.card.pinned || this.#send("pin")));
    this.priority = el("span", { class: "alnb-prio" });
    return el("span", { class: "alnb-prios" },
      this.#button("−", "Lower the priority of", "alnb-small", () => this.#step(-1)), this.priority,
      this.#button("+", "Raise the priority of", "alnb-small", () => this.#step(1)));
  }

  #button(label, named, kind, act) {
    const node = steer(this.app, label, act, { kind });
    node.dataset.named = named;
    return node;
  }

  /** Several presses add up although each is answered later. */
  #step(by) {
    const open = this.app.link.about(this.id);
    const from = open?.verb === "priority" && open.state !== "refused" ? open.args.priority : this.card.priority ?? 0;
    this.#send("priority", { priority: from + by });
  }

  #reason(verb, opener) {
    inlineForm(opener, this.tools, { label: `Reason to ${verb} #${this.id}`, required: verb === "veto",
      ok: words(verb)[0].toUpperCase() + verb.slice(1), danger: true,
      onSend: (reason) => this.#send(verb, { reason }) });
  }

  #send(verb, args = {}) {
    this.app.link.command(verb, { id: this.id, ...args }, `${verb} #${this.id} ${short(this.card.name, 60)}`);
  }

  get busy() {
    return Boolean(this.tools.querySelector(".alnb-inline")) || Boolean(this.node.isConnected && focused(this.node));
  }
}

function valueText(card) {
  if (card.score !== null) return [scoreText(card.score), spread(card), card.n > 1 ? `(${card.n} runs)` : ""].filter(Boolean).join(" ");
  return card.smoke === null ? "" : `smoke ${scoreText(Number(card.smoke.toPrecision(4)))}`;
}

function factsText(card, work) {
  const parts = [];
  if (work) parts.push(`${short(work.role, 24)} at work`);
  if (card.job !== null && card.state === "running") parts.push(`job ${card.job}`);
  if (card.attempt > 1) parts.push(`attempt ${card.attempt}`);
  if (card.fixes) parts.push(plural(card.fixes, "fix", "fixes"));
  return parts.join(" · ");
}

function badgesOf(card) {
  const badges = [];
  if (card.pinned && WAITING.has(card.state)) badges.push("pinned");
  if (card.quarantined) badges.push("quarantined");
  if (card.outcome && card.outcome !== "ok" && card.outcome !== card.state) badges.push(short(card.outcome, 24));
  if (card.verdict && card.verdict !== "reject" && card.outcome !== "failed") badges.push(short(card.verdict, 32));
  if (card.fidelity === "smoke") badges.push("screening");
  return badges;
}
