"""A process may end while the engine still decodes."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tokenizers import Tokenizer

_PROGRAM = """
import sys, time
from pathlib import Path
from tokenizers import Tokenizer
from tastemaker.llm.engine import Engine, GenerationRequest
from tastemaker.llm.torch_backend import TorchBackend

folder = Path(sys.argv[1])
backend = TorchBackend(folder, Tokenizer.from_file(sys.argv[2]), 300, threads=1, max_batch=4)
engine = Engine(backend, 512)
for seed in range(4):
    engine.submit(GenerationRequest((5, 6, 7), max_tokens=500, temperature=1.0, seed=seed))
time.sleep(0.5)
sys.exit(3)
"""


def test_a_process_ends_in_the_middle_of_an_answer(
    tiny_model: Path, tokenizer: Tokenizer, tmp_path: Path
) -> None:
    file = tmp_path / "tokenizer.json"
    tokenizer.save(str(file))
    for _ in range(2):
        ran = subprocess.run(
            [sys.executable, "-c", _PROGRAM, str(tiny_model), str(file)], capture_output=True, text=True
        )
        assert (ran.returncode, ran.stderr) == (3, "")
