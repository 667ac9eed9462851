"""What the database must be able to do: PostgreSQL 15 or later, pg_trgm, and trigrams of Chinese."""

from __future__ import annotations

from typing import Any

OLDEST = 150000


def faults(cursor: Any) -> list[str]:
    """Return what is wrong with the database behind `cursor`, as Chinese sentences; installs pg_trgm when it may.

    A ctype that is not UTF-8 gives show_trgm('阿莫') no trigrams: every search in Chinese would find nothing, silently.
    """
    cursor.execute("SELECT current_setting('server_version_num')::int, current_setting('server_version')")
    number, version = cursor.fetchone()
    if number < OLDEST:
        return [f"数据库 PostgreSQL {version} 过旧：需要 15 或更新的版本。"]
    cursor.execute(
        "SELECT (SELECT count(*) FROM pg_extension WHERE extname = 'pg_trgm'), "
        "(SELECT count(*) FROM pg_available_extensions WHERE name = 'pg_trgm'), current_database()"
    )
    installed, available, name = cursor.fetchone()
    if not available:
        return ["数据库缺少扩展 pg_trgm。Debian/Ubuntu：apt-get install postgresql-contrib 后重试。"]
    if not installed:
        try:
            cursor.execute("CREATE EXTENSION IF NOT EXISTS pg_trgm")
        except Exception as error:  # psycopg's or Django's, by whose cursor it is
            return [
                f"数据库 {name} 没有扩展 pg_trgm，且当前账户不能安装（{error}）。"
                "请由管理员执行 CREATE EXTENSION pg_trgm。"
            ]
    cursor.execute("SELECT array_length(show_trgm('阿莫'), 1)")
    (trigrams,) = cursor.fetchone()
    if trigrams == 3:
        return []
    return [
        f"数据库 {name} 的字符分类（LC_CTYPE）不是 UTF-8，中文检索会查不到任何结果。"
        "请用 CREATE DATABASE … TEMPLATE template0 ENCODING 'UTF8' LC_CTYPE 'C.UTF-8' 重建数据库。"
    ]
