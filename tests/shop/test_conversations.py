"""Whole conversations: what is said, what the reply must hold, and what it must not."""

import pytest
from conversations import CONVERSATIONS, ROWS, parts


@pytest.mark.parametrize("name", CONVERSATIONS)
def test_a_conversation_goes_as_it_should(transcript, name):
    for row, reply in zip(CONVERSATIONS[name], transcript(name), strict=True):
        reply = reply.lower()
        for alternatives in parts(row["must"]):
            assert any(text in reply for text in alternatives), (row["said"], reply, alternatives)
        for alternatives in parts(row["must_not"]):
            assert not any(text in reply for text in alternatives), (row["said"], reply)


def test_there_are_many_lines_of_every_kind():
    assert len(ROWS) >= 120
    kinds = {row["kind"] for row in ROWS}
    assert {"need", "recommend", "why", "price", "compare", "total", "nonsense"} <= kinds
