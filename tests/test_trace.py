"""Spans: nothing when nobody records, nested per thread, bounded."""

from __future__ import annotations

import threading

import pytest

from stackbuild.trace import recording, span, traced


def test_nothing_is_kept_when_nobody_records():
    assert span("a", size=1) is span("b")
    with recording() as recorder:
        pass
    with span("late"):
        pass
    assert recorder.spans() == []


def test_spans_say_what_when_and_in_which_thread():
    def work():
        with span("inner", bytes=5):
            pass

    with recording() as recorder, span("outer"):
        thread = threading.Thread(target=work, name="helper")
        thread.start()
        thread.join()
    outer, inner = recorder.spans()
    assert (outer.name, inner.name, inner.facts) == ("outer", "inner", {"bytes": 5})
    assert inner.thread[0] == "helper" and outer.thread != inner.thread
    assert recorder.began <= outer.start <= inner.start <= inner.end <= outer.end


def test_a_span_ends_with_an_error_and_an_open_one_is_known():
    with recording() as recorder:
        with pytest.raises(ValueError), span("fails"):
            raise ValueError
        with span("open"):
            [fails, still] = recorder.spans()
            assert fails.end > 0 and still.end == 0
    assert (fails.facts, still.facts) == ({"failed": "ValueError"}, {})


def test_every_call_of_a_traced_function_is_a_span():
    @traced("double")
    def double(number: int) -> int:
        """Twice."""
        return 2 * number

    with recording() as recorder:
        assert double(2) == 4
    assert [found.name for found in recorder.spans()] == ["double"]
    assert (double.__name__, double.__doc__) == ("double", "Twice.")


def test_memory_is_bounded_and_what_is_lost_is_counted():
    with recording(limit=10) as recorder:
        for _ in range(25):
            with span("x"):
                pass
    assert len(recorder.spans()) == 10 and recorder.lost == 15


def test_the_inner_of_two_recordings_counts():
    with recording() as outer:
        with recording() as inner, span("a"):
            pass
        with span("b"):
            pass
    assert [found.name for found in inner.spans()] == ["a"]
    assert [found.name for found in outer.spans()] == ["b"]
