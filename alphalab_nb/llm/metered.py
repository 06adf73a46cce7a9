"""Metered: puts every response of a model into the ledger. Knows nothing of what the model is."""

from __future__ import annotations

from dataclasses import dataclass

from pydantic_ai import messages as m
from pydantic_ai.models import Model, ModelRequestParameters
from pydantic_ai.models.wrapper import WrapperModel
from pydantic_ai.settings import ModelSettings

from alphalab_nb.storage.ledger import Ledger


@dataclass(frozen=True)
class Tags:
    """What a response is charged to."""

    phase: str
    role: str
    experiment: int | None = None
    attempt: int | None = None


class Metered(WrapperModel):
    """A model whose responses are counted; an offline response costs nothing and is still a call."""

    def __init__(self, wrapped: Model, *, ledger: Ledger, tags: Tags) -> None:
        super().__init__(wrapped)
        self._ledger, self._tags = ledger, tags

    async def request(
        self,
        messages: list[m.ModelMessage],
        model_settings: ModelSettings | None,
        model_request_parameters: ModelRequestParameters,
    ) -> m.ModelResponse:
        response = await super().request(messages, model_settings, model_request_parameters)
        usage = response.usage
        self._ledger.add(
            phase=self._tags.phase, role=self._tags.role, experiment=self._tags.experiment, provider=response.provider_name or self.system,
            model=response.model_name or self.model_name, input_tokens=usage.input_tokens, cached_tokens=usage.cache_read_tokens,
            cache_write_tokens=usage.cache_write_tokens, output_tokens=usage.output_tokens,
        )
        return response
