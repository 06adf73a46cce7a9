// The course of the playbook: entries in force, not firm, retired, and citations, by the number of experiments proposed.

const COURSE = { width: 420, height: 170, left: 30, right: 34, top: 8, bottom: 32 };
/** Name, place in a row of the course, hue, scale: entries on the left, citations on the right. */
const COURSE_LINES = [["in force", 1, 2, "entries"], ["of them not firm", 2, 4, "entries"], ["retired", 3, 6, "entries"],
  ["citations so far", 4, 1, "citations"]];

function coursePlot(course) {
  const last = course.at(-1);
  const lines = COURSE_LINES.filter(([, at]) => course.some((row) => row[at] !== null));
  const told = `After ${plural(last[0], "experiment")}: ${lines.map(([name, at]) => `${name} ${integer(last[at])}`).join(", ")}.`;
  const tops = { entries: highest(course, [1, 2, 3]), citations: highest(course, [4]) };
  const { width, height } = COURSE;
  return el("figure", { class: "alnb-course" },
    svg("svg", { class: "alnb-svg", viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": told }, svg("title", null, told),
      courseAxes(tops, last[0]), lines.map(([, at, hue, scale]) => svg("path", { class: `alnb-course-line alnb-hue${hue}`,
        "data-line": at, d: coursePath(course, at, tops[scale]) }))),
    el("figcaption", { class: "alnb-chips" }, lines.map(([name, , hue]) => el("span", { class: `alnb-hue${hue}` },
      el("span", { class: "alnb-swatch", "aria-hidden": "true" }), name))));
}

function highest(course, places) {
  return Math.max(1, ...course.flatMap((row) => places.map((at) => row[at] ?? 0)));
}

/** Steps: a number holds until the next experiment; nothing is drawn before the first that is known. */
function coursePath(course, at, top) {
  const end = Math.max(1, course.at(-1)[0]);
  const x = (experiments) => (COURSE.left + (COURSE.width - COURSE.left - COURSE.right) * experiments / end).toFixed(1);
  const y = (value) => (COURSE.height - COURSE.bottom - (COURSE.height - COURSE.bottom - COURSE.top) * value / top).toFixed(1);
  const known = course.filter((row) => row[at] !== null);
  return known.map((row, i) => (i ? `H${x(row[0])}V${y(row[at])}` : `M${x(row[0])} ${y(row[at])}`)).join("");
}

function courseAxes(tops, experiments) {
  const { width, height, left, right, top, bottom } = COURSE;
  const text = (x, y, anchor, value) => svg("text", { class: "alnb-axis", x, y, "text-anchor": anchor }, value);
  const line = (y) => svg("line", { class: "alnb-grid", x1: left, x2: width - right, y1: y, y2: y });
  return svg("g", null, line(top), line(height - bottom), text(left - 5, top + 8, "end", integer(tops.entries)),
    text(left - 5, height - bottom, "end", "0"), text(width - right + 5, top + 8, "start", integer(tops.citations)),
    text(width - right + 5, height - bottom, "start", "0"), text(left, height - bottom + 13, "start", "0"),
    text(width - right, height - bottom + 13, "end", integer(experiments)),
    text((left + width - right) / 2, height - 5, "middle", "experiments proposed · entries left, citations right"));
}
