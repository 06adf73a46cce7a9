// The line to the kernel: hello, wishes with what becomes of them, and questions about one experiment.

const PATIENCE_MS = 3000;
const RETRY_MS = [7000, 20000, 60000];
const SAVE_MS = 2000;
const REMEMBERED_MS = 30000;
const ALIVE_MS = 30000;

/** A message that was too large for the kernel to go through value by value: JSON as bytes. */
function unpacked(buffer) {
  return JSON.parse(new TextDecoder().decode(buffer));
}

class Link {
  constructor(app) {
    this.app = app;
    this.live = "waiting";
    this.requests = [];
    this.waiting = new Map();
    this.prefix = Math.random().toString(36).slice(2, 10);
    this.number = 0;
    this.tries = 0;
    this.timers = new Set();
  }

  start() {
    const { model } = this.app;
    this.onMessage = (message, buffers) => this.receive(message.type === "packed" ? unpacked(buffers[0]) : message);
    this.onComm = () => this.hello();
    model.on("msg:custom", this.onMessage);
    model.on("comm_live_update", this.onComm);
    this.hello();
    // The kernel stops reading the board for a page that says nothing for long.
    this.pulse = setInterval(() => this.#beat(), ALIVE_MS);
  }

  close() {
    clearInterval(this.pulse);
    this.app.model.off("msg:custom", this.onMessage);
    this.app.model.off("comm_live_update", this.onComm);
    for (const timer of this.timers) clearTimeout(timer);
  }

  later(ms, act) {
    const timer = setTimeout(() => { this.timers.delete(timer); act(); }, ms);
    this.timers.add(timer);
    return timer;
  }

  post(message) {
    try {
      this.app.model.send(message);
    } catch (error) {
      console.debug("alphalab_nb: no kernel takes messages", error);
    }
  }

  /** Ask for the whole state. Without an answer the panel shows what was saved, and asks again, ever more rarely. */
  hello() {
    this.heard = false;
    this.post({ type: "hello" });
    clearTimeout(this.helloTimer);
    this.helloTimer = this.later(PATIENCE_MS, () => {
      if (this.heard) return;
      this.become(this.app.store.rev === null ? "waiting" : "snapshot");
      const pause = RETRY_MS[Math.min(this.tries, RETRY_MS.length - 1)];
      this.tries += 1;
      this.post({ type: "hello" });
      this.helloTimer = this.later(pause, () => this.heard || this.hello());
    });
  }

  become(live) {
    if (this.live === live) return;
    this.live = live;
    this.app.liveChanged();
  }

  /** Tell the kernel that somebody looks. It answers; one that has died does not, and then what is shown is what was. */
  #beat() {
    if (this.live !== "live") return;
    if (Date.now() - this.heardAt > 2.5 * ALIVE_MS) this.hello();
    else this.post({ type: "alive" });
  }

  receive(message) {
    this.heard = true;
    this.heardAt = Date.now();
    this.tries = 0;
    if (message.type === "delta") this.#delta(message);
    else if (message.type === "sent") this.#sent(message);
    else if (message.type === "refused") this.#refused(message);
    else if (message.type === "detail" || message.type === "versions") this.#answer(message);
  }

  #delta(message) {
    // What lives is a stream of changes: without the beginning they mean nothing.
    if (!message.reset && this.app.store.rev === null) return;
    this.app.take(message);
    this.become("live");
    this.#follow();
    this.#save();
  }

  /** Keep the newest state where saving the notebook finds it; set here and not sent, so it costs no traffic. */
  #save() {
    if (this.saving) return;
    this.saving = this.later(SAVE_MS, () => {
      this.saving = null;
      if (this.live === "live") this.app.model.set("snapshot", this.app.store.snapshot());
    });
  }

  /** Send a wish. Returns the request, whose `state` goes sending -> sent -> applied | refused; `told` hears of each but the first. */
  command(verb, args, about = "", told = null) {
    const tag = `${this.prefix}-${(this.number += 1)}`;
    const request = { tag, verb, args, about, told, state: "sending", why: "", id: null, at: Date.now() };
    this.requests.push(request);
    this.requests = this.requests.filter((one) => one.state === "sending" || one.state === "sent" || Date.now() - one.at < REMEMBERED_MS);
    if (this.live !== "live") this.#settle(request, "refused", "no kernel is connected");
    else {
      this.post({ type: "command", tag, verb, args });
      this.later(PATIENCE_MS, () => this.#silence(request));
    }
    this.app.requestsChanged(request);
    return request;
  }

  #silence(request) {
    if (request.state !== "sending") return;
    request.why = "no answer so far: the kernel may be busy with a cell";
    this.app.requestsChanged(request);
  }

  #settle(request, state, why) {
    Object.assign(request, { state, why: why ?? "", at: Date.now() });
    request.told?.(request);
    this.app.requestsChanged(request);
    this.later(REMEMBERED_MS, () => this.app.requestsChanged(null));
  }

  #sent(message) {
    const request = this.requests.find((one) => one.tag === message.tag);
    if (!request) return;
    request.id = message.id;
    if (!message.id) this.#settle(request, "applied", "");
    else this.#settle(request, "sent", "");
    this.#follow();
  }

  #refused(message) {
    const request = this.requests.find((one) => one.tag === message.tag);
    if (request) this.#settle(request, "refused", message.why);
    else this.#answer(message);
  }

  /** See what has become of sent wishes: their rows come with the section of people, those of the chat on their own. */
  #follow() {
    const people = this.app.store.section("people");
    for (const request of this.requests.filter((one) => one.state === "sent" && one.id)) {
      const rows = (request.verb === "ask" ? people.chat : people.commands) ?? [];
      const row = rows.find((one) => one.id === request.id);
      const state = request.verb === "ask" ? chatState(row) : row?.state;
      if (state && state !== "pending") this.#settle(request, state, row.result);
      // Only the newest rows come: what is older than all of them will not be heard of again.
      else if (!row && rows.length && rows.every((one) => one.id > request.id)) this.#forget(request);
    }
  }

  #forget(request) {
    this.requests = this.requests.filter((one) => one !== request);
    this.app.requestsChanged(null);
  }

  /** Say no more of earlier wishes: what a person has just tried was no wish yet. */
  hush() {
    const last = this.requests.at(-1);
    this.hushed = last && `${last.tag} ${last.state}`;
    this.app.requestsChanged(null);
  }

  /** The newest wish; null if something was tried after it, until there is news of it. */
  newest() {
    const last = this.requests.at(-1);
    return last && `${last.tag} ${last.state}` !== this.hushed ? last : null;
  }

  /** The newest wish among `verbs` that nobody has carried out yet, sent from here or elsewhere; null without one. */
  pending(...verbs) {
    const rows = this.app.store.section("people").commands ?? [];
    const open = (one) => verbs.includes(one.verb) && ["pending", "sending", "sent"].includes(one.state);
    return this.requests.findLast(open) ?? rows.findLast(open) ?? null;
  }

  /** The newest wish about an experiment that is open or was settled a moment ago. */
  about(id) {
    return this.requests.findLast((one) => one.args?.id === id && one.verb !== "answer" && one.verb !== "revert_patch"
      && (one.state === "sending" || one.state === "sent" || Date.now() - one.at < REMEMBERED_MS)) ?? null;
  }

  /** Ask for one experiment (`detail`, id) or the history of a playbook entry (`versions`, entry): receive(data or null, why not). */
  ask(type, key, receive) {
    const tag = `${this.prefix}-${(this.number += 1)}`;
    this.waiting.set(tag, receive);
    this.post({ type, tag, [type === "detail" ? "id" : "entry"]: key });
    this.later(60000, () => this.waiting.delete(tag));
  }

  #answer(message) {
    const receive = this.waiting.get(message.tag);
    this.waiting.delete(message.tag);
    receive?.(message.data ?? null, message.why ?? "");
  }
}

/** State of a question of the chat as that of a wish. */
function chatState(row) {
  if (!row) return null;
  return row.answer === null || row.answer === undefined ? "pending" : "applied";
}

/** What has become of a wish, in words. */
function fate(request, campaign) {
  const what = request.about || words(request.verb);
  if (request.state === "sending") return `${what}: ${request.why || "sending"}`;
  if (request.state === "sent" && request.verb !== "ask") return `${what}: ${sentWord(campaign)}`;
  if (request.state === "applied" && request.verb === "ask") return `${what}: answered`;
  const why = request.why ? ` (${short(request.why, 300)})` : "";
  return `${what}: ${request.state}${why}`;
}

/** A wish is on the board; somebody has to read it. */
function sentWord(campaign) {
  return campaign.running ? "sent" : "waits until the campaign runs";
}
