"""Blocks of dialogues over a Ray cluster: the same blocks in the same order as one machine makes.

The pool goes to the cluster's object store, so the other machines need not see the file. Ray starts on this
machine alone where no cluster is named (RAY_ADDRESS) or running; it is told to report nothing of its use.
"""

from __future__ import annotations

import logging
import os
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from tastemaker.errors import InputError, TastemakerError
from tastemaker.synthesis.blocks import WINDOW, in_order
from tastemaker.synthesis.dialogues.generate import Made, Recipe, Workshop

_QUIET = {"RAY_USAGE_STATS_ENABLED": "0", "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0"}


def ray_blocks(recipe: Recipe, numbers: Iterable[int]) -> Iterator[list[Made]]:
    """The blocks of those numbers, in their order; `numbers` may be endless.

    Raises InputError when Ray is not installed, TastemakerError when the cluster is lost. A Ray that is
    already started is used and left running.
    """
    if find_spec("ray") is None:
        raise InputError("a cluster needs Ray: pip install 'tastemaker[ray]'")
    os.environ.update(_QUIET)
    import ray
    from ray.exceptions import RayError, RayTaskError

    begun = not ray.is_initialized()
    if begun:
        ray.init(include_dashboard=False, log_to_driver=False, logging_level=logging.ERROR)
    try:
        pool = ray.put(recipe.pool.read_bytes())
        task = ray.remote(_block)
        window = WINDOW * max(1, int(ray.cluster_resources().get("CPU", 1)))
        # The reference goes in a list: Ray would fetch a plain one for every task.
        yield from in_order(numbers, lambda number: task.remote(recipe, [pool], number), ray.get, window)
    except RayTaskError:
        raise
    except RayError as error:
        first = str(error).strip().splitlines()[0]
        raise TastemakerError(
            f"the cluster was lost ({first}); the same command goes on from there"
        ) from None
    finally:
        if begun:
            ray.shutdown()


_workshops: dict[str, Workshop] = {}


def _block(recipe: Recipe, pool: list[Any], number: int) -> list[Made]:
    """On a worker: the workshop is opened once in each process."""
    key = repr(recipe)
    if key not in _workshops:
        _workshops[key] = _opened(recipe, pool[0])
    return _workshops[key].block(number)


def _opened(recipe: Recipe, pool: Any) -> Workshop:
    import ray

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, recipe.pool.name)
        path.write_bytes(ray.get(pool))
        return Workshop(replace(recipe, pool=path))
