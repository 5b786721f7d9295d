"""The order in which nodes run, and what ends it."""

from __future__ import annotations

import threading
import time

import pytest

from stackbuild.build.schedule import Schedule
from stackbuild.graph.query import reverse

NEEDS = {"app": ["lib", "base", "lib"], "lib": ["base"], "base": [], "other": []}


def schedule(work, needs=NEEDS):
    return Schedule(sorted(needs), needs, reverse(needs), work)


@pytest.mark.parametrize("jobs", [1, 2, 8])
@pytest.mark.parametrize("done", ["quick", "long"])
def test_each_node_runs_once_after_all_it_needs(jobs, done):
    needs = {number: [other for other in range(number) if number % (other + 2) == 0] for number in range(300)}
    ran = []

    def work(node):
        assert set(needs[node]) <= set(ran)
        ran.append(node)
        return done

    schedule(work, needs).run(jobs)
    assert sorted(ran) == sorted(needs)


def test_nothing_to_run_is_done_at_once():
    schedule(None, {}).run(4)


def test_what_needs_a_failed_node_is_not_run():
    ran = []
    schedule(lambda node: ran.append(node) or ("failed" if node == "lib" else "quick")).run(2)
    assert sorted(ran) == ["base", "lib", "other"]


def test_a_node_that_takes_long_keeps_no_other_waiting():
    reached = threading.Event()

    def work(node):
        if node == "base":
            assert reached.wait(60)
        elif node == "other":
            reached.set()
        return "quick"

    schedule(work).run(2)


def test_as_many_as_may_be_are_at_work_when_all_take_long():
    together, most = threading.Barrier(12), threading.Event()

    def work(node):
        together.wait(20)  # until all twelve are here
        most.set()
        return "long"

    Schedule(range(12), dict.fromkeys(range(12), ()), dict.fromkeys(range(12), ()), work).run(12)
    assert most.is_set()


def test_no_more_threads_than_jobs():
    needs, at_work, most, lock = {number: [] for number in range(40)}, [], [], threading.Lock()

    def work(node):
        with lock:
            at_work.append(node)
            most.append(len(at_work))
        time.sleep(0.002)
        with lock:
            at_work.remove(node)
        return "long"

    schedule(work, needs).run(3)
    assert max(most) <= 3 and len(most) == 40


@pytest.mark.parametrize("error", [ZeroDivisionError, KeyboardInterrupt])
def test_an_exception_ends_all_and_is_not_waited_for(error):
    hold, ended = threading.Event(), []

    def work(node):
        if node == "other":
            assert hold.wait(60)
            ended.append(node)
            return "long"
        raise error(node)

    with pytest.raises(error, match="base"):
        Schedule(["other", "base", "lib", "app"], NEEDS, reverse(NEEDS), work).run(2)
    assert not ended
    hold.set()
