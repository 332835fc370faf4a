"""BFCL's rows are read from the installed package; without it these tests are skipped."""

from importlib.util import find_spec

import pytest


@pytest.fixture(autouse=True)
def installed() -> None:
    if find_spec("bfcl_eval") is None:
        pytest.skip("bfcl-eval is not installed")
