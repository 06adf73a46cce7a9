"""Mean triplet margin loss of three sets of embeddings (Schroff et al., arXiv 1503.03832, eq. 2, without squares)."""

import torch
from torch import Tensor, nn

rows = 1024
features = 512
margin = 20.0
# PyTorch adds it to every difference before the norm.
eps = 1e-6


class Model(nn.Module):
    """y = mean of max(0, |anchor - positive| - |anchor - negative| + margin)."""

    def __init__(self, margin: float, eps: float):
        super().__init__()
        self.margin = margin
        self.eps = eps

    def forward(self, anchor: Tensor, positive: Tensor, negative: Tensor) -> Tensor:
        return nn.functional.triplet_margin_loss(anchor, positive, negative, margin=self.margin, eps=self.eps)


def get_inputs():
    # The mean of many rows hardly varies; a scale of its own for each call keeps a constant from being right.
    scale = 0.5 + torch.rand(())
    return [torch.randn(rows, features), torch.randn(rows, features) * scale, torch.randn(rows, features)]


def get_init_inputs():
    return [margin, eps]
