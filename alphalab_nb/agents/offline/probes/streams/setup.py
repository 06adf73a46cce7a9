"""Load the description of the space and define what every probe uses."""
import json
import os
from pathlib import Path

os.environ.setdefault("MPLBACKEND", "agg")
import matplotlib.pyplot as plt
from IPython.display import Image, display

DATA = Path("@DATA@")
TASK = json.loads(r"""@TASK@""")
meta = json.loads((DATA / "meta.json").read_text())
space = json.loads((DATA / "space.json").read_text())  # family -> summary, params


def num(value, digits=4):
    """Round to significant digits, so that what is printed is what is claimed."""
    value = float(f"{float(value):.{digits}g}")
    return int(value) if value == int(value) and abs(value) < 1e15 else value


def fact(kind, **values):
    """Print one finding for programs."""
    print(json.dumps({"fact": kind, **values}))


def save(fig, name):
    """Keep a figure in plots/ and show it in the notebook."""
    path = Path("plots") / f"{name}.png"
    path.parent.mkdir(exist_ok=True)
    fig.tight_layout()
    fig.savefig(path, dpi=80)
    plt.close(fig)
    display(Image(filename=str(path)))
    fact("figure", path=str(path))


print(f"{len(space)} families; draws by partition: {meta['draws']}")
