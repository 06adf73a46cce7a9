"""What was mended while reading: duplicates, gaps, order, types?"""
kinds = pd.Series([r["kind"] for r in repairs], dtype=object).value_counts()
fact("repairs", total=len(repairs), kinds=", ".join(f"{n} {kind}" for kind, n in kinds.items()) or "none")
for kind in kinds.index:
    for r in [r for r in repairs if r["kind"] == kind][:TOP]:
        stamp = (r["timestamp"] or "").replace("T", " ")[:16]
        print(f"{kind}: {r['item'] or 'all items'} {stamp} {r['detail']}")
        if kind == "duplicate":
            fact("duplicate", stamp=stamp, item=r["item"] or "all items", detail=r["detail"])
        elif kind not in ("gap",):
            fact("repair", what=kind, item=r["item"] or "all items", detail=r["detail"], stamp=stamp or "no single stamp")
left = int((np.diff(times, axis=0) <= 0).sum())
fact("stamps_left", bad=left)
