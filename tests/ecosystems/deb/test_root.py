"""Where packages' files come to lie: through the links of the base."""

from functools import partial

from hypothesis import given
from hypothesis import strategies as st

from stackbuild.ecosystems.deb.root import Root
from stackbuild.ecosystems.system import System
from stackbuild.errors import BuildFailed

NAMES = st.sampled_from(["a", "b", "c", ".", "..", ""])
PATHS = st.lists(NAMES, min_size=1, max_size=4).map("/".join)
CLEAN = st.lists(st.sampled_from(["a", "b", "c"]), min_size=1, max_size=3).map("/".join)


def said(call):
    try:
        return call()
    except BuildFailed:
        return None


@given(st.dictionaries(CLEAN, PATHS, min_size=1, max_size=4), st.lists(st.tuples(PATHS, st.booleans()), max_size=9))
def test_the_links_of_a_folder_are_followed_once_as_they_are_for_each_path(links, asked):
    root = Root(System(links=links), 0, lambda path: False)
    for path, last in asked:
        resolve = System(links=links).resolve
        assert said(partial(root._at, path, last=last)) == said(partial(resolve, path, last=last))
