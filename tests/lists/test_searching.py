"""Search of one, two, three characters and of 拼音码 by index: finds what LIKE finds, and the index serves it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection, models

from portal.lists.filters import SearchFilter
from portal.lists.searching import Grams, fold, grams, looking_for, search_indexes

pytestmark = pytest.mark.django_db
NAMES = {
    "阿莫西林胶囊": "amxljn",
    "阿奇霉素片": "aqmsp",
    "头孢阿莫颗粒": "tbamkl",
    "维生素Ｃ注射液": "wsszsy",
    "氯化钠注射液 100ml": "lhnzsy",
    "莫阿": "ma",
    "ABC敷料": "abcfl",
}


class Drug(models.Model):
    """A list with the indexes; made and dropped by the test."""

    name = models.CharField(max_length=60)
    pinyin = models.CharField(max_length=60)

    class Meta:
        app_label = "test_searching"  # no app of the portal: nothing to migrate
        db_table = "test_drug"
        indexes = search_indexes("test_drug", holds=["name"], starts=["pinyin"])

    def __str__(self) -> str:
        return self.name


@pytest.fixture
def drugs() -> Iterator[Any]:
    with connection.schema_editor(atomic=False) as editor:
        editor.create_model(Drug)
    Drug.objects.bulk_create([Drug(name=name, pinyin=pinyin) for name, pinyin in NAMES.items()])
    yield Drug.objects
    with connection.schema_editor(atomic=False) as editor:
        editor.delete_model(Drug)


def found(drugs: Any, words: str) -> set[str]:
    rows = SearchFilter(holds=["name"], starts=["pinyin"]).filter(drugs.all(), words)
    return set(rows.values_list("name", flat=True))


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("莫", {"阿莫西林胶囊", "头孢阿莫颗粒", "莫阿"}),
        ("阿莫", {"阿莫西林胶囊", "头孢阿莫颗粒"}),
        ("阿莫西", {"阿莫西林胶囊"}),
        ("莫西林", {"阿莫西林胶囊"}),
        ("西林阿莫", set()),  # each pair somewhere is not the word
        ("阿莫 颗粒", {"头孢阿莫颗粒"}),
        ("amx", {"阿莫西林胶囊"}),
        ("AMXL", {"阿莫西林胶囊"}),
        ("mx", set()),  # 拼音码 from its first letter
        ("维生素C", {"维生素Ｃ注射液"}),
        ("ｃ注射", {"维生素Ｃ注射液"}),
        ("100ML", {"氯化钠注射液 100ml"}),
        ("bc敷", {"ABC敷料"}),
        ("%", set()),
        ("_", set()),
        ("'\\", set()),
        ("   ", set(NAMES)),
    ],
)
def test_finds_what_is_there(drugs: Any, words: str, expected: set[str]) -> None:
    assert found(drugs, words) == expected


def test_database_and_python_cut_alike(drugs: Any) -> None:
    rows = drugs.annotate(cut=Grams("name", output_field=models.TextField())).values_list("name", "cut")
    for name, cut in rows:
        assert set(grams(name)) <= set(cut)
        assert set(fold(name)) <= set(cut)


@pytest.mark.parametrize(("word", "index"), [("阿莫", "test_drug_name_grams"), ("莫西林", "test_drug_name_grams")])
def test_index_serves_two_and_three_characters(drugs: Any, word: str, index: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
    assert index in drugs.filter(looking_for(word, ["name"], ["pinyin"])).explain()


def test_both_indexes_serve_letters(drugs: Any) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
    plan = drugs.filter(looking_for("amxl", ["name"], ["pinyin"])).explain()
    assert "test_drug_name_grams" in plan
    assert "test_drug_pinyin_start" in plan
