"""The published scenarios: Coat against figures of its own matrix, the others on small files."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from gymnasium.vector import AutoresetMode
from numpy.typing import NDArray

from tastemaker.errors import InputError
from tastemaker.simulation.quit_rules import CategoryQuit, DistanceQuit
from tastemaker.simulation.scenario import Scenario
from tastemaker.simulation.scenarios import names, scenario
from tastemaker.simulation.world import Observation


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TASTEMAKER_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def mine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TASTEMAKER_DATA", str(tmp_path / "data"))
    return tmp_path / "data"


def play(
    scene: Scenario, scores: Callable[[Observation], NDArray[np.floating]], avoid: bool, n: int = 5000
) -> tuple[float, float]:
    """Mean reward and length of `n` sessions that take the item with the highest score, if `avoid` away
    from the last seven.
    """
    rule = scene.quit_rule
    assert isinstance(rule, DistanceQuit)
    world = scene.world(n, autoreset=AutoresetMode.DISABLED)
    seen, _ = world.reset(seed=1)
    reward, turns, over = np.zeros(n), np.zeros(n), np.zeros(n, np.bool_)
    while not over.all():
        worth = scores(seen)
        if avoid:
            worth = np.where(rule.near[seen["items"][:, -rule.n_recent :]].any(1), -np.inf, worth)
        seen, gained, quit, end, infos = world.step(worth.argmax(1))
        reward += gained
        turns += infos["item"] >= 0
        over = quit | end
    return float(reward.mean()), float(turns.mean())


def test_coat_is_as_hard_as_its_own_matrix_says(data_folder: Path) -> None:
    """Figures measured with an independent loop over 5,000 episodes: random 26.35 in 11.84 turns, random
    away from the last seven 67.1 in 30, the items' true means 87.85, the greedy oracle 93.58.
    """
    if not (data_folder / "coat" / "completed_ratings.ascii.gz").is_file():
        pytest.skip("TASTEMAKER_DATA has no completed matrix of Coat")
    scene = scenario("coat")
    assert scene.truth.shape == (290, 300)
    assert (len(scene.log), len(scene.unbiased or ())) == (6960, 4640)
    assert "completed by Huang" in scene.protocol
    rng = np.random.default_rng(3)

    def drawn(seen: Observation) -> NDArray[np.floating]:
        return rng.random((len(seen["user"]), 300), np.float32)

    reward, turns = play(scene, drawn, avoid=False)
    assert reward == pytest.approx(26.35, abs=0.8)
    assert turns == pytest.approx(11.84, abs=0.35)
    mean = scene.truth.mean(0)
    for scores, expected in (
        (drawn, 67.1),
        (lambda seen: np.broadcast_to(mean, (len(seen["user"]), 300)), 87.85),
        (lambda seen: scene.truth[seen["user"]], 93.58),
    ):
        reward, turns = play(scene, scores, avoid=True, n=1000)
        assert reward == pytest.approx(expected, abs=0.7)
        assert turns == 30


def test_ml_1m_can_be_survived_with_avoidance_alone(data_folder: Path) -> None:
    """The publication's weakest policy, BCQ, gets 9.54 in 2.5 turns: about as much as items drawn at
    random.
    """
    if not (data_folder / "ml-1m").is_dir():
        pytest.skip("TASTEMAKER_DATA has no folder ml-1m")
    scene = scenario("ml-1m")
    assert scene.truth.shape == (6040, 3883)
    assert "our own completion in the published form" in scene.protocol
    rng = np.random.default_rng(3)

    def drawn(seen: Observation) -> NDArray[np.floating]:
        return rng.random((len(seen["user"]), 3883), np.float32)

    reward, turns = play(scene, drawn, avoid=False, n=500)
    assert 7 < reward < 13
    assert 2.5 < turns < 4.5
    assert play(scene, drawn, avoid=True, n=50)[1] == 30


def test_coat_without_the_completed_matrix(data_folder: Path, mine: Path) -> None:
    if not (data_folder / "coat").is_dir():
        pytest.skip("TASTEMAKER_DATA has no folder coat")
    mine.mkdir()
    (mine / "coat").mkdir()
    for file in (data_folder / "coat").iterdir():
        if not file.name.startswith("completed"):
            (mine / "coat" / file.name).symlink_to(file)
    scene = scenario("coat")
    assert (
        "our own completion of all ratings, as the published completed matrix is not there" in scene.protocol
    )
    assert scene.truth.shape == (290, 300)
    assert scene.truth.min() >= 1
    assert scene.truth.max() <= 5


def write(folder: Path, name: str, *lines: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text("\n".join(lines) + "\n")


def write_yahoo(folder: Path) -> None:
    write(folder, "ydata-ymusic-rating-study-v1_0-train.txt", "1\t2\t5", "1\t3\t1", "2\t1\t4", "3\t3\t2")
    write(folder, "ydata-ymusic-rating-study-v1_0-test.txt", "1\t1\t3", "2\t4\t1")


def test_yahoo(mine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_yahoo(mine / "yahoo-r3")
    monkeypatch.setattr("tastemaker.simulation.scenarios.YAHOO_USERS", 2)
    scene = scenario("yahoo-r3")
    assert scene.truth.shape == (2, 4)
    assert scene.log.users["id"].to_list() == ["1", "2"]
    assert (len(scene.log), len(scene.unbiased or ())) == (3, 2)
    rule = scene.quit_rule
    assert isinstance(rule, DistanceQuit)
    assert (rule.threshold, rule.n_recent, scene.max_turns) == (120, 3, 30)
    assert "first 2 people" in scene.protocol
    scene.world(4).reset(seed=0)


VIEW = "user_id,video_id,play_duration,video_duration,time,date,timestamp,watch_ratio"


def write_kuairec(folder: Path, *big: str) -> None:
    write(folder, "small_matrix.csv", VIEW, *(
        f"{user},{video},1,1,2020-07-05 00:08:23.438,20200705,{stamp},{ratio}"
        for user, video, stamp, ratio in ((7, 4, "30.5", 9.0), (7, 5, "10.5", 0.5), (9, 4, "20.0", 1.25))
    ))  # fmt: skip
    write(folder, "big_matrix.csv", VIEW, "8,4,1,1,t,20200705,5.0,3.0", *big)
    write(folder, "item_categories.csv", "video_id,feat", '3,"[1]"', '4,"[27, 9]"', '5,"[9]"')
    write(
        folder,
        "item_daily_features.csv",
        "video_id,date,author_id,video_duration,tags",
        '4,20200705,1,2000.0,"a,b"',
        "5,20200705,1,,",
    )
    write(
        folder,
        "user_features.csv",
        "user_id,user_active_degree,is_lowactive_period,is_live_streamer,is_video_author,follow_user_num_range,"
        "fans_user_num_range,friend_user_num_range,register_days_range",
        *(f'{user},high_active,0,0,1,"(250,500]","[1,10)",0,730+' for user in (7, 8, 9)),
    )


def test_kuairec(mine: Path) -> None:
    write_kuairec(mine / "kuairec", "7,5,1,1,t,20200705,8.0,0.75", "7,3,1,1,t,20200705,9.0,1.0")
    scene = scenario("kuairec")
    assert scene.log.users["id"].to_list() == ["7", "9"]
    assert scene.log.items["id"].to_list() == ["4", "5"]
    assert scene.truth.tolist() == [[5.0, 0.5], [1.25, 0.0]]
    assert scene.log.rating is not None
    assert scene.log.rating.tolist() == [0.75]
    assert scene.log.items["duration"].to_list() == [2.0, None]
    assert scene.log.users["follow_user_num_range"].to_list() == ["(250,500]"] * 2
    rule = scene.quit_rule
    assert isinstance(rule, CategoryQuit)
    assert (rule.threshold, rule.n_recent) == (1, 9)
    window = np.array([[-1, 0, 1], [-1, -1, 0]], np.int32)
    assert rule.quits(np.pad(window, ((0, 0), (6, 0)), constant_values=-1), np.array([1, 1])).tolist() == [
        True,
        False,
    ]
    assert "big matrix, among" in scene.protocol


def test_kuairec_whose_big_matrix_leaves_the_small_one_out(mine: Path) -> None:
    write_kuairec(mine / "kuairec")
    scene = scenario("kuairec")
    assert scene.log.rating is not None
    assert scene.log.rating.tolist() == [0.5, 1.25]
    assert "earliest tenth" in scene.protocol


LOG = "user_id,video_id,date,hourmin,time_ms,is_click,is_like,play_time_ms,duration_ms,is_rand,tab"


def write_kuairand(folder: Path) -> None:
    logs = {
        "log_standard_4_08_to_4_21_pure.csv": ("0,1,20220408,900,1649379600123,1,0,9,9,0,1",),
        "log_standard_4_22_to_5_08_pure.csv": ("1,0,20220422,900,1650589200000,0,0,9,9,0,1",),
        "log_random_4_22_to_5_08_pure.csv": ("0,2,20220423,900,1650675600000,1,0,9,9,1,1",),
    }
    for name, lines in logs.items():
        write(folder, name, LOG, *lines)
    write(
        folder,
        "user_features_pure.csv",
        "user_id,user_active_degree,is_lowactive_period,is_live_streamer,is_video_author,follow_user_num,"
        "follow_user_num_range,fans_user_num_range,friend_user_num_range,register_days_range",
        '0,full_active,0,1,1,514,500+,"[100,1k)","[30,60)",730+',
        "1,UNKNOWN,0,-124,1,0,0,0,0,730+",
    )
    write(
        folder,
        "video_features_basic_pure.csv",
        "video_id,author_id,video_duration,tag",
        "0,7,87433.0,39",
        '1,8,218066.0,"39,68"',
        "2,8,,",
    )


def test_kuairand(mine: Path) -> None:
    write_kuairand(mine / "kuairand")
    scene = scenario("kuairand")
    assert scene.truth.shape == (2, 3)
    assert scene.truth.min() >= 0
    assert scene.truth.max() <= 1
    assert scene.log.items["categories"].to_list() == [["39"], ["39", "68"], []]
    assert scene.log.time.tolist() == [1649379600, 1650589200]
    assert (len(scene.log), len(scene.unbiased or ())) == (2, 1)
    rule = scene.quit_rule
    assert isinstance(rule, CategoryQuit)
    assert (rule.threshold, rule.n_recent) == (0, 10)


def test_the_real_features_of_kuairand(data_folder: Path) -> None:
    from tastemaker.data.readers import kuairand, kuaishou

    folder = data_folder / "kuairand-features"
    if not folder.is_dir():
        pytest.skip("TASTEMAKER_DATA has no folder kuairand-features")
    assert len(kuaishou.read_users(folder, kuairand.USERS)) == 27_285
    videos = kuairand.read_videos(folder)
    assert len(videos) == 7_583
    assert videos["categories"].list.len().max() == 3
    assert videos["duration"][0] == pytest.approx(87.433)


@pytest.mark.parametrize("name", ["yahoo-r3", "kuairec", "kuairand"])
def test_data_that_is_got_by_hand(name: str, mine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(
        InputError, match=f"{name} lacks .*; get .* from https://.* put them into a folder {name}"
    ):
        scenario(name)
    monkeypatch.delenv("TASTEMAKER_DATA")
    with pytest.raises(InputError, match="TASTEMAKER_DATA is not set"):
        scenario(name)


@pytest.mark.parametrize(
    ("name", "file", "text", "message"),
    [
        ("yahoo-r3", "ydata-ymusic-rating-study-v1_0-train.txt", "1\t2\n", "not"),
        ("yahoo-r3", "ydata-ymusic-rating-study-v1_0-train.txt", "1\t2\t9\n", "outside 1 to 5"),
        ("kuairec", "small_matrix.csv", "user_id,video_id\n1,2\n", "no column 'timestamp'"),
        ("kuairec", "item_categories.csv", "video_id,feat\n4,27\n5,x\n", "has to be a list"),
        (
            "kuairand",
            "log_random_4_22_to_5_08_pure.csv",
            f"{LOG}\n0,1,2,3,now,1,0,9,9,1,1\n",
            "expected form",
        ),
    ],
)
def test_bad_files_are_named(mine: Path, name: str, file: str, text: str, message: str) -> None:
    {"yahoo-r3": write_yahoo, "kuairec": write_kuairec, "kuairand": write_kuairand}[name](mine / name)
    (mine / name / file).write_text(text)
    with pytest.raises(InputError, match=message):
        scenario(name)


def test_unknown_worlds_list_the_known() -> None:
    assert names() == ["coat", "ml-1m", "yahoo-r3", "kuairec", "kuairand"]
    with pytest.raises(
        InputError, match=r"no world is named 'mars'; there are coat, ml-1m.*: ml-100k, gowalla"
    ):
        scenario("mars")
