"""What a sandbox is started with."""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

DEFAULT_ACCOUNT = "sandbox"
DEFAULT_SECRET = "sandbox-secret"
DEFAULT_CODE = "H44170200001"
DEFAULT_NAME = "阳江市妇幼保健院（演示）"


@dataclass(frozen=True)
class Options:
    """The settings of one sandbox; times in seconds, delay in milliseconds."""

    host: str = "127.0.0.1"
    port: int = 8001
    seed: int = 1
    state: str = ":memory:"
    account: str = DEFAULT_ACCOUNT
    secret: str = DEFAULT_SECRET
    institution_code: str = DEFAULT_CODE
    institution_name: str = DEFAULT_NAME
    admdvs: str = "441700"
    edition: str = "base"
    edition_dir: str = ""
    sign_in: str = "given"
    skew: float = 180.0
    message_skew: float = 1800.0
    review_seconds: float = 0.0
    review_refuse_every: int = 0
    mapping_past_days: int = -1
    file_days: float = 2.0
    catalogue_rows: int = 0
    persons: int = 3000
    delay_ms: float = 0.0
    synchronous: str = "NORMAL"
    dictionary_form: str = "query"
    max_body: int = 128 * 1024 * 1024
    keep_alive: float = 75.0
    faults: tuple[Mapping[str, object], ...] = field(default=())


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of the command, for Django's parser and for the plain one alike."""
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8001, help="0 = any free port, printed when ready")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--state", default=":memory:", help="SQLite file that keeps the books; default: memory only")
    parser.add_argument("--edition", default=os.environ.get("SANDBOX_EDITION", "base"))
    parser.add_argument("--edition-dir", default=os.environ.get("SANDBOX_EDITION_DIR", ""))
    parser.add_argument("--institution", default="", help="CODE=NAME of the hospital that may call")
    parser.add_argument("--sign-in", choices=["off", "given", "strict"], default="given")
    parser.add_argument("--skew", type=float, default=180.0, help="seconds that the gateway's clock may differ")
    parser.add_argument(
        "--review-seconds", type=float, default=0.0, help="mappings are reviewed after so long; -1 = by hand"
    )
    parser.add_argument(
        "--review-refuse-every",
        type=int,
        default=0,
        help="a review by itself refuses each n-th mapping; 0 = none",
    )
    parser.add_argument(
        "--mapping-past-days", type=int, default=-1, help="mappings may begin so many days ago; -1 = any day"
    )
    parser.add_argument("--file-days", type=float, default=2.0, help="days until a file can no longer be fetched")
    parser.add_argument(
        "--catalogue-rows", type=int, default=0, help="rows of each file-borne catalogue; 0 = the demo's"
    )
    parser.add_argument("--persons", type=int, default=3000)
    parser.add_argument("--delay-ms", type=float, default=0.0, help="every answer waits so long")
    parser.add_argument("--synchronous", choices=["OFF", "NORMAL", "FULL"], default="NORMAL")
    parser.add_argument("--dictionary-form", choices=["query", "file"], default="query", help="how 1901 answers")
    parser.add_argument("--faults", default="", help="JSON file with faults to start with")


def from_arguments(given: argparse.Namespace, environ: Mapping[str, str] | None = None) -> Options:
    """Turn parsed arguments and the environment's account into Options."""
    env = os.environ if environ is None else environ
    code, _, name = str(given.institution).partition("=")
    return Options(
        host=given.host,
        port=given.port,
        seed=given.seed,
        state=given.state,
        edition=given.edition,
        edition_dir=given.edition_dir,
        sign_in=given.sign_in,
        skew=given.skew,
        review_seconds=given.review_seconds,
        review_refuse_every=given.review_refuse_every,
        mapping_past_days=given.mapping_past_days,
        file_days=given.file_days,
        catalogue_rows=given.catalogue_rows,
        persons=given.persons,
        delay_ms=given.delay_ms,
        synchronous=given.synchronous,
        dictionary_form=given.dictionary_form,
        account=env.get("SANDBOX_ACCOUNT", DEFAULT_ACCOUNT),
        secret=env.get("SANDBOX_SECRET", DEFAULT_SECRET),
        institution_code=code or env.get("INSTITUTION_CODE", DEFAULT_CODE),
        institution_name=name or env.get("INSTITUTION_NAME", DEFAULT_NAME),
        admdvs=env.get("INSTITUTION_ADMDVS", "441700"),
        faults=read_faults(given.faults),
    )


def read_faults(path: str) -> tuple[Mapping[str, object], ...]:
    """Read the faults of a JSON file (one object or a list of them); raises OSError or ValueError."""
    if not path:
        return ()
    found = json.loads(Path(path).read_text(encoding="utf-8"))
    return tuple(found) if isinstance(found, list) else (found,)


def parse(arguments: Sequence[str]) -> Options:
    """Parse a plain command line (python -m insurance.sandbox …)."""
    parser = argparse.ArgumentParser(prog="insurance.sandbox", description="A stand-in for the national platform")
    add_arguments(parser)
    return from_arguments(parser.parse_args(arguments))
