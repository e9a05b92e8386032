"""Early fusion of words and pixels by multiplication."""

from __future__ import annotations

from torch import Tensor, nn

from refervid.models.soc.attention import MultiheadAttention


class MultiplicativeFusion(nn.Module):
    """Target times what it attends to in the memory; no residual, no norm (public repository)."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.multihead_attn = MultiheadAttention(width, heads)

    def forward(
        self,
        target: Tensor,
        memory: Tensor,
        positions: Tensor,
        keep: Tensor | None,
        rows: Tensor | None = None,
    ) -> Tensor:
        """(M, L, C) and (N, K, C) -> (N, L, C).

        `positions` (N, K, C) are added to the keys; `keep` (N, K) bool, True = may be attended to;
        `rows` (N,) long names the target that belongs to each memory row (None: one each), so that
        several sentences share one projection of the same clip.
        """
        attention = self.multihead_attn
        query = attention.project_query(target)
        if rows is not None:
            query, target = query[rows], target[rows]
        key, value = attention.project(memory + positions, 1), attention.project(memory, 2)
        mask = None if keep is None else keep[:, None, None]
        return target * attention.attend(query, key, value, mask)
