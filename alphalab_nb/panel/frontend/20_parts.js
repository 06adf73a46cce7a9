// Parts that several views use: buttons, tabs, inline forms, boxes of text, differences, links to files.

/** A button with a label for those who do not see it. */
function button(label, act, { aria = null, kind = "", title = null } = {}) {
  return el("button", { type: "button", class: `alnb-btn ${kind}`, "aria-label": aria, title, on: { click: act } }, label);
}

/** A button that opens an experiment, named by its number. */
function experimentButton(app, id, label = `#${id}`) {
  return button(label, (event) => app.openDetail(id, event.currentTarget), { kind: "alnb-link", aria: `Open experiment ${id}` });
}

/** A row of tabs with their panels: arrow keys, Home and End move, one tab is in the order of Tab. */
class Tabs {
  constructor(app, label, entries, onSelect) {
    Object.assign(this, { entries, onSelect });
    this.tabs = entries.map((entry) => this.#tab(app, label, entry));
    this.list = el("div", { role: "tablist", "aria-label": label, class: "alnb-tabs", on: { keydown: (event) => this.#key(event) } },
      this.tabs);
    this.panels = entries.map((entry, i) => furnish(entry.node, {
      role: "tabpanel", id: `${this.tabs[i].id}-panel`, "aria-labelledby": this.tabs[i].id,
    }, []));
  }

  #tab(app, label, entry) {
    const id = `${app.uid}-${label}-${entry.id}`.replace(/[^\w-]/g, "");
    return el("button", { type: "button", role: "tab", id, "aria-controls": `${id}-panel`, class: "alnb-tab", "data-tab": entry.id,
      on: { click: () => this.select(entry.id) } }, el("span", null, entry.label), el("span", { class: "alnb-tab-mark" }));
  }

  select(id) {
    this.selected = id;
    this.entries.forEach((entry, i) => {
      const on = entry.id === id;
      this.tabs[i].setAttribute("aria-selected", String(on));
      this.tabs[i].tabIndex = on ? 0 : -1;
      show(this.panels[i], on);
    });
    this.onSelect?.(id);
  }

  /** A short mark behind a tab's name, such as a number of open questions. */
  mark(id, text) {
    setText(this.tabs[this.entries.findIndex((entry) => entry.id === id)].lastChild, text);
  }

  #key(event) {
    const at = this.entries.findIndex((entry) => entry.id === this.selected);
    const last = this.entries.length - 1;
    const to = { ArrowRight: at === last ? 0 : at + 1, ArrowLeft: at === 0 ? last : at - 1, Home: 0, End: last }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    this.select(this.entries[to].id);
    this.tabs[to].focus();
  }
}

/** A form in place of a dialog. Enter sends, Escape closes, and the focus goes back to the button that opened it. */
function inlineForm(opener, host, { label, field = true, required = false, ok, danger = false, onSend }) {
  host.querySelector(":scope > .alnb-inline")?.remove();
  const input = field ? el("input", { type: "text", class: "alnb-input", "aria-label": label, placeholder: label, maxlength: 2000 }) : null;
  const close = () => {
    form.remove();
    opener.setAttribute("aria-expanded", "false");
    if (opener.isConnected) opener.focus({ preventScroll: true });
  };
  const send = el("button", { type: "submit", class: `alnb-btn ${danger ? "alnb-danger" : "alnb-primary"}` }, ok);
  const form = el("form", { class: "alnb-inline", on: {
    submit: (event) => {
      event.preventDefault();
      const text = input?.value.trim() ?? "";
      if (required && !text) {
        setAttr(input, "aria-invalid", "true");
        input.focus();
        return;
      }
      close();
      onSend(text);
    },
    keydown: (event) => { if (event.key === "Escape") { event.stopPropagation(); close(); } },
  } }, field ? input : el("span", { class: "alnb-inline-text" }, label), send,
    button("Back", close, { aria: `Back: do not ${ok.toLowerCase()}` }));
  opener.setAttribute("aria-expanded", "true");
  host.append(form);
  (input ?? send).focus({ preventScroll: true });
  return close;
}

const FIRST_CHARS = 20000;
const MORE_CHARS = 100000;

/** A box with its own scroll bars. A very long text is shown in pieces: laying out megabytes would stop the page. */
function textBox(text, { code = false, label = null } = {}) {
  const all = visible(text);
  const body = el(code ? "pre" : "div", { class: code ? "alnb-code" : "alnb-prose" }, all.slice(0, FIRST_CHARS));
  const box = el("div", { class: "alnb-box", tabindex: 0, role: label ? "region" : null, "aria-label": label }, body);
  if (all.length <= FIRST_CHARS) return box;
  let shown = FIRST_CHARS;
  const more = button("", () => {
    body.append(all.slice(shown, shown + MORE_CHARS));
    shown += MORE_CHARS;
    announce();
  }, { kind: "alnb-wide" });
  const announce = () => {
    if (shown >= all.length) more.remove();
    else setText(more, `Show more (${integer(all.length - shown)} characters are left)`);
  };
  announce();
  box.append(more);
  return box;
}

const DIFF_LINES = 3000;
const DIFF_KINDS = { "+": "alnb-plus", "-": "alnb-minus", "@": "alnb-hunk" };

/** A unified difference; lines keep their signs, colour only repeats them. */
function diffBox(text, label = "difference") {
  const lines = visible(short(text, 1000000)).split("\n");
  const body = el("pre", { class: "alnb-code alnb-diff" });
  for (const line of lines.slice(0, DIFF_LINES)) {
    const kind = /^(\+\+\+|---)( |$)/.test(line) ? "alnb-file" : DIFF_KINDS[line[0]] ?? "";
    body.append(el("span", { class: kind || null }, `${short(line, 5000)}\n`));
  }
  if (lines.length > DIFF_LINES) body.append(`… ${integer(lines.length - DIFF_LINES)} more lines`);
  return el("div", { class: "alnb-box", tabindex: 0, role: "region", "aria-label": label }, body);
}

/** What the Jupyter page says of itself; empty elsewhere. */
function jupyterPage() {
  try {
    return JSON.parse(document.getElementById("jupyter-config-data")?.textContent ?? "{}");
  } catch {
    return {};
  }
}

function labAddress(path) {
  const page = jupyterPage();
  const app = /jupyterlab|jupyter notebook/i.test(page.appName ?? "") || window.jupyterapp;
  if (!app || typeof page.baseUrl !== "string" || !page.baseUrl.startsWith("/")) return null;
  return `${page.baseUrl.replace(/\/+$/, "")}/lab/tree/${path.split("/").map(encodeURIComponent).join("/")}`;
}

/** A file of the workspace: a link that opens in JupyterLab, or its path where nothing can open it. */
function fileLink(app, path, label = path) {
  const { root, lab_root: lab } = app.store.campaign;
  const inside = root && path?.startsWith(`${root}/`) ? path.slice(root.length + 1) : path;
  const outside = !inside || inside.startsWith("/") || inside.split("/").includes("..");
  const target = outside || typeof lab !== "string" ? null : [lab, inside].filter(Boolean).join("/");
  const address = target && labAddress(target);
  if (!address) return el("span", { class: "alnb-path", title: short(path, 500) }, said(label));
  const link = el("a", { class: "alnb-path", href: address, target: "_blank", rel: "noopener", title: `Open ${short(inside, 500)}` },
    said(label));
  // JupyterLab itself watches for these two attributes; an exposed application is asked directly.
  link.dataset.commandlinkerCommand = "docmanager:open";
  link.dataset.commandlinkerArgs = JSON.stringify({ path: target });
  link.addEventListener("click", (event) => {
    if (!window.jupyterapp) return;
    event.preventDefault();
    event.stopPropagation();
    window.jupyterapp.commands.execute("docmanager:open", { path: target });
  });
  return link;
}

/** A heading with what stands under it. */
function section(title, ...children) {
  return el("section", { class: "alnb-section" }, el("h3", { class: "alnb-h" }, title), children);
}

/** A labelled control. */
function field(label, control, hint = null) {
  return el("label", { class: "alnb-field" }, el("span", { class: "alnb-label" }, label), control,
    hint && el("span", { class: "alnb-hint" }, hint));
}

function empty(text) {
  return el("p", { class: "alnb-empty" }, text);
}

/** A table from rows of texts or nodes; `align` holds r for columns of numbers. */
function table(headers, rows, { align = "", caption = null } = {}) {
  const cell = (tag, value, i) => el(tag, { class: align[i] === "r" ? "alnb-num" : null, scope: tag === "th" ? "col" : null }, value);
  return el("div", { class: "alnb-scroll" }, el("table", { class: "alnb-table" },
    caption && el("caption", null, caption),
    el("thead", null, el("tr", null, headers.map((header, i) => cell("th", header, i)))),
    el("tbody", null, rows.map((row) => el("tr", null, row.map((value, i) => cell("td", value, i)))))));
}

/** Facts as a list of names and values. */
function facts(pairs) {
  return el("dl", { class: "alnb-facts" }, pairs.filter((pair) => pair).map(([name, value]) => [
    el("dt", null, name), el("dd", null, typeof value === "string" ? said(value, 2000) : value),
  ]));
}

/** A bar with its number in words. `part` from 0 to 1; above 1 it is full. */
function meter(label, part) {
  const bar = el("progress", { class: "alnb-meter", max: 1, value: Math.max(0, Math.min(1, part || 0)), "aria-label": label });
  return bar;
}

/** Redraw `host` from `build()` only if `state` differs from last time, and never while somebody types or confirms in it. */
function redraw(host, state, build) {
  const text = JSON.stringify(state ?? null);
  if (host.drawn === text) return;
  const active = focused(host);
  if (host.querySelector(".alnb-inline") || (active?.matches("input, textarea, select") && active.value)) return;
  const name = active?.getAttribute("aria-label") ?? null;
  const open = new Set([...host.querySelectorAll("details[open][data-key]")].map((node) => node.dataset.key));
  host.drawn = text;
  host.replaceChildren(...[build()].flat().filter(Boolean));
  for (const node of host.querySelectorAll("details[data-key]")) node.open = node.open || open.has(node.dataset.key);
  if (active) [...host.querySelectorAll("button, a, summary")].find((node) => name
    && node.getAttribute("aria-label") === name)?.focus({ preventScroll: true });
}
