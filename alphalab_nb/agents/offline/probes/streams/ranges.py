"""Which values may each parameter take, and where does its default lie?"""
numbers = []
for family, about in space.items():
    for name, param in about["params"].items():
        if "choices" in param or param["type"] == "bool":
            choices = ", ".join(map(str, param.get("choices", [False, True])))
            fact("choice", family=family, name=name, choices=choices, default=str(param["default"]))
        elif "low" in param:
            low, high, default = (num(param[key]) for key in ("low", "high", "default"))
            scale = "logarithmic" if param.get("log") else "linear"
            fact("range", family=family, name=name, low=low, high=high, default=default, scale=scale)
            numbers.append((f"{family}.{name}", (default - low) / (high - low) if high > low else 0.0))
if numbers:
    fig, axes = plt.subplots(figsize=(6, 0.6 + 0.25 * len(numbers)))
    axes.barh([name for name, _ in numbers], [1.0] * len(numbers), color="#dddddd", height=0.4)
    axes.plot([share for _, share in numbers], range(len(numbers)), "o", color="#333333")
    axes.set_xlabel("default within its range (0: lowest, 1: highest)")
    save(fig, "defaults")
