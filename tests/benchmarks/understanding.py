"""Reading a line: rules against a network that learns what is asked and which word is what.

    python tests/benchmarks/understanding.py [--seeds 10]

Two tasks are learned on one trunk: the intent of a line, and a tag for each of its words (product,
excluded product, limit, amount, brand, reference, or none). The training lines are templates
(`understanding_templates.csv`) filled with the shop's words. The test lines
(`understanding_lines.csv`) are from the table of conversations: they were written by somebody who
had not seen the templates, and their words are marked by hand. The rules were made with that table
at hand, so their figures are not those of lines that nobody has seen.

Compared are joint training (hard sharing), each task alone, and the rules that the agent uses. All
arms of a seed start equal and see the same lines.
"""

import argparse
import csv
import re
from pathlib import Path

import numpy as np

import tinymtl as mtl
from tinymtl.layers import Conv1D
from tinymtl.module import Module
from tinymtl.shop.amounts import tokens
from tinymtl.shop.lexicon import FILLER, TERMS, WORDS, stem
from tinymtl.shop.meaning import NAMING
from tinymtl.shop.pieces import ACTS, LIMITS, ORDINALS, TOPICS, pieces
from tinymtl.shop.understanding import Reader, brand_of, read

HERE = Path(__file__).parent
TAGS = ["O", "P", "X", "L", "N", "B", "R"]
BRANDS = ["your own brand", "not your own brand", "own brand", "national", "a national brand"]
POINTERS = ["it", "that", "them", "these", "the second one", "the first one", "this"]
UNITS = ["dollars", "dollar", "cents", ""]
LONGEST = 24
PRODUCT_TERMS = [" ".join(term) for term in TERMS]


def read_marked(text):
    """The words of a marked line and their tags: "no [X meat]" → ["no", "meat"], ["O", "X"]."""
    words = []
    tags = []
    for tag, marked, plain in re.findall(r"\[(\w) ([^\]]*)\]|([^\[\]]+)", text):
        found = tokens(marked or plain)
        words += found
        tags += [tag or "O"] * len(found)
    return words, tags


def read_lines():
    """The test lines: [(intent, words, tags), ...]."""
    with open(HERE / "understanding_lines.csv", encoding="utf-8", newline="") as file:
        return [(row["intent"], *read_marked(row["line"])) for row in csv.DictReader(file)]


def read_templates():
    with open(HERE / "understanding_templates.csv", encoding="utf-8", newline="") as file:
        return [(row["intent"], row["template"]) for row in csv.DictReader(file)]


def fill(template, rng):
    """A template with words of the shop in place of its marks: (words, tags)."""
    fillers = {
        "P": lambda: rng.choice(PRODUCT_TERMS),
        "X": lambda: rng.choice(PRODUCT_TERMS),
        "L": lambda: rng.choice([" ".join(phrase) for phrase in LIMITS]),
        "N": lambda: f"{rng.integers(1, 400)} {rng.choice(UNITS)}".strip(),
        "B": lambda: rng.choice(BRANDS),
        "R": lambda: rng.choice(POINTERS),
    }

    def marked(found):
        return f"[{found[1]} {fillers[found[1]]()}]"

    return read_marked(re.sub(r"\[(\w)\]", marked, template))


class Vocabulary:
    """Words as numbers: those of the tables, one for all numbers, one for all other words."""

    def __init__(self):
        known = set(FILLER) | set().union(*WORDS.values()) | set(",?.")
        for table in (ACTS, TOPICS, LIMITS, ORDINALS, TERMS):
            for phrase in table:
                known.update(phrase)
        self.words = sorted({stem(word) for word in known})
        self.number = {word: k for k, word in enumerate(self.words)}
        self.digits = len(self.words)
        self.other = self.digits + 1
        self.padding = self.other + 1

    def encode(self, words):
        ids = np.full(LONGEST, self.padding)
        for place, word in enumerate(words[:LONGEST]):
            is_number = re.fullmatch(r"[\d.]+", word) is not None
            ids[place] = self.digits if is_number else self.number.get(stem(word), self.other)
        return ids


class Trunk(Module):
    """Word numbers (n, L) → features of every word in its neighbourhood (n, L, H)."""

    def __init__(self, vocabulary, rng, width=32):
        self.vocabulary = vocabulary
        self.words = mtl.Embedding(vocabulary.padding + 1, width, rng)
        self.window = Conv1D(width, width, 5, rng)
        self.dropout = mtl.Dropout(0.3, rng)

    def __call__(self, ids):
        present = (ids != self.vocabulary.padding)[:, :, None].astype(float)  # (n, L, 1)
        vectors = self.dropout(self.words(ids)) * present
        return mtl.relu(self.window(vectors)) * present


class IntentHead(Module):
    """The mean of the features of a line's words → logits of its intent (n, C)."""

    def __init__(self, n_intents, rng, width=32):
        self.layer = mtl.Dense(width, n_intents, rng)

    def __call__(self, features):
        return self.layer(features.sum(1) * (1 / 6))  # about six words a line


class TagHead(Module):
    """The features of each word → logits of its tag (n, L, 7)."""

    def __init__(self, rng, width=32):
        self.layer = mtl.Dense(width, len(TAGS), rng)

    def __call__(self, features):
        return self.layer(features)


def tag_loss(logits, tags):
    """Cross-entropy of the tags; −1 is padding."""
    flat = tags.reshape(-1)
    return mtl.cross_entropy(logits.reshape(len(flat), -1), flat, flat >= 0)


def arrays(lines, vocabulary, intents, rng=None):
    """Word numbers, intents and tags; with rng, some words of products are made unknown."""
    ids = np.stack([vocabulary.encode(words) for _, words, _ in lines])
    tags = np.full(ids.shape, -1)
    for row, (_, _, line_tags) in zip(tags, lines):
        row[: len(line_tags)] = [TAGS.index(tag) for tag in line_tags[:LONGEST]]
    if rng is not None:
        hides = (tags >= 0) & (rng.random(ids.shape) < 0.1)
        ids = np.where(hides, vocabulary.other, ids)
    return ids, np.array([intents.index(intent) for intent, *_ in lines]), tags


def scores(intents_said, tags_said, intents, tags):
    """Accuracy of the intent, and F1 of the words that have a tag."""
    right = np.mean([said == true for said, true in zip(intents_said, intents)])
    hit = said_any = true_any = 0
    for said, true in zip(tags_said, tags):
        for a, b in zip(said, true):
            hit += a == b != "O"
            said_any += a != "O"
            true_any += b != "O"
    return float(right), 2 * hit / (said_any + true_any)


# The rules

ACT_INTENTS = {
    "what": "category",
    "kinds": "category",
    "pack": "size",
    "bigger": "size",
    "smaller": "size",
    "dearest": "cheapest",
    "biggest": "cheapest",
    "smallest": "cheapest",
    "enough": "total",
    "cheaper": "compare",
    "dearer": "compare",
}
TALK = {"hello", "thanks", "insult", "who", "how", "help", "praise", "bye", "any", "sure"}


def rules_intent(words):
    """The intent that the rules read, in the names of the test lines."""
    meaning = read(" ".join(words))
    acts = [question.act for question in meaning.questions]
    if "why" in meaning.acts:
        return "why"
    for act in ("total", "topic", "with"):
        if act in acts:
            return act
    if acts:
        counted = any(mention.count for mention in meaning.mentions)
        act = "total" if acts[0] == "price" and counted else acts[0]
        return ACT_INTENTS.get(act, act)
    if "recommend" in meaning.acts or meaning.household is not None:
        return "recommend"
    return "talk" if meaning.acts & TALK and not meaning.says_what else "need"


def rules_tags(words):
    """A tag for each word, from the pieces and from what the rules exclude."""
    found = pieces(words)
    reader = Reader(found)
    tags = ["O"] * len(words)
    i = 0
    ends = [0, *(piece.end for piece in found)]
    while i < len(found):
        excludes = reader.excludes
        following = reader.take(i)
        for k in range(i, following):
            piece = found[k]
            tag = tag_of(piece, excludes)
            for place in range(ends[k], piece.end):
                tags[place] = tag
        i = following
    return tags


def tag_of(piece, excludes):
    if piece.kind in NAMING:
        return "X" if excludes else "P"
    if piece.kind == "act" and piece.value == "brand" and brand_of(piece.text):
        return "B"
    if piece.kind == "act" and piece.value in ("it", "between"):
        return "R" if piece.value == "it" else "L"
    return {"limit": "L", "amount": "N", "ordinal": "R"}.get(piece.kind, "O")


# All together


def run(seed, templates, lines, vocabulary, intents):
    """(intent accuracy, tag F1) of joint training and of each task alone."""
    rng = np.random.default_rng([seed, 1])
    picked = rng.integers(0, len(templates), 4000)
    filled = [(templates[k][0], *fill(templates[k][1], rng)) for k in picked]
    ids, labels, tags = arrays(filled, vocabulary, intents, rng)
    data = {"intent": (ids, labels), "tags": (ids, tags)}
    test_ids, *_ = arrays(lines, vocabulary, intents)
    trunk = Trunk(vocabulary, np.random.default_rng([seed, 2]))
    head_rng = np.random.default_rng([seed, 3])
    heads = {"intent": IntentHead(len(intents), head_rng), "tags": TagHead(head_rng)}
    result = {}
    arms = {"joint": mtl.HardSharing(trunk, heads), "alone": mtl.SingleTask(trunk, heads)}
    for name, model in arms.items():
        mtl.fit(
            model,
            data,
            {"intent": mtl.cross_entropy, "tags": tag_loss},
            optimizer=mtl.Adam(3e-3),
            steps=600,
            batch_size=64,
            rng=np.random.default_rng([seed, 4]),
            quiet=True,
        )
        said = model.predict({"intent": test_ids, "tags": test_ids})
        intents_said = [intents[k] for k in np.asarray(said["intent"]).argmax(1)]
        tags_said = [[TAGS[k] for k in row] for row in np.asarray(said["tags"]).argmax(2)]
        result[name] = scores(
            intents_said, tags_said, [line[0] for line in lines], [line[2] for line in lines]
        )
    return result


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=10)
    n_seeds = parser.parse_args().seeds
    templates = read_templates()
    lines = read_lines()
    vocabulary = Vocabulary()
    intents = sorted({intent for intent, _ in templates})
    results = [run(seed, templates, lines, vocabulary, intents) for seed in range(n_seeds)]
    rules = scores(
        [rules_intent(words) for _, words, _ in lines],
        [rules_tags(words) for _, words, _ in lines],
        [line[0] for line in lines],
        [line[2] for line in lines],
    )
    print(f"{len(lines)} lines, {n_seeds} seeds    intent, accuracy    tags, F1")
    print(f"{'rules':24} {rules[0]:.3f}               {rules[1]:.3f}")
    for arm in ("alone", "joint"):
        values = np.array([result[arm] for result in results])
        error = values.std(0, ddof=1) / np.sqrt(n_seeds)
        print(
            f"{arm:24} {values[:, 0].mean():.3f} ± {error[0]:.3f}       "
            f"{values[:, 1].mean():.3f} ± {error[1]:.3f}"
        )
    gain = np.array([np.subtract(result["joint"], result["alone"]) for result in results])
    error = gain.std(0, ddof=1) / np.sqrt(n_seeds)
    print(
        f"{'joint over alone, paired':24} {gain[:, 0].mean():+.3f} ± {error[0]:.3f}      "
        f"{gain[:, 1].mean():+.3f} ± {error[1]:.3f}"
    )


if __name__ == "__main__":
    main()
