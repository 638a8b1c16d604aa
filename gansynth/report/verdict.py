"""What scores come to, in a few sentences."""

from __future__ import annotations

from gansynth.report.evidence import Evidence

WORDS = (
    (0.55, "can hardly be told from real ones"),
    (0.65, "are close to real ones"),
    (0.80, "resemble real ones, with differences that a classifier finds"),
    (1.01, "are easily told from real ones"),
)
"""Areas under the ROC curve of trees that tell them apart, and what to say up to each."""

FEWEST_ROWS = 200
"""Rows below which trees, with twenty in a leaf, see hardly anything in a half."""
MOST_NEARER = 0.55
MOST_TOLD = 0.55


def verdict(evidence: Evidence, *, trained: bool) -> str:
    """Say how good the rows are, where they are weakest, and whether they give anyone away.

    Parameters
    ----------
    evidence : Evidence
        All scores.
    trained : bool
        Whether training rows were given.

    Returns
    -------
    str
        Three sentences at most.
    """
    said = [_told_apart(evidence)]
    if evidence.columns is not None:
        worst = evidence.columns.iloc[0]
        if worst["synthetic"] < worst["real"] - 0.03:
            said.append(f"The weakest column is {evidence.columns.index[0]}.")
        else:
            said.append("Each column by itself is about as near to the real one as real rows are.")
    return " ".join([*said, _privacy(evidence, trained=trained)])


def _told_apart(evidence: Evidence) -> str:
    if min(evidence.given) < FEWEST_ROWS:
        second, third = evidence.scores[1:3]
        return (
            f"{min(evidence.given)} rows are too few for a classifier to tell synthetic from real "
            f"ones ({FEWEST_ROWS} might do). Look at {second.name} ({second.found.synthetic:.2f}; "
            f"real rows: {second.found.real:.2f}) and {third.name} ({third.found.synthetic:.2f}; "
            f"{third.found.real:.2f})."
        )
    auc = evidence.scores[0].found
    farther = max(auc.synthetic, 1 - auc.synthetic)
    words = next(words for limit, words in WORDS if farther < limit)
    return (
        f"The synthetic rows {words}: of a real and a synthetic one, boosted trees tell which is "
        f"which in {farther:.0%} of cases (chance: 50%; real rows against real ones: "
        f"{max(auc.real, 1 - auc.real):.0%})."
    )


def _privacy(evidence: Evidence, *, trained: bool) -> str:
    if not trained:
        return "Whether rows repeat what was learned can't be told without the training rows."
    (_, _, copies, honest), (_, _, nearer, _), (_, _, told, _) = evidence.privacy
    if copies > honest + 0.01 or nearer > MOST_NEARER or told > MOST_TOLD:
        return "Some are too near to the training rows: look at the privacy of this page."
    return "They are no nearer to the training rows than to rows that were held out."
