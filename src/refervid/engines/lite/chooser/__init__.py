"""The chooser that knows the language of attributes and nothing else."""

from refervid.engines.lite.chooser.chooser import RulesChooser, RulesSettings

__all__ = ["RulesChooser", "RulesSettings"]
