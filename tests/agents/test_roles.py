"""Rosters: what comes with the package, what a file of one's own changes, and what does not fit together."""

from __future__ import annotations

from pathlib import Path

import pytest

from tastemaker.agents.roles import Roster, built_in, load
from tastemaker.errors import InputError


def own(tmp_path: Path, text: str) -> Roster:
    path = tmp_path / "mine.toml"
    path.write_text(text)
    return load(path)


def test_macrec_s_workflows_are_there() -> None:
    found = built_in()
    assert {
        "single",
        "analyse",
        "search",
        "plan",
        "reflect",
        "reflect-analyse",
        "reflect-analyse-search",
        "interpret",
        "chat",
    } == set(found.workflows)
    assert set(found.asked) == {"analyse_user", "analyse_item", "ask_searcher"}
    assert load(None) is found


def test_a_file_changes_what_it_names_and_nothing_else(tmp_path: Path) -> None:
    found = own(
        tmp_path, '[roles.user_analyst]\ninstructions = "Be kind."\n[workflows.reflect]\ntrials = 3\n'
    )
    before = built_in()
    assert found.roles["user_analyst"] == before.roles["user_analyst"].model_copy(
        update={"instructions": "Be kind."}
    )
    assert found.workflows["reflect"].trials == 3
    assert found.workflows["single"] == before.workflows["single"]
    same = {key: role for key, role in found.roles.items() if key != "user_analyst"}
    assert same == {key: role for key, role in before.roles.items() if key != "user_analyst"}


def test_a_role_that_extends_another_has_its_fields_but_for_its_own(tmp_path: Path) -> None:
    found = own(tmp_path, '[roles.mine]\nextends = "full_ranker"\nsteps = 9\n')
    assert found.roles["mine"] == built_in().roles["full_ranker"].model_copy(update={"steps": 9})


def test_a_change_of_a_role_reaches_those_that_extend_it(tmp_path: Path) -> None:
    found = own(tmp_path, '[roles.ranker]\nquestion = "Which?"\n')
    assert found.roles["full_ranker"].question == "Which?"


def test_only_those_who_work_in_a_workflow() -> None:
    found = built_in().only("reflect-analyse")
    assert set(found.roles) == {
        "asking_ranker",
        "asking_rater",
        "asking_explainer",
        "user_analyst",
        "item_analyst",
        "reflector",
    }
    assert list(found.workflows) == ["reflect-analyse"]


def test_a_workflow_keeps_the_sources_that_its_roles_use(tmp_path: Path) -> None:
    found = own(
        tmp_path,
        '[sources.prices]\nabout = "What an item costs."\npython = "prices:price"\n'
        '[sources.unused]\nabout = "Nothing."\nurl = "https://example.org/{query}"\n'
        '[roles.item_analyst]\ntools = ["item_info", "prices"]\n',
    )
    assert set(found.sources) == {"prices", "unused"}
    assert list(found.only("analyse").sources) == ["prices"]
    assert found.only("search").sources == built_in().sources == {}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[roles.", "no readable roster"),
        ("[agents.x]\n", "agents: a roster has tables"),
        ("roles = 3\n", "roles: a roster has tables"),
        ("[roles.ranker]\nstep = 3\n", r"roles\.ranker\.step: Extra inputs"),
        ('[roles.ranker]\nsteps = "many"\n', r"roles\.ranker\.steps: Input should be a valid integer"),
        ('[roles.x]\nname = "X"\n', r"roles\.x\.instructions: Field required"),
        ('[roles.x]\nextends = "y"\n', "role x extends 'y', which there is not"),
        ('[roles.ranker]\nextends = "ranker"\n', "role ranker extends itself"),
        ('[roles.ranker]\ntools = ["fly"]\n', "role ranker: fly: there is no such tool"),
        ('[roles.ranker]\nrequired = ["rank"]\n', "role ranker: rank is required but not among its tools"),
        ("[roles.ranker]\nsteps = 0\n", "role ranker: 1 tools are required in 0 steps"),
        ('[roles.searcher]\ntools = ["search", "analyse_item"]\n', "a role that is asked asks nobody"),
        ('[roles.searcher]\nasked_as = "analyse_user"\n', "two tools would have the name analyse_user"),
        ('[roles.searcher]\nasked_as = "retrieve"\n', "two tools would have the name retrieve"),
        ('[roles.searcher]\nasked_as = "report"\n', "two tools would have the name report"),
        ("[sources.w]\nurl = 'https://x.org/{query}'\n", r"sources\.w\.about: Field required"),
        ("[sources.w]\nabout = 'W'\n", r"sources\.w: give exactly one of url, mcp and python"),
        ("[sources.search]\nabout = 'W'\npython = 'a:b'\n", "two tools would have the name search"),
        ("[sources.plan]\nabout = 'W'\npython = 'a:b'\n", "two tools would have the name plan"),
        ("[sources.ask_searcher]\nabout = 'W'\npython = 'a:b'\n", "would have the name ask_searcher"),
        ('[roles.searcher]\ntools = ["search", "wiki"]\n', "role searcher: wiki: there is no such tool"),
        ('[workflows.single]\nranking = "nobody"\n', "workflow single: ranking: there is no role 'nobody'"),
        ('[workflows.single]\nranking = "rater"\n', "workflow single: ranking: rater answers with a rating"),
        ('[workflows.single]\nreflector = "planner"\n', "reflector: planner answers with a plan"),
        ('[workflows.single]\nremember = "all"\n', r"workflows\.single\.remember: Input should be 'none'"),
    ],
)
def test_what_does_not_fit_is_one_line(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(InputError, match=message) as error:
        own(tmp_path, text)
    assert str(error.value).startswith(str(tmp_path / "mine.toml"))
    assert "\n" not in str(error.value)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no\.toml: no readable roster"):
        load(tmp_path / "no.toml")


def test_an_unknown_workflow() -> None:
    with pytest.raises(InputError, match="no workflow 'sing'; there are: single, analyse"):
        built_in().only("sing")


def test_the_file_that_the_documentation_shows(tmp_path: Path) -> None:
    page = (Path(__file__).parents[2] / "docs" / "agents.md").read_text(encoding="utf-8")
    found = own(tmp_path, page.split("```toml\n")[1].split("```")[0])
    assert not found.sources
    assert set(found.only("critical").roles) == {
        *("critical_ranker", "rater", "user_analyst", "critic", "reflector")
    }
    assert found.roles["critic"].tools == built_in().roles["item_analyst"].tools
