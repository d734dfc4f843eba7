"""The benchmark compares times of equal work: every arm computes the same numbers.

No time is asserted anywhere.
"""

import numpy as np
import pytest
from benchmarks.frameworks import installed
from benchmarks.handwritten import Plain, Preallocated, Problem, Tuned
from benchmarks.step import TinyMTL, difference, prepared, race, same_numbers

problems = {
    "as measured": Problem(),
    "one task": Problem(heads=(("kind", 3),)),
    "five tasks, five layers": Problem(
        heads=(("a", 2), ("b", 1), ("c", 5), ("d", 1), ("e", 2)),
        trunk=(6, 8, 4, 9, 5, 7),
        rows=20,
        width=3,
    ),
}
handwritten = {"plain": Plain, "tuned": Tuned, "preallocated": Preallocated}


@pytest.fixture(params=problems.values(), ids=problems.keys())
def problem(request):
    return request.param


@pytest.mark.parametrize("name", [*handwritten, *installed])
@pytest.mark.parametrize("N", [1, 64])
def test_steps_give_the_same_losses_and_parameters(problem, name, N):
    tiny = TinyMTL(problem)
    arm = (handwritten | installed)[name](problem, tiny.θ.copy(), N)
    same_numbers(problem, N, {"tinymtl": tiny, name: arm}, steps=6)


@pytest.mark.parametrize("name", handwritten)
def test_jacobian_has_the_same_entries(problem, name):
    tiny = TinyMTL(problem)
    arm = handwritten[name](problem, tiny.θ.copy(), 64)
    batch = problem.batch(64, np.random.default_rng(3))
    tiny.forward(*batch)
    arm.forward(*batch)
    for _ in range(2):  # the second time nothing is left over from the first
        assert difference(arm.jacobian(), tiny.jacobian()) <= 1e-10


with_jacobian = [name for name, arm in installed.items() if hasattr(arm, "jacobian")]


@pytest.mark.parametrize("name", with_jacobian)
def test_jacobian_of_frameworks_gives_the_same_gramian(problem, name):
    """Columns may come in another order; J Jᵀ does not see it."""
    tiny = TinyMTL(problem)
    arm = installed[name](problem, tiny.θ.copy(), 64)
    batch = problem.batch(64, np.random.default_rng(3))
    tiny.forward(*batch)
    arm.forward(*prepared(arm, batch))
    J = tiny.jacobian()
    theirs = arm.jacobian().numpy()
    assert difference(theirs @ theirs.T, J @ J.T) <= 1e-10


def test_sparse_tables_make_the_same_first_step():
    """Lazy Adam differs from Adam only once a row was looked up before."""
    problem = Problem()
    arms = {"dense": TinyMTL(problem), "sparse": TinyMTL(problem, sparse=True)}
    same_numbers(problem, 64, arms, steps=1)


def test_a_difference_is_noticed():
    problem = Problem()
    tiny = TinyMTL(problem)
    arm = Plain(problem, tiny.θ.copy(), 64)
    arm.θ[0] += 1e-6
    with pytest.raises(AssertionError, match="differ"):
        same_numbers(problem, 64, {"tinymtl": tiny, "plain": arm})


def test_every_arm_of_a_race_has_one_turn_a_round_and_the_order_is_shuffled():
    turns = []

    def arm(batch):
        pass

    def draw(name, k):
        turns.append(name)
        return range(k)

    race({"a": arm, "b": arm, "c": arm}, draw, seconds=0)
    rounds = ["".join(turns[i : i + 3]) for i in range(3, len(turns), 3)]  # the first three: trials
    assert len(rounds) == 5
    assert all(sorted(order) == ["a", "b", "c"] for order in rounds)
    rotations = {"abc", "bca", "cab"}
    assert set(rounds) & rotations and set(rounds) - rotations
