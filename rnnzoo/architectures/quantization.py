"""Models with integer weights: quantized, answering and saved as others."""

import functools
from typing import Any

import keras

from rnnzoo.architectures.distributed import DistributedModel
from rnnzoo.errors import check_choice
from rnnzoo.layers.keras_internals import can_quantize, list_layers, set_untracked

MODES = ("int8", "int4")


class QuantizableModel(DistributedModel):
    """A model whose dense layers and embeddings can be quantized.

    Attributes:
        quantized: Mode and configuration of `quantize`; `None` before.
    """

    quantized: dict[str, Any] | None = None

    def quantize(self, mode: Any = None, config: Any = None) -> None:
        """Makes the weights of embeddings and dense layers integers, for answers.

        Recurrent layers, which Keras does not quantize, stay as they are. The model
        answers, is saved and loaded as before; its integers cannot be trained.

        Args:
            mode: `"int8"`, or `"int4"`.
            config: A `keras.quantizers.QuantizationConfig` instead of a mode.

        Raises:
            ValueError: If the mode is another, or the model is quantized already.

        Example:
            >>> from rnnzoo import sorter
            >>> model = sorter()
            >>> model.quantize("int8")
            >>> model.sort([31, 4, 15, 9, 26])
            [4, 9, 15, 26, 31]
        """
        mode = mode if config is None else config.mode
        check_choice("mode", mode, MODES)
        if self.quantized:
            raise ValueError(
                "A model can be quantized once: load or build it again for another "
                f"mode. Received: mode={mode!r}, after {self.quantized['mode']!r}"
            )
        compiled = self.get_compile_config()
        for layer in list_layers(self):
            if can_quantize(layer):
                layer.quantize(mode, config=config)
        config = keras.saving.serialize_keras_object(config)
        set_untracked(self, "quantized", {"mode": mode, "config": config})
        # What was compiled has the old weights.
        self.train_function = self.test_function = self.predict_function = None
        for kind in type(self).mro():
            for name, value in vars(kind).items():
                if isinstance(value, functools.cached_property):
                    self.__dict__.pop(name, None)
        if compiled:
            self.compile_from_config(compiled)

    def refuse_quantized(self, wish: str) -> None:
        """Raises `ValueError` for what needs weights that are no integers."""
        if self.quantized:
            raise ValueError(
                f"{wish} needs weights that are not quantized: do it before. "
                f"Received: a model quantized to {self.quantized['mode']}"
            )
