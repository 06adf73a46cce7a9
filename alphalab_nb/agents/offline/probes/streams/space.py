"""What may be chosen: families of points, their parameters, branches?"""
for family, about in space.items():
    kinds = [param["type"] for param in about["params"].values()]
    branches = sum("when" in param for param in about["params"].values())
    fact("family", family=family, parameters=len(kinds), numbers=sum(kind in ("int", "float") for kind in kinds),
         choices=sum(kind in ("categorical", "bool") for kind in kinds), branches=branches, summary=about["summary"].rstrip("."))
fact("families", total=len(space), names=", ".join(space))
