"""diag(a) b is b with its rows scaled."""

from torch import nn


class ModelNew(nn.Module):
    def forward(self, a, b):
        return a.unsqueeze(1) * b
