// Nodes. Everything on the page is made here: text of agents and people only ever becomes a text node.

const SVG_SPACE = "http://www.w3.org/2000/svg";

/** Make an HTML element. `attrs.on` maps events to handlers; children are nodes, strings or null. */
function el(tag, attrs, ...children) {
  return furnish(document.createElement(tag), attrs, children);
}

/** Make an SVG element. */
function svg(tag, attrs, ...children) {
  return furnish(document.createElementNS(SVG_SPACE, tag), attrs, children);
}

function furnish(node, attrs, children) {
  for (const [name, value] of Object.entries(attrs ?? {})) {
    if (value === null || value === undefined || value === false) continue;
    if (name === "on") for (const [event, handler] of Object.entries(value)) node.addEventListener(event, handler);
    else if (/^(on|srcdoc$|src$|style$)/i.test(name)) throw new Error(`${name} is not set from here`);
    else node.setAttribute(name, value === true ? "" : String(value));
  }
  node.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false));
  return node;
}

/** Text of a person or an agent on one line: isolated, so that right-to-left marks end with it, and clipped to `most` characters. */
function said(text, most = 240) {
  return el("bdi", { class: "alnb-said" }, short(text, most));
}

function short(text, most) {
  const whole = String(text ?? "");
  return whole.length > most ? `${whole.slice(0, most)}…` : whole;
}

/** Change a node's text only if it differs: an unchanged node is never laid out again. */
function setText(node, text) {
  const wanted = String(text ?? "");
  if (node.textContent !== wanted) node.textContent = wanted;
}

/** Set a name's text so that lines may break after its underscores. */
function breakable(node, text) {
  if (node.textContent === text) return;
  node.replaceChildren(...text.split(/(?<=_)/).flatMap((part, i) => (i ? [el("wbr"), part] : [part])));
}

/** Set or remove an attribute only if it differs. */
function setAttr(node, name, value) {
  if (value === null || value === undefined || value === false) node.removeAttribute(name);
  else if (node.getAttribute(name) !== String(value)) node.setAttribute(name, String(value));
}

function show(node, visible) {
  if (node.hidden === visible) node.hidden = !visible;
}

/** The element that has the focus, also where the widget lives in a shadow tree. */
function focused(node) {
  const active = node.getRootNode().activeElement;
  return active && node.contains(active) ? active : null;
}

/** Put a node before another one without taking the focus from what is in it. */
function moveNode(parent, node, before) {
  if (parent.moveBefore && node.isConnected && parent.isConnected) {
    parent.moveBefore(node, before);
    return;
  }
  const holder = node.isConnected ? focused(node) : null;
  parent.insertBefore(node, before);
  holder?.focus({ preventScroll: true });
}

/** Make `nodes` the children of `parent`, in order, touching only what is out of place. `elsewhere`: nodes that another parent takes. */
function arrange(parent, nodes, elsewhere = null) {
  const mine = new Set(nodes);
  for (const child of [...parent.childNodes]) if (!mine.has(child) && !elsewhere?.has(child)) child.remove();
  let at = parent.firstChild;
  for (const node of nodes) {
    while (at && !mine.has(at)) at = at.nextSibling;
    if (node === at) at = at.nextSibling;
    else moveNode(parent, node, at);
  }
}

/** A list whose nodes are kept by key: `make(item)` once, `update(node, item)` whenever it is drawn. */
class KeyedList {
  constructor(parent, make, update) {
    Object.assign(this, { parent, make, update, nodes: new Map() });
  }

  draw(items, keyOf) {
    const next = new Map();
    for (const item of items) {
      const key = keyOf(item);
      const node = this.nodes.get(key) ?? this.make(item);
      this.update(node, item);
      next.set(key, node);
    }
    this.nodes = next;
    arrange(this.parent, [...next.values()]);
  }
}
