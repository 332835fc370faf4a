"""Ray: the same file as one process makes, and one line where it is not installed."""

import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from tastemaker.synthesis.api import Api
from tastemaker.synthesis.verification.specimens import TOOLS

_BUILD = """
import sys
from pathlib import Path

import small_maker
from tastemaker.synthesis.dialogues.generate import DialogueConfig, build_dialogues

if __name__ == "__main__":
    if {hidden}:
        sys.modules["ray"] = None
    scenes = small_maker.SmallConfig(seed=3)
    for name, workers in (("one", 1), ("ray", "ray")):
        out, pool = Path({out!r}, name + ".jsonl"), Path({pool!r})
        config = DialogueConfig(size=500)
        build_dialogues(config, scenes, pool, out, load=small_maker.load, workers=workers)
"""


def _run(folder: Path, hidden: bool) -> subprocess.CompletedProcess[str]:
    """In a process of its own, as Ray stays in a process for good."""
    pool = folder / "apis.jsonl"
    pool.write_text(
        Api(id="a", spec=TOOLS[0], area="Sea", domain="sea", path=("ferry", "find")).model_dump_json() + "\n"
    )
    shutil.copy(Path(__file__).with_name("small_maker.py"), folder)
    script = folder / "build.py"
    script.write_text(_BUILD.format(hidden=hidden, out=str(folder), pool=str(pool)))
    return subprocess.run([sys.executable, str(script)], capture_output=True, text=True, timeout=120)


def test_without_ray_it_is_one_line(tmp_path: Path) -> None:
    done = _run(tmp_path, hidden=True)
    assert done.stderr.splitlines()[-1].endswith("a cluster needs Ray: pip install 'tastemaker[ray]'")


@pytest.mark.slow
@pytest.mark.skipif(find_spec("ray") is None, reason="Ray is not installed")
def test_ray_makes_the_same_file(tmp_path: Path) -> None:
    done = _run(tmp_path, hidden=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert (tmp_path / "ray.jsonl").read_bytes() == (tmp_path / "one.jsonl").read_bytes()
    assert (tmp_path / "ray.jsonl.card.json").read_bytes() == (tmp_path / "one.jsonl.card.json").read_bytes()
