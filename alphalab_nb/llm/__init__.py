"""Who answers an agent's request: today the rules of the offline researcher, later language models."""

from alphalab_nb.llm.metered import Metered
from alphalab_nb.llm.offline.rule_model import Call, Diverged, Policy, Result, RuleModel
from alphalab_nb.llm.providers import model_for, provider_of

__all__ = ["Call", "Diverged", "Metered", "Policy", "Result", "RuleModel", "model_for", "provider_of"]
