"""No test leaves a figure open, and Python seldom looks for garbage among their many parts."""

import gc

import matplotlib.pyplot as plt
import pytest


@pytest.fixture(autouse=True)
def closed_figures():
    yield
    plt.close("all")


@pytest.fixture(autouse=True, scope="package")
def seldom_garbage_collection():
    """A figure is thousands of objects. To look through them again and again costs a tenth."""
    usual = gc.get_threshold()
    gc.set_threshold(100_000, *usual[1:])
    yield
    gc.set_threshold(*usual)
