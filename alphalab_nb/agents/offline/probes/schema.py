"""What is in the data: rows, items, step, span, types?"""
regular = bool((np.diff(times[:, -1]) == step_s).all())
for name in panel.files:
    print(f"{name}: {panel[name].dtype}, shape {panel[name].shape}")
fact("shape", rows=T, items=N, cells=T * N)
fact("step", freq=meta["freq"], regular="regular" if regular else "calendar-based", start=when(0), end=when(T - 1), days=days(T - 1))
fact("seasons", season=season, seasons=", ".join(map(str, seasons)), periods=num(T / season, 3))
whole = [items[i] for i in range(N) if (np.mod(Y[np.isfinite(Y[:, i]), i], 1) == 0).all()]
fact("types", integer_items=len(whole), items=N)
lengths = T - lead
if lengths.min() < T:
    fact("ragged", shortest=items[int(lengths.argmin())], least=int(lengths.min()), longest=int(lengths.max()))
print("items:", ", ".join(items[:40]), "..." if N > 40 else "")
