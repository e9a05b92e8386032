"""Multi-head attention, batch first, with the parameter names of `torch.nn.MultiheadAttention`."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from refervid.models.chunks import by_rows


class MultiheadAttention(nn.Module):
    """Scaled dot-product attention. Its three steps are separate so that projections can be shared."""

    def __init__(self, width: int, heads: int, dropout: float = 0.0) -> None:
        super().__init__()
        self.heads = heads
        self.dropout = dropout
        self.in_proj_weight = nn.Parameter(torch.empty(3 * width, width))
        self.in_proj_bias = nn.Parameter(torch.zeros(3 * width))
        self.out_proj = nn.Linear(width, width)
        nn.init.xavier_uniform_(self.in_proj_weight)
        nn.init.zeros_(self.out_proj.bias)

    def forward(self, query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None = None) -> Tensor:
        """`query` (N, Q, C), `key` and `value` (N, K, C) -> (N, Q, C).

        `mask` broadcasts to (N, heads, Q, K): bool, True = may be seen; or float, added to the logits.
        """
        return self.attend(self.project_query(query), self.project(key, 1), self.project(value, 2), mask)

    def project_query(self, x: Tensor) -> Tensor:
        return self.project(x, 0)

    def project(self, x: Tensor, part: int) -> Tensor:
        """(N, L, C) -> (N, heads, L, C / heads) with the query (0), key (1) or value (2) weights."""
        weight = self.in_proj_weight.chunk(3)[part]
        bias = self.in_proj_bias.chunk(3)[part]
        return torch.unflatten(F.linear(x, weight, bias), -1, (self.heads, -1)).transpose(1, 2)

    def attend(self, query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None = None) -> Tensor:
        """Projected query, key and value (N, heads, L, C / heads) -> (N, Q, C)."""
        dropout = self.dropout if self.training else 0.0
        x = F.scaled_dot_product_attention(query, key, value, attn_mask=mask, dropout_p=dropout)
        projected: Tensor = self.out_proj(x.transpose(1, 2).flatten(2))
        return projected


def feed_forward(x: Tensor, linear1: nn.Module, linear2: nn.Module, dropout: nn.Module) -> Tensor:
    """(..., C) -> (..., C): linear, ReLU, dropout, linear."""
    return by_rows(lambda rows: linear2(dropout(F.relu(linear1(rows), inplace=True))), x)
