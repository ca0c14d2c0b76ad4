# The types of pandas differ between its versions, and have many results of one call
# (`Index | DatetimeIndex`): here all is Any.
from typing import Any

def __getattr__(name: str) -> Any: ...
