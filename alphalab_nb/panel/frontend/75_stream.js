// The stream: what happens now, newest at the bottom.

const LINES = 300;

class StreamView {
  constructor(app) {
    Object.assign(this, { app, last: -1, paused: false, roles: [] });
    this.role = el("select", { class: "alnb-input", "aria-label": "Role", on: { change: () => this.#restart() } },
      el("option", { value: "" }, "all roles"));
    this.experiment = el("input", { type: "search", class: "alnb-input alnb-narrow", inputmode: "numeric", placeholder: "#id",
      "aria-label": "Experiment number", maxlength: 12,
      on: { input: () => this.#restart() } });
    this.hold = button("Hold", () => this.#toggle(), { aria: "Hold the stream" });
    this.held = el("span", { class: "alnb-dim" });
    this.log = el("div", { class: "alnb-log alnb-tall", role: "log", "aria-label": "Stream", tabindex: 0, "aria-live": "off" });
    this.working = el("div", { class: "alnb-chips" });
    this.node = el("div", { class: "alnb-view" }, el("div", { class: "alnb-bar" }, this.role, this.experiment, this.hold, this.held),
      this.working, this.log);
  }

  #toggle() {
    this.paused = !this.paused;
    setText(this.hold, this.paused ? "Go on" : "Hold");
    setAttr(this.hold, "aria-label", this.paused ? "Let the stream go on" : "Hold the stream");
    if (!this.paused) this.app.redrawAll();
    setText(this.held, "");
  }

  #restart() {
    this.last = -1;
    this.log.replaceChildren();
    this.app.redrawAll();
  }

  paint(changes) {
    if (changes.all || changes.sections.has("working")) redraw(this.working, this.app.store.sections.working, () => workingChips(this.app));
    if (!changes.all && !changes.events) return;
    this.#roles();
    if (this.paused) {
      setText(this.held, `held; ${integer(this.app.store.events.filter((event) => event[0] > this.last).length)} newer`);
      return;
    }
    const id = this.experiment.value.replace(/^#/, "").trim();
    const fresh = this.app.store.events.filter(([number, , role, , experiment]) => number > this.last
      && (!this.role.value || role === this.role.value) && (!id || String(experiment) === id)).slice(-LINES);
    this.last = this.app.store.events.at(-1)?.[0] ?? this.last;
    if (fresh.length) this.#append(fresh);
    else if (!this.log.childNodes.length) this.log.append(empty("Nothing so far."));
  }

  #append(events) {
    const { log } = this;
    const stick = log.scrollHeight - log.scrollTop - log.clientHeight < 40;
    log.querySelector(":scope > .alnb-empty")?.remove();
    log.append(...events.map((event) => eventLine(this.app, event)));
    while (log.childNodes.length > LINES) log.firstChild.remove();
    if (stick) log.scrollTop = log.scrollHeight;
  }

  #roles() {
    const roles = [...new Set(this.app.store.events.map((event) => event[2]))].sort();
    if (roles.join("|") === this.roles.join("|")) return;
    this.roles = roles;
    const chosen = this.role.value;
    this.role.replaceChildren(el("option", { value: "" }, "all roles"),
      ...roles.map((role) => el("option", { value: role }, short(role, 60))));
    this.role.value = chosen;
  }

  shown() {
    this.log.scrollTop = this.log.scrollHeight;
  }
}

function eventLine(app, [, at, role, kind, experiment, text]) {
  return el("div", { class: "alnb-line", "data-kind": short(kind, 30) }, el("time", { class: "alnb-dim", datetime: at }, clock(at)),
    el("strong", null, said(role, 30)), el("em", null, said(kind, 20)), experiment ? experimentButton(app, experiment) : el("span"),
      said(text, 600));
}

function workingChips(app) {
  const rows = app.store.sections.working ?? [];
  return rows.slice(0, 24).map((row) => el("span", { class: "alnb-chip" }, `${short(row.role, 30)} at work `,
    row.experiment ? experimentButton(app, row.experiment) : null,
    row.notebook ? [" ", fileLink(app, row.notebook, "notebook")] : null));
}
