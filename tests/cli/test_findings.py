"""Many findings in few lines: none hides another."""

from unpaired.cli.tables.findings import summed_up


def test_like_findings_are_counted_and_others_stay():
    lines = [f"{i}.png: is a WebP though its name says .png" for i in range(200)]
    shown = summed_up([*lines[:150], "cat.gif: is animated", *lines[150:]])
    assert shown == [
        *lines[:3],
        "and 197 more: is a WebP though its name says .png",
        "cat.gif: is animated",
    ]
    assert summed_up(lines[:3]) == lines[:3]
    assert summed_up([]) == []


def test_of_many_different_findings_the_first_stand_for_all():
    shown = summed_up([f"{i}.png: has {i} pixels" for i in range(50)])
    assert len(shown) == 21
    assert shown[-1] == "and 30 lines more (--json has all)"
