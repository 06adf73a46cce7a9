// The Judge: the newest looks at the confirm partition, and what is left of the campaign's error probability.

function judgeBox(app, { alpha = null, left = 0, looks = [], all = 0 }) {
  if (alpha === null) return null;  // a notebook saved by an older version tells nothing of it
  const told = `${shortNumber(left)} of the error probability of ${shortNumber(alpha)} is left`;
  const rows = [...looks].reverse().map((look) => [experimentButton(app, look.experiment),
    look.incumbent === null ? "baseline" : experimentButton(app, look.incumbent), interval(look), shortNumber(look.p_value), look.decision]);
  return section(`Judge: ${plural(all, "look")} at confirm`, el("p", null, `${told}.`), meter(told, left / alpha),
    rows.length ? table(["experiment", "against", "gain in loss (90 %)", "p", "decision"], rows, { align: "llrrl" })
      : empty("No experiment was promising enough for a look at confirm so far."));
}

function interval({ gain, low, high }) {
  const ends = low === null || high === null ? "" : ` (${scoreText(low)} to ${scoreText(high)})`;
  return `${scoreText(gain)}${ends}`;
}

function shortNumber(value) {
  return Number.isFinite(value) ? String(Number(value.toPrecision(2))) : "–";
}
