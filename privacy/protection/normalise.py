"""What counts as the same value in a blind index: the rules of `kernel/normalise.py`, which subjects compare by as well."""

from privacy.kernel.normalise import PLANS, Normaliser, Normalisers, NumberingPlan

__all__ = ["PLANS", "Normaliser", "Normalisers", "NumberingPlan"]
