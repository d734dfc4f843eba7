"""The running example: real shopping, and a guide that learns from it.

Read in this order: purchases, replies, guide, split, baselines, experiment, results, report, saved,
lexicon, amounts, pieces, spelling, meaning, understanding, sizes, reasons, catalogue, wording,
questions, needs, answers, talk, offering, comparing, answering, explaining, agent, streams,
terminal. Each file imports only from files before it.

The first three are the shop, what there is to say of it, and the network that learns both. The next
five train it alone, with soft and with hard sharing, and report what sharing changed. The rest is a
conversation with it: what a line means, which products it names, why something is recommended,
which question helps most, what is needed, what to answer, and how to do that in a terminal.
"""

from .agent import Agent

__all__ = ["Agent"]
