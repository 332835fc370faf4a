"""One request to a model: sent again at most twice on transport faults, counted, with a typed end.

Knows nothing of conversations: it gets the history and the calls to offer, and gives the response. Whatever
else a model or its client raises becomes one `ModelError` of one line.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from pydantic_ai import exceptions as faults
from pydantic_ai.direct import model_request
from pydantic_ai.messages import ModelMessage, ModelResponse
from pydantic_ai.models import Model, ModelRequestParameters
from pydantic_ai.settings import ModelSettings
from pydantic_ai.tools import ToolDefinition

from tastemaker.errors import AssetError, ModelError
from tastemaker.records import ToolSpec, Usage
from tastemaker.tools.limits import Budget, Limits

ASK_AGAIN = 2
"""How often a request is sent again after a transport fault."""

LONGEST_WAIT = 30.0
"""Seconds to wait before asking again, at most, whatever the server says."""


def offer(
    tools: Sequence[ToolSpec], answer: ToolSpec | None, *, text: bool = False
) -> ModelRequestParameters:
    """Request parameters that offer these calls, and no free text unless `text` says so."""
    return ModelRequestParameters(
        function_tools=[_definition(spec) for spec in tools],
        output_tools=[] if answer is None else [_definition(answer, output=True)],
        output_mode="text" if text else "tool",
        allow_text_output=text,
    )


async def ask(
    model: Model,
    history: Sequence[ModelMessage],
    parameters: ModelRequestParameters,
    settings: ModelSettings,
    limits: Limits,
    budget: Budget,
    sent: Callable[[], None],
) -> tuple[ModelResponse, Usage]:
    """The model's response, and the tokens and dollars that it used.

    `sent` is called for each request that goes out, those sent again included.
    Raises LimitReached when the budget is used up (also while waiting), UnexpectedModelBehavior when the
    response cannot be read, AssetError when a local model's weights are not to be had, and ModelError when
    the model does not respond.
    """
    attempt = 0
    while True:
        budget.take_request()
        sent()
        left = budget.seconds_left
        seconds = limits.request_seconds if left is None else min(limits.request_seconds, left)
        try:
            async with asyncio.timeout(seconds):
                response = await model_request(
                    model, history, model_settings=settings, model_request_parameters=parameters
                )
        except (faults.UnexpectedModelBehavior, AssetError):
            raise
        except Exception as error:
            if left is not None and left <= seconds:
                budget.check()
            if attempt == ASK_AGAIN or not _transient(error):
                raise ModelError(_reason(error, seconds)) from error
            wait = max(limits.backoff * 2**attempt, getattr(error, "retry_after", None) or 0.0)
            await asyncio.sleep(min(wait, LONGEST_WAIT))
            attempt += 1
        else:
            used = _usage(response)
            budget.count(used)
            return response, used


def one_line(text: str, longest: int = 300) -> str:
    """The text on one line that UTF-8 can hold, cut where it is long."""
    text = clean(" ".join(text.split()))
    return text if len(text) <= longest else text[: longest - 1] + "…"


def clean(text: str) -> str:
    """The text without lone surrogates, which no UTF-8 file can hold."""
    return text.encode("utf-8", "replace").decode()


def price(response: ModelResponse) -> float:
    """US dollars by the list prices that come with genai-prices; 0 where the model has none."""
    try:
        return max(0.0, float(response.cost().total_price))
    except Exception:  # unknown names, missing usage, and whatever else a server may have said of itself
        return 0.0


def _usage(response: ModelResponse) -> Usage:
    """Tokens and dollars of a response; one from a recording is not paid for again."""
    replayed = bool((response.provider_details or {}).get("replayed"))
    return Usage(
        replayed=replayed,
        input_tokens=max(0, response.usage.input_tokens),
        output_tokens=max(0, response.usage.output_tokens),
        cost=0.0 if replayed else price(response),
    )


def _definition(spec: ToolSpec, output: bool = False) -> ToolDefinition:
    return ToolDefinition(
        name=spec.name,
        description=spec.description,
        parameters_json_schema=spec.parameters,
        kind="output" if output else "function",
    )


def _transient(error: Exception) -> bool:
    """Whether the same request may succeed if it is sent again."""
    if isinstance(error, faults.ModelQuotaExceededError):
        return False
    if isinstance(error, faults.ModelHTTPError):
        return error.status_code in (408, 409, 425, 429) or error.status_code >= 500
    return isinstance(error, OSError | faults.ModelConnectionError | faults.ModelRequestTimeout)


def _reason(error: Exception, seconds: float) -> str:
    if isinstance(error, TimeoutError):
        return f"no answer within {seconds:g} s"
    if isinstance(error, ModelError):
        return one_line(str(error))
    return one_line(f"{type(error).__name__.lstrip('_')}: {error}")
