"""Product of a banded matrix, kept as its diagonals, with a dense one: one term per diagonal."""

import torch
from torch import Tensor, nn

rows = 1024
cols = 256
# Diagonals on each side of the main one; the band has 2 half + 1 of them.
half = 2


class Model(nn.Module):
    """y[i] = sum over d of band[d, i] * b[i + d - half], rows outside of b being zero."""

    def forward(self, band: Tensor, b: Tensor) -> Tensor:
        side = band.shape[0] // 2
        padded = nn.functional.pad(b, (0, 0, side, side))
        terms = [band[d].unsqueeze(1) * padded[d : d + b.shape[0]] for d in range(band.shape[0])]
        return torch.stack(terms).sum(dim=0)


def get_inputs():
    return [torch.randn(2 * half + 1, rows), torch.randn(rows, cols)]


def get_init_inputs():
    return []
