"""Every public name and the module that defines it; nothing is imported here."""

MODULES = {
    # Models of the zoo
    "sorter": "rnnzoo.models.sorting",
    "real_sorter": "rnnzoo.models.real_sorting",
    "text_classifier": "rnnzoo.models.text_classification",
    "sentiment_classifier": "rnnzoo.models.text_classification",
    "language_model": "rnnzoo.models.language",
    "translator": "rnnzoo.models.translation",
    "adder": "rnnzoo.models.addition",
    "tagger": "rnnzoo.models.tagging",
    "parity": "rnnzoo.models.parity",
    "series_classifier": "rnnzoo.models.series_classification",
    "forecaster": "rnnzoo.models.forecasting",
    "surname_classifier": "rnnzoo.models.surnames",
    "pattern_generator": "rnnzoo.models.patterns",
    "memorizer": "rnnzoo.models.memorization",
    "executor": "rnnzoo.models.execution",
    # Models whose weights are set by hand
    "accumulator": "rnnzoo.lecture.by_hand",
    "comparer": "rnnzoo.lecture.by_hand",
    "parity_by_hand": "rnnzoo.lecture.by_hand",
    # Architectures for any task
    "many_to_one": "rnnzoo.factories",
    "many_to_many": "rnnzoo.factories",
    "many_to_one_to_many": "rnnzoo.factories",
    # Models without the memory of a recurrent network, to compare with
    "autoregressive": "rnnzoo.lecture.memoryless",
    "feed_forward": "rnnzoo.lecture.memoryless",
    "neural_ngram": "rnnzoo.lecture.memoryless",
    "hidden_markov": "rnnzoo.lecture.hidden_markov",
    # What there is
    "list_models": "rnnzoo.listing",
    "list_weights": "rnnzoo.listing",
    "list_recipes": "rnnzoo.listing",
    "describe": "rnnzoo.describing",
    # Files and training
    "load": "rnnzoo.weights",
    "train": "rnnzoo.training.runs",
    "Recipe": "rnnzoo.training.recipe",
    "export": "rnnzoo.exporting.export",
}
