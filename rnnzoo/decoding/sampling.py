"""Which token comes next: sampling that does not depend on a row's neighbours."""

from collections.abc import Callable
from typing import Any

import numpy as np
import tensorflow as tf

from rnnzoo.tokens.checks import to_utf8
from rnnzoo.tokens.graphs import compile_for_python

# Tokens that are compared first when the best of many are looked for.
BLOCK = 64
# Added to logits of tokens that must not be written, whose probability is then 0; and
# the score of a hypothesis with such a token. Finite, for `enable_check_numerics`.
FORBIDDEN, NO_TEXT = -1e18, float(np.finfo("float32").min)


def make_keys(prompts: Any, seed: Any) -> tf.Tensor:
    """Returns the keys of the random numbers of each text, uint64 `[prompts]`.

    A key is made from the seed, the prompt, and how often the prompt has come before in
    the batch: equal prompts give several texts, and the first is that of one alone.

    Args:
        prompts: A list of strings; or a tensor, as in a graph.
        seed: An integer, or a scalar tensor.

    Example:
        >>> from rnnzoo.decoding import make_keys
        >>> first, other, again = make_keys(["a", "b", "a"], seed=1)
        >>> bool(first == make_keys(["a"], seed=1)[0]), bool(first == again)
        (True, False)
    """
    if not tf.is_tensor(prompts):
        prompts = tf.constant([to_utf8(prompt) for prompt in prompts], tf.string)
    seed = tf.strings.as_string(seed) if tf.is_tensor(seed) else tf.constant(str(seed))
    return _hash_prompts(prompts, seed)


def _make_keys(prompts: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
    # Of equal prompts, which come together when sorted: how many are before each.
    _, group, counts = tf.unique_with_counts(prompts)
    order = tf.argsort(group, stable=True)
    first = tf.gather(tf.cumsum(counts, exclusive=True), tf.gather(group, order))
    earlier = tf.range(tf.size(prompts)) - first
    earlier = tf.gather(earlier, tf.argsort(order))
    texts = [seed, ":", tf.strings.as_string(earlier), ":", prompts]
    # This hash is the same on every machine, and will never change.
    buckets = tf.strings.to_hash_bucket_fast(tf.strings.join(texts), 2**63 - 1)
    return tf.cast(buckets, tf.uint64)


_hash_prompts = compile_for_python(
    _make_keys, tf.TensorSpec((None,), tf.string), tf.TensorSpec((), tf.string)
)


def fold_constants(options: dict) -> dict:
    """Replaces constant tensors by their values, which loops do not recognise."""

    def fold(tensor: Any) -> Any:
        value = tf.get_static_value(tensor)
        return tensor if value is None else value

    return {name: fold(tensor) for name, tensor in options.items()}


def choose_branch(condition: Any, then: Callable, otherwise: Callable) -> Any:
    """Chooses as `tf.cond`; if the choice is a constant, the graph has one branch."""
    known = tf.get_static_value(condition)
    if known is None:
        return tf.cond(condition, then, otherwise)
    return then() if known else otherwise()


def top_tokens(logits: tf.Tensor, count: tf.Tensor) -> tuple:
    """Returns the best logits of each row and their tokens `[rows, count]`, best first.

    `tf.math.top_k` of whole rows takes several times as long: the best tokens are in
    those blocks whose best ones are the best. Of equal logits, any may come first.
    """
    size = logits.shape[-1]
    blocks = -(-size // BLOCK)
    padding = [[0, 0], [0, blocks * BLOCK - size]]
    padded = tf.pad(logits, padding, constant_values=NO_TEXT)
    parts = tf.reshape(padded, (-1, blocks, BLOCK))
    _, block = tf.math.top_k(tf.reduce_max(parts, 2), k=tf.minimum(count, blocks))
    parts = tf.reshape(tf.gather(parts, block, batch_dims=1), (tf.shape(logits)[0], -1))
    best, place = tf.math.top_k(parts, k=count)
    block = tf.gather(block, place // BLOCK, batch_dims=1)
    # Padding is among the best only if nothing else is; it has the last token's name.
    return best, tf.minimum(block * BLOCK + place % BLOCK, size - 1)


def keep_ended(ended: tf.Tensor, before: Any, after: Any) -> Any:
    """Returns what comes after a step, except for texts that had ended before it."""

    def keep(old: tf.Tensor, new: tf.Tensor) -> tf.Tensor:
        if old is new:
            return new
        shape = tf.concat([tf.shape(ended), tf.ones_like(tf.shape(new)[1:])], 0)
        return tf.where(tf.reshape(ended, shape), old, new)

    return tf.nest.map_structure(keep, before, after)


def sample_tokens(
    logits: tf.Tensor, uniform: tf.Tensor, options: dict, allowed: int | None = None
) -> tf.Tensor:
    """Samples a token `[batch]` for logits and numbers from 0 to 1.

    With as large a `top_k` as there are tokens, of which `allowed` are ever written,
    nothing is cut off, and the tokens are those without it.
    """
    top_k, top_p, scale = (options[n] for n in ("top_k", "top_p", "temperature"))
    size = logits.shape[-1]

    def most_likely() -> tf.Tensor:
        return tf.argmax(logits, axis=-1, output_type=tf.int32)

    def any_of(logits: tf.Tensor) -> tf.Tensor:
        shares = tf.cumsum(tf.nn.softmax(logits), axis=-1)
        limit = uniform[:, None] * shares[:, -1:]
        return tf.reduce_sum(tf.cast(shares <= limit, tf.int32), axis=-1)

    def scaled() -> tf.Tensor:
        highest = tf.reduce_max(logits, axis=-1, keepdims=True)
        return (logits - highest) / scale

    def any_of_the_best() -> tf.Tensor:
        count = tf.where(top_k > 0, tf.minimum(top_k, size), size)
        best, tokens = tf.math.top_k(scaled(), k=count)
        before = tf.cumsum(tf.nn.softmax(best), axis=-1, exclusive=True)
        # The most likely one stays, even with top_p=0.
        is_kept = (before < top_p) | (tf.range(count)[None] == 0)
        chosen = any_of(tf.where(is_kept, best, FORBIDDEN))
        return tf.gather(tokens, chosen, batch_dims=1)

    is_cut = ((top_k > 0) & (top_k < (allowed or size))) | (top_p < 1.0)
    return choose_branch(
        tf.equal(scale, 0.0),
        most_likely,
        lambda: choose_branch(is_cut, any_of_the_best, lambda: any_of(scaled())),
    )


def uniform_numbers(keys: tf.Tensor, step: tf.Tensor) -> tf.Tensor:
    """Returns a number from 0 to 1 for each key and step: SplitMix64 of both.

    Those of a row do not depend on the other rows, and are the same on every device.
    """

    def shifted(x: tf.Tensor, bits: int) -> tf.Tensor:
        return tf.bitwise.right_shift(x, tf.constant(bits, tf.uint64))

    def constant(value: int) -> tf.Tensor:
        return tf.constant(np.uint64(value))

    x = keys + (step + 1) * constant(0x9E3779B97F4A7C15)
    x = tf.bitwise.bitwise_xor(x, shifted(x, 30)) * constant(0xBF58476D1CE4E5B9)
    x = tf.bitwise.bitwise_xor(x, shifted(x, 27)) * constant(0x94D049BB133111EB)
    x = tf.bitwise.bitwise_xor(x, shifted(x, 31))
    # 23 bits, so that the product with a sum of shares is less than that sum.
    return tf.cast(tf.cast(shifted(x, 41), tf.int64), tf.float32) * 2.0**-23
