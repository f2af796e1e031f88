"""The loop over curves: its statuses, what it says of a curve, how often it looks at one."""

from __future__ import annotations

import ast
import re

from symhigh.codegen.control import DIVERGED, FIELDS, REACHED, SPENT, STUCK
from symhigh.codegen.course import BACK, COURSE_FIELDS, COURSES, LOOK_EVERY, MARKS, course_source

SOURCE = course_source("advance")


def test_statuses_differ_and_are_written_as_numbers() -> None:
    assert len({REACHED, DIVERGED, STUCK, SPENT, BACK}) == 5
    assert BACK == SPENT + 1
    assert set(re.findall(r"status = (\d)", SOURCE)) == {str(s) for s in (1, DIVERGED, SPENT, BACK)}


def test_marks_are_followed_by_the_last_row_and_the_first() -> None:
    assert sorted({int(k) for k in re.findall(r"marks\[c, (\d)\]", SOURCE)}) == list(range(MARKS))
    assert f"marks[c, {MARKS} + k] = rows[max(row - 1, 0), k]" in SOURCE
    assert f"marks[c, {MARKS} + rows.shape[1] + k] = rows[0, k]" in SOURCE


def test_a_curve_is_looked_at_every_25_attempts() -> None:
    assert LOOK_EVERY == 25
    assert "bound, size, False, 25\n" in SOURCE
    assert "if tries >= 25 and" in SOURCE


def test_types_and_fields() -> None:
    (courses,) = (f for f in ast.parse(SOURCE).body if isinstance(f, ast.FunctionDef) and f.name == "courses")
    assert len(courses.args.args) == len(COURSES)
    assert (*FIELDS, "prepare", "begin") == COURSE_FIELDS
