"""One pure wheel straight from the package index, for a Python that came without pip."""

from __future__ import annotations

import hashlib
import os
import re
import urllib.request
from html import unescape
from pathlib import Path
from urllib.parse import urldefrag, urljoin

from ground.places import Fault

INDEX = "https://pypi.org/simple"
WHEEL = re.compile(r'<a[^>]*\bhref="([^"]+)"[^>]*>\s*([\w.]+-(\d+(?:\.\d+)*)-py3-none-any\.whl)\s*</a>')


def fetch(name: str, folder: Path) -> Path:
    """Download the newest final `name` wheel into `folder`, compare its digest, return its path. Raises Fault."""
    index = (os.environ.get("PIP_INDEX_URL") or INDEX).rstrip("/") + f"/{name}/"
    try:
        link, filename = newest(_get(index).decode(), index)
        address, fragment = urldefrag(link)
        body = _get(address)
    except OSError as error:
        raise Fault(f"下载 {name} 失败（{error}）。请检查网络，或先安装 python3-venv。") from error
    algorithm, _, expected = fragment.partition("=")
    if algorithm and hashlib.new(algorithm, body).hexdigest() != expected:
        raise Fault(f"下载的 {filename} 校验不符，未使用。请重试。")
    (folder / filename).write_bytes(body)
    return folder / filename


def newest(page: str, address: str) -> tuple[str, str]:
    """Return (link, file name) of the highest version on an index page. Raises Fault when there is none."""
    found = [
        (tuple(int(part) for part in version.split(".")), urljoin(address, unescape(link)), filename)
        for link, filename, version in WHEEL.findall(page)
    ]
    if not found:
        raise Fault(f"{address} 上没有可用的安装包")
    _, link, filename = max(found)
    return link, filename


def _get(address: str) -> bytes:
    request = urllib.request.Request(address, headers={"Accept": "text/html"})
    with urllib.request.urlopen(request, timeout=60) as answer:
        body: bytes = answer.read()
    return body
