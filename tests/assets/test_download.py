"""Downloads from a real server: whole, resumed, cut off, refused, too long, silent."""

from __future__ import annotations

import random
import socket
from pathlib import Path
from typing import Any

import pytest

from tastemaker.assets.download import DownloadError, download

BODY = random.Random(0).randbytes(700_000)


def get(site: Any, folder: Path, **options: Any) -> Path:
    site.files.setdefault("/file.bin", BODY)
    download(f"{site.url}/file.bin", folder / "file.bin", **{"max_bytes": 1_000_000, **options})
    return folder / "file.bin"


def test_a_whole_file(site: Any, tmp_path: Path) -> None:
    assert get(site, tmp_path).read_bytes() == BODY
    assert not (tmp_path / "file.bin.part").exists()


def test_a_broken_connection_is_gone_on_with(site: Any, tmp_path: Path) -> None:
    site.cut_after = [300_000, 100_000]
    assert get(site, tmp_path).read_bytes() == BODY
    assert site.asked == [("/file.bin", None), ("/file.bin", "bytes=300000-"), ("/file.bin", "bytes=400000-")]


def test_what_was_kept_is_used_next_time(site: Any, tmp_path: Path) -> None:
    site.cut_after = [1000, 0, 0, 0]
    with pytest.raises(DownloadError, match="closed before the end; 1,000 bytes are kept"):
        get(site, tmp_path)
    assert (tmp_path / "file.bin.part").read_bytes() == BODY[:1000]
    site.cut_after, site.asked = [], []
    assert get(site, tmp_path).read_bytes() == BODY
    assert site.asked == [("/file.bin", "bytes=1000-")]


def test_a_server_without_ranges_sends_all_again(site: Any, tmp_path: Path) -> None:
    (tmp_path / "file.bin.part").write_bytes(b"other bytes")
    site.ranges = False
    assert get(site, tmp_path).read_bytes() == BODY


def test_a_part_longer_than_the_file_is_dropped(site: Any, tmp_path: Path) -> None:
    (tmp_path / "file.bin.part").write_bytes(BODY + b"more")
    assert get(site, tmp_path).read_bytes() == BODY


def test_without_a_length_the_end_is_the_end(site: Any, tmp_path: Path) -> None:
    site.lengths = False
    assert get(site, tmp_path).read_bytes() == BODY


@pytest.mark.parametrize("status", [403, 404, 500, 503])
def test_error_statuses_are_reported(site: Any, tmp_path: Path, status: int) -> None:
    site.status = status
    with pytest.raises(DownloadError, match=f"HTTP {status}"):
        get(site, tmp_path)
    assert len(site.asked) == 1


@pytest.mark.parametrize("lengths", [True, False])
def test_too_long_a_file_is_broken_off(site: Any, tmp_path: Path, lengths: bool) -> None:
    site.lengths = lengths
    with pytest.raises(DownloadError, match="600,000"):
        get(site, tmp_path, max_bytes=600_000)
    part = tmp_path / "file.bin.part"
    assert not part.exists() or part.stat().st_size <= 600_000


def test_only_https_beyond_this_machine(site: Any, tmp_path: Path) -> None:
    for url in ("http://example.org/file.bin", "ftp://example.org/x", "file:///etc/hostname"):
        with pytest.raises(DownloadError, match="not an https address"):
            download(url, tmp_path / "x", max_bytes=10)
    site.redirect = "http://example.org/file.bin"
    with pytest.raises(DownloadError, match="not an https address"):
        get(site, tmp_path)


def test_an_unreachable_host_is_asked_once(tmp_path: Path) -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
    for text in ("cannot be reached", r"cannot be reached: .* \(earlier in this run\)"):
        with pytest.raises(DownloadError, match=text):
            download(f"http://127.0.0.1:{port}/x", tmp_path / "x", max_bytes=10)


def test_a_silent_host_is_given_up_on(tmp_path: Path) -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/x"
        with pytest.raises(DownloadError, match=r"no answer within 0\.3 s"):
            download(url, tmp_path / "x", max_bytes=10, patience=0.3)
