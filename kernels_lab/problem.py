"""A problem in KernelBench form: Model, get_inputs, get_init_inputs in one file of Python, and what an evaluation asks of it.

    problem = load("softmax")                       # one of ours; load_file(path) for any other
    model, inputs = problem.model(1), problem.inputs(7, "large")
    held_out = problem.drawn(3)                     # the same problem at odd sizes that nobody has seen

The form is that of github.com/ScalingIntelligence/KernelBench. The text is executed here: one from elsewhere belongs into a child.
"""

from __future__ import annotations

import hashlib
import linecache
import random
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache, cached_property
from pathlib import Path
from types import ModuleType
from typing import Any

from torch import Tensor, nn

from kernels_lab import catalogue
from kernels_lab.catalogue import Facts, names
from kernels_lab.errors import ProblemError
from kernels_lab.inputs import DISTRIBUTIONS, Layout, carried_into, number, spread, under
from kernels_lab.source import replaced, scalars, sizes

__all__ = ["Problem", "load", "load_file", "names"]

_FORM = ("Model", "get_inputs", "get_init_inputs")


@dataclass(frozen=True)
class Problem:
    """One problem at one choice of sizes."""

    name: str
    """Of a checkout with its level: "level1/23_Softmax"."""
    source: str
    """Python text, exactly what is executed."""
    facts: Facts

    @property
    def resembles(self) -> str:
        """The KernelBench task whose operator this is."""
        return self.facts.resembles

    @property
    def tags(self) -> tuple[str, ...]:
        """Kinds of the operator: elementwise, reduction, norm, ..."""
        return self.facts.tags

    @property
    def rewrite(self) -> bool:
        """Whether another algorithm, not a faster kernel, is the point."""
        return self.facts.rewrite

    @property
    def magnitude(self) -> float:
        """Factor of the distribution "large"."""
        return self.facts.magnitude

    @property
    def distributions(self) -> tuple[str, ...]:
        """Names that `inputs` takes."""
        return DISTRIBUTIONS

    @property
    def bytes_share(self) -> float:
        """Share of all bytes that every right kernel must touch."""
        return self.facts.bytes_share

    @cached_property
    def sizes(self) -> Mapping[str, int]:
        """Whole module-level constants, in the order of the file: a C kernel gets them in this order."""
        return sizes(self.source)

    @cached_property
    def scalars(self) -> Mapping[str, float]:
        """Fractional module-level constants, in the order of the file."""
        return scalars(self.source)

    @cached_property
    def flops(self) -> float | None:
        """Least floating point operations at these sizes; None if unknown."""
        return float(eval(self.facts.flops, {"__builtins__": {}}, dict(self.sizes))) if self.facts.flops else None

    def at(self, sizes: Mapping[str, int]) -> Problem:
        """The same problem at other sizes."""
        return replace(self, source=replaced(self.source, sizes))

    def small(self) -> Problem:
        """The same problem at tiny odd sizes, where many distributions cost little."""
        return self.at(self.facts.small)

    def empty(self) -> Problem | None:
        """The same problem with nothing in it; None where PyTorch defines no result."""
        return self.at({self.facts.empty: 0}) if self.facts.empty else None

    def drawn(self, seed: int, reach: tuple[float, float] = (0.85, 1.15)) -> Problem:
        """The same problem at held-out odd sizes, its own times a factor within reach, from a generator that the seed alone decides."""
        generator = random.Random(number(f"{self.name}/sizes/{seed}"))
        return self.at({name: int(self.sizes[name] * generator.uniform(*reach)) | 1 for name in self.facts.vary})

    def model(self, seed: int, init_inputs: Sequence[Any] | None = None) -> nn.Module:
        """The model with parameters drawn under this seed, for inference; built from other values than the file's if given."""
        return self._built("Model", seed, init_inputs)

    def library(self, seed: int) -> nn.Module | None:
        """The best single library form with the same parameters, if the file names one as `Library`."""
        return self._built("Library", seed, None) if hasattr(self._module, "Library") else None

    def init_inputs(self, seed: int) -> list[Any]:
        """What the model is built from."""
        return under(f"{self.name}/parameters/{seed}", lambda: list(self._module.get_init_inputs()))

    def inputs(self, seed: int, distribution: str = "natural", layout: Layout = "contiguous") -> list[Any]:
        """What one call of the model gets: tensors, and whatever else the file returns."""
        shape = carried_into(distribution, self.magnitude)
        drawn = under(f"{self.name}/inputs/{distribution}/{seed}", lambda: [_each(x, shape) for x in self._module.get_inputs()])
        return [spread(x) if layout == "strided" and isinstance(x, Tensor) else x for x in drawn]

    def arguments(self, model: nn.Module, inputs: list[Any]) -> list[tuple[str, Tensor]]:
        """What a C kernel gets as pointers, in this order: the inputs, then parameters and buffers as in state_dict."""
        return [(f"input{i}", x) for i, x in enumerate(inputs) if isinstance(x, Tensor)] + list(model.state_dict().items())

    def traffic(self, model: nn.Module, inputs: list[Any], output: Tensor) -> int:
        """Bytes that every right kernel moves: each argument read once, the output written once."""
        touched = [*(tensor for _, tensor in self.arguments(model, inputs)), output]
        return int(self.bytes_share * sum(x.numel() * x.element_size() for x in touched))

    def _built(self, name: str, seed: int, init_inputs: Sequence[Any] | None) -> nn.Module:
        def build() -> nn.Module:
            given = self._module.get_init_inputs() if init_inputs is None else init_inputs
            return getattr(self._module, name)(*given)

        model = under(f"{self.name}/parameters/{seed}", build)
        return model.eval().requires_grad_(False)

    @property
    def _module(self) -> Any:
        return _executed(self.name, self.source)


def load(name: str) -> Problem:
    """One of our own problems."""
    return Problem(name, catalogue.text(name), catalogue.facts(name))


def load_file(path: Path, *, sizes: Mapping[str, int] | None = None) -> Problem:
    """A problem from a file in KernelBench form, named by its folder and its own name, at other sizes if wanted."""
    name = f"{path.parent.name}/{path.stem}"
    problem = Problem(name, path.read_text(encoding="utf-8"), Facts(resembles=name))
    return problem.at(sizes) if sizes else problem


def _each(x: Any, shape: Callable[[Tensor], Tensor]) -> Any:
    return shape(x) if isinstance(x, Tensor) and x.is_floating_point() else x


@cache
def _executed(name: str, source: str) -> ModuleType:
    """The module that the text defines; registered, so that torch.compile and tracebacks find it."""
    module = ModuleType(f"kernels_lab_problem_{hashlib.sha256(source.encode()).hexdigest()[:16]}")
    file = f"<problem {name} {module.__name__[-8:]}>"
    linecache.cache[file] = (len(source), None, source.splitlines(keepends=True), file)
    sys.modules[module.__name__] = module
    exec(compile(source, file, "exec"), module.__dict__)
    if missing := [part for part in _FORM if not hasattr(module, part)]:
        raise ProblemError(f"{name} has no {', '.join(missing)}: a problem file defines {', '.join(_FORM)}")
    return module


