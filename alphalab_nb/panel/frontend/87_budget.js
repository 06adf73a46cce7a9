// The form of the budget: limits, what is used of them, and a question before a limit that ends the experiments.

/** Key, label, size of its unit, step, least value, and the amount as a person reads it. */
const LIMITS = [["max_experiments", "Experiments", 1, 1, 1, integer], ["max_runs", "Runs", 1, 1, 0, integer],
  ["wall_s", "Hours", 3600, 0.1, 0, duration], ["usd", "Dollars", 1, 0.01, 0, dollars], ["tokens", "Tokens", 1, 1, 0, tokenText]];

class BudgetForm {
  constructor(app) {
    Object.assign(this, { app, touched: new Set() });
    this.inputs = Object.fromEntries(LIMITS.map(([key, label, , step, min]) => [key,
      el("input", { type: "number", class: "alnb-input alnb-narrow", min, step: step < 1 ? "any" : step,
      "aria-label": `Limit: ${label.toLowerCase()}`, on: { input: () => this.touched.add(key) } })]));
    this.error = errorLine();
    this.outbox = new Outbox(app, this.error, { sent: (request) => this.#sent(request), back: (request) => this.#back(request) });
    this.submit = submitButton(app, "Set the budget");
    this.confirm = el("div", { class: "alnb-confirm" });
    const form = el("form", { class: "alnb-form", novalidate: true, on: { submit: (event) => this.#send(event) } },
      el("div", { class: "alnb-fields" }, LIMITS.map(([key, label]) => field(label, this.inputs[key]))),
      el("p", { class: "alnb-hint" }, "0 means no limit, except of experiments: there is at least 1"), this.error, this.submit);
    this.node = el("div", null, form, this.confirm);
  }

  paint() {
    const limits = this.app.store.campaign.limits ?? {};
    for (const [key, , unit] of LIMITS) {
      const input = this.inputs[key];
      if (this.touched.has(key)) continue;
      const wanted = String(Number(((limits[key] ?? 0) / unit).toFixed(4)));
      if (input.value !== wanted) input.value = wanted;
    }
  }

  #send(event) {
    event.preventDefault();
    const changed = LIMITS.filter(([key]) => this.touched.has(key));
    const wrong = changed.map((limit) => this.#problem(limit)).find(Boolean);
    if (wrong || !changed.length) return complain(this.app, this.error, wrong ?? "Change a limit first.");
    setText(this.error, "");
    const args = Object.fromEntries(changed.map(([key, , unit]) => [key, Number(this.inputs[key].value) * unit]));
    const about = `budget: ${changed.map(([key, label]) => `${label.toLowerCase()} ${this.inputs[key].value}`).join(", ")}`;
    const send = () => this.outbox.send("budget", args, about);
    const reached = this.#reached(args);
    if (!reached.length) return send();
    return inlineForm(this.submit, this.confirm, { label: `${reached.join(", ")} used already: this ends the experiments.`, field: false,
      ok: "Set it and end them", danger: true, onSend: send });
  }

  /** What is wrong with a number, in words; null if nothing is. */
  #problem([key, label, , step, min]) {
    const { value, validity } = this.inputs[key];
    if (value !== "" && validity.valid) return null;
    return `${label}: write a ${step < 1 ? "" : "whole "}number, ${min} or more.`;
  }

  /** Amounts that are used already and that the new limits do not exceed. How many runs there were, the panel does not know. */
  #reached(args) {
    const { store } = this.app;
    const spending = store.section("spending");
    const used = { max_experiments: store.cards.size, wall_s: spending.wall_s, usd: spending.usd,
      tokens: (spending.input_tokens ?? 0) + (spending.output_tokens ?? 0) };
    return LIMITS.filter(([key]) => args[key] && (used[key] ?? null) !== null && args[key] <= used[key])
      .map(([key, label, , , , text]) => (key === "wall_s" || key === "usd" ? text(used[key])
        : `${text(used[key])} ${used[key] === 1 ? label.toLowerCase().replace(/s$/, "") : label.toLowerCase()}`));
  }

  #sent(request) {
    request.typed = Object.fromEntries([...this.touched].map((key) => [key, this.inputs[key].value]));
    this.touched.clear();
    this.paint();
  }

  /** Refused later: what was typed is back, unless something else has been typed since. */
  #back(request) {
    if (this.touched.size) return;
    for (const [key, value] of Object.entries(request.typed)) {
      this.touched.add(key);
      this.inputs[key].value = value;
    }
  }
}
