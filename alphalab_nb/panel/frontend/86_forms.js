// Forms that order the campaign: inject, approval, budget. What a person is changing is not overwritten by news.

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

function submitButton(app, label) {
  return el("button", { type: "submit", class: "alnb-btn alnb-primary", "data-steer": "1", disabled: !app.isLive }, label);
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
  const error = el("p", { class: "alnb-error", role: "alert" });
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
      setText(error, "");
      app.link.command("inject", args, `inject ${short(args.name, 60)}`);
      for (const input of [name, why, config, brief]) input.value = "";
    } catch (problem) {
      setText(error, problem.message);
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
    this.minutes = this.#number("Minutes until it goes on", 10);
    this.every = this.#number("Experiments between two check-ins", 5);
    this.check = el("input", { type: "checkbox", "aria-label": "Check in with a person" });
    this.radios = {};
    const rows = WAYS.map(([id, label]) => {
      this.radios[id] = el("input", { type: "radio", name: `${app.uid}-policy`, value: id, "aria-label": label });
      return el("div", { class: "alnb-radio" }, el("label", null, this.radios[id], ` ${label}`), id === "after" ? [" ", this.minutes,
        " minutes"] : null);
    });
    const check = el("div", { class: "alnb-radio" }, el("label", null, this.check, " check in with a person every"), " ", this.every,
      " experiments");
    this.now = el("p", { class: "alnb-dim" });
    this.node = el("form", { class: "alnb-form", on: { submit: (event) => this.#send(event), input: () => { this.touched = true; } } },
      this.now, el("div", { role: "radiogroup", "aria-label": "Approval" }, rows), check, submitButton(app, "Set the approval"));
  }

  #number(label, value) {
    return el("input", { type: "number", class: "alnb-input alnb-narrow", min: 1, step: 1, value, "aria-label": label });
  }

  paint() {
    const policy = this.app.store.campaign.policy ?? {};
    setText(this.now, `now: ${policyText(policy)}`);
    if (this.touched) return;
    if (policy.after_s) this.minutes.value = Math.max(1, Math.round(policy.after_s / 60));
    if (policy.check_in_every) this.every.value = policy.check_in_every;
    this.check.checked = Boolean(policy.check_in_every);
    this.radios[wayOf(policy)].checked = true;
  }

  #send(event) {
    event.preventDefault();
    const way = WAYS.map(([id]) => id).find((id) => this.radios[id].checked) ?? "auto";
    const args = {
      approval: way === "ask" || way === "after" ? "ask" : "auto",
      after_s: way === "after" ? 60 * Math.max(1, Number(this.minutes.value) || 1) : 0,
      check_in_every: this.check.checked ? Math.max(1, Math.trunc(Number(this.every.value)) || 1) : 0,
    };
    this.touched = false;
    this.app.link.command("policy", args, `approval: ${policyText(args)}`);
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

const LIMITS = [["max_experiments", "Experiments", 1, 1], ["max_runs", "Runs", 1, 1], ["wall_s", "Hours", 3600, 0.1],
  ["usd", "Dollars", 1, 0.01], ["tokens", "Tokens", 1, 1]];

class BudgetForm {
  constructor(app) {
    Object.assign(this, { app, touched: new Set() });
    this.inputs = Object.fromEntries(LIMITS.map(([key, label, , step]) => [key,
      el("input", { type: "number", class: "alnb-input alnb-narrow", min: 0, step: step < 1 ? "any" : step,
      "aria-label": `Limit: ${label.toLowerCase()}`, on: { input: () => this.touched.add(key) } })]));
    this.error = el("p", { class: "alnb-error", role: "alert" });
    this.node = el("form", { class: "alnb-form", on: { submit: (event) => this.#send(event) } },
      el("div", { class: "alnb-fields" }, LIMITS.map(([key, label]) => field(label, this.inputs[key]))),
        el("p", { class: "alnb-hint" }, "0 means no limit"), this.error, submitButton(app, "Set the budget"));
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
    const args = Object.fromEntries(changed.map(([key, , unit]) => [key, Number(this.inputs[key].value) * unit]));
    setText(this.error, changed.length ? "" : "Change a limit first.");
    if (!changed.length) return;
    this.touched.clear();
    this.app.link.command("budget", args,
      `budget: ${changed.map(([key, label]) => `${label.toLowerCase()} ${this.inputs[key].value}`).join(", ")}`);
  }
}
