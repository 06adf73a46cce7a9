// One panel: state, line to the kernel, views; and the frame in which all changes of a moment are drawn at once.

const TICK_MS = 10000;
let panels = 0;

class App {
  constructor(model, host) {
    this.model = model;
    this.uid = `alnb-${(panels += 1)}-${Math.random().toString(36).slice(2, 7)}`;
    this.store = new Store();
    this.link = new Link(this);
    this.applied = 0;
    this.root = el("div", { class: "alnb-root", "data-alnb-ready": "0", "data-live": "waiting", "data-lm-suppress-shortcuts": "true" });
    this.header = new Header(this);
    this.views = { board: new BoardView(this), leaderboard: new LeaderboardView(this), phases: new PhasesView(this),
      progress: new ProgressView(this),
      playbook: new PlaybookView(this), stream: new StreamView(this), spending: new SpendingView(this), people: new PeopleView(this) };
    this.changes = Object.fromEntries(Object.keys(this.views).map((id) => [id, new Changes()]));
    this.detail = new Detail(this);
    const entries = Object.entries(this.views).map(([id, view]) => ({ id, label: id[0].toUpperCase() + id.slice(1), node: view.node }));
    this.tabs = new Tabs(this, "Panel", entries, (id) => this.#shown(id));
    this.root.append(this.header.node, this.tabs.list,
      el("div", { class: "alnb-body" }, el("div", { class: "alnb-main" }, this.tabs.panels), this.detail.node));
    // Inside a cell, JupyterLab cancels line breaks at their target: Enter would send no form and break no line of a text.
    this.root.addEventListener("beforeinput", (event) => event.stopPropagation(), true);
    // A form that the browser itself refuses to send.
    this.root.addEventListener("invalid", () => this.link.hush(), true);
    host.append(this.root);
  }

  start() {
    this.tabs.select("board");
    const saved = this.model.get("snapshot");
    if (saved?.cards) {
      this.savedAt = saved.at ?? saved.cards.reduce((newest, raw) => (raw[15] > newest ? raw[15] : newest), "");
      this.savedTotal = saved.total ?? 0;
      this.take({ ...saved, reset: true });
    }
    this.link.start();
    this.timer = setInterval(() => this.#tick(), TICK_MS);
    this.schedule();
  }

  close() {
    this.link.close();
    this.views.progress.close();
    clearInterval(this.timer);
    cancelAnimationFrame(this.frame);
    this.root.remove();
  }

  get isLive() {
    return this.link.live === "live";
  }

  /** Ranked cards; kept until a score changes. */
  ranked() {
    this.rankedCards ??= this.store.ranked();
    return this.rankedCards;
  }

  take(message) {
    const began = performance.now();
    const changes = this.store.apply(message);
    if (changes.scores) this.rankedCards = null;
    if (changes.sections.has("campaign")) this.#permit();
    for (const waiting of Object.values(this.changes)) waiting.merge(changes);
    if (this.detail.id !== null && changes.cards.has(this.detail.id)) this.detail.refresh();
    this.applied += performance.now() - began;
    this.schedule();
  }

  requestsChanged(request) {
    for (const waiting of Object.values(this.changes)) waiting.requests = true;
    // A note about the open experiment shows in its drawer only when it is asked again.
    if (request?.state === "applied" && request.args?.id === this.detail.id) this.detail.refresh();
    this.schedule();
  }

  /** A kernel came or went: controls that need one follow. */
  liveChanged() {
    this.root.dataset.live = this.link.live;
    this.#permit();
    if (!this.isLive) this.savedAt ??= new Date().toISOString();
    else this.savedAt = null;
    this.detail.refresh();
    this.redrawAll();
  }

  #permit() {
    for (const node of this.root.querySelectorAll("[data-steer]")) permit(this, node);
  }

  redrawAll() {
    for (const waiting of Object.values(this.changes)) waiting.all = true;
    this.schedule();
  }

  redrawColumn(state) {
    this.changes.board.columns.add(state);
    this.schedule();
  }

  openDetail(id, opener) {
    this.detail.open(id, opener);
  }

  schedule() {
    this.frame ??= requestAnimationFrame(() => { this.frame = null; this.#paint(); });
  }

  #shown(id) {
    this.active = id;
    this.root.dataset.tab = id;
    this.schedule();
    this.views[id].shown?.();
  }

  #paint() {
    const began = performance.now();
    const waiting = this.changes[this.active];
    this.header.paint();
    this.views[this.active].paint(waiting);
    waiting.clear();
    this.detail.paint();
    this.#marks();
    const { dataset } = this.root;
    dataset.paintMs = (performance.now() - began + this.applied).toFixed(1);
    this.applied = 0;
    if (this.store.rev !== null) dataset.rev = String(this.store.rev);
    dataset.live = this.link.live;
    dataset.alnbReady = "1";
  }

  #marks() {
    const questions = this.store.section("people").questions ?? [];
    const open = questions.filter((item) => item.answer === null || item.answer === undefined).length;
    this.tabs.mark("people", open ? ` ${open} open` : "");
    const proposed = this.store.columns.proposed.list.length;
    this.tabs.mark("board", proposed ? ` ${proposed} to approve` : "");
  }

  #tick() {
    const now = Date.now();
    this.views.board.tick(now);
    this.views.people.tick(now);
  }
}

/** Draw the panel into `el`; the return value takes it down again. */
function render({ model, el: host }) {
  const app = new App(model, host);
  app.start();
  return () => app.close();
}

export default { render };
