// Numbers, times and texts as people read them.

const whole = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });
const compact = new Intl.NumberFormat("en", { notation: "compact", maximumSignificantDigits: 3 });

/** A score in five significant digits; – if there is none. */
function scoreText(value) {
  if (value === null || value === undefined || !Number.isFinite(value)) return "–";
  const size = Math.abs(value);
  if (value !== 0 && (size < 1e-4 || size >= 1e7)) return value.toExponential(3);
  return size >= 1e5 ? whole.format(value) : String(Number(value.toPrecision(5)));
}

function spread(card) {
  return card.sd === null || card.sd === undefined ? "" : `± ${Number(card.sd.toPrecision(2))}`;
}

function integer(value) {
  return whole.format(value ?? 0);
}

function tokenText(value) {
  return compact.format(value ?? 0);
}

function dollars(value) {
  if (value === null || value === undefined) return "–";
  return `$${value.toLocaleString("en", { minimumFractionDigits: 2, maximumFractionDigits: value > 0 && value < 1 ? 4 : 2 })}`;
}

function percent(value) {
  return `${(100 * (value ?? 0)).toFixed(value > 0 && value < 0.1 ? 1 : 0)} %`;
}

/** Seconds as a duration. */
function duration(seconds) {
  if (seconds === null || seconds === undefined || !Number.isFinite(seconds)) return "–";
  if (seconds < 10) return `${Number(seconds.toFixed(1))} s`;
  if (seconds < 90) return `${Math.round(seconds)} s`;
  if (seconds < 5400) return `${Math.round(seconds / 60)} min`;
  if (seconds < 172800) return `${(seconds / 3600).toFixed(1)} h`;
  return `${(seconds / 86400).toFixed(1)} days`;
}

/** Time since an ISO time, in steps coarse enough that ten seconds between redraws do not show. */
function since(iso, now = Date.now()) {
  const passed = (now - Date.parse(iso)) / 1000;
  if (!Number.isFinite(passed)) return "";
  if (passed < 10) return "now";
  return passed < 60 ? `${Math.floor(passed / 10) * 10} s` : duration(passed);
}

/** Time of day; with the date if it is not today's. */
function clock(iso) {
  const at = new Date(iso);
  if (Number.isNaN(at.getTime())) return "";
  const time = at.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit", second: "2-digit", hour12: false });
  return at.toDateString() === new Date().toDateString() ? time
    : `${at.toLocaleDateString([], { month: "short", day: "numeric" })} ${time}`;
}

function words(state) {
  return String(state ?? "").replaceAll("_", " ");
}

function plural(number, one, many = `${one}s`) {
  return `${integer(number)} ${number === 1 ? one : many}`;
}

/** A value of a configuration or a fact, as text. */
function plain(value) {
  if (value === null || value === undefined || value === "") return "–";
  return typeof value === "object" ? JSON.stringify(value, null, 1) : String(value);
}

const UNSEEN = { "\u202a": "LRE", "\u202b": "RLE", "\u202c": "PDF", "\u202d": "LRO", "\u202e": "RLO", "\u2066": "LRI", "\u2067": "RLI",
  "\u2068": "FSI", "\u2069": "PDI" };

/** Text of code and logs with what is invisible made visible: marks that reorder a line could make code read as what it is not. */
function visible(text) {
  return String(text ?? "")
    .replace(/\x1b\[[0-9;?]*[A-Za-z]/g, "")
    .replace(/\r\n?/g, "\n")
    .replace(/[\x00-\x08\x0b\x0c\x0e-\x1f]/g, (mark) => String.fromCharCode(0x2400 + mark.charCodeAt(0)))
    .replace(/[\u202a-\u202e\u2066-\u2069]/g, (mark) => `‹${UNSEEN[mark]}›`);
}

/** One hue per family, by its place in the list of families: a decoration beside its name. */
const HUES = 8;

function hueClass(store, family) {
  return `alnb-hue${store.familyNumber(family) % HUES}`;
}
