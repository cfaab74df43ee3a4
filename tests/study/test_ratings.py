import numpy as np
import pytest

from unpaired.core.errors import DataError, SettingError
from unpaired.study.judgements import CatchRecord
from unpaired.study.ratings import read_study

ROWS = """rater,image,method,rating
ann,1.png,cyclegan,4
ann,1.png,dtn,2
bob,1.png,cyclegan,5
bob,2.png,dtn,1
"""


@pytest.fixture
def table(tmp_path):
    def write(content):
        path = tmp_path / "ratings.csv"
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    return write


def refusal(path, code, **settings):
    with pytest.raises(DataError) as error:
        read_study(path, **settings)
    assert error.value.code == code
    assert str(path) in str(error.value)
    return str(error.value)


def test_rows_become_judgements(table):
    study = read_study(table(ROWS))
    assert (study.kind, study.bounds) == ("rating", (1, 5))
    assert study.raters == ("ann", "bob")
    assert study.images == ("1.png", "2.png")
    assert study.methods == ("cyclegan", "dtn")
    assert study.rater.tolist() == [0, 0, 1, 1]
    assert study.image.tolist() == [0, 0, 0, 1]
    assert study.method.tolist() == [0, 1, 0, 1]
    assert study.value.tolist() == [4, 2, 5, 1]


def test_judgements_over_raters_and_images(table):
    both = read_study(table(ROWS)).crossed("dtn", "cyclegan")
    assert both.sums.tolist() == [[[2, 0], [0, 1]], [[4, 0], [5, 0]]]
    assert both.counts.tolist() == [[[1, 0], [0, 1]], [[1, 0], [1, 0]]]
    alone = read_study(table(ROWS)).crossed("cyclegan")
    assert alone.sums.tolist() == [[[4], [5]]]  # no image that the method has not


def test_choices_say_who_was_fooled(table):
    study = read_study(table("rater,item,method,choice\nann,1,m,real\nann,2,m,Fake\n"))
    assert (study.kind, study.bounds) == ("2afc", (0, 1))
    assert study.value.tolist() == [1, 0]


@pytest.mark.parametrize(
    "change",
    [
        lambda text: "\ufeff" + text,
        lambda text: text.replace(",", ";"),
        lambda text: text.replace(",", "\t"),
        lambda text: text.replace("\n", "\r\n"),
        lambda text: text.replace("rater,image", "Rater , IMAGE").replace("ann", " ann "),
        lambda text: text.replace("ann", '"ann"').replace("\n", ",,\n"),
        lambda text: text.replace("\n", "\n\n") + ",,,\n",
        lambda text: text.replace(",4\n", ",4.0\n"),
    ],
    ids=["mark", "semicolons", "tabs", "CRLF", "case", "quotes", "blank", "decimals"],
)
def test_tables_as_spreadsheets_write_them(table, change):
    plain, found = read_study(table(ROWS)), read_study(table(change(ROWS)))
    assert (found.raters, found.images, found.methods) == (
        plain.raters,
        plain.images,
        plain.methods,
    )
    assert found.value.tolist() == plain.value.tolist()


def test_quoted_texts_may_hold_anything(table):
    name = 'a "b", c;\nd'
    text = ROWS.replace("cyclegan", '"a ""b"", c;\nd"')
    assert read_study(table(text)).methods == (name, "dtn")
    wrong = text.replace("dtn,1", "dtn,9")
    assert "row 5, column 'rating'" in refusal(
        table(wrong), "study-rating-unknown"
    )  # rows, not lines of the file


def test_a_missing_column_is_named_with_the_nearest(table):
    message = refusal(table(ROWS.replace("method", "methods")), "study-column-missing")
    assert "'rater', 'image', 'methods', 'rating'" in message
    assert "Is 'methods' meant?" in message


def test_a_table_without_judgements_names_both_columns(table):
    message = refusal(table(ROWS.replace("rating", "ratings")), "study-answer-missing")
    assert "'ratings'?" in message


@pytest.mark.parametrize("rating", ["0", "6", "4.5", "good", "-1", "nan", "inf", "4,5"])
def test_a_rating_off_the_scale_is_named_with_its_row(table, rating):
    message = refusal(table(ROWS.replace("dtn,2", f'dtn,"{rating}"')), "study-rating-unknown")
    assert f"row 3, column 'rating': '{rating}'" in message


def test_a_choice_that_is_none(table):
    text = "rater,image,method,choice\nann,1,m,real\nann,2,m,left\n"
    assert "row 3, column 'choice': 'left'" in refusal(table(text), "study-choice-unknown")


@pytest.mark.parametrize("column", ["rater", "image", "method"])
def test_an_empty_cell_is_named(table, column):
    cells = {"rater": "ann", "image": "9.png", "method": "dtn"} | {column: " "}
    row = ",".join([*cells.values(), "3"])
    message = refusal(table(f"{ROWS}{row}\n"), "study-cell-empty")
    assert f"row 6, column '{column}'" in message


def test_a_judgement_that_stands_twice_is_named_with_both_rows(table):
    message = refusal(table(ROWS + "ann,1.png,dtn,5\n"), "study-judged-twice")
    assert "rows 3 and 6" in message
    assert all(name in message for name in ("'ann'", "'1.png'", "'dtn'"))


def test_unquoted_separators_are_explained(table):
    message = refusal(table(ROWS.replace("2.png", "2, second.png")), "study-row-too-long")
    assert "row 5: 5 cells under 4 columns" in message


@pytest.mark.parametrize(
    ("content", "code"),
    [
        ("", "study-empty"),
        ("\n \n", "study-empty"),
        ("rater,image,method,rating\n", "study-no-rows"),
        ("rater,image,method,rating,rating\nann,1,m,1,1\n", "study-column-twice"),
        (ROWS.encode("utf-16"), "study-not-utf8"),
        ('rater,image,method,rating\n"' + "x" * 200_000, "study-not-csv"),
    ],
    ids=["empty", "blank", "header", "twice", "UTF-16", "endless quote"],
)
def test_what_is_no_table(table, content, code):
    refusal(table(content), code)


def test_no_file_is_an_error(tmp_path):
    refusal(tmp_path / "absent.csv", "study-unreadable")
    refusal(tmp_path, "study-unreadable")


def test_both_columns_ask_for_a_kind(table):
    path = table("rater,image,method,rating,choice\nann,1,m,4,real\nann,2,m,3,fake\n")
    with pytest.raises(SettingError) as caught:
        read_study(path)
    assert (caught.value.code, caught.value.setting) == ("study-kind-unclear", "kind")
    assert read_study(path, "rating").value.tolist() == [4, 3]
    assert read_study(path, "2afc").value.tolist() == [1, 0]
    assert "'choice'" in refusal(table(ROWS), "study-column-missing", kind="2afc")


def test_practice_and_unanswered_trials_are_counted(table):
    text = "rater,image,method,rating,practice\nann,1,m,4,\nann,2,m,,0\nann,3,m,9,1\nbob,1,m,2,no\n"
    study = read_study(table(text))
    assert study.value.tolist() == [4, 2]
    assert (study.left_out.num_practice, study.left_out.num_unanswered) == (1, 1)
    message = refusal(table(text.replace(",no\n", ",maybe\n")), "study-flag-unclear")
    assert "row 5, column 'practice': 'maybe'" in message


CATCH = """rater,image,method,rating,catch,expected
ann,x,broken,2,1,
ann,y,real photo,4,1,5
ann,1,m,4,,
bob,x,broken,5,1,
bob,y,real photo,5,1,5
bob,1,m,1,,
eve,1,m,3,,
"""


def test_who_fails_catch_trials_is_excluded(table):
    study = read_study(table(CATCH))
    assert study.raters == ("ann", "eve")
    assert study.methods == ("m",)
    assert study.value.tolist() == [4, 3]
    left = study.left_out
    assert left.catch == {"ann": CatchRecord(0, 2), "bob": CatchRecord(1, 2)}
    assert (left.excluded, left.num_of_excluded) == (("bob",), 1)


def test_the_threshold_is_a_share_that_may_be_reached(table):
    assert read_study(table(CATCH), catch_threshold=0.5).left_out.excluded == ()
    assert read_study(table(CATCH), catch_threshold=0.49).left_out.excluded == ("bob",)
    for threshold in (-0.1, 1.5, float("nan")):
        with pytest.raises(SettingError) as caught:
            read_study(table(CATCH), catch_threshold=threshold)
        assert (caught.value.code, caught.value.setting) == (
            "catch-threshold-range",
            "catch_threshold",
        )


def test_catch_trials_of_choices_are_fakes_unless_said(table):
    text = "rater,image,method,choice,catch,expected\n"
    text += "ann,x,c,fake,1,\nann,y,c,real,1,real\nann,1,m,real,,\n"
    text += "bob,x,c,,1,\nbob,y,c,fake,1,real\nbob,1,m,real,,\n"
    left = read_study(table(text)).left_out
    assert left.catch == {"ann": CatchRecord(0, 2), "bob": CatchRecord(2, 2)}


def test_a_method_whose_judgements_do_not_count_is_named(table):
    text = CATCH + "bob,1,n,3,,\nann,1,n,,,\n"
    message = refusal(table(text), "study-method-without-judgement")
    assert "method 'n'" in message
    assert "1 without an answer and 1 of raters who failed catch trials ('bob')" in message
    everyone = "rater,image,method,rating,practice\nann,1,m,4,1\n"
    refusal(table(everyone), "study-nothing-scored")


def test_names_are_kept_as_they_are(table):
    study = read_study(table(ROWS.replace("cyclegan", "<b>[x]</b> λ")))
    assert study.methods == ("<b>[x]</b> λ", "dtn")
    assert np.array_equal(study.value, [4, 2, 5, 1])
