"""Download one file over HTTPS: streamed to a `.part` beside the target, resumed, capped, given up on when a
host is dumb.

Plain HTTP is taken from the loopback address alone. Knows nothing of what the bytes mean: whoever asks for
them checks them before use.
"""

from __future__ import annotations

import http.client
import queue
import threading
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import IO
from urllib.parse import urlsplit

from tastemaker.assets.progress import bar

PATIENCE = 8.0
"""Seconds that a host may take to answer, and to send more."""
_ATTEMPTS = 3
_CHUNK = 1 << 18

_unreachable: dict[str, str] = {}
"""Hosts that did not answer in this process, and how; they are not asked again."""


class DownloadError(Exception):
    """The file was not got from this place; the text says why."""


def download(url: str, target: Path, *, max_bytes: int, patience: float = PATIENCE) -> None:
    """Get `url` into `target`. What came of a broken download stays as `.part` and is gone on with next time.

    Raises DownloadError when the host does not answer, answers with an error, sends more than `max_bytes`,
    or breaks off again and again.
    """
    _check(url)
    host = urlsplit(url).netloc
    if host in _unreachable:
        raise DownloadError(f"{_unreachable[host]} (earlier in this run)")
    part = target.with_name(target.name + ".part")
    before = -1
    for _ in range(_ATTEMPTS):
        try:
            if _once(url, part, max_bytes, patience):
                part.replace(target)
                return
            failure = "the connection was closed before the end"
        except (OSError, http.client.HTTPException) as error:
            failure = f"{type(error).__name__}: {error}"
        there = part.stat().st_size if part.exists() else 0
        if there <= before:
            break
        before = there
    raise DownloadError(f"{failure}; {max(before, 0):,} bytes are kept to go on from")


def _once(url: str, part: Path, max_bytes: int, patience: float) -> bool:
    """One request. True when the file is whole, False when the connection was closed early."""
    start = part.stat().st_size if part.exists() else 0
    request = urllib.request.Request(url, headers={"User-Agent": "tastemaker"})
    if start:
        request.add_header("Range", f"bytes={start}-")
    try:
        response = _open(request, patience)
    except urllib.error.HTTPError as error:
        error.close()
        if error.code == 416 and start:
            part.unlink()
            return False
        raise DownloadError(f"HTTP {error.code} {error.reason}") from None
    with response:
        goes_on = response.status == 206 and (response.headers.get("Content-Range") or "").startswith(
            f"bytes {start}-"
        )
        if response.status == 206 and not goes_on:
            part.unlink()
            return False
        done = start if goes_on else 0
        length = response.headers.get("Content-Length")
        total = done + int(length) if length and length.isdigit() else None
        if total is not None and total > max_bytes:
            raise DownloadError(f"{total:,} bytes are offered, more than the {max_bytes:,} expected at most")
        with part.open("ab" if goes_on else "wb") as file, bar(url.rsplit("/", 1)[-1], total) as show:
            done = _copy(response, file, done, max_bytes, show)
    return total is None or done == total


def _copy(
    response: IO[bytes], file: IO[bytes], done: int, max_bytes: int, show: Callable[[int], None]
) -> int:
    while block := response.read(_CHUNK):
        done += len(block)
        if done > max_bytes:
            raise DownloadError(f"it does not end at the {max_bytes:,} bytes expected at most")
        file.write(block)
        show(done)
    return done


def _open(request: urllib.request.Request, patience: float) -> http.client.HTTPResponse:
    """Open a request in a thread, so that a resolver which never answers cannot hold the program up."""
    answers: queue.Queue[http.client.HTTPResponse | Exception] = queue.Queue()

    def ask() -> None:
        try:
            answers.put(urllib.request.build_opener(_Redirects).open(request, timeout=patience))
        except Exception as error:
            answers.put(error)

    threading.Thread(target=ask, daemon=True).start()
    try:
        answer: http.client.HTTPResponse | Exception = answers.get(timeout=patience)
    except queue.Empty:
        answer = TimeoutError()
    if not isinstance(answer, Exception):
        return answer
    if isinstance(answer, urllib.error.HTTPError | DownloadError):
        raise answer
    reason = answer.reason if isinstance(answer, urllib.error.URLError) else answer
    if isinstance(reason, TimeoutError):
        reason = f"no answer within {patience:g} s"
    _unreachable[request.host] = f"{request.host} cannot be reached: {reason}"
    raise DownloadError(_unreachable[request.host])


def _check(url: str) -> None:
    parts = urlsplit(url)
    if parts.scheme != "https" and not (
        parts.scheme == "http" and parts.hostname in ("127.0.0.1", "localhost")
    ):
        raise DownloadError(f"{url} is not an https address")


class _Redirects(urllib.request.HTTPRedirectHandler):
    """Follows redirects to addresses that `_check` allows."""

    def redirect_request(self, req, fp, code, msg, headers, newurl):  # type: ignore[no-untyped-def]
        _check(newurl)
        return super().redirect_request(req, fp, code, msg, headers, newurl)
