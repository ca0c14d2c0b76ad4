"""Copies of a model for other classes or words, and weights that fit them."""

from collections.abc import Callable
from typing import Any

from rnnzoo import weights as weight_files
from rnnzoo.mixin import Mixin


class Adaptable(Mixin):
    """Mixed into models whose weights serve other classes and vocabularies too.

    `weight_adapter(config, changes)` of the model returns a function of a layer's name,
    old and new weights, which returns those that the layer gets.
    """

    def copy_with(self, adapt: Callable, **changes: Any) -> Any:
        """Returns a copy with other arguments, and weights as `adapt` has them."""
        self.refuse_quantized("A model for other classes or words")
        new = self.from_config({**self.get_config(), **changes})
        new.card = {"body": self.card.get("name") or self.card}
        known = {layer.name: layer.get_weights() for layer in self.layers}
        for layer in new.layers:
            if layer.name in known:  # others stay untrained
                pairs = zip(known[layer.name], layer.get_weights(), strict=True)
                layer.set_weights([adapt(layer.name, old, own) for old, own in pairs])
        return new

    @classmethod
    def from_file(cls, path: Any, config: dict, changes: dict) -> Any:
        """Builds a model of `config` and `changes`, and loads what fits of a file."""
        if "quantized" in weight_files.read_config(path):
            raise ValueError(
                f"Other {' and '.join(changes)} need weights that are not quantized: "
                f"give the file of before quantize(). Received: weights={str(path)!r}"
            )
        adapt = cls.weight_adapter(config, changes)
        model = cls(**{**config, **changes})
        weight_files.copy_weights(path, model, adapt)
        return model
