"""Mean of a softmax: degenerate, it is 1/cols whatever the input. Here for the hack that knows it; the lint refuses such problems."""

import torch
from torch import Tensor, nn

rows = 512
cols = 1024


class Model(nn.Module):
    """y[i] = mean over j of softmax(x[i])[j]."""

    def forward(self, x: Tensor) -> Tensor:
        return torch.softmax(x, dim=1).mean(dim=1)


def get_inputs():
    return [torch.randn(rows, cols)]


def get_init_inputs():
    return []
