"""What every component's config is like: frozen, strict about unknown keys, and without NaN."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from tastemaker.errors import InputError


class Config(BaseModel):
    """Base of configs."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


ConfigT = TypeVar("ConfigT", bound=Config)


def validated(kind: type[ConfigT], settings: Mapping[str, Any], name: str) -> ConfigT:
    """The config of what users know by a name: its defaults but for `settings`, whose values may be text, as
    from a command line. Raises InputError with the first setting that is unknown or does not fit.
    """
    try:
        return kind.model_validate(settings)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        key = ".".join(map(str, first["loc"]))
        if first["type"] == "extra_forbidden":
            known = ", ".join(kind.model_fields) or "none"
            raise InputError(f"{name} has no setting {key!r}; its settings: {known}") from None
        raise InputError(f"{name}: {key}={first['input']!r}: {first['msg']}") from None
