// Raw text to tokens, as rnnzoo.tokens does it; `tests/test_demo.py` compares the two.

// What stands between numbers: what Python's str.split splits at, and marks.
const GAPS = /[\t-\r\x1c-\x20\x85\p{Z},;()[\]]+/u;

// What words are made of, rule after rule. The categories are spelled out, since to
// JavaScript \p{C} has the characters too that Unicode has not assigned yet.
const WORD_RULES = [
  [/[\p{Cc}\p{Cf}\p{Co}\p{Cs}\p{Z}]/gu, " "],
  [/’/gu, "'"],
  [/<\s*\/?\s*(?:br|p|i|b|em|u|strong|hr|div|span|ul|li)\s*\/?\s*>/giu, " "],
  [/([^ \p{L}\p{M}\p{N}'])/gu, " $1 "],
  [/''/gu, " ' ' "],
  [/(^|[^\p{L}\p{M}\p{N}])'/gu, "$1 ' "],
  [/'($|[^\p{L}\p{M}\p{N}])/gu, " ' $1"],
];

const UNKNOWN = 1;

/** Returns a text that UTF-8 has: halves of surrogate pairs become question marks. */
export function wellFormed(text) {
  return text.replace(/\p{Cs}/gu, "?");
}

/** Whole numbers of a range, where `minimum` has the token 1. */
export class Numbers {
  constructor({ minimum, maximum }) {
    this.minimum = minimum;
    this.maximum = maximum;
  }

  /** Returns the numbers of a text; throws a RangeError that says what is wrong. */
  read(text, maxLength) {
    const words = text.split(GAPS).filter((word) => word);
    const { minimum, maximum } = this;
    for (const word of words) {
      if (!/^[+-]?[0-9]+$/.test(word)) {
        throw new RangeError(`“${word}” is no whole number.`);
      }
      if (Number(word) < minimum || Number(word) > maximum) {
        throw new RangeError(`${word} is not from ${minimum} to ${maximum}.`);
      }
    }
    if (words.length > maxLength) {
      throw new RangeError(
        `There are ${words.length} numbers; at most ${maxLength} can be sorted.`,
      );
    }
    return words.map(Number);
  }

  encode(numbers) {
    return Int32Array.from(numbers, (number) => number - this.minimum + 1);
  }

  decode(tokens) {
    return Array.from(tokens, (token) => token + this.minimum - 1);
  }
}

/** What words and characters have in common: padding is 0, an unknown symbol 1. */
class Vocabulary {
  constructor({ vocabulary }) {
    this.symbols = vocabulary;
    this.ids = new Map(vocabulary.map((symbol, index) => [symbol, index + 2]));
  }

  lookUp(symbols) {
    return Int32Array.from(symbols, (symbol) => this.ids.get(symbol) ?? UNKNOWN);
  }
}

/** Words and punctuation marks; of a long text the first and the last are kept. */
export class Words extends Vocabulary {
  constructor(config) {
    super(config);
    this.maxLength = config.max_length;
  }

  /** Returns all words of a text, known or not. */
  split(text) {
    let words = wellFormed(text);
    for (const [pattern, replacement] of WORD_RULES) {
      words = words.replace(pattern, replacement);
    }
    return words.toLowerCase().split(" ").filter((word) => word);
  }

  /** Returns the words that are read, their tokens, and how many are left out. */
  encode(text) {
    const all = this.split(text);
    const leftOut = Math.max(0, all.length - this.maxLength);
    const half = this.maxLength - Math.floor(this.maxLength / 2);
    const words = leftOut ? [...all.slice(0, half), ...all.slice(half + leftOut)] : all;
    if (!words.length) words.push("[unknown]");
    return { words, ids: this.lookUp(words), leftOut };
  }
}
Words.UNKNOWN = UNKNOWN;

/** Characters, which are Unicode code points, after a start symbol. */
export class Characters extends Vocabulary {
  encode(text) {
    const start = this.symbols.length + 2;
    return Int32Array.of(start, ...this.lookUp([...wellFormed(text)]));
  }

  decode(token) {
    return this.symbols[token - 2] ?? "\ufffd";
  }
}
