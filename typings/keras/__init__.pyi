# Keras has no types of its own. pyright reads its classes out of its source, and so
# knows what models, layers and callbacks have; for operations it would read the results
# of all backends at once (`OpenVINOKerasTensor | None`): here they return Any.
from typing import Any

from keras import callbacks as callbacks
from keras import layers as layers
from keras.src.models.model import Model as Model

def __getattr__(name: str) -> Any: ...
