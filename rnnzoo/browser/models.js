// The models of the page: raw text in, answers out, by onnxruntime-web.
//
// Each takes its session and the `model.json` of its export, and has `answer`, which
// yields what there is to show, piece by piece.

import { key, uniform } from "./random.js";
import { Characters, Numbers, SpelledWords, Words } from "./tokens.js";

// Tokens that are read at a time, so that a newer question need not wait long.
const READ_AT_ONCE = 2048;

// The largest confidence of an answer that is no permutation of its list.
const NO_PERMUTATION = 0.01;

/** Returns the probabilities of logits. */
function softmax(logits) {
  const highest = Math.max(...logits);
  const shares = Array.from(logits, (logit) => Math.exp(logit - highest));
  const sum = shares.reduce((a, b) => a + b, 0);
  return shares.map((share) => share / sum);
}

/** Returns the place of the largest value, the first of equal ones. */
function argmax(values) {
  return values.reduce((best, value, i) => (value > values[best] ? i : best), 0);
}

class Model {
  constructor(ort, session, config) {
    this.ort = ort;
    this.session = session;
    this.config = config;
  }

  /** Runs the network on token ids of rows of equal length, and other tensors. */
  run(ids, rows, others = {}) {
    const shape = [rows, ids.length / rows];
    const tokens = new this.ort.Tensor("int32", ids, shape);
    return this.session.run({ tokens, ...others });
  }
}

/** Tells whether two lists have the same numbers, in whatever order. */
function haveSame(one, other) {
  const count = (numbers, number) => numbers.filter((x) => x === number).length;
  return one.every((number) => count(one, number) === count(other, number));
}

/** Sorts whole numbers; see rnnzoo.sorter. */
export class Sorter extends Model {
  static file = "tokens.onnx";

  constructor(ort, session, config) {
    super(ort, session, config);
    this.tokens = new Numbers(config.tokens);
  }

  /** Yields numbers, the same sorted, and the probability that all are right. */
  async *answer({ text }) {
    const { max_length: limit, temperature } = this.config.settings;
    const numbers = this.tokens.read(text, limit);
    if (!numbers.length) {
      yield { numbers, sorted: [], confidence: 1 };
      return;
    }
    const { outputs } = await this.run(this.tokens.encode(numbers), 1);
    const classes = outputs.dims[2];
    const chosen = numbers.map((_, step) => {
      // Padding, the first class, is no answer.
      const row = outputs.data.subarray(step * classes + 1, (step + 1) * classes);
      const best = argmax(row);
      const scores = Array.from(row, (score) => score / (temperature ?? 1));
      return { token: best + 1, probability: softmax(scores)[best] };
    });
    const sorted = this.tokens.decode(chosen.map((one) => one.token));
    const whole = chosen.reduce((product, one) => product * one.probability, 1);
    yield {
      numbers,
      sorted,
      confidence: haveSame(numbers, sorted) ? whole : Math.min(whole, NO_PERMUTATION),
    };
  }
}

/** Names the class of a text, and says why; see rnnzoo.sentiment_classifier. */
export class SentimentClassifier extends Model {
  static file = "tokens.onnx";

  constructor(ort, session, config) {
    super(ort, session, config);
    this.tokens = new Words(config.tokens);
    this.classes = config.settings.classes;
  }

  /**
   * Yields the answer, then again and again with more of the words' contributions: what
   * the log-odds lose when the unknown word takes a word's place.
   */
  async *answer({ text }) {
    const { words, ids, leftOut } = this.tokens.encode(text);
    const [logits] = await this.logits(ids, 1);
    const number = argmax(logits);
    const whole = logOdds(logits, number);
    const known = Array.from(ids, (id) => id !== Words.UNKNOWN);
    const contributions = new Array(words.length).fill(0);
    const places = [...known.keys()].filter((place) => known[place]);
    const said = {
      label: this.classes[number],
      probability: softmax(logits)[number],
      words,
      known,
      leftOut,
      count: places.length,
    };
    yield { ...said, contributions, done: 0 };
    const rows = Math.max(1, Math.floor(READ_AT_ONCE / ids.length));
    for (let start = 0; start < places.length; start += rows) {
      const part = places.slice(start, start + rows);
      const variants = new Int32Array(part.length * ids.length);
      part.forEach((place, row) => {
        variants.set(ids, row * ids.length);
        variants[row * ids.length + place] = Words.UNKNOWN;
      });
      const without = await this.logits(variants, part.length);
      part.forEach((place, row) => {
        contributions[place] = whole - logOdds(without[row], number);
      });
      yield { ...said, contributions, done: start + part.length };
    }
  }

  async logits(ids, rows) {
    const { outputs } = await this.run(ids, rows);
    const size = outputs.dims[1];
    return Array.from({ length: rows }, (_, row) =>
      Array.from(outputs.data.subarray(row * size, (row + 1) * size)),
    );
  }
}

/** Returns the log-odds of a class. */
function logOdds(logits, number) {
  const others = logits.filter((_, index) => index !== number);
  const highest = Math.max(...others);
  const sum = others.reduce((a, logit) => a + Math.exp(logit - highest), 0);
  return logits[number] - highest - Math.log(sum);
}

/** Labels the words of a text; see rnnzoo.tagger. */
export class Tagger extends Model {
  static file = "tokens.onnx";

  constructor(ort, session, config) {
    super(ort, session, config);
    this.tokens = new SpelledWords(config.tokens);
    const { tags, intents } = config.settings;
    this.classes = [...tags, ...intents];
  }

  /**
   * Yields the text, its words with their places, tags and probabilities, all tags, and
   * what the text as a whole is, if the model says so.
   */
  async *answer({ text }) {
    const { words, ids, steps } = this.tokens.encode(text);
    const tokens = new this.ort.Tensor("int32", ids, [1, steps, ids.length / steps]);
    const { best, outputs } = await this.session.run({ tokens });
    const all = this.classes.length;
    const said = Array.from({ length: steps }, (_, step) => {
      const number = Number(best.data[step]);
      const probability = Number(outputs.data[step * all + number]);
      return { tag: this.classes[number], probability };
    });
    const intent = this.tokens.startId ? said.shift() : undefined;
    const labels = words.map((word, place) => ({ ...word, ...said[place] }));
    yield { text, words: labels, tags: this.config.settings.tags, intent };
  }
}

/** Goes on with a text; see rnnzoo.language_model. */
export class LanguageModel extends Model {
  static file = "stream.onnx";

  constructor(ort, session, config) {
    super(ort, session, config);
    this.tokens = new Characters(config.tokens);
  }

  /** Yields what comes after a prompt: nothing while it is read, then characters. */
  async *answer({ text, length, temperature, seed }) {
    const ids = this.tokens.encode(text);
    const drawing = key(text, seed);
    let state = this.startState();
    let logits;
    for (let start = 0; start < ids.length; start += 64) {
      [logits, state] = await this.read(ids.slice(start, start + 64), state);
      yield "";
    }
    for (let step = 0; step < length; step += 1) {
      const token = drawn(logits, temperature, uniform(drawing, step));
      yield this.tokens.decode(token);
      [logits, state] = await this.read(Int32Array.of(token), state);
    }
  }

  /** Returns the state before a text: zeros. */
  startState() {
    const { inputs } = this.config.signatures.stream;
    const names = Object.keys(inputs).filter((name) => name !== "tokens");
    const zeros = (shape) => {
      const dims = shape.map((size) => size ?? 1);
      const values = new Float32Array(dims.reduce((a, b) => a * b, 1));
      return new this.ort.Tensor("float32", values, dims);
    };
    return Object.fromEntries(names.map((name) => [name, zeros(inputs[name].shape)]));
  }

  /** Returns the logits after token ids, and the next state. */
  async read(ids, state) {
    const { outputs, ...after } = await this.run(ids, 1, state);
    const next = Object.keys(state).map((name) => [name, after[`next_${name}`]]);
    const logits = outputs.data.slice(-outputs.dims[2]);
    // Neither padding nor the unknown character is ever written.
    logits.fill(-Infinity, 0, 2);
    return [logits, Object.fromEntries(next)];
  }
}

/** Draws a token where the cumulative probabilities pass a number from 0 to 1. */
function drawn(logits, temperature, number) {
  if (temperature === 0) return argmax(logits);
  // In 32 bits, as TensorFlow calculates.
  const highest = Math.max(...logits);
  const scaled = logits.map((logit) => (logit - highest) / Math.fround(temperature));
  const shares = Float32Array.from(softmax(scaled));
  for (let i = 1; i < shares.length; i += 1) shares[i] += shares[i - 1];
  const limit = Math.fround(number * shares[shares.length - 1]);
  return shares.filter((share) => share <= limit).length;
}

/** Every model by the name of its factory, in the order in which they are loaded. */
export const MODELS = {
  sorter: Sorter,
  sentiment_classifier: SentimentClassifier,
  tagger: Tagger,
  language_model: LanguageModel,
};
