// Steering: buttons that change the campaign, and forms that lose nothing of what was typed.

const ENDED = "the experiments have ended";

/** A button that changes the campaign: disabled without a kernel, and once the experiments have ended unless it is for `always`. */
function steer(app, label, act, { always = false, ...options } = {}) {
  return steering(app, button(label, act, options), always);
}

/** The button that sends a form. */
function submitButton(app, label, { always = false, aria = null } = {}) {
  return steering(app, el("button", { type: "submit", class: "alnb-btn alnb-primary", "aria-label": aria }, label), always);
}

function steering(app, node, always) {
  node.dataset.steer = always ? "always" : "1";
  permit(app, node);
  return node;
}

/** Enable a button that changes the campaign, or disable it and say why. */
function permit(app, node) {
  const ended = node.dataset.steer !== "always" && hasEnded(app.store.campaign);
  node.disabled = ended || !app.isLive;
  if (ended || node.title === ENDED) setAttr(node, "title", ended && ENDED);
  setAttr(node, "aria-description", ended && ENDED);
}

/** Whether nothing can be ordered any more: nobody will carry it out. */
function hasEnded(campaign) {
  return ["report", "done"].includes(campaign.phase) || Boolean(campaign.stop_reason && campaign.phase !== "experiment");
}

/** What a form has to say against what was typed, or what became of it. */
function errorLine() {
  return el("p", { class: "alnb-error", role: "alert" });
}

/** Say at a form why nothing was sent; the head then no longer tells of an earlier wish. */
function complain(app, error, text) {
  setText(error, text);
  app.link.hush();
}

/**
 * Sends what a form holds, and loses nothing of it: its fields are cleared once the wish is on its way, and filled again, if they are still
 * empty, when it is refused later. The reason then stands at the form.
 */
class Outbox {
  /** `sent` and `back` do more where a form closes or follows the campaign; `here`: whether it still is about what a wish was about. */
  constructor(app, error, { sent = null, back = null, here = () => true } = {}) {
    Object.assign(this, { app, error, sent, back, here });
  }

  send(verb, args, about, inputs = []) {
    const same = JSON.stringify([verb, args]);
    if (this.open === same) return;
    this.open = same;
    setText(this.error, "");
    const kept = inputs.map((input) => input.value);
    this.app.link.command(verb, args, about, (request) => {
      this.open = null;
      if (request.state === "refused") this.#refused(request, inputs, kept);
      else if (!request.left) this.#left(request, inputs, kept);
    });
  }

  #left(request, inputs, kept) {
    request.left = true;
    inputs.forEach((input, i) => { if (input.value === kept[i]) input.value = ""; });
    this.sent?.(request);
  }

  #refused(request, inputs, kept) {
    if (!this.here(request)) return;
    if (inputs.every((input) => !input.value)) inputs.forEach((input, i) => { input.value = kept[i]; });
    const why = `${request.about || words(request.verb)} was refused: ${short(request.why, 600)}`;
    setText(this.error, why);
    if (request.left) this.back?.(request, why);
  }
}
