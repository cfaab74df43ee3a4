"""Long work reports its steps to whoever listens, and to nobody else."""

from __future__ import annotations

from threading import Thread

from unpaired.core.progress import listening, report


def test_steps_are_told_to_who_listens_inside_and_in_this_thread():
    outer: list[tuple[str, int, int]] = []
    inner: list[tuple[str, int, int]] = []
    report("before", 1, 2)
    with listening(lambda *step: outer.append(step)):
        report("features", 30, 25)  # the last batch is not full
        with listening(lambda *step: inner.append(step)):
            report("structure", 1, 4)
        other = Thread(target=report, args=("elsewhere", 1, 1))
        other.start()
        other.join()
        report("features", 0, 25)
    report("after", 1, 2)
    assert outer == [("features", 25, 25), ("features", 0, 25)]
    assert inner == [("structure", 1, 4)]
