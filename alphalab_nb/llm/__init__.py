"""Who answers an agent's request: the rules of the offline researcher, or a language model behind LiveModel."""

from alphalab_nb.llm.metered import Metered
from alphalab_nb.llm.offline.rule_model import Call, Diverged, Policy, Result, RuleModel
from alphalab_nb.llm.providers import check_providers, mind_of

__all__ = ["Call", "Diverged", "Metered", "Policy", "Result", "RuleModel", "check_providers", "mind_of"]
