"""A function to study: the cross-validated accuracy of a support vector machine on handwritten digits, a data set of scikit-learn."""

from sklearn.datasets import load_digits
from sklearn.model_selection import StratifiedKFold, cross_val_score, train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC


def accuracy(params: dict, seed: int) -> dict[str, float]:
    """Mean accuracy of 3 folds of digits drawn by the seed. `params` holds the constants and the hyperparameters of the point."""
    hyperparameters = dict(params)
    images = hyperparameters.pop("images")
    x, _, y, _ = train_test_split(*load_digits(return_X_y=True), train_size=images, random_state=seed)
    pipeline = make_pipeline(StandardScaler(), SVC(**hyperparameters, max_iter=20_000))
    folds = StratifiedKFold(3, shuffle=True, random_state=seed)
    return {"accuracy": float(cross_val_score(pipeline, x, y, cv=folds).mean())}
