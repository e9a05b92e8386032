"""A smooth function of features that tells object from surroundings, fitted by ridge regression."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]


class FourierFeatures:
    """Random Fourier features of a Gaussian kernel (Rahimi and Recht, NIPS 2007).

    `widths` (F,) are the inverse kernel widths per feature.
    """

    def __init__(self, widths: NDArray[np.float64], components: int) -> None:
        random = np.random.default_rng(0)
        directions = random.standard_normal((len(widths), components)) * widths[:, None]
        self._directions = directions.astype(np.float32)
        self._phases = (random.random(components) * 2 * np.pi).astype(np.float32)

    def __call__(self, features: Array) -> Array:
        """(N, F) to (N, components)."""
        scale = np.float32(np.sqrt(2 / len(self._phases)))
        return np.asarray(scale * np.cos(features @ self._directions + self._phases))


class Equations:
    """Normal equations of a weighted regression; sums of them are those of the data together."""

    def __init__(self, products: Array, targets: Array) -> None:
        self._products = products
        self._targets = targets

    @classmethod
    def of(cls, components: Array, targets: Array, weights: Array) -> Equations:
        """`components` (N, D), `targets` and `weights` (N,)."""
        weighted = (components * weights[:, None]).astype(np.float32)
        return cls(weighted.T @ components, weighted.T @ targets.astype(np.float32))

    def plus(self, other: Equations) -> Equations:
        return Equations(self._products + other._products, self._targets + other._targets)

    def mixed(self, other: Equations, share: float) -> Equations:
        """These with `share` of them replaced by the others."""
        return Equations(
            (1 - share) * self._products + share * other._products,
            (1 - share) * self._targets + share * other._targets,
        )

    def solve(self, ridge: float) -> Array:
        """Coefficients (D,); `ridge` is relative to the mean square of a component."""
        size = len(self._targets)
        damped = self._products.astype(np.float64) + ridge / size * np.eye(size)
        return np.linalg.solve(damped, self._targets.astype(np.float64)).astype(np.float32)
