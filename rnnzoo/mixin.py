"""The base of classes that are mixed into models and layers."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    # What it is mixed into has the attributes that it uses.
    Mixin = Any
else:
    Mixin = object
