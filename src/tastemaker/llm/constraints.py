"""Which tokens may come next where an output must fit a schema, by llguidance.

Decoding holds the model to it (`torch_backend`), and training asks afterwards where there was no choice.
Knows nothing of models.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from tastemaker.errors import InputError
from tastemaker.llm.grammar import closed, to_lark

if TYPE_CHECKING:
    from llguidance import LLMatcher
    from tokenizers import Tokenizer


class Constraints:
    """Makes matchers for outputs in the tokens of one tokenizer, which end with `eos_id`."""

    def __init__(self, tokenizer: Tokenizer, eos_id: int) -> None:
        from llguidance import LLTokenizer

        self._tokens = LLTokenizer(tokenizer.to_str(), eos_token=eos_id)
        self._eos = eos_id
        self._vocabulary = tokenizer.get_vocab_size()

    def matcher(self, schema: dict[str, Any], *, or_text: bool) -> LLMatcher:
        """A matcher at the beginning of an output: one JSON value that fits, or, with `or_text`, several, one
        a line, or text. Raises InputError when the schema cannot be decoded to.
        """
        from llguidance import LLMatcher

        if or_text:
            grammar = LLMatcher.grammar_from_lark(to_lark(schema))
        else:
            compact = {"whitespace_flexible": False}
            grammar = LLMatcher.grammar_from_json_schema(closed(schema), overrides=compact)
        matcher = LLMatcher(self._tokens, grammar, log_level=0)
        if matcher.is_error():
            raise InputError(
                f"decoding cannot be constrained to the schema: {matcher.get_error().splitlines()[0]}"
            )
        return matcher

    def forced(
        self, token_ids: tuple[int, ...], schema: dict[str, Any], *, or_text: bool
    ) -> tuple[bool, ...]:
        """For each token of an output, whether it was the only one allowed. From the first token on that was
        not allowed itself none is.
        """
        matcher = self.matcher(schema, or_text=or_text)
        found: list[bool] = []
        for token in token_ids:
            may = allowed(matcher, self._vocabulary)
            if not may[token]:
                break
            found.append(int(may.sum()) == 1)
            if token == self._eos:
                break
            matcher.consume_token(token)
        return (*found, *[False] * (len(token_ids) - len(found)))


def allowed(matcher: LLMatcher, vocabulary: int) -> NDArray[np.bool_]:
    """[vocabulary] True where the grammar allows the token next."""
    from llguidance.numpy import allocate_token_bitmask, fill_next_token_bitmask

    words = allocate_token_bitmask(1, vocabulary)
    fill_next_token_bitmask(matcher, words)
    return np.unpackbits(words.view(np.uint8), bitorder="little")[:vocabulary].astype(bool)
