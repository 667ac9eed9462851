"""Invented names and document numbers that cannot be real."""

from __future__ import annotations

from random import Random

SURNAMES = "林陈黄梁李何谢冯关曾许敖谭莫司徒欧阳钟阮洪岑"
DOUBLE = ("司徒", "欧阳")
FEMALE = "婉淑慧敏芳芷晴雅岚素琴云舒妍珊彤茵翠莹荔"
MALE = "志伟健峰锦荣海涛启明俊杰国栋文斌家豪泽林"
# Weights of GB 11643 for the last character of an identity number.
WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
LAST = "10X98765432"


def name(random: Random, female: bool) -> str:
    """A name of two to four characters."""
    singles = [c for c in SURNAMES if c not in "司徒欧阳"]
    family = random.choice(DOUBLE) if random.random() < 0.03 else random.choice(singles)
    letters = FEMALE if female else MALE
    return family + "".join(random.sample(letters, random.choice((1, 2, 2, 2))))


def document(number: int, area: str = "441700") -> str:
    """An 18-character number that cannot be real: born in 1900 or 1901, and with a last character that does not fit."""
    body = (
        f"{area}190{number // 336000 % 2}{number // 28000 % 12 + 1:02d}{number // 1000 % 28 + 1:02d}{number % 1000:03d}"
    )
    right = LAST[sum(int(c) * w for c, w in zip(body, WEIGHTS, strict=True)) % 11]
    return body + next(c for c in "0123456789" if c != right)
