"""Which packages to install: the set nearest to what apt would choose in which every dependency is met and
nothing conflicts, found by libsolv."""

from __future__ import annotations

import functools
import sys
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from ...errors import BuildFailed
from .control import Relation
from .prefer import matches, preferred
from .universe import Candidate, Universe
from .version import version_key

_DEPENDS = ("Pre-Depends", "Depends")


def solve(universe: Universe, wanted: Sequence[Relation], *, recommends: bool) -> list[Candidate]:
    """The packages to install, by name; what is installed already is not among them.

    recommends: whether weak dependencies count. Raises BuildFailed when there is no such set.
    """
    fields = (*_DEPENDS, "Recommends") if recommends else _DEPENDS
    held = universe.installed.values()
    needed = [relation for item in held for group in item.groups(*fields) for relation in group]
    available = universe.reachable([*wanted, *needed], fields)
    wish = preferred(universe, wanted, fields)
    pool = _Pool([*held, *available], universe.architecture, recommends=recommends)
    return sorted(pool.solved(wanted, wish, set(held)), key=lambda candidate: candidate.name)


class _Pool:
    """Candidates as libsolv sees them.

    The library as it is distributed knows RPM's versions, not Debian's: so it is told which candidates meet
    each relation, by a name that each has of its own, and of versions only their rank.
    """

    def __init__(self, candidates: Sequence[Candidate], architecture: str, *, recommends: bool) -> None:
        self._solv = _library()
        self._architecture, self._recommends = architecture, recommends
        self._candidates = list(dict.fromkeys(candidates))
        self._named: dict[str, list[int]] = {}
        for number, candidate in enumerate(self._candidates):
            names = {candidate.name, *(provided.name for provided in candidate.provided())}
            for name in names:
                self._named.setdefault(name, []).append(number)
        self._pool = self._solv.Pool()
        self._pool.setarch("x86_64")
        self._texts: dict[int, str] = {}

    def _meeting(self, relation: Relation) -> list[int]:
        """The numbers of the candidates that meet a relation."""
        if relation.arch not in ("", "any", "native", self._architecture):
            return []
        found = self._named.get(relation.name, ())
        return [number for number in found if matches(relation, self._candidates[number])]

    def _any_of(self, group: Sequence[Relation]) -> Any:
        """A dependency on any candidate that meets one of the relations."""
        numbers = dict.fromkeys(number for relation in group for number in self._meeting(relation))
        deps = [self._pool.Dep(f"#{number}") for number in numbers] or [self._pool.Dep(f"?{group}")]
        found = functools.reduce(lambda one, other: other.Rel(self._solv.REL_OR, one), reversed(deps))
        self._texts[found.id] = " or ".join(map(str, group))
        return found

    def _load(self, installed: Collection[Candidate]) -> dict[Candidate, Any]:
        repos = {name: self._pool.add_repo(name) for name in ("installed", "available")}
        self._pool.installed = repos["installed"]
        ranks: dict[str, list[Any]] = {}
        for candidate in self._candidates:
            ranks.setdefault(candidate.name, []).append(version_key(candidate.version))
        solvables = {}
        for number, candidate in enumerate(self._candidates):
            solvable = repos["installed" if candidate in installed else "available"].add_solvable()
            key = version_key(candidate.version)
            solvable.name, solvable.arch = candidate.name, "x86_64"
            solvable.evr = str(sum(other < key for other in ranks[candidate.name]))
            for name in (f"#{number}", candidate.name):  # by its name, libsolv sees that two are one
                solvable.add_provides(self._pool.Dep(name))
            self._describe(solvable, candidate, number)
            solvables[candidate] = solvable
        return solvables

    def _describe(self, solvable: Any, candidate: Candidate, number: int) -> None:
        for group in candidate.groups(*_DEPENDS):
            solvable.add_requires(self._any_of(group))
        for group in candidate.groups("Recommends") if self._recommends else ():
            solvable.add_recommends(self._any_of(group))
        for group in candidate.groups("Conflicts", "Breaks"):
            for other in self._meeting(group[0]):
                if self._candidates[other].name != candidate.name:  # nothing conflicts with itself
                    solvable.add_conflicts(self._pool.Dep(f"#{other}"))

    def solved(
        self, wanted: Sequence[Relation], wish: Iterable[Candidate], installed: Collection[Candidate]
    ) -> list[Candidate]:
        """What to add so that everything wanted is there. Raises BuildFailed."""
        job, solvables = self._solv.Job, self._load(installed)
        numbers = {solvable.id: candidate for candidate, solvable in solvables.items()}
        deps = [self._any_of([relation]) for relation in wanted]
        self._pool.createwhatprovides()
        install, wished = (
            job.SOLVER_INSTALL | job.SOLVER_SOLVABLE_PROVIDES,
            job.SOLVER_INSTALL | job.SOLVER_WEAK,
        )
        jobs = [self._pool.Job(install, dep.id) for dep in deps]
        # What is installed may become newer, but does not go away.
        jobs += [self._pool.Job(install, self._pool.Dep(item.name).id) for item in installed]
        jobs += [
            self._pool.Job(wished | job.SOLVER_SOLVABLE, solvables[item].id)
            for item in wish
            if item in solvables
        ]
        solver = self._pool.Solver()
        if not self._recommends:
            solver.set_flag(self._solv.Solver.SOLVER_FLAG_IGNORE_RECOMMENDED, 1)
        if problems := solver.solve(jobs):
            rules = [rule.info() for problem in problems for rule in problem.findallproblemrules()]
            raise BuildFailed("; ".join(dict.fromkeys(self._sentence(rule, numbers) for rule in rules)))
        return [numbers[item.id] for item in solver.transaction().newsolvables()]

    def _sentence(self, rule: Any, numbers: Mapping[int, Candidate]) -> str:
        """What a rule that cannot be kept says."""
        solver = self._solv.Solver
        who = str(numbers[rule.solvable.id]) if rule.solvable else ""
        other = str(numbers[rule.othersolvable.id]) if rule.othersolvable else ""
        what = self._texts.get(rule.dep_id, "") if rule.dep_id else ""
        match rule.type:
            case solver.SOLVER_RULE_PKG_NOTHING_PROVIDES_DEP:
                return f"{who} needs {what}, which no archive has"
            case solver.SOLVER_RULE_PKG_REQUIRES:
                return f"{who} needs {what}"
            case solver.SOLVER_RULE_PKG_CONFLICTS:
                return f"{who} conflicts with {other}"
            case solver.SOLVER_RULE_PKG_SAME_NAME:
                return f"there cannot be both {who} and {other}"
            case _:
                return f"{what} cannot be installed" if what else "what is asked for does not fit together"


def _library() -> Any:
    try:
        import solv
    except ImportError as error:
        hint = "run 'stackbuild lock' on Linux; what is locked builds anywhere"
        if sys.platform == "linux":
            hint = "install the Python package 'solv'"
        raise BuildFailed("Debian packages cannot be resolved here: libsolv is missing", hint=hint) from error
    return solv
