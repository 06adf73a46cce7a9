// The phases: where the campaign stands, its plan, what the review found, the newest milestone, changes of the adapter, files.

class PhasesView {
  constructor(app) {
    this.app = app;
    this.hosts = Object.fromEntries(["phases", "plan", "findings", "milestone", "patches",
      "files"].map((id) => [id, el("div", { "data-part": id })]));
    this.node = el("div", { class: "alnb-view alnb-columns" },
      el("div", null, this.hosts.phases, this.hosts.plan, this.hosts.files), el("div", null, this.hosts.milestone, this.hosts.findings,
        this.hosts.patches));
  }

  paint(changes) {
    if (!changes.all && !changes.sections.has("phases") && !changes.sections.has("campaign")) return;
    const data = this.app.store.section("phases");
    const lab = this.app.store.campaign.lab_root;
    const parts = { phases: phaseList, plan: planList, findings: findingList, milestone: milestoneBox, patches: patchList,
      files: fileList };
    for (const [name, build] of Object.entries(parts)) redraw(this.hosts[name], [data[name], lab, name === "patches" && this.app.isLive],
      () => build(this.app, data[name]));
  }
}

const MARKS = { finished: "✓", started: "▶", failed: "✗", "not begun": "○" };

function phaseList(app, phases) {
  if (!phases?.length) return section("Phases", empty("No phase has begun."));
  return section("Phases", el("ol", { class: "alnb-phases" },
    phases.map((phase) => el("li", { class: "alnb-phase-item", "data-state": phase.state },
    el("div", { class: "alnb-row" }, el("strong", null, `${MARKS[phase.state] ?? "·"} `, said(phase.name, 60)),
      el("span", { class: "alnb-dim" }, phaseLine(phase)),
      phase.notebook ? fileLink(app, phase.notebook, "notebook") : null),
    phase.steps?.length ? el("details", { open: phase.state === "started" || phase.state === "failed", "data-key": phase.name },
      el("summary", null, plural(phase.steps.length, "step")),
        el("ul", { class: "alnb-list" }, phase.steps.map((step) => el("li", { "data-state": step.status },
        `${MARKS[step.status] ?? "·"} `, said(words(step.name), 120),
          el("span", { class: "alnb-dim" }, ` ${words(step.status)}, ${duration(step.seconds)}`))))) : null))));
}

function phaseLine(phase) {
  return phase.state === "not begun" ? "not begun" : `${phase.state}${phase.seconds ? `, ${duration(phase.seconds)}` : ""}`;
}

function planList(app, plan) {
  if (!plan?.length) return null;
  const done = plan.filter((item) => item.done).length;
  return section(`Plan: ${done} of ${plan.length} done`, el("ul", { class: "alnb-list alnb-ticks" }, plan.map((item) => el("li", null,
    el("span", { class: "alnb-tick", role: "img", "aria-label": item.done ? "done" : "open" }, item.done ? "☑" : "☐"),
      said(item.text, 1000)))));
}

function findingList(app, findings) {
  if (!findings?.length) return section("Findings of the review", empty("None."));
  const open = findings.filter((finding) => finding.open).length;
  const rows = findings.map((finding) => [el("span", { class: "alnb-badge", "data-badge": finding.severity }, short(finding.severity, 20)),
    finding.open ? "open" : "closed",
    said(`${finding.file ?? ""}${finding.line ? `:${finding.line}` : ""}`, 200), said(finding.message, 2000)]);
  return section(`Findings of the review: ${open} open of ${findings.length}`, table(["severity", "state", "where", "what"], rows));
}

function milestoneBox(app, milestone) {
  if (!milestone) return null;
  const ids = (title, list) => el("div", { class: "alnb-chips" }, el("span", { class: "alnb-label" }, `${title} (${list?.length ?? 0})`),
    (list ?? []).map((each) => idOrText(app, each)));
  return section(`Milestone ${milestone.number}`, ids("credible", milestone.credible), ids("flagged", milestone.flagged),
    milestone.text ? textBox(milestone.text, { label: `milestone ${milestone.number}` }) : null,
    milestone.file ? el("p", null, fileLink(app, milestone.file)) : null);
}

/** A text that begins with #17, or a number: the number opens the experiment. */
function idOrText(app, value) {
  const found = /^#?(\d+)\b\s*(.*)$/s.exec(String(value));
  return el("span", { class: "alnb-chip" }, found ? [experimentButton(app, Number(found[1])), " ", said(found[2], 300)] : said(value, 300));
}

function patchList(app, patches) {
  if (!patches?.length) return null;
  return section("Changes of the adapter", patches.map((patch) => el("details", { class: "alnb-patch", "data-key": `patch ${patch.id}` },
    el("summary", null, said(patch.file, 200), ": ", said(patch.reason, 400),
      el("span", { class: "alnb-dim" }, ` by ${short(patch.author, 40)}, ${clock(patch.at)}`),
      patch.reverted_by ? el("span", { class: "alnb-badge" }, `taken back by ${short(patch.reverted_by, 40)}`) : null),
    diffBox(patch.diff, `change ${patch.id}`), patch.reverted_by ? null : revertTool(app, patch))));
}

function revertTool(app, patch) {
  const host = el("div", { class: "alnb-tools" });
  const revert = steer(app, "Revert", (event) => inlineForm(event.currentTarget, host, { label: `Take change ${patch.id} back?`,
    field: false, ok: "Take back", danger: true,
    onSend: () => app.link.command("revert_patch", { id: patch.id }, `revert change ${patch.id}`) }),
      { always: true, aria: `Revert change ${patch.id} of ${short(patch.file, 80)}` });
  host.append(revert);
  return host;
}

function fileList(app, files) {
  if (!files?.length) return null;
  return section("Files", el("ul", { class: "alnb-list" },
    files.map((file) => el("li", null, fileLink(app, file.path, file.label ?? file.path)))));
}
