"""Serves the SavedModel of this folder with MLServer; it needs TensorFlow, not rnnzoo.

    pip install mlserver tensorflow
    pip install tensorflow-text  # if the model reads subwords
    mlserver start .

The parameter `signature` of a request names another signature than the default.
"""

import asyncio
import contextlib
import pathlib

import mlserver
import numpy as np
import tensorflow as tf
from mlserver.codecs import NumpyCodec, StringCodec
from mlserver.errors import InferenceError
from mlserver.types import InferenceRequest, InferenceResponse, RequestInput

with contextlib.suppress(ImportError):
    import tensorflow_text  # noqa: F401 (operations for subwords)


class SavedModel(mlserver.MLModel):
    """Calls the signatures of the SavedModel that lies beside this file."""

    async def load(self) -> bool:
        """Loads the model; MLServer calls it once."""
        self.loaded = tf.saved_model.load(str(pathlib.Path(__file__).parent))
        return True

    async def predict(self, payload: InferenceRequest) -> InferenceResponse:
        """Answers a request of the Open Inference Protocol.

        Raises:
            InferenceError: If the inputs are not those of the signature, or are refused
                by the model: the status is 400.
        """
        name = getattr(payload.parameters, "signature", None) or "serving_default"
        if name not in self.loaded.signatures:
            known = ", ".join(self.loaded.signatures)
            raise InferenceError(
                f"signature must be one of {known}. Received: signature={name!r}"
            )
        function = self.loaded.signatures[name]
        specs = function.structured_input_signature[1]
        given = {one.name: one for one in payload.inputs}
        if set(given) != set(specs):
            raise InferenceError(
                f"inputs must be {', '.join(specs)}. Received: {', '.join(given)}"
            )
        try:
            tensors = {key: _tensor(given[key], spec) for key, spec in specs.items()}
            # In a thread, so that others are answered meanwhile.
            outputs = await asyncio.to_thread(function, **tensors)
        except (tf.errors.OpError, TypeError, ValueError) as error:
            raise InferenceError(str(error)) from error
        return InferenceResponse(
            model_name=self.name,
            outputs=[_output(key, outputs[key].numpy()) for key in sorted(outputs)],
        )


def _tensor(given: RequestInput, spec: tf.TensorSpec) -> tf.Tensor:
    """Returns an input as the tensor that a signature takes."""
    if spec.dtype == tf.string:
        values = np.array(StringCodec.decode_input(given), object)
    else:
        values = np.asarray(NumpyCodec.decode_input(given))
    shape = [] if spec.shape.rank == 0 else given.shape
    return tf.constant(values.reshape(shape), spec.dtype)


def _output(name: str, value: np.ndarray) -> mlserver.types.ResponseOutput:
    """Returns an output as MLServer takes it."""
    if value.dtype != object:
        return NumpyCodec.encode_output(name, value)
    texts = [text.decode("utf-8", "replace") for text in value.ravel()]
    output = StringCodec.encode_output(name, texts, use_bytes=False)
    output.shape = list(value.shape)
    return output
