"""A frozen class is what dataclasses would make of it, but for what the type checker sees to."""

from __future__ import annotations

import copy
import dataclasses
import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stackbuild.frozen import frozen


def declared(make):
    @make
    class Both:
        number: int
        text: str = "x"
        hidden: object = dataclasses.field(default=None, repr=False, compare=False)

        @property
        def twice(self) -> int:
            return 2 * self.number

    @make
    class Below(Both):
        more: tuple[int, ...] = ()

    return Both, Below


PAIRS = [
    (declared(frozen(order=True, slots=slots)), declared(dataclasses.dataclass(frozen=True, order=True, slots=slots)))
    for slots in (False, True)
]
FACTS = st.tuples(st.integers(0, 2), st.sampled_from("ab"), st.sampled_from([[], None]))


@pytest.mark.parametrize(("ours", "theirs"), PAIRS)
@given(st.data())
def test_it_is_what_dataclasses_make(ours, theirs, data):
    which = data.draw(st.lists(st.integers(0, 1), min_size=2, max_size=2))
    facts = [data.draw(FACTS) for _ in which]
    mine, other = ([made[at](*fact) for at, fact in zip(which, facts, strict=True)] for made in (ours, theirs))
    assert (mine[0] == mine[1]) == (other[0] == other[1])
    assert mine[0] != mine[1] or hash(mine[0]) == hash(mine[1])
    assert list(map(repr, mine)) == list(map(repr, other))
    if which[0] == which[1]:
        assert (mine[0] < mine[1], mine[0] <= mine[1]) == (other[0] < other[1], other[0] <= other[1])
        assert (mine[0] > mine[1], mine[0] >= mine[1]) == (other[0] > other[1], other[0] >= other[1])
    else:
        with pytest.raises(TypeError):
            mine[0] < mine[1]  # noqa: B015
    assert dataclasses.replace(mine[0], number=7).twice == 14
    assert copy.copy(mine[0]) == mine[0] == copy.deepcopy(mine[0])


@frozen
class Single:
    only: str


@frozen
class Empty:
    pass


@frozen
class Own:
    number: int

    def __repr__(self) -> str:
        return "own"

    def __hash__(self) -> int:
        return 5


def test_classes_of_one_field_and_of_none_and_with_methods_of_their_own():
    assert Single("a") == Single("a") != Single("b") and Single("a") != "a"
    assert len({Single("a"), Single("a"), Single("b")}) == 2
    assert Empty() == Empty() and len({Empty(), Empty()}) == 1 and repr(Empty()) == "Empty()"
    assert (repr(Own(1)), hash(Own(2)), Own(1) == Own(1)) == ("own", 5, True)
    assert pickle.loads(pickle.dumps(Single("a"))) == Single("a")
    with pytest.raises(TypeError):
        Single(1, 2)
