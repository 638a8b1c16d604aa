"""
Few customers leave
===================

An imbalanced table with categories: oversampling in a pipeline that is searched, beside what costs
nothing.
"""

# %%
# 2,000 customers, of which about one in fifteen leaves.
import numpy as np
import pandas as pd
from sklearn.compose import make_column_selector, make_column_transformer
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import average_precision_score, make_scorer
from sklearn.model_selection import GridSearchCV, train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from gansynth import GANSampler, OversampledClassifier
from gansynth_tabular import TabularGAN

rng = np.random.default_rng(0)
n = 2000
X = pd.DataFrame(
    {
        "plan": rng.choice(["prepaid", "monthly", "yearly"], n, p=[0.3, 0.5, 0.2]),
        "months": rng.integers(1, 60, n),
        "calls": rng.poisson(2.0, n),
        "bill": rng.lognormal(3.0, 0.5, n).round(2),
    }
)
risk = -4.5 + 1.5 * (X["plan"] == "prepaid") - 0.05 * X["months"] + 0.8 * X["calls"]
y = pd.Series(np.where(rng.random(n) < 1 / (1 + np.exp(-risk)), "yes", "no"), name="left")
X_train, X_test, y_train, y_test = train_test_split(X, y, stratify=y, random_state=0)
print(y_train.value_counts())

# %%
# The sampler is a step of the model: rows are added in ``fit`` alone, in each fold of a search.
# Without choosing among candidates it is quicker, and somewhat worse. The scorer has to know which
# label is the rare one.
encode = make_column_transformer(
    (OneHotEncoder(), make_column_selector(dtype_exclude="number")), remainder=StandardScaler()
)
sampler = GANSampler(TabularGAN(candidates=1), steps=300, max_time=30, random_state=0)
model = OversampledClassifier(make_pipeline(encode, LogisticRegression()), sampler)
precision = make_scorer(average_precision_score, response_method="predict_proba", pos_label="yes")
search = GridSearchCV(
    model, {"sampler__sampling_strategy": [0.3, 1.0]}, cv=2, scoring=precision
).fit(X_train, y_train)
print(search.best_params_)

# %%
# Does it help? Compare with doing nothing, and with weights, on rows that no one has seen. The risk
# is a line in the columns here, which a logistic regression finds without help.
trees = HistGradientBoostingClassifier(random_state=0)
candidates = {
    "nothing": make_pipeline(encode, LogisticRegression()),
    "class weights": make_pipeline(encode, LogisticRegression(class_weight="balanced")),
    "gansynth": search.best_estimator_,
    "trees, nothing": make_pipeline(encode, trees),
    "trees, gansynth": OversampledClassifier(make_pipeline(encode, trees), sampler),
}
for name, candidate in candidates.items():
    chance = candidate.fit(X_train, y_train).predict_proba(X_test)[:, 1]
    print(f"{name:16} {average_precision_score(y_test == 'yes', chance):.3f}")
