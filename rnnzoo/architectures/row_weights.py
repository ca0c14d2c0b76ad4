"""Weights of rows, steps and classes, in the shapes that losses need."""

from numbers import Integral
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from rnnzoo.errors import check_number, closest, shorten


def reshape_weights(model: Any, weights: Any, x: Any, y: Any = None) -> Any:
    """Returns weights as `[rows]`, or `[rows, 1]` and `[rows, steps]` for steps.

    Tensors remain tensors, and all else is an array.

    Args:
        model: The model; whether its outputs have steps decides.
        weights: A list, array or tensor of a weight per row or step; `None` for none.
        x: The encoded inputs, for their number of rows.
        y: The encoded targets, for their number of steps.
    """
    if weights is None:
        return None
    has_steps = len(model.output_shape) == 3
    if not isinstance(weights, tf.Tensor):
        try:
            weights = np.asarray(weights, keras.config.floatx())
        except (TypeError, ValueError) as error:
            _refuse(has_steps, shorten(weights), error)
    elif weights.dtype != keras.config.floatx():
        weights = tf.cast(weights, keras.config.floatx())
    shape, rank = weights.shape, tf.TensorShape(weights.shape).rank
    if rank is None:
        return weights
    if rank == 1:
        weights = weights[:, None] if has_steps else weights
    elif rank == 3 and has_steps and shape[2] == 1:
        weights = weights[..., 0]
    elif rank == 2 and not has_steps and shape[1] == 1:
        weights = weights[:, 0]
    elif not (rank == 2 and has_steps):
        _refuse(has_steps, f"weights of shape {tuple(shape)}")
    rows = keras.tree.flatten(x)[0].shape[0]
    target = tf.TensorShape(None if y is None else y.shape)
    steps = target[1] if has_steps and (target.rank or 0) > 1 else None
    wrong = None not in (rows, shape[0]) and rows != shape[0]
    if has_steps and None not in (steps, weights.shape[1]):
        wrong |= weights.shape[1] not in (1, steps)
    if wrong:
        _refuse(
            has_steps,
            f"weights of shape {tuple(shape)} for {rows} rows"
            + (f" of {steps} steps" if has_steps else ""),
        )
    return weights


def _refuse(has_steps: bool, received: str, cause: Any = None) -> None:
    each = "each row, or for each step of each row" if has_steps else "each row"
    raise ValueError(
        f"sample_weight must be a list or array of a number for {each}. Received: "
        f"{received}"
    ) from cause


class ClassWeights:
    """Weights of the classes of a model's targets, times other weights.

    Args:
        model: The model. Of one without classes, targets must be 0 or 1.
        class_weight: A dict from names or numbers of classes to weights; 1 for others.
        validation_split: Fraction of the rows, the last ones, that are not weighed.

    Example:
        >>> from rnnzoo import text_classifier
        >>> from rnnzoo.architectures.row_weights import ClassWeights
        >>> model = text_classifier(tokens="bytes", classes=["no", "yes"], units=4)
        >>> ClassWeights(model, {"yes": 3}).table.tolist()
        [1.0, 3.0]
        >>> ClassWeights(model, {"yse": 3})
        Traceback (most recent call last):
        ValueError: class_weight must be a dict from names or numbers of classes to
        weights; the classes are 'no', 'yes'. Did you mean 'yes'? Received: 'yse'
    """

    def __init__(self, model: Any, class_weight: Any, validation_split: float = 0.0):
        self.validation_split = validation_split
        self.has_classes = model.has_classes
        self.outputs = len(model.output_shape)
        count = model.output_shape[-1] if self.has_classes else 2
        names = getattr(model, "classes", None) or []
        expected = (
            "class_weight must be a dict from names or numbers of classes to weights; "
            + (
                f"the classes are {shorten(names, limit=400)[1:-1]}"
                if names
                else f"the classes are numbered from 0 to {count - 1}"
            )
        )
        if not isinstance(class_weight, dict):
            raise TypeError(f"{expected}. Received: {shorten(class_weight)}")
        if not self.has_classes and model.output_shape[-1] != 1:
            raise ValueError(
                "class_weight is for models with classes: leave it out, or weigh rows "
                f"with sample_weight. Received: class_weight={shorten(class_weight)}"
            )
        places = {name: place for place, name in enumerate(names)}
        are_names = any(str(key) in places for key in class_weight)
        self.table = np.ones(count, keras.config.floatx())
        for key, weight in class_weight.items():
            place: Any = places.get(str(key)) if are_names else key
            is_number = isinstance(place, Integral) and not isinstance(place, bool)
            if not is_number or not 0 <= int(place) < count:
                hint = closest(str(key), names)
                raise ValueError(f"{expected}.{hint} Received: {shorten(key)}")
            check_number(f"The class_weight of {shorten(key)}", weight, minimum=0)
            self.table[int(place)] = weight

    def __call__(self, y: Any, weights: Any = None) -> Any:
        """Returns the weights of encoded targets; an array for an array."""
        is_array = not isinstance(y, tf.Tensor)
        y = tf.convert_to_tensor(y)
        if len(y.shape) == self.outputs:
            one_hot = y.shape[-1] != 1
            y = tf.argmax(y, axis=-1) if one_hot else tf.squeeze(y, axis=-1)
        if is_array and not self.has_classes and not np.isin(y, (0, 1)).all():
            raise ValueError(
                "class_weight is for targets that are classes, here 0 or 1: leave it "
                f"out, or weigh rows with sample_weight. Received: {shorten(y.numpy())}"
            )
        found = tf.gather(self.table, tf.cast(y, tf.int32))
        if is_array:
            found = found.numpy()
            found[int(len(found) * (1 - self.validation_split)) :] = 1
        return found if weights is None else found * weights
