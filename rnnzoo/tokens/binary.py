"""Natural numbers as columns of binary digits."""

import itertools
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from rnnzoo.errors import check_number
from rnnzoo.tokens import checks
from rnnzoo.tokens.checks import check_in_graph, find_integer_problems, is_row
from rnnzoo.tokens.numbers import flatten_integers


@keras.saving.register_keras_serializable("rnnzoo")
class BinaryColumns(keras.layers.Layer):
    """Encodes rows of natural numbers as bits, the least significant bits first.

    Inputs of the call: strings `[batch]` of `numbers` decimal numbers each, separated
    by spaces, commas or plus signs; others raise `InvalidArgumentError`.

    Outputs of the call: bits `[batch, time, numbers]`, float32, with as many steps as
    the largest number has binary digits, and `extra_steps` more.

    Args:
        numbers: Number of numbers in a row.
        extra_steps: Number of steps after the last bit of the largest number.

    Example:
        >>> import tensorflow as tf
        >>> from rnnzoo.tokens import BinaryColumns
        >>> columns = BinaryColumns(numbers=2, extra_steps=1)
        >>> columns.encode([(5, 3)])[0].tolist()
        [[1.0, 1.0], [0.0, 1.0], [1.0, 0.0], [0.0, 0.0]]
        >>> columns(tf.constant(["5 + 3"])).shape
        TensorShape([1, 4, 2])
        >>> bits = [[False, True, False, True]]
        >>> columns.decode(bits), columns.format(bits).numpy().tolist()
        ([10], [b'10'])
    """

    def __init__(self, numbers: int, extra_steps: int = 0, **layer_options: Any):
        super().__init__(dtype="float32", **layer_options)
        check_number("numbers", numbers, minimum=1, whole=True)
        check_number("extra_steps", extra_steps, minimum=0, whole=True)
        self.numbers = numbers
        self.extra_steps = extra_steps

    def call(self, inputs: Any) -> tf.Tensor:
        """Returns the bits of strings; shapes as in the class."""
        inputs = tf.convert_to_tensor(inputs, tf.string)
        words = tf.strings.split(tf.strings.regex_replace(inputs, r"[\s,+]+", " "))
        message = f"A row must be {self.numbers} natural numbers."
        is_natural = tf.strings.regex_full_match(words.values, "[0-9]+")
        flat = check_in_graph(words.values, is_natural, message)
        has_all = tf.equal(words.row_lengths(), self.numbers)
        digits = tf.strings.bytes_split(check_in_graph(flat, has_all, message))
        digits = tf.ragged.map_flat_values(tf.strings.to_number, digits, tf.int32)
        digits = tf.pad(digits[:, ::-1].to_tensor(0), [[0, 0], [0, 1]])
        # A decimal digit is less than 3.33 bits.
        steps = tf.shape(digits)[1] * 10 // 3 + 1
        bits = tf.TensorArray(tf.int32, steps)

        def halve(step: tf.Tensor, digits: tf.Tensor, bits: Any) -> tuple:
            odd = digits % 2
            # Half of the digit, plus five if the next higher digit is odd.
            carry = tf.pad(odd[:, 1:], [[0, 0], [0, 1]])
            return step + 1, digits // 2 + 5 * carry, bits.write(step, odd[:, 0])

        _, _, bits = tf.while_loop(
            lambda step, *_: step < steps, halve, (0, digits, bits)
        )
        bits = tf.reshape(bits.stack(), [steps, -1, self.numbers])
        used = tf.where(tf.reduce_any(bits > 0, axis=[1, 2]))
        length = tf.reduce_max(tf.concat([[[-1]], tf.cast(used, tf.int32)], axis=0)) + 1
        bits = tf.pad(bits[:length], [[0, self.extra_steps], [0, 0], [0, 0]])
        return tf.cast(tf.transpose(bits, [1, 0, 2]), tf.float32)

    def format(self, bits: tf.Tensor) -> tf.Tensor:
        """Formats bits `[batch, time]`, least significant first, as decimal strings."""
        bits = tf.transpose(tf.cast(bits, tf.int32))
        steps, batch = tf.shape(bits)[0], tf.shape(bits)[1]
        # A bit is less than 0.302 decimal digits.
        digits = tf.zeros([batch, steps * 302 // 1000 + 1], tf.int32)

        def double(step: tf.Tensor, digits: tf.Tensor) -> tuple:
            # A digit of five or more carries one; the lowest digit gets the bit.
            bit = bits[steps - 1 - step][:, None]
            carry = tf.concat([bit, digits[:, :-1] // 5], axis=1)
            return step + 1, digits * 2 % 10 + carry

        _, digits = tf.while_loop(lambda step, _: step < steps, double, (0, digits))
        text = tf.strings.reduce_join(tf.strings.as_string(digits[:, ::-1]), axis=1)
        return tf.strings.regex_replace(text, "^0+([0-9])", r"\1")

    def check(self, rows: Sequence, name: str = "numbers") -> list[tuple[int, ...]]:
        """Returns rows of natural numbers as tuples of Python integers.

        Raises `TypeError` or `ValueError`, which name every bad row.
        """
        numbers = flatten_integers(rows)
        are_natural = numbers is not None and min(numbers, default=0) >= 0
        if are_natural and set(map(len, rows)) <= {self.numbers}:
            return [tuple(row) for row in rows]
        expected = f"{name} must be natural numbers, {self.numbers} in a row."
        checks.refuse_rows(rows, expected, self._find_problems)
        return [tuple(int(value) for value in row) for row in rows]

    def _find_problems(self, row: Any) -> list[checks.Problem]:
        if is_row(row) and len(row) != self.numbers:
            return [(ValueError, f"{len(row)} numbers")]
        return find_integer_problems(row, lambda n: "is negative" if n < 0 else None)

    def encode(self, rows: Sequence, name: str = "numbers") -> np.ndarray:
        """Converts rows that pass `check` to bits `[rows, time, numbers]`, float32."""
        rows = self.check(rows, name)
        numbers = list(itertools.chain.from_iterable(rows))
        steps = max(numbers, default=0).bit_length() + self.extra_steps
        bits = to_bits(numbers, steps).reshape(len(rows), self.numbers, steps)
        return bits.transpose(0, 2, 1).astype("float32")

    def decode(self, bits: Any) -> list[int]:
        """Converts bits `[rows, time]`, least significant first, to integers."""
        packed = np.packbits(np.asarray(bits, bool), axis=1, bitorder="little")
        return [int.from_bytes(row.tobytes(), "little") for row in packed]

    def get_config(self) -> dict:
        """Returns the constructor's arguments."""
        return {"numbers": self.numbers, "extra_steps": self.extra_steps}


def to_bits(numbers: Sequence[int], length: int) -> np.ndarray:
    """Converts natural numbers to bits `[numbers, length]`, least significant first.

    Example:
        >>> from rnnzoo.tokens import to_bits
        >>> to_bits([6, 1], 4).tolist()
        [[0, 1, 1, 0], [1, 0, 0, 0]]
    """
    size = (length + 7) // 8
    content = b"".join([number.to_bytes(size, "little") for number in numbers])
    packed = np.frombuffer(content, "uint8").reshape(len(numbers), size)
    return np.unpackbits(packed, axis=1, bitorder="little")[:, :length]


def from_decimal(text: str) -> int:
    """Parses a natural number of any length; `int` stops at 4,300 digits."""
    if len(text) <= 4000:
        return int(text)
    low = len(text) // 2
    return from_decimal(text[:-low]) * 10**low + from_decimal(text[-low:])


def to_decimal(number: int) -> str:
    """Formats a natural number of any length; `str` stops at 4,300 digits.

    Example:
        >>> from rnnzoo.tokens import from_decimal, to_decimal
        >>> to_decimal(from_decimal("9" * 5000) + 1).count("0")
        5000
    """
    digits = number.bit_length() * 3 // 10
    if digits <= 4000:
        return str(number)
    high, low = divmod(number, 10 ** (digits // 2))
    return to_decimal(high) + to_decimal(low).zfill(digits // 2)
