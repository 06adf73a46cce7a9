// Forms that order the campaign: inject, approval. What a person is changing is not overwritten by news.

/** Values of `key=value` lines; each value is JSON where it can be read so, else text. Throws with the line that is wrong. */
function configOf(text) {
  const config = {};
  for (const line of text.split("\n").map((each) => each.trim()).filter(Boolean)) {
    const at = line.indexOf("=");
    if (at < 1) throw new Error(`“${short(line, 60)}” is no setting: write key=value`);
    const value = line.slice(at + 1).trim();
    try {
      config[line.slice(0, at).trim()] = JSON.parse(value);
    } catch {
      config[line.slice(0, at).trim()] = value;
    }
  }
  return config;
}

function injectForm(app) {
  const name = el("input", { class: "alnb-input", maxlength: 120, placeholder: "itransformer_ctx336", "aria-label": "Name" });
  const why = el("textarea", { class: "alnb-input", rows: 2, maxlength: 2000, "aria-label": "Hypothesis" });
  const list = el("datalist", { id: `${app.uid}-families` });
  const family = el("input", { class: "alnb-input", maxlength: 80, list: list.id, placeholder: "one of the list, or new",
    "aria-label": "Family" });
  const config = el("textarea", { class: "alnb-input alnb-mono", rows: 3, placeholder: "context=336\nnormalise=true",
    "aria-label": "Config, a key=value per line" });
  const brief = el("textarea", { class: "alnb-input", rows: 2, maxlength: 8000, "aria-label": "Brief" });
  const priority = el("input", { type: "number", class: "alnb-input alnb-narrow", value: 1, step: 1, "aria-label": "Priority" });
  const hint = el("span", { class: "alnb-hint" });
  const error = errorLine();
  const outbox = new Outbox(app, error);
  const parameters = () => {
    const names = app.store.campaign.families?.[family.value.trim()];
    setText(hint, names?.length ? `takes ${names.map((each) => short(each, 40)).join(", ")}` : "");
  };
  family.addEventListener("input", parameters);
  const send = (event) => {
    event.preventDefault();
    try {
      if (!name.value.trim()) throw new Error("Give it a name.");
      if (!why.value.trim()) throw new Error("Say what you expect of it: the hypothesis.");
      const args = { name: name.value.trim(), hypothesis: why.value.trim(), family: family.value.trim(), config: configOf(config.value),
        brief: brief.value.trim(), priority: Math.trunc(Number(priority.value)) || 0 };
      outbox.send("inject", args, `inject ${short(args.name, 60)}`, [name, why, config, brief]);
    } catch (problem) {
      complain(app, error, problem.message);
    }
  };
  const node = el("form", { class: "alnb-form", on: { submit: send } }, field("Name", name), field("Hypothesis", why),
    field("Family", family, hint), list, field("Config (key=value per line)", config), field("Brief (what to build, in words)", brief),
    field("Priority (higher runs first)", priority), error, submitButton(app, "Inject experiment"));
  const paint = () => redraw(list, Object.keys(app.store.campaign.families ?? {}),
    () => Object.keys(app.store.campaign.families ?? {}).map((value) => el("option", { value })));
  return { node, paint };
}

const WAYS = [["auto", "auto: nobody is asked"], ["ask", "ask: each proposal waits for a person"], ["after", "ask, then go on after"]];

class PolicyForm {
  constructor(app) {
    Object.assign(this, { app, touched: false });
    this.minutes = this.#number("Minutes until it goes on", 10, { min: 0, step: "any" });
    this.every = this.#number("Experiments between two check-ins", 5, { min: 1, step: 1 });
    this.error = errorLine();
    this.outbox = new Outbox(app, this.error, { sent: () => { this.touched = false; } });
    this.check = el("input", { type: "checkbox", "aria-label": "Check in with a person" });
    this.radios = {};
    this.span = el("span", { class: "alnb-hint" });
    const rows = WAYS.map(([id, label]) => {
      this.radios[id] = el("input", { type: "radio", name: `${app.uid}-policy`, value: id, "aria-label": label });
      return el("div", { class: "alnb-radio" }, el("label", null, this.radios[id], ` ${label}`), id === "after" ? [" ", this.minutes,
        " minutes ", this.span] : null);
    });
    const check = el("div", { class: "alnb-radio" }, el("label", null, this.check, " check in with a person every"), " ", this.every,
      " experiments");
    this.now = el("p", { class: "alnb-dim" });
    const typed = () => { this.touched = true; this.#span(); };
    this.node = el("form", { class: "alnb-form", on: { submit: (event) => this.#send(event), input: typed } },
      this.now, el("div", { role: "radiogroup", "aria-label": "Approval" }, rows), check, this.error,
      submitButton(app, "Set the approval"));
  }

  #number(label, value, { min, step }) {
    return el("input", { type: "number", class: "alnb-input alnb-narrow", min, step, value, "aria-label": label });
  }

  /** The time until it goes on, in seconds: a campaign may wait for less than a minute. */
  get #seconds() {
    return Number((60 * Number(this.minutes.value)).toFixed(1));
  }

  /** Beside a part of a minute stands what it is in seconds. */
  #span() {
    setText(this.span, Number.isInteger(Number(this.minutes.value)) ? "" : `(${duration(this.#seconds)})`);
  }

  paint() {
    const policy = this.app.store.campaign.policy ?? {};
    setText(this.now, `now: ${policyText(policy)}`);
    if (this.touched) return;
    if (policy.after_s) this.minutes.value = Number((policy.after_s / 60).toFixed(4));
    this.#span();
    if (policy.check_in_every) this.every.value = policy.check_in_every;
    this.check.checked = Boolean(policy.check_in_every);
    this.radios[wayOf(policy)].checked = true;
  }

  #send(event) {
    event.preventDefault();
    const way = WAYS.map(([id]) => id).find((id) => this.radios[id].checked) ?? "auto";
    const args = {
      approval: way === "ask" || way === "after" ? "ask" : "auto",
      after_s: way === "after" ? this.#seconds : 0,
      check_in_every: this.check.checked ? Math.max(1, Math.trunc(Number(this.every.value)) || 1) : 0,
    };
    if (way === "after" && !args.after_s) complain(this.app, this.error, "Say after how many minutes it goes on.");
    else this.outbox.send("policy", args, `approval: ${policyText(args)}`);
  }
}

function wayOf(policy) {
  if (policy.approval !== "ask") return "auto";
  return policy.after_s ? "after" : "ask";
}

function policyText(policy) {
  const way = wayOf(policy);
  const check = policy.check_in_every ? `; check in every ${plural(policy.check_in_every, "experiment")}` : "";
  return (way === "after" ? `ask, and go on after ${duration(policy.after_s)}` : way) + check;
}
