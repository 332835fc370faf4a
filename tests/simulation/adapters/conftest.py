"""Tianshou without its compiler.

On first use it compiles for 15 s what buffers as small as those of these tests do without.
"""

from __future__ import annotations

from contextlib import suppress

import numba

numba.config.DISABLE_JIT = True
with suppress(ImportError):
    import tianshou.data
    import tianshou.trainer  # noqa: F401
numba.config.DISABLE_JIT = False
