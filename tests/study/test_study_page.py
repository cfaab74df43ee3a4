"""What a reader sees: the sentences, the page, the object."""

import dataclasses
import json
import re
from html.parser import HTMLParser

import numpy as np
import pytest

from unpaired.core.errors import DataError
from unpaired.study import wording
from unpaired.study.analysis import analyse
from unpaired.study.judgements import CatchRecord, LeftOut, Study
from unpaired.study.page import study_page, write_study

HOSTILE = '<script>alert("x")</script> & [bold]'


def make(kind="rating", methods=("cyclegan", HOSTILE), num_raters=6, left_out=None):
    shape = (len(methods), num_raters, 8)
    random = np.random.default_rng(0)
    if kind == "rating":
        value = random.integers(1, 5, shape) + np.array([1, 0])[: len(methods), None, None]
    else:
        value = random.random(shape) < 0.3
    method, rater, image = (place.ravel() for place in np.indices(shape))
    return analyse(
        Study(
            kind=kind,
            raters=tuple(f"<i>r{n}" for n in range(num_raters)),
            images=tuple(f"{n}.png" for n in range(8)),
            methods=tuple(methods),
            rater=rater,
            image=image,
            method=method,
            value=value.ravel().astype(float),
            left_out=left_out or LeftOut(),
        ),
        resamples=200,
    )


class Elements(HTMLParser):
    def __init__(self, page):
        super().__init__()
        self.tags, self.texts = [], []
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.texts.append(data)

    @property
    def text(self):
        return " ".join(" ".join(self.texts).split())


@pytest.mark.parametrize("kind", ["rating", "2afc"])
def test_a_page_is_self_contained_and_escapes_names(kind):
    page = study_page(make(kind), "<b>ratings.csv")
    elements = Elements(page)
    names = {name for name, _ in elements.tags}
    assert not names & {"script", "link", "iframe", "object", "i-", "b-"}
    assert HOSTILE in elements.text
    assert "<script>" not in page
    assert "<i>r0" not in page
    assert "<b>ratings" not in page
    for _, attributes in elements.tags:
        assert not {"src", "onload", "onclick"} & attributes.keys()
        assert attributes.get("href", "#").startswith("#")


def test_plots_tell_every_method_and_rater():
    analysis = make()
    page = study_page(analysis, "ratings.csv")
    elements = Elements(page)
    titles = re.findall(r"<strong>(.*?)</strong>", page)
    assert titles == ["Mean opinion score", "The five steps", "Differences", "Raters"]
    descriptions = [a["aria-label"] for tag, a in elements.tags if tag == "svg"]
    assert all("cyclegan" in text for text in descriptions)
    means, _, _, raters = re.findall(r"<svg.*?</svg>", page, re.DOTALL)
    assert means.count("<circle") == 2
    assert raters.count("<circle") == 2 * 6
    best = analysis.methods[0].mean
    assert f"{best.value:.2f} [{best.low:.2f} … {best.high:.2f}]" in Elements(means).text


def test_the_parts_of_a_bar_are_the_shares_of_the_steps():
    analysis = make()
    page = study_page(analysis, "ratings.csv")
    bars = re.findall(r'<rect x="([\d.]+)" y="(\d+)" width="([\d.]+)"[^>]*class="step-(\d)"', page)
    for row, result in enumerate(analysis.methods):
        parts = bars[5 * row : 5 * row + 5]
        widths = [float(width) for _, _, width, _ in parts]
        assert [step for *_, step in parts] == list("12345")
        shares = np.array(result.steps) / result.num_judgements
        assert widths == pytest.approx(list(360 * shares), abs=0.06)
        assert [float(x) for x, *_ in parts] == pytest.approx(
            [0, *np.cumsum(360 * shares)[:-1]], abs=0.06
        )


def test_choices_stand_in_per_cent_beside_the_pooled_interval():
    analysis = make("2afc")
    text = Elements(study_page(analysis, "fooled.csv")).text
    best = analysis.methods[0]
    assert f"{100 * best.mean.value:.1f} %" in text
    assert f"{100 * best.pooled.low:.1f} … {100 * best.pooled.high:.1f} %" in text
    assert "Wilson's interval is too narrow" in text
    assert "guessing 50 %" in text
    assert "The five steps" not in text


def test_a_single_method_has_nothing_to_compare():
    text = Elements(study_page(make(methods=("cyclegan",)), "ratings.csv")).text
    assert "There is one method: nothing to compare." in text


def test_one_rater_is_said_and_few_are():
    one, few, many = (make(num_raters=n) for n in (1, 4, 6))
    assert wording.size(one) == "16 judgements, 1 rater, 8 images, 2 methods"
    [warning] = wording.warnings(one)
    assert "a bootstrap over raters is not defined" in warning
    assert "over images only" in warning
    assert all(m.mean.basis.startswith("images only (one rater)") for m in one.methods)
    assert one.alpha is None
    assert warning.replace("<i>", "") in Elements(study_page(one, "x")).text.replace("<i>", "")
    assert "only 4 raters" in wording.warnings(few)[0]
    assert wording.warnings(many) == []


def test_an_effective_number_is_explained_where_it_is_used():
    text = Elements(study_page(make(), "ratings.csv")).text
    assert "over raters and images, effective n" in text
    assert "Effective n: Wilson's interval for as many independent judgements" in text


def test_what_was_left_out_is_said_with_numbers():
    catch = {"ann": CatchRecord(0, 4), "bob": CatchRecord(3, 4)}
    left = LeftOut(2, 1, 40, ("bob",), catch, 0.25)
    assert wording.left_out(left) == [
        "2 practice trials left out.",
        "1 trial without an answer left out.",
        "Catch trials: 1 of 2 raters failed more than 25 % of theirs and are excluded with their "
        "40 judgements: bob (3 of 4).",
    ]
    assert "bob (3 of 4)" in study_page(make(left_out=left), "ratings.csv")
    assert wording.left_out(LeftOut(catch={"ann": CatchRecord(0, 4)})) == [
        "Catch trials: none of 1 rater failed more than 25 % of theirs; nobody is excluded."
    ]
    assert wording.left_out(LeftOut()) == []
    assert "every row of the table counts" in study_page(make(), "ratings.csv")


@pytest.mark.parametrize(
    ("p_value", "text"), [(0.04567, "0.046"), (0.001, "0.001"), (0.0002, "< 0.001"), (1, "1.000")]
)
def test_p_values_in_words(p_value, text):
    assert wording.p_text(p_value) == text


def test_both_files_are_written(tmp_path):
    analysis = make("2afc")
    page = write_study(analysis, tmp_path / "new" / "folder", "fooled.csv")
    assert page.read_text() == study_page(analysis, "fooled.csv")
    found = json.loads((page.parent / "study.json").read_text())
    assert found == wording.as_json(analysis)
    assert found["methods"][HOSTILE]["mean"].keys() == {"value", "low", "high", "interval"}
    assert found["differences"][0].keys() >= {"first", "second", "value", "p_value", "p_holm"}


def test_a_folder_that_cannot_be_written_is_named(tmp_path):
    blocked = tmp_path / "file"
    blocked.write_text("")
    with pytest.raises(DataError) as caught:
        write_study(make(), blocked, "ratings.csv")
    assert caught.value.code == "output-unwritable"


def test_no_axis_goes_beyond_the_scale():
    value = np.tile([1.0, 5.0], 4)
    rater, image = np.repeat(np.arange(4), 2), np.tile([0, 1], 4)
    value[rater == 0], value[rater == 1] = 1, 5
    study = Study(
        kind="rating",
        raters=("a", "b", "c", "d"),
        images=("0", "1"),
        methods=("m",),
        rater=rater,
        image=image,
        method=np.zeros(8, int),
        value=value,
    )
    page = study_page(analyse(study, resamples=50), "ratings.csv")
    plots = re.findall(r'<figure class="chart dots">.*?</figure>', page, re.DOTALL)
    assert len(plots) == 2  # means and raters
    for plot in plots:
        marks = re.findall(r'(?s)class="rule".*?<text[^>]*>([^<]*)</text>', plot)
        assert [marks[0], marks[-1]] == ["1", "5"]


def test_raters_who_are_always_fooled_have_an_axis():
    rater, image = np.repeat(np.arange(2), 3), np.tile(np.arange(3), 2)
    study = Study(
        kind="2afc",
        raters=("a", "b"),
        images=("0", "1", "2"),
        methods=("m",),
        rater=rater,
        image=image,
        method=np.zeros(6, int),
        value=np.ones(6),
    )
    page = study_page(analyse(study, resamples=50), "choices.csv")
    plot = re.findall(r'<figure class="chart dots">.*?</figure>', page, re.DOTALL)[-1]
    assert re.findall(r'(?s)class="rule".*?<text[^>]*>([^<]*)</text>', plot)[-1] == "100 %"


def test_methods_that_share_no_image_are_said():
    study = make(methods=("x", "y"), num_raters=8).study
    assert wording.warnings(analyse(study, resamples=50)) == []
    apart = dataclasses.replace(
        study, images=study.images * 2, image=study.image + 8 * study.method
    )
    (warning,) = wording.warnings(analyse(apart, resamples=50))
    assert "No image was judged under two methods" in warning
