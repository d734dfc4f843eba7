"""What the properties draw: finite float64 arrays of drawn shapes, and what goes with them.

Arrays are small (at most 3 axes of at most 3 entries): a law that fails, fails on small ones, and
Hypothesis shows a small one. Zero-size arrays are drawn only where a law speaks of them.
"""

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

TASKS = ("price", "buys", "brand", "returns")


def floats(low=-3.0, high=3.0):
    """Finite, and either 0 or not smaller than 1e-6: a square does not underflow, a step of 1e-6 is seen."""
    return st.floats(low, high, allow_subnormal=False).map(lambda x: x if abs(x) >= 1e-6 else 0.0)


def away_from_zero(low=0.3, high=3.0):
    """Of either sign."""
    return st.builds(
        lambda size, sign: sign * size, floats(low, high), st.sampled_from([-1.0, 1.0])
    )


def shapes(min_dims=0, max_dims=3, max_side=3):
    return hnp.array_shapes(min_dims=min_dims, max_dims=max_dims, max_side=max_side)


def arrays(shape=None, elements=None):
    """float64 arrays, of one shape or of drawn shapes. Every entry is drawn: equal entries are a special case."""
    shape = shapes() if shape is None else shape
    return hnp.arrays(
        np.float64, shape, elements=floats() if elements is None else elements, fill=st.nothing()
    )


@st.composite
def broadcastable_pairs(draw, right=None):
    """Two arrays whose shapes NumPy broadcasts; `right` are the entries of the second."""
    a, b = draw(
        hnp.mutually_broadcastable_shapes(num_shapes=2, max_dims=3, max_side=3)
    ).input_shapes
    return draw(arrays(a)), draw(arrays(b, right))


@st.composite
def matmul_pairs(draw):
    """Two arrays that @ accepts: vectors, matrices, and batches of matrices that broadcast."""
    signature = np.matmul.signature  # (n?,k),(k,m?)->(n?,m?)
    a, b = draw(
        hnp.mutually_broadcastable_shapes(signature=signature, max_dims=2, max_side=3)
    ).input_shapes
    return draw(arrays(a)), draw(arrays(b))


def upstream(shape):
    """A gradient that arrives from above."""
    return arrays(shape, floats(-2.0, 2.0))


def axes(ndim):
    """What a reduction takes for `axis`: None, a number, or several; counted from either end."""
    several = hnp.valid_tuple_axes(ndim)
    return st.none() | several | st.integers(-ndim, ndim - 1) if ndim else st.none()


def ids(V, shape=None):
    """Integers in [0, V), repeated ones among them."""
    return hnp.arrays(
        np.int64,
        shapes(0, 2, 4) if shape is None else shape,
        elements=st.integers(0, V - 1),
        fill=st.nothing(),
    )


def present(shape):
    """Which entries are present: all, some or none."""
    return hnp.arrays(bool, shape, fill=st.nothing())


def masks(shape):
    """None, or which entries are present."""
    return st.none() | present(shape)


@st.composite
def regressions(draw):
    """(prediction, targets, mask), all (N, D) or another drawn shape."""
    shape = draw(shapes(max_dims=2))
    return draw(arrays(shape)), draw(arrays(shape)), draw(masks(shape))


@st.composite
def classifications(draw):
    """(logits (N, C), labels (N,), mask (N,))"""
    N, C = draw(st.integers(1, 4)), draw(st.integers(1, 4))
    return draw(arrays((N, C))), draw(ids(C, (N,))), draw(masks((N,)))


@st.composite
def yes_no_questions(draw):
    """(logits, labels in [0, 1], mask), all of one drawn shape."""
    shape = draw(shapes(max_dims=2))
    labels = draw(arrays(shape, st.sampled_from([0.0, 1.0])) | arrays(shape, floats(0, 1)))
    return draw(arrays(shape)), labels, draw(masks(shape))


def by_task(values, min_size=1):
    """A dict by task name, in a drawn order."""
    return st.lists(st.sampled_from(TASKS), min_size=min_size, unique=True).flatmap(
        lambda names: st.fixed_dictionaries({t: values for t in names})
    )


def weights():
    """Task weights; 0, which removes a task, among them."""
    return st.just(0.0) | floats(0.01, 5.0)


@st.composite
def parameter_copies(draw, min_tasks=1):
    """T copies of the same parameters: a list of arrays for each task, with the same shapes in the same order."""
    T, parts = (
        draw(st.integers(min_tasks, 4)),
        draw(st.lists(shapes(max_dims=2), min_size=1, max_size=2)),
    )
    return [[draw(arrays(shape)) for shape in parts] for _ in range(T)]
