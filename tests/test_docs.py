"""What the documents say is so: links lead somewhere, commands exist, and those of `your-own-data.md` run."""

from __future__ import annotations

import os
import re
import runpy
import shlex
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import typer.main
from typer.testing import CliRunner

from tastemaker.app.cli import app
from tastemaker.assets import cache_folder
from tastemaker.errors import AssetError
from tastemaker.llm.models import weights

ROOT = Path(__file__).parents[1]
DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
HOW_TO = ROOT / "docs" / "your-own-data.md"

_FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_SHOWS = {
    "recommend": {"For user nora", "rank", "title", "model calls", "Manager"},
    "agents evaluate": {"popularity", "itemknn", "ease", "bpr", "directau", "hit@10", "ndcg@10", "2 of"},
}
"""What the output of the commands that need the language model holds, whatever the model says."""


class Shown(NamedTuple):
    """A command of a document and the output that the document shows."""

    command: str
    output: str

    @property
    def wrong(self) -> bool:
        """Whether it is shown to end with an error."""
        return self.output.startswith("error:")

    @property
    def asks_model(self) -> bool:
        return not self.wrong and self.command.startswith(("tastemaker recommend", "tastemaker agents"))


def consoles(page: Path) -> Iterator[Shown]:
    """The commands in a page's console blocks, in order; a line that ends with a backslash goes on."""
    for language, block in _FENCE.findall(page.read_text(encoding="utf-8")):
        if language == "console":
            for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
                command, _, output = part.replace("\\\n", " ").partition("\n")
                yield Shown(" ".join(command.split()), output.strip())


def named_commands(page: Path) -> Iterator[str]:
    """Every `tastemaker …` in a page's code, inline or fenced; behind `torchrun … -m -- ` too."""
    text = page.read_text(encoding="utf-8")
    blocks = [block.replace("\\\n", " ") for language, block in _FENCE.findall(text) if language != "console"]
    lines = [line.removeprefix("$ ") for block in blocks for line in block.split("\n")]
    inline = re.findall(r"`([^`\n]+)`", _FENCE.sub("", text))
    for code in [*lines, *inline, *(shown.command for shown in consoles(page))]:
        command = code.rpartition(" -m -- ")[2]
        if command.startswith("tastemaker "):
            yield command


@pytest.mark.parametrize("page", DOCUMENTS, ids=lambda page: page.name)
def test_links_lead_to_files_and_headings(page: Path) -> None:
    for link in re.findall(r"\]\(([^)\s]+)\)", page.read_text(encoding="utf-8")):
        if re.match(r"[a-z]+:", link):
            continue
        path, _, heading = link.partition("#")
        target = page.parent / path if path else page
        assert target.exists(), f"{page.name} links to {link}"
        if heading:
            titles = re.findall(r"^#+ (.+)$", target.read_text(encoding="utf-8"), re.MULTILINE)
            anchors = [re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in titles]
            assert heading in anchors, f"{page.name} links to {link}"


def test_named_commands_are_found_wherever_they_stand(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(
        "Say `tastemaker a` or `torchrun -m -- tastemaker b --c`, not `ls`.\n\n"
        "```sh\n$ tastemaker d \\\n  --e\ntorchrun \\\n  --n 2 -m -- tastemaker f\n# tastemaker no\n```\n\n"
        "```console\n$ tastemaker g\noutput\n$ torchrun -m -- tastemaker h\n```\n"
    )
    assert [" ".join(code.split()) for code in named_commands(page)] == [
        "tastemaker d --e",
        "tastemaker f",
        "tastemaker a",
        "tastemaker b --c",
        "tastemaker g",
        "tastemaker h",
    ]


@pytest.mark.parametrize("page", DOCUMENTS, ids=lambda page: page.name)
def test_commands_and_options_exist(page: Path) -> None:
    for code in named_commands(page):
        command: Any = typer.main.get_command(app)
        words = shlex.split(code)[1:]
        path: list[str] = []
        while hasattr(command, "commands") and words and not words[0].startswith("-"):
            assert words[0] in command.commands, f"{page.name}: there is no {code!r}"
            path.append(words.pop(0))
            command = command.commands[path[-1]]
        options = {name for parameter in command.params for name in parameter.opts} | {"--help", "-h"}
        for word in words:
            if word.startswith("-"):
                assert word.partition("=")[0] in options, f"{page.name}: {code!r} has no option {word}"
        assert CliRunner().invoke(app, [*path, "--help"]).exit_code == 0


def test_dependencies_are_those_of_pyproject() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    asked = [*project["build-system"]["requires"], *project["project"]["dependencies"]]
    asked += [name for extra in project["project"]["optional-dependencies"].values() for name in extra]
    page = (ROOT / "docs" / "dependencies.md").read_text(encoding="utf-8")
    told = re.findall(r"^\| ([a-z][\w-]*) \|", page, re.MULTILINE)
    assert sorted(set(told) - {"package"}) == sorted({re.split(r"[\[><=]", name)[0] for name in asked})


def test_no_path_of_this_machine() -> None:
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    if listed.returncode != 0:
        pytest.skip("not a git checkout")
    folders = "|".join("/" + name for name in ("work/", "tmp/w\\b", "root/", "home/"))
    here = re.compile(rf"(?<![\w.~-])(?:{folders})")
    for name in listed.stdout.splitlines():
        try:
            lines = (ROOT / name).read_text(encoding="utf-8").splitlines()
        except (UnicodeDecodeError, FileNotFoundError):
            continue
        found = [f"{name}:{number}: {line}" for number, line in enumerate(lines, 1) if here.search(line)]
        assert not found


def test_the_figures_are_those_of_the_results() -> None:
    page = runpy.run_path(str(ROOT / "docs" / "make_figures.py"))["page"]()
    assert (ROOT / "docs" / "figures.md").read_text(encoding="utf-8") == page


def test_the_example_is_what_its_script_writes(tmp_path: Path) -> None:
    folder = ROOT / "docs" / "examples"
    subprocess.run([sys.executable, folder / "make_log.py", tmp_path / "log.csv"], check=True)
    assert (tmp_path / "log.csv").read_bytes() == (folder / "log.csv").read_bytes()


class Place(NamedTuple):
    """Where the how-to is followed: a folder with the examples, and a cache of its own."""

    folder: Path
    cache: Path
    no_model: str
    """Why the language model cannot be asked; empty where it can."""


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Place:
    folder = tmp_path_factory.mktemp("how-to")
    shutil.copytree(ROOT / "docs" / "examples", folder / "docs" / "examples")
    cache = folder / "cache"
    cache.mkdir()
    try:
        weights("smollm2")
    except AssetError as error:
        return Place(folder, cache, str(error).splitlines()[0])
    for kept in ("assets", "models"):
        (cache_folder() / kept).mkdir(parents=True, exist_ok=True)
        (cache / kept).symlink_to(cache_folder() / kept, target_is_directory=True)
    return Place(folder, cache, "")


@pytest.mark.parametrize("shown", consoles(HOW_TO), ids=lambda shown: shown.command[11:60])
def test_how_to(shown: Shown, place: Place) -> None:
    """The commands run in the order of the page: each test needs those before it."""
    if place.no_model and shown.asks_model:
        pytest.skip(place.no_model)
    if place.no_model and "another config" in shown.output:
        pytest.skip("the run was not made, as the language model is not at hand")
    ran = subprocess.run(
        [sys.executable, "-m", *shlex.split(shown.command)],
        cwd=place.folder,
        env=os.environ | {"TASTEMAKER_CACHE": str(place.cache), "COLUMNS": "100"},
        capture_output=True,
        text=True,
        encoding="utf-8",
    )
    assert ran.returncode == (2 if shown.wrong else 0), ran.stderr
    if shown.wrong:
        assert ran.stderr.strip() == shown.output
    elif shown.asks_model:
        kind = next(kind for kind in _SHOWS if shown.command.startswith(f"tastemaker {kind}"))
        for text in _SHOWS[kind]:
            assert text in ran.stdout + ran.stderr
    else:
        assert _words(shown.output) <= _words(ran.stdout)
        if "seconds" not in ran.stdout:
            printed = _figures(ran.stdout)
            for row, figures in _figures(shown.output).items():
                assert printed[row] == pytest.approx(figures, abs=0.02)


def _words(output: str) -> set[str]:
    """Words and whole numbers of an output: what is the same on every machine."""
    return set(re.findall(r"(?<![\w.])(?:[A-Za-z][\w@]*|\d+)(?![\w.])", output))


def _figures(output: str) -> dict[str, list[float]]:
    """The decimal figures of each row of the tables, by the row's first cell."""
    rows = [line.strip("│ ").partition("│") for line in output.splitlines() if line.startswith("│")]
    return {name.strip(): [float(n) for n in re.findall(r"\d+\.\d+", rest)] for name, _, rest in rows}


@pytest.mark.parametrize(("page", "number"), [("tool-data.md", 3), ("step-learning.md", 1)])
def test_the_code_of_a_page_runs(page: str, number: int, tmp_path: Path) -> None:
    text = (ROOT / "docs" / page).read_text(encoding="utf-8")
    blocks = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    assert len(blocks) == number
    for number, block in enumerate(blocks):
        file = tmp_path / f"block{number}.py"
        file.write_text(block, encoding="utf-8")
        runpy.run_path(str(file))
