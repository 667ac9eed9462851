"""Start of `script/server`, `script/test` and `script/bench`: sets up `.venv`, then goes on inside it."""

from __future__ import annotations

import os
import sys
from concurrent.futures import ThreadPoolExecutor

from ground import environment, frontend, places


def main(command: str, arguments: list[str]) -> int:
    """Run `server`, `test` or `bench` in the checkout's own environment; return the exit code."""
    sys.stdout.reconfigure(encoding="utf-8", errors="replace", line_buffering=True)  # type: ignore[union-attr]
    try:
        with ThreadPoolExecutor(1) as pool:
            files = pool.submit(frontend.with_own_npm)
            environment.ensure("requirements.txt", *(["requirements-test.txt"] if command == "test" else []))
            files.result()
        if not environment.is_inside():
            python = str(environment.python())
            os.execv(python, [python, "-X", "utf8", str(places.ROOT / "script" / "main.py"), command, *arguments])
        return _run(command, arguments)
    except KeyboardInterrupt:
        places.say("已中断。")
        return 130
    except places.Fault as fault:
        places.say(f"✗ {fault}")
        return 1


def _run(command: str, arguments: list[str]) -> int:
    sys.path.insert(1, str(places.ROOT))
    if command == "test":
        from ground import testing

        return testing.main(arguments)
    if command == "bench":
        from ground import bench

        return bench.main(arguments)
    if arguments:
        raise places.Fault("script/server 没有参数；设置来自环境变量，见 docs/settings.md。")
    from ground import server

    return server.main()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2:]))
