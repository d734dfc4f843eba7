"""What the report says is what the numbers carry, no more."""

from dataclasses import replace
from itertools import starmap

import matplotlib.pyplot as plt
import numpy as np
import pytest
from made_up_results import ALL, METRIC, SCARCE, better_by, control, results
from pictures import a_history, a_report, texts, title

from tinymtl.shop import report
from tinymtl.shop.baselines import BASELINES
from tinymtl.shop.experiment import METRICS, everything
from tinymtl.shop.report import findings, how_to_read, say, table, text, verdict, who_follows
from tinymtl.shop.split import Condition

# The verdict


def test_the_verdict_says_where_sharing_helped_where_it_hurt_and_where_neither():
    every = "own brand, price, department, category and new purchases"
    helped = verdict(results(0.2)).replace("\n    ", " ")  # a line for each sentence
    assert helped.splitlines() == [
        "In short (6 seeds; answers known of 10 % of the products):",
        f"  Sharing one trunk helped. The guide predicts better: {every}. "
        "Its replies state more true facts.",
        "  It hurt nowhere.",
        "  It made a clear difference to every measure.",
        "  Without a network: no guess beats one trunk.",
    ]
    hurt = " ".join(verdict(results(-0.2)).split())
    assert "Sharing one trunk helped nowhere." in hurt
    assert f"It hurt. The guide predicts worse: {every}. Its replies state fewer true" in hurt
    neither = " ".join(verdict(results(0.001)).split())
    assert "helped nowhere. It hurt nowhere. It made no clear difference: own brand," in neither
    assert "new purchases and facts in replies. Without a network:" in neither


def test_the_verdict_says_at_which_fraction_if_not_at_all_of_them():
    made = results(0.001, condition=ALL, into=results(0.2))
    found = " ".join(verdict(made).split())
    assert "answers known of 10 % and 100 % of the products" in found
    assert "Sharing one trunk helped. The guide predicts better at 10 %: own brand, price," in found
    assert "Its replies state more true facts at 10 %." in found
    assert "It made no clear difference at 100 %: own brand, price," in found


def test_what_is_so_at_all_fractions_comes_first_in_the_verdict():
    made = results(0.2, condition=ALL, into=results(0.2))
    for run in made.runs[ALL].values():
        run["hard"]["metrics"] = run["hard"]["metrics"] | {METRIC: run["alone"]["metrics"][METRIC]}
    found = " ".join(verdict(made).split())
    assert "price, department, category and new purchases; at 10 %: own brand. Its" in found


def test_the_verdict_names_guesses_without_a_network_that_are_better_than_one_trunk():
    found = " ".join(verdict(results(0.1, baseline=5.0)).split())
    every = "own brand, price, department, category, new purchases and facts in replies"
    for name in BASELINES:
        assert f"{name} beats one trunk: {every}." in found
    only_scarce = results(0.1, condition=ALL, into=results(0.1, baseline=5.0))
    found = " ".join(verdict(only_scarce).split())
    assert "ridge regression beats one trunk at 10 %: own brand, price," in found


def only(metric, gain):
    """Runs in which sharing changes one measure and no other."""
    made = results(0.0)
    for run in made.runs[SCARCE].values():
        changed = better_by(gain, run["alone"]["metrics"])
        run["hard"]["metrics"] = run["alone"]["metrics"] | {metric: changed[metric]}
    return made


@pytest.mark.parametrize(
    "metric, better, worse",
    [
        (METRIC, "The guide predicts better: own brand.", "The guide predicts worse: own brand."),
        ("log price, R²", "The guide predicts better: price.", "The guide predicts worse: price."),
        (
            "true facts in replies",
            "Its replies state more true facts.",
            "Its replies state fewer true facts.",
        ),
    ],
)
def test_the_verdict_has_a_plain_word_for_each_measure(metric, better, worse):
    assert f"Sharing one trunk helped. {better}" in verdict(only(metric, 0.5))
    assert f"It hurt. {worse}" in verdict(only(metric, -0.5))


def test_a_fall_of_perplexity_alone_is_no_help():
    for metric in ("perplexity of replies", "perplexity of facts"):
        assert "Sharing one trunk helped nowhere." in verdict(only(metric, 0.5))


def test_too_few_seeds_conclude_nothing():
    few = results(0.2, seeds=4)
    assert verdict(few).startswith("No verdict: 4 seeds are too few to tell a gain from chance.")
    assert verdict(results(0.2, seeds=1)).startswith("No verdict: 1 seed is too few")
    assert findings(few) == ""
    assert "*" not in table(few, SCARCE)
    assert "*" not in how_to_read(few)


def test_one_seed_has_no_standard_error_and_none_is_printed():
    printed = text(results(0.2, seeds=1))
    assert "±           missing: one seed has no standard error" in printed
    assert "inf" not in printed
    assert "(1 seed)" in printed
    assert "1 seeds" not in printed
    row = next(line for line in printed.splitlines() if line.startswith(METRIC))
    assert row.split() == ["own", "brand,", "AUC", *3 * ["0.000"], "0.500", "+0.190", "+0.190"]


# The whole text


def test_the_verdict_comes_first_then_the_terms_then_the_tables_then_their_findings():
    made = results(0.2)
    parts = [verdict(made), how_to_read(made), table(made, SCARCE), findings(made)]
    assert text(made) == "\n\n".join(parts)


def test_every_term_of_the_tables_is_explained_in_one_line():
    lines = how_to_read(results(0.2)).splitlines()
    for term in ("alone", "soft", "hard", "over alone", "AUC", "R²", "accuracy", "perplexity", "±"):
        (line,) = [line for line in lines if line.startswith(f"  {term} ")]
        assert len(line) <= 100
    for term in ("10 % of the answers", "new purchases", "true facts in replies", "parameters"):
        assert len([line for line in lines if line.startswith((f"  {term}: ", f"  {term}  "))]) == 1


def test_the_terms_say_how_often_chance_alone_makes_a_mark():
    said = " ".join(how_to_read(results(0.2, seeds=5)).split())
    assert (
        "* marks more than 3 of them. With 5 seeds, one of some 25 gains that are really 0" in said
    )
    said = " ".join(how_to_read(results(0.2, seeds=10)).split())
    assert "With 10 seeds, one of some 67 gains" in said


def test_no_line_of_the_text_is_too_long_but_those_of_tables():
    made = control(results(0.5, condition=ALL, into=results(0.2, rules=0.1)), 0.125)
    for line in text(made).splitlines():
        is_of_table = line.startswith((*METRICS, "parameters", " " * 20))
        assert len(line) <= (115 if is_of_table else 100)
        assert "\N{NO-BREAK SPACE}" not in line


def test_a_line_is_never_broken_between_a_number_and_its_sign():
    for line in findings(results(0.5, condition=ALL, into=results(0.2))).splitlines():
        assert not line.lstrip().startswith(("%", "± "))
        assert not line.endswith("±")


# Tables and findings


@pytest.mark.parametrize(
    "gain, paragraph",
    [
        (0.2, "Better generalisation? Sharing helps"),
        (-0.2, "It hurts"),
        (0.001, "No clear difference"),
    ],
)
def test_each_gain_stands_in_the_paragraph_that_its_standard_error_allows(gain, paragraph):
    found = findings(results(gain))
    title = None
    for line in found.splitlines():
        if not line.startswith(" "):
            title = line
        elif METRIC in line and not title.startswith("Better use"):
            assert title.startswith(paragraph)
    assert METRIC in found


def test_a_baseline_that_beats_the_network_is_named():
    assert "nearest words beats hard at 10 % by" in findings(results(0.1, baseline=5.0))
    assert "beats" not in findings(results(0.1, baseline=-5.0))


def test_the_table_marks_what_is_sure_and_only_that():
    lines = table(results(0.2), SCARCE).splitlines()
    rows = {line.split("  ")[0].strip(): line for line in lines}
    assert "+0.200 ± 0.004 *" in rows[METRIC]
    assert "+0.200 ± 0.004 *" in rows["perplexity of facts"]
    assert "*" not in table(results(0.001), SCARCE)
    assert rows["parameters"].split() == ["parameters", "1,000", "600", "600"]


def test_a_control_is_compared_with_alone_in_the_condition_that_it_controls():
    made = control(results(0.5, condition=ALL), 0.125)
    shown = table(made, Condition(control="own ids", arms=("hard",)))
    assert shown.startswith("100 % of the answers, own vectors shuffled (6 seeds)")
    assert "+0.125 ± 0.000 *" in shown
    assert "0.500" not in shown.split("alone", 1)[1].split("±")[0]
    assert "own vectors shuffled" not in findings(made)
    assert made.fractions() == [ALL]


def evidence(made):
    """The findings, each in one line."""
    return findings(made).replace("\n    ", " ")


def test_scarce_data_is_judged_by_the_difference_of_paired_gains():
    start = "own brand, AUC: hard sharing gains"
    question = "Better use of scarce data?\n  "
    same = evidence(results(0.5, condition=ALL, into=results(0.5)))
    assert f"{question}cannot tell: the gains of sharing do not clearly differ\n" in same
    assert f"{start} about as much at 10 % as at 100 % (difference +0.000 ± 0.000)" in same
    larger = evidence(results(0.2, condition=ALL, into=results(0.5)))
    assert f"{question}yes: sharing gains more where less is known in new purchases" in larger
    assert (
        f"{start} more at 10 % than at 100 %, by +0.300 ± 0.000; "
        "it has 1.250 at 10 %, alone has 0.750 at 100 %" in larger
    )
    smaller = evidence(results(0.5, condition=ALL, into=results(0.2)))
    assert f"{question}no: sharing gains less where less is known in new purchases" in smaller
    assert f"{start} less at 10 % than at 100 %, by -0.300" in smaller


def test_steps_are_reported_where_they_are_known_and_seconds_never():
    made = results(0.2)
    assert "held-out" not in text(made)
    for run in made.runs[SCARCE].values():
        for arm, steps in (("alone", 240), ("soft", 260), ("hard", 300)):
            run[arm]["steps"] = steps
    lines = [line.split() for line in table(made, SCARCE).splitlines()]
    assert ["steps", "to", "least", "held-out", "loss", "240", "260", "300"] in lines
    assert "the least held-out loss after 300 steps, alone after 240" in findings(made)
    assert "  steps to least held-out loss: training steps until" in how_to_read(made)
    assert "second" not in text(made)


@pytest.mark.parametrize(
    "condition, words",
    [
        (ALL, "as it is"),
        (Condition(control="own ids"), "own vectors shuffled"),
        (Condition(control="tables"), "words shuffled too"),
        (Condition(control="answers"), "random answers"),
        (Condition(households=0.1), "10 % of the households"),
        (Condition(dialogue=0.1), "replies known of 10 %"),
        (Condition(steps=600), "twice the steps"),
        (Condition(steps=1), "1 step"),
        (Condition(trunk="convolutional"), "convolutional trunk"),
        (Condition(tasks=("recommend", "answer")), "recommend + answer"),
        (Condition(fraction=0.05, trunk="recurrent"), "5 % of the answers, recurrent trunk"),
        (Condition(weights="mgda"), "weights by mgda"),
    ],
)
def test_a_condition_says_what_is_special_about_it(condition, words):
    assert say(condition) == words


def test_conditions_that_differ_have_names_that_differ():
    conditions = everything()
    # Five conditions, of rules and of decay, say the same as those they are compared with.
    assert len({say(condition) for condition in conditions}) >= len(conditions) - 5


def test_training_alone_with_the_decay_of_hard_has_a_name():
    made = results(0.5, condition=ALL)
    decayed = replace(ALL, arms=("alone, decayed",))
    for seed, run in list(made.runs[ALL].items()):
        made.add(seed, decayed, {"alone, decayed": {"metrics": run["alone"]["metrics"]}})
    assert "alone with hard's decay" in table(made, decayed)


def test_conflict_harm_and_transfer_are_three_findings():
    found = findings(results(0.2))
    assert "\n  conflict of recommend and answer: 10 ± 0 % at 10 %\n" in found
    error = 10 * np.sqrt(sum((k - 3.5) ** 2 for k in range(1, 7)) / 5 / 6)  # 1 to 6 steps of 10
    assert f"\n  steps that harm dialogue: 35 ± {error:.0f} % at 10 %\n" in found
    assert "\n  plain steps that harm dialogue: 0 ± 0 % at 10 %\n" in found
    titles = [line for line in found.splitlines() if not line.startswith(" ")]
    for word in ("Conflict", "Harm", "Better generalisation?"):
        assert any(title.startswith(word) for title in titles)


SIDES = [(0.2, "better", "worse"), (-0.2, "worse", "better")]


@pytest.mark.parametrize("rules, side, other", SIDES)
def test_rules_are_compared_with_the_plain_sum_of_hard_sharing(rules, side, other):
    made = results(0.5, rules=rules)
    (condition,) = made.runs
    _, below = table(made, condition).split("what a rule for the weights gains over it")
    assert f"{rules:+.3f} ± 0.004 *" in below
    found = evidence(made)
    assert f"  {side}: Uncertainty at 10 %, {METRIC} {rules:+.3f} ± 0.004" in found
    assert f"  {other}: nowhere" in found


def test_a_chosen_rule_is_not_called_the_plain_sum():
    made = results(0.2, rules=0.1, condition=replace(SCARCE, weights="mgda"))
    (condition,) = made.runs
    assert "Hard sharing with mgda, and" in table(made, condition)
    assert "plain sum" not in findings(made)


def test_without_rules_nothing_speaks_of_them():
    assert "rule" not in table(results(0.2), SCARCE)
    assert "not tried: --rules" in findings(results(0.2))


def test_a_rule_says_which_arms_follow_it():
    for rule in ("mgda", "PCGrad"):
        assert f"{rule} for hard sharing" in who_follows(rule)
    for rule in ("Random", "geometric"):
        assert f"{rule} for all three arms" in who_follows(rule)


# Pictures


@pytest.fixture(autouse=True)
def closed_figures():
    yield
    plt.close("all")


def legend(figure):
    return [one.get_text() for one in figure.axes[0].get_legend().get_texts()]


def rows_of(figure):
    return [one.get_text() for one in figure.axes[0].get_yticklabels()]


def test_gains_are_drawn_with_the_controls_under_the_names_of_the_tables():
    made = control(control(results(0.5, condition=ALL), 0.125), 0.0, "tables")
    figure, _ = report.pictures(made)["gains-100.png"]()
    names = [words.partition(":")[0] for words in legend(figure)]
    assert names == [
        "soft, as it is",
        "hard, as it is",
        "hard, own vectors shuffled",
        "hard, words shuffled too",
    ]
    without, _ = report.pictures(results(0.5, condition=ALL))["gains-100.png"]()
    assert [words.partition(":")[0] for words in legend(without)] == ["soft", "hard"]


def test_transfer_names_every_measure_and_its_task_and_is_of_all_pairs():
    made = results(0.5, condition=ALL)
    for tasks in (("recommend", "answer"), ("recommend", "dialogue"), ("answer", "dialogue")):
        for seed, run in list(made.runs[ALL].items()):
            hard = {"hard": {"metrics": better_by(0.25, run["alone"]["metrics"])}}
            made.add(seed, Condition(tasks=tasks, arms=("hard",)), hard)
    figure, _ = report.pictures(made)["transfer.png"]()
    assert [words.partition(":")[0] for words in legend(figure)] == [
        "recommend + answer",
        "recommend + dialogue",
        "answer + dialogue",
        "all three",
    ]
    assert rows_of(figure) == [
        "answer: own brand, AUC",
        "answer: log price, R²",
        "answer: department, accuracy",
        "answer: category, accuracy",
        "recommend: new purchases, AUC",
        "dialogue: true facts in replies",
    ]


def test_pictures_that_need_seeds_or_pairs_are_drawn_where_there_are_any():
    assert list(report.pictures(results(0.2, seeds=4))) == ["network.png"]
    assert list(report.pictures(results(0.2))) == ["gains-10.png", "network.png"]
    both = results(0.5, condition=ALL, into=results(0.2))
    assert list(report.pictures(both)) == [
        "gains-10.png",
        "gains-100.png",
        "gain-by-fraction.png",
        "network.png",
    ]


def test_the_losses_say_what_their_mark_is_also_if_nothing_turned_up():
    history = a_history()
    figure, seen = report._picture_of_losses(history, 3, SCARCE)
    assert title(figure).startswith("Hard sharing, seed 3, 10 % of the answers:")
    for words in (figure.get_supxlabel(), seen):
        assert "After step 20 the held-out total gets no better" in words
    history.best_step = history.held_out_steps[-1]
    figure, seen = report._picture_of_losses(history, 3, SCARCE)
    for words in (figure.get_supxlabel(), seen):
        assert "The held-out total is least at the last step, 30: it has not turned up" in words


def test_a_training_loss_that_cannot_be_compared_is_not_drawn_and_the_caption_says_why():
    history = a_history(("recommend", "answer"))
    figure, _ = report._picture_of_losses(history, 0, ALL)
    drawn = {line.get_label(): line.get_ydata() for line in figure.axes[0].lines}
    assert np.isnan(drawn["recommend"]).all()
    np.testing.assert_array_equal(drawn["answer"], history.losses["answer"])
    np.testing.assert_array_equal(drawn["recommend, held out"], history.held_out["recommend"])
    assert "recommend has no training line" in figure.get_supxlabel()
    assert "recommend" not in report._picture_of_losses(a_history(), 0, ALL)[0].get_supxlabel()


def test_the_line_of_the_cosines_counts_conflict_and_harm():
    history = a_history(steps=12, effects=True)  # 4 recorded steps of tasks a and b
    history.cosines = np.array([[[1, ρ], [ρ, 1]] for ρ in (-0.5, 0.1, -0.1, np.nan)])
    history.effects = np.array([[-1, -1], [-1, 2], [-1, -1], [-1, np.nan]])
    _, said = report._picture_of_cosines(history)
    assert said == "of 4 recorded steps 2 had gradients in conflict, and 1 raised a loss"


def test_the_step_says_how_it_was_taken_and_what_its_bars_differ_by():
    figure, _ = report._picture_of_step(a_report(3))
    said = "".join(texts(figure))
    assert "plain gradient descent, η = 0.1" in said
    assert "From predicted to taken: weight decay" in said


def test_each_picture_of_gains_is_of_its_own_fraction():
    both = report.pictures(results(0.5, condition=ALL, into=results(0.2)))
    for percent in (10, 100):
        figure, _ = both[f"gains-{percent}.png"]()
        assert f"of {percent} % of the products" in title(figure)


def test_files_are_the_numbers_the_text_and_the_pictures(tmp_path):
    made = results(0.2)
    drawn = []

    def in_order(function, jobs):
        drawn.extend(path.name for _, path in jobs)
        return starmap(function, jobs)

    written = report.write(made, tmp_path, "by hand", in_order)
    assert drawn == ["gains-10.png", "network.png"]
    names = [path.name for path in written]
    assert names == ["results.csv", "report.txt", "gains-10.png", "network.png"]
    assert all(path.exists() for path in written)
    assert (tmp_path / "report.txt").read_text(encoding="utf-8") == text(made) + "\n"
    assert (tmp_path / "results.csv").read_text(encoding="utf-8").startswith("# by hand\n")
