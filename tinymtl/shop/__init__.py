"""The running example: real shopping, and a guide that learns from it.

Read in this order: purchases, replies, guide, split, baselines, experiment, results, report,
understanding, catalogue, streams, agent. Each file imports only from files before it.

The first three are the shop, what there is to say of it, and the network that learns both. The next
five train it alone, with soft and with hard sharing, and report what sharing changed. The last
four are a conversation with it: what a line means, which products it names, how to write to a
terminal, and what to reply.
"""
