# TensorFlow has no types of its own, and the stubs that pyright comes with lack much of
# it (RaggedTensor.from_row_lengths, the operators of tensors): here all is Any.
from typing import Any

def __getattr__(name: str) -> Any: ...
