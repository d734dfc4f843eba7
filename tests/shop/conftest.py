"""What several files need: an agent that was trained once, what it says, and another shop."""

import sys
from functools import cache

import pytest
from conversations import replies_in

from tinymtl.shop.agent import Agent
from tinymtl.shop.guide import word_ids
from tinymtl.shop.replies import Replies


@pytest.fixture(scope="session")
def trained(tmp_path_factory):
    """An agent with a trained guide, and the file that the guide was saved to."""
    path = tmp_path_factory.mktemp("guide") / "guide.npz"
    return Agent(0, path), path


@pytest.fixture
def agent(trained):
    """The trained agent at the beginning of a conversation."""
    agent, _ = trained
    agent.begin()
    return agent


@pytest.fixture(scope="session")
def transcript(trained):
    """A function: the name of a conversation of the table → what the trained agent replies.

    It begins the agent's conversation anew. Each conversation is held once, for all tests.
    """
    agent, _ = trained

    @cache
    def replies(name):
        return replies_in(agent, name)

    return replies


@pytest.fixture
def catalogue(agent):
    """The products as the trained agent knows them."""
    return agent.catalogue


@pytest.fixture
def use_shop(monkeypatch):
    """A function: from now on the package has this shop in place of the real one."""

    def use(shop):
        texts = (shop, Replies(shop), *word_ids(shop))
        for name, module in list(sys.modules.items()):
            if name.startswith("tinymtl.shop.") and hasattr(module, "shop_and_texts"):
                monkeypatch.setattr(module, "shop_and_texts", lambda: texts)

    return use
