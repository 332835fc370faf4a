"""The order of places, and that no wrong byte gets through any of them."""

from __future__ import annotations

import gzip
import hashlib
import io
import logging
import multiprocessing
import shutil
import zipfile
from pathlib import Path
from typing import Any

import pytest

from tastemaker.assets import CATALOGUE, Archive, Asset, File, Form, Found, Wheel, fetch, locate
from tastemaker.errors import AssetError, InputError

CONTENT = {"log.txt": b"1 2 3\n" * 5000, "sub/names.txt": "zoë\n".encode()}
OTHER = {"log.csv": b"1,2,3\n" * 5000}


def files(content: dict[str, bytes]) -> tuple[File, ...]:
    return tuple(
        File(name=name, size=len(data), sha256=hashlib.sha256(data).hexdigest())
        for name, data in content.items()
    )


def packed(content: dict[str, bytes], inside: str) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in content.items():
            archive.writestr(f"{inside}/{name}", data)
        archive.writestr("../../escaped.txt", b"not asked for")
    return buffer.getvalue()


def asset(url: str = "http://127.0.0.1:9", wheel: bool = False, **archive: Any) -> Asset:
    """An asset with two forms: `plain` from a zip file at an address, `csv` in the folder or from a wheel."""
    return Asset(
        name="small",
        title="A small set",
        licence="none",
        page="https://example.org/small",
        forms=(Form(name="plain", files=files(CONTENT)), Form(name="csv", files=files(OTHER))),
        archives=(Archive(url=f"{url}/small.zip", form="plain", inside="top", **archive),),
        wheels=(Wheel(requirement="smallset==1.0", form="csv", inside="smallset/data", size=1000),)
        if wheel
        else (),
    )


def put(folder: Path, content: dict[str, bytes], zipped: bool = False) -> None:
    for name, data in content.items():
        path = folder / (f"{name}.gz" if zipped else name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(gzip.compress(data) if zipped else data)


def put_wheel(index: Path, content: dict[str, bytes], tag: str = "py3-none-any") -> None:
    info = "smallset-1.0.dist-info"
    plain = {
        f"{info}/METADATA": b"Metadata-Version: 2.1\nName: smallset\nVersion: 1.0\n",
        f"{info}/WHEEL": b"Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: %b\n"
        % tag.encode(),
        f"{info}/RECORD": b"",
    }
    with zipfile.ZipFile(index / f"smallset-1.0-{tag}.whl", "w") as archive:
        for name, data in {**{f"smallset/data/{k}": v for k, v in content.items()}, **plain}.items():
            archive.writestr(name, data)


def check(found: Found, content: dict[str, bytes]) -> None:
    assert {name: (found.path / name).read_bytes() for name in content} == content


def test_the_users_folder_comes_first(site: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(tmp_path / "data/small", CONTENT, zipped=True)
    monkeypatch.setenv("TASTEMAKER_DATA", str(tmp_path / "data"))
    found = locate(asset(site.url))
    assert (found.folder, found.form.name) == (tmp_path / "data/small", "plain")
    assert site.asked == []


def test_another_form_in_the_users_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(tmp_path / "data/small", OTHER)
    monkeypatch.setenv("TASTEMAKER_DATA", str(tmp_path / "data"))
    assert locate(asset()).form.name == "csv"


def test_download_then_cache(site: Any, tmp_path: Path) -> None:
    site.files["/small.zip"] = packed(CONTENT, "top")
    for _ in range(2):
        found = locate(asset(site.url))
        check(found, CONTENT)
    assert len(site.asked) == 1
    everything = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert {path.name for path in everything} == {"log.txt", "names.txt", "checksums.json", ".lock"}


def test_the_wheel_comes_last(tmp_path: Path, site: Any) -> None:
    site.status = 500
    put_wheel(tmp_path / "index", OTHER)
    found = locate(asset(site.url, wheel=True))
    assert found.form.name == "csv"
    check(found, OTHER)


def test_the_wheel_of_one_platform_is_taken_on_every_machine(tmp_path: Path) -> None:
    for tag, data in (("win_amd64", b"other line ends"), ("plan9_mips", OTHER["log.csv"])):
        put_wheel(tmp_path / "index", {**OTHER, "log.csv": data}, f"cp399-cp399-{tag}")
    known = asset(wheel=True)
    wheel = known.wheels[0].model_copy(update={"built_for": ("399", "plan9_mips")})
    check(locate(known.model_copy(update={"archives": (), "wheels": (wheel,)})), OTHER)


@pytest.mark.parametrize("damage", ["altered", "short", "long", "absent"])
def test_a_wheel_with_wrong_content_is_refused(tmp_path: Path, damage: str) -> None:
    data = OTHER["log.csv"]
    content = {"altered": b"9" + data[1:], "short": data[:-1], "long": data + b"9", "absent": data}[damage]
    put_wheel(tmp_path / "index", {"log.csv" if damage != "absent" else "other": content})
    with pytest.raises(AssetError, match=r"from the package index: (log\.csv is|the archive has no)"):
        locate(asset(wheel=True))


@pytest.mark.parametrize(
    ("name", "damage", "reason"),
    [
        ("log.txt", lambda data: b"9" + data[1:], "log.txt is altered"),
        ("log.txt", lambda data: data[:-7], "log.txt is cut off: 29,993 of 30,000 bytes"),
        ("log.txt", lambda data: data + b"x", "log.txt is altered"),
        ("sub/names.txt", lambda data: b"", "names.txt is cut off"),
    ],
)
def test_altered_members_are_refused(site: Any, tmp_path: Path, name: str, damage: Any, reason: str) -> None:
    site.files["/small.zip"] = packed({**CONTENT, name: damage(CONTENT[name])}, "top")
    with pytest.raises(AssetError, match=reason):
        locate(asset(site.url))
    assert [path.name for path in (tmp_path / "cache").rglob("*") if path.is_file()] == [".lock"]


def test_an_archive_altered_anywhere_never_gives_wrong_content(site: Any) -> None:
    whole = packed(CONTENT, "top")
    refused = 0
    for place in range(0, len(whole), 7):
        body = bytearray(whole)
        body[place] ^= 0xFF
        site.files["/small.zip"] = bytes(body)
        try:
            found = locate(asset(site.url))
        except AssetError:
            refused += 1
            continue
        check(found, CONTENT)
        shutil.rmtree(found.folder)
    assert refused > 10


def test_half_an_archive_is_refused_and_got_whole_later(site: Any, tmp_path: Path) -> None:
    body = packed(CONTENT, "top")
    site.files["/small.zip"] = body[: len(body) // 2]
    with pytest.raises(AssetError, match="not a whole zip file"):
        locate(asset(site.url))
    site.files["/small.zip"] = body
    check(locate(asset(site.url)), CONTENT)


def test_the_publishers_checksum(site: Any) -> None:
    body = packed(CONTENT, "top")
    site.files["/small.zip"] = body
    with pytest.raises(AssetError, match="md5 of the download is not the published one"):
        locate(asset(site.url, md5="0" * 32))
    check(locate(asset(site.url, md5=hashlib.md5(body).hexdigest())), CONTENT)


def test_damage_in_the_cache_is_deleted_and_mended(site: Any) -> None:
    site.files["/small.zip"] = packed(CONTENT, "top")
    found = locate(asset(site.url))
    for wrong in (b"9" * 30_000, b"1 2"):
        (found.folder / "log.txt").write_bytes(wrong)
        check(locate(asset(site.url)), CONTENT)
    assert len(site.asked) == 3


def test_a_file_without_a_pinned_checksum_is_watched_too(site: Any) -> None:
    site.files["/small.zip"] = packed(CONTENT, "top")
    plain = asset(site.url)
    loose = tuple(file.model_copy(update={"sha256": None}) for file in plain.forms[0].files)
    plain = plain.model_copy(update={"forms": (Form(name="plain", files=loose), plain.forms[1])})
    found = locate(plain)
    (found.folder / "log.txt").write_bytes(b"9" * 30_000)
    check(locate(plain), CONTENT)


def test_damage_in_the_users_folder_is_passed_over_and_kept(
    site: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    site.files["/small.zip"] = packed(CONTENT, "top")
    put(tmp_path / "data/small", {**CONTENT, "log.txt": b"mine"})
    monkeypatch.setenv("TASTEMAKER_DATA", str(tmp_path / "data"))
    with caplog.at_level(logging.WARNING):
        check(locate(asset(site.url)), CONTENT)
    assert "log.txt is cut off" in caplog.text
    assert (tmp_path / "data/small/log.txt").read_bytes() == b"mine"


def test_half_a_gzip_in_the_users_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(tmp_path / "data/small", CONTENT, zipped=True)
    path = tmp_path / "data/small/log.txt.gz"
    path.write_bytes(path.read_bytes()[:-12])
    monkeypatch.setenv("TASTEMAKER_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("TASTEMAKER_OFFLINE", "1")
    with pytest.raises(AssetError, match=r"log\.txt\.gz cannot be read"):
        locate(asset())


def test_when_nothing_works_all_places_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TASTEMAKER_DATA", str(tmp_path / "data"))
    with pytest.raises(AssetError) as error:
        locate(asset(wheel=True))
    text = str(error.value)
    for part in (
        f"TASTEMAKER_DATA {tmp_path / 'data/small'}: no such folder",
        f"cache {tmp_path / 'cache/assets/small'}: not there yet",
        "http://127.0.0.1:9/small.zip: 127.0.0.1:9 cannot be reached",
        "smallset==1.0 from the package index: pip found no package index",
        "https://example.org/small",
        "put log.txt, sub/names.txt or log.csv into a folder small",
    ):
        assert part in text


def test_offline_asks_nobody(site: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    site.files["/small.zip"] = packed(CONTENT, "top")
    monkeypatch.setenv("TASTEMAKER_OFFLINE", "1")
    with pytest.raises(AssetError, match="TASTEMAKER_OFFLINE is 1"):
        locate(asset(site.url))
    assert site.asked == []


def test_a_single_file_asset_is_its_file(site: Any) -> None:
    data = b"weights" * 1000
    single = Asset(
        name="weights",
        title="Weights",
        licence="none",
        forms=(Form(name="bin", files=files({"w.bin": data})),),
        archives=(Archive(url=f"{site.url}/w.bin", form="bin", zipped=False),),
    )
    site.files["/w.bin"] = data
    assert locate(single).path.read_bytes() == data


def _locate_in_child(url: str, answers: Any) -> None:
    answers.put(str(locate(asset(url)).path))


def test_two_processes_at_once_download_once(site: Any) -> None:
    site.files["/small.zip"] = packed(CONTENT, "top")
    context = multiprocessing.get_context("fork")
    answers: Any = context.Queue()
    children = [context.Process(target=_locate_in_child, args=(site.url, answers)) for _ in range(3)]
    for child in children:
        child.start()
    paths = {answers.get(timeout=30) for _ in children}
    for child in children:
        child.join(timeout=30)
    assert len(paths) == 1
    assert len(site.asked) == 1
    check(locate(asset(site.url)), CONTENT)


def test_unknown_names_list_the_known() -> None:
    with pytest.raises(InputError, match="no asset is named 'ml-2k'; there are ml-100k"):
        fetch("ml-2k")


@pytest.mark.parametrize("known", CATALOGUE.values(), ids=CATALOGUE.keys())
def test_the_catalogue_fits_together(known: Asset) -> None:
    held = [archive.form for archive in known.archives] + [wheel.form for wheel in known.wheels]
    assert set(held) <= {form.name for form in known.forms}
    for archive in known.archives:
        sums = [file.sha256 for file in known.form(archive.form).files]
        assert archive.url.startswith("https://")
        assert all(sums) or archive.md5 or archive.sha256
    assert known.licence
    assert known.page.startswith(("https://", "the wheel "))
