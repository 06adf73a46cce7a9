// The head: what runs, how far it is, what it has cost; pause and stop; what becomes of wishes.

class Header {
  constructor(app) {
    this.app = app;
    this.name = el("h2", { class: "alnb-name" });
    this.phase = el("span", { class: "alnb-phase" });
    this.state = el("span", { class: "alnb-state" });
    this.pause = steer(app, "Pause", () => this.#pause(), { aria: "Pause the campaign" });
    this.stop = steer(app, "Stop", (event) => this.#stop(event.currentTarget), { kind: "alnb-danger", aria: "Stop the campaign" });
    this.actions = el("div", { class: "alnb-actions" }, this.pause, this.stop);
    this.confirm = el("div", { class: "alnb-confirm" });
    this.bar = el("div", { class: "alnb-notice", role: "status", hidden: true });
    this.said = el("div", { class: "alnb-live", "aria-live": "polite", "data-requests": "" });
    this.tiles = Object.fromEntries(["experiments", "best", "slots", "spent", "limit"].map((id) => [id, this.#tile(id)]));
    this.node = el("header", { class: "alnb-head" },
      el("div", { class: "alnb-row" }, el("div", { class: "alnb-title" }, this.name, this.phase, this.state), this.said, this.actions),
      this.confirm, this.bar,
      el("div", { class: "alnb-tiles" }, Object.values(this.tiles).map((tile) => tile.node)));
  }

  #tile(id) {
    const value = el("span", { class: "alnb-tile-value" });
    const note = el("span", { class: "alnb-tile-note" });
    const bar = meter("", 0);
    show(bar, false);
    const label = el("span", { class: "alnb-tile-label" }, id);
    return { node: el("div", { class: "alnb-tile", "data-tile": id }, label, value, note, bar), label, value, note, bar };
  }

  paint() {
    const { campaign } = this.app.store;
    setText(this.name, short(campaign.name ?? "Campaign", 120));
    setAttr(this.name, "title", short(campaign.objective, 600) || null);
    setText(this.phase, [campaign.phase, campaign.step].filter(Boolean).map((each) => short(words(each), 60)).join(" · "));
    this.#state(campaign);
    this.#steering(campaign);
    this.#notice(campaign);
    this.#counts(campaign);
    this.#money(campaign);
    this.requests();
  }

  #state(campaign) {
    const [kind, text] = stateOf(campaign);
    const saved = this.app.link.live === "snapshot";
    setText(this.state, saved ? `then: ${text}` : text);
    setAttr(this.state, "data-kind", saved ? "idle" : kind);
  }

  /** A button whose wish waits says so, and sends no second one. */
  #steering(campaign) {
    const ended = hasEnded(campaign);
    const turn = ended ? null : this.app.link.pending("pause", "resume");
    const stop = ended ? null : this.app.link.pending("stop");
    this.#button(this.pause, turn ? turn.verb === "resume" : campaign.paused, turn);
    this.#button(this.stop, false, stop);
  }

  #button(node, resumes, waiting) {
    const name = node === this.stop ? "Stop" : resumes ? "Resume" : "Pause";
    const mark = waiting ? ": waits" : "";
    setText(node, `${name}${mark}`);
    setAttr(node, "aria-label", `${name} the campaign${mark}`);
    setAttr(node, "aria-disabled", waiting ? "true" : null);
  }

  #notice(campaign) {
    const lines = [savedLine(this.app), ...notices(campaign)].filter(Boolean);
    show(this.bar, lines.length > 0);
    setText(this.bar, lines.join(" · "));
    setAttr(this.bar, "data-kind", campaign.outage ? "bad" : "calm");
  }

  #counts(campaign) {
    const { store } = this.app;
    const ended = ["finished", "analyzed", "done", "cancelled"].reduce((sum, state) => sum + store.columns[state].list.length, 0);
    const failed = [...store.cards.values()].reduce((sum, card) => sum + (card.outcome === "failed"), 0);
    const most = campaign.limits?.max_experiments;
    this.#set("experiments", `${integer(store.cards.size)}${most ? ` of ${integer(most)}` : ""}`,
      `${integer(ended)} ended, ${integer(failed)} failed`,
      most ? store.cards.size / most : null);
    const best = this.app.ranked()[0];
    const baseline = store.bestBaseline();
    setText(this.tiles.best.label, `best ${short(store.metric.name, 24)}`);
    this.#set("best", best ? scoreText(best.score) : "–", versus(store, best, baseline));
    const [busy, slots] = [campaign.slots_busy ?? 0, campaign.slots ?? 0];
    setText(this.tiles.slots.label, "slots busy");
    this.#set("slots", `${integer(busy)} of ${integer(slots)}`, `${integer(store.columns.queued.list.length)} queued`, slots ? busy / slots
      : null);
  }

  #money(campaign) {
    const spending = this.app.store.section("spending");
    const limits = campaign.limits ?? {};
    const tokens = (spending.input_tokens ?? 0) + (spending.output_tokens ?? 0);
    this.#set("spent", paysModel(spending, limits) ? `${dollars(spending.usd ?? 0)}${limits.usd ? ` of ${dollars(limits.usd)}` : ""}`
      : "no model paid",
      tokens || limits.tokens ? `${tokenText(tokens)}${limits.tokens ? ` of ${tokenText(limits.tokens)}` : ""} tokens` : "",
      limits.usd ? (spending.usd ?? 0) / limits.usd : null);
    setText(this.tiles.limit.label, "time");
    this.#set("limit", `${duration(spending.wall_s)}${limits.wall_s ? ` of ${duration(limits.wall_s)}` : ""}`,
      `${duration(spending.compute_s)} compute`,
      limits.wall_s ? (spending.wall_s ?? 0) / limits.wall_s : null);
  }

  #set(id, value, note, part = null) {
    const tile = this.tiles[id];
    setText(tile.value, value);
    setText(tile.note, note);
    show(tile.bar, part !== null);
    if (part === null) return;
    setAttr(tile.bar, "value", Math.min(1, part));
    setAttr(tile.bar, "aria-label", `${id}: ${percent(part)}`);
    setAttr(tile.bar, "data-full", part >= 0.9 ? "1" : null);
  }

  requests() {
    const newest = this.app.link.newest();
    setText(this.said, newest ? fate(newest, this.app.store.campaign) : "");
    setAttr(this.said, "data-state", newest?.state ?? null);
  }

  #pause() {
    if (this.app.link.pending("pause", "resume")) return;
    const verb = this.app.store.campaign.paused ? "resume" : "pause";
    this.app.link.command(verb, {}, `${verb} the campaign`);
  }

  #stop(opener) {
    if (this.app.link.pending("stop")) return;
    inlineForm(opener, this.confirm, { label: "Stop the campaign? What runs ends first, nothing new begins.", field: false, ok: "Stop now",
      danger: true,
      onSend: () => this.app.link.command("stop", {}, "stop the campaign") });
  }
}

/** Whether a model costs anything here, or may. */
function paysModel(spending, limits) {
  return Boolean(spending.usd || spending.input_tokens || spending.output_tokens || limits.usd || limits.tokens);
}

/** The one word for a campaign, and its kind for the colour. */
function stateOf(campaign) {
  if (!campaign.name) return ["idle", "waiting for data"];
  if (campaign.running && campaign.stopping) return ["wait", "■ stopping"];
  if (campaign.running && campaign.paused) return ["wait", "‖ paused"];
  if (campaign.running && campaign.outage) return ["bad", "▲ running, provider gone"];
  if (campaign.running) return ["good", "▶ running"];
  if (campaign.stop_reason) return ["idle", `■ ended: ${short(words(campaign.stop_reason), 60)}`];
  return ["idle", "○ nobody runs it"];
}

function notices(campaign) {
  const lines = [];
  const { outage } = campaign;
  if (outage) lines.push(`provider gone since ${clock(outage.since)} (${short(outage.role, 40)}): ${short(outage.why, 300)}`);
  if (hasEnded(campaign)) lines.push(`${ENDED}: nothing can be ordered any more, questions are still answered`);
  else if (campaign.name && !campaign.running && !campaign.stop_reason) lines.push(
    "no process runs this campaign: wishes wait until one does",
  );
  if (campaign.running && campaign.paused) lines.push("paused: what runs ends, nothing new begins");
  return lines;
}

function savedLine(app) {
  if (app.isLive) return null;
  if (app.link.live === "waiting") return "waiting for the kernel";
  const part = app.savedTotal > app.store.cards.size ? `, ${integer(app.store.cards.size)} of ${integer(app.savedTotal)} experiments` : "";
  const time = app.savedAt ? clock(app.savedAt) : "an earlier time";
  return `saved state of ${time}${part}: no kernel answers, so nothing can be changed from here`;
}

/** The best score beside the best baseline, in words. */
function versus(store, best, baseline) {
  if (!baseline) return best ? short(best.name, 40) : "no score so far";
  const line = `${short(baseline[0], 24)} ${scoreText(baseline[1])}`;
  if (!best || !baseline[1]) return `baseline ${line}`;
  const gain = Math.abs(best.score - baseline[1]) / Math.abs(baseline[1]);
  return `${percent(gain)} ${store.better(best.score, baseline[1]) ? "better" : "worse"} than ${line}`;
}
