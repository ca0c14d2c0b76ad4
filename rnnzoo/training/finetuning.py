"""Fine-tuning: which layers of a trained model learn, and how fast.

>>> from rnnzoo import sentiment_classifier
>>> from rnnzoo.training import finetuning
>>> model = sentiment_classifier(classes=["angry", "calm"])  # a fresh head
>>> finetuning.freeze(model, ["reader"])
>>> model.compile_with_defaults(finetuning.layerwise_adam(model, 1e-3))
>>> texts, labels = ["Get out!", "Never mind."], ["angry", "calm"]
>>> history = model.fit(texts, labels, verbose=0)
"""

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from rnnzoo.errors import check_choice, check_number
from rnnzoo.layers.keras_internals import OwnWeightDecay


def layer_groups(model: Any) -> list[str]:
    """Returns the paths of the layers that learn, from the output to the input.

    Example:
        >>> from rnnzoo.training import finetuning
        >>> from rnnzoo import many_to_one
        >>> model = many_to_one(vocabulary_size=9, num_classes=2, num_layers=2)
        >>> finetuning.layer_groups(model)
        ['head', 'recurrence/gru_1', 'recurrence/gru_0', 'reader']
    """
    groups = []
    for layer in model.layers:
        paths = [weight.path for weight in layer.trainable_weights]
        parts = [layer.name]
        if hasattr(layer, "num_layers"):
            parts = dict.fromkeys("/".join(path.split("/")[:2]) for path in paths)
        groups += parts if paths and layer.name != "ngrams" else []
    return groups[::-1]


def freeze(model: Any, layers: Sequence[str]) -> None:
    """Freezes layers, so that training does not change their weights; all others learn.

    The model is recompiled with its optimizer. Raises `ValueError` if there is no such
    layer, or none would learn.

    Args:
        model: A model of the zoo.
        layers: Names of layers, as `layer.name` in `model.layers`; `[]` for none.

    Example:
        >>> from rnnzoo.training import finetuning
        >>> from rnnzoo import many_to_one
        >>> model = many_to_one(vocabulary_size=9, num_classes=2)
        >>> finetuning.freeze(model, ["reader"])
        >>> finetuning.layer_groups(model)
        ['head', 'recurrence/gru_0']
    """
    names = [layer.name for layer in model.layers if layer.weights]
    for name in layers:
        check_choice("layers", name, names)
    if set(layers) == set(names):
        raise ValueError(
            "One layer at least must learn: leave out "
            f"{names[-1]!r}. Received: layers={list(layers)!r}"
        )
    for layer in model.layers:
        layer.trainable = layer.name not in layers
    options = keras.optimizers.serialize(model.optimizer)
    model.compile_with_defaults(keras.optimizers.deserialize(options))


@keras.saving.register_keras_serializable("rnnzoo")
class LayerwiseAdam(OwnWeightDecay, keras.optimizers.Adam):
    """Adam whose learning rate is lower for layers farther from the output.

    With gradual unfreezing (Howard and Ruder, 2018, arXiv:1801.06146).

    Args:
        learning_rate: Learning rate of the first layer; a number or a schedule.
        layers: Paths of layers, from the output to the input; each layer's learning
            rate is that of the one before it divided by `decay`. Weights of other
            layers have the full rate.
        decay: Factor between the rates of two layers; 1 for the same rate everywhere.
        unfreeze_steps: Steps after which one more layer starts to learn; 0 if all learn
            from the first step on.
        **options: Those of `keras.optimizers.Adam`.
    """

    def __init__(
        self,
        learning_rate: Any = 1e-3,
        *,
        layers: Sequence[str] = (),
        decay: float = 2.6,
        unfreeze_steps: int = 0,
        **options: Any,
    ):
        super().__init__(learning_rate, **options)
        check_number("decay", decay, minimum=1)
        check_number("unfreeze_steps", unfreeze_steps, minimum=0, whole=True)
        self.layers, self.decay = list(layers), decay
        self.unfreeze_steps = unfreeze_steps

    def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> None:
        """Updates one variable at its layer's rate; Keras calls it."""
        path = self.find_path(variable)
        inside = [path.startswith(f"{layer}/") for layer in self.layers]
        depth = max((i for i, yes in enumerate(inside) if yes), default=0)
        first = depth * self.unfreeze_steps
        learns = ops.cast(self.iterations >= first, learning_rate.dtype)
        rate = learning_rate * learns / self.decay**depth
        if self.decays(variable):
            self.assign_sub(variable, variable * (rate * self.weight_decay))
        super().update_step(gradient, variable, rate)

    def get_config(self) -> dict:
        """Returns the constructor's arguments."""
        names = ("layers", "decay", "unfreeze_steps")
        return {**super().get_config(), **{name: getattr(self, name) for name in names}}


def layerwise_adam(
    model: Any, learning_rate: Any = 1e-3, **options: Any
) -> LayerwiseAdam:
    """Creates a `LayerwiseAdam` with a model's `layer_groups` as its `layers`.

    Example:
        >>> from rnnzoo.training import finetuning
        >>> from rnnzoo import many_to_one
        >>> model = many_to_one(vocabulary_size=9, num_classes=2)
        >>> optimizer = finetuning.layerwise_adam(model, 1e-3, unfreeze_steps=100)
        >>> model.compile_with_defaults(optimizer)
    """
    return LayerwiseAdam(learning_rate, layers=layer_groups(model), **options)
