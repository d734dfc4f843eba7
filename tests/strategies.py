"""What the properties draw: finite float64 arrays of drawn shapes, and what goes with them.

Arrays are small (at most 3 axes of at most 3 entries): a law that fails, fails on small ones, and
Hypothesis shows a small one. Zero-size arrays are drawn only where a law speaks of them.

A strategy is made once and kept, because to make it takes longer than to draw from it.
"""

from functools import cache

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

TASKS = ("price", "buys", "brand", "returns")


@cache
def floats(low=-3.0, high=3.0):
    """Finite numbers that are 0 or at least 1e-6 in size.

    So no square underflows, and central differences see a step of 1e-6.
    """

    def tiny_to_zero(x):
        return x if abs(x) >= 1e-6 else 0.0

    return st.floats(low, high, allow_subnormal=False).map(tiny_to_zero)


@cache
def away_from_zero(low=0.3, high=3.0):
    """Numbers of either sign."""
    signs = st.sampled_from([-1.0, 1.0])
    return st.builds(lambda size, sign: sign * size, floats(low, high), signs)


@cache
def shapes(min_dims=0, max_dims=3, max_side=3):
    """Shapes without an axis of size 0."""
    return hnp.array_shapes(min_dims=min_dims, max_dims=max_dims, max_side=max_side)


@cache
def arrays(shape=None, elements=None):
    """float64 arrays, of one shape or of drawn shapes.

    Every entry is drawn on its own. Equal entries are a special case.
    """
    if shape is None:
        shape = shapes()
    if elements is None:
        elements = floats()
    if isinstance(shape, st.SearchStrategy):
        return shape.flatmap(lambda drawn: arrays(drawn, elements))
    return hnp.arrays(np.float64, shape, elements=elements, fill=st.nothing())


TWO_SHAPES = hnp.mutually_broadcastable_shapes(num_shapes=2, max_dims=3, max_side=3)
SHAPES_FOR_MATMUL = hnp.mutually_broadcastable_shapes(
    signature=np.matmul.signature,  # (n?,k),(k,m?)->(n?,m?)
    max_dims=2,
    max_side=3,
)


@st.composite
def broadcastable_pairs(draw, right=None):
    """Two arrays whose shapes NumPy broadcasts. `right` says what the entries of the second are."""
    a, b = draw(TWO_SHAPES).input_shapes
    return draw(arrays(a)), draw(arrays(b, right))


@st.composite
def matmul_pairs(draw):
    """Two arrays that @ accepts: vectors, matrices, and batches of matrices that broadcast."""
    a, b = draw(SHAPES_FOR_MATMUL).input_shapes
    return draw(arrays(a)), draw(arrays(b))


@cache
def upstream(shape):
    """A gradient that arrives from above."""
    return arrays(shape, floats(-2.0, 2.0))


@cache
def axes(ndim):
    """What a reduction takes for `axis`: None, a number, or several; counted from either end."""
    if ndim == 0:
        return st.none()
    return st.none() | hnp.valid_tuple_axes(ndim) | st.integers(-ndim, ndim - 1)


@cache
def ids(V, shape=None):
    """Integers in [0, V), which may repeat."""
    if shape is None:
        shape = shapes(0, 2, 4)
    return hnp.arrays(np.int64, shape, elements=st.integers(0, V - 1), fill=st.nothing())


@cache
def present(shape):
    """Which entries are present: all, some or none."""
    return hnp.arrays(bool, shape, fill=st.nothing())


@cache
def example_weights(shape):
    """Weights of entries. 0, which removes an entry, is one of them."""
    return arrays(shape, weights())


@cache
def masks(shape):
    """None, or which entries are present, or the weight of each."""
    return st.none() | present(shape) | example_weights(shape)


@st.composite
def regressions(draw):
    """(prediction, targets, mask), all of one drawn shape."""
    shape = draw(shapes(max_dims=2))
    return draw(arrays(shape)), draw(arrays(shape)), draw(masks(shape))


@st.composite
def classifications(draw):
    """(logits (N, C), labels (N,), mask (N,))"""
    N = draw(st.integers(1, 4))
    C = draw(st.integers(1, 4))
    return draw(arrays((N, C))), draw(ids(C, (N,))), draw(masks((N,)))


@st.composite
def distributions(draw, N, C):
    """(N, C): rows that are not negative and sum to 1. Some entries are 0."""
    sizes = draw(arrays((N, C), weights()))
    sizes[:, draw(st.integers(0, C - 1))] += 0.5  # so that no row is 0 everywhere
    return sizes / sizes.sum(1, keepdims=True)


@st.composite
def soft_classifications(draw):
    """(logits (N, C), labels (N, C), mask (N,))"""
    N = draw(st.integers(1, 4))
    C = draw(st.integers(1, 4))
    return draw(arrays((N, C))), draw(distributions(N, C)), draw(masks((N,)))


@st.composite
def yes_no_questions(draw):
    """(logits, labels in [0, 1], mask), all of one drawn shape."""
    shape = draw(shapes(max_dims=2))
    yes_or_no = arrays(shape, st.sampled_from([0.0, 1.0]))
    probabilities = arrays(shape, floats(0, 1))
    labels = draw(yes_or_no | probabilities)
    return draw(arrays(shape)), labels, draw(masks(shape))


def by_task(values, min_size=1):
    """A dict by task name, in a drawn order."""
    names = st.lists(st.sampled_from(TASKS), min_size=min_size, unique=True)
    return names.flatmap(lambda names: st.fixed_dictionaries(dict.fromkeys(names, values)))


@cache
def weights():
    """Weights of tasks or examples. 0, which removes one, is one of them."""
    return st.just(0.0) | floats(0.01, 5.0)


@st.composite
def parameter_copies(draw, min_tasks=1):
    """T copies of the same parameters.

    A copy is a list of arrays. The shapes and their order are the same for every task.
    """
    T = draw(st.integers(min_tasks, 4))
    shapes_of_a_copy = draw(st.lists(shapes(max_dims=2), min_size=1, max_size=2))
    return [[draw(arrays(shape)) for shape in shapes_of_a_copy] for _ in range(T)]
