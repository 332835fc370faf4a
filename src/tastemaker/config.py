"""What every component's config is like: frozen, strict about unknown keys, and without NaN."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Config(BaseModel):
    """Base of configs."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)
