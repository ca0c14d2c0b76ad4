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

// What each character is, rule after rule, as rnnzoo.tokens.spelled has it: the start of
// a contraction's second part, white space, digits, letters, marks, and what joins.
const SPLIT = "\ue000";
const END = "(?![A-Za-z0-9_])"; // RE2's \b, which knows letters of ASCII only
const LONG_S = "\u017f(?=[A-Za-z0-9_])";
const KIND_RULES = [
  [/\ue000/gu, "."],
  [new RegExp(`([\\p{L}\\p{M}])[nN]['’][tT]${END}`, "gu"), `$1${SPLIT}aa`],
  [
    new RegExp(
      `([\\p{L}\\p{M}])['’]((?:[sSdDmM]|[rRvV][eE]|[lL]{2})${END}|${LONG_S})`,
      "gu",
    ),
    `$1${SPLIT}$2`,
  ],
  [/’/gu, "'"],
  [/[\p{Z}\t-\r\x1c-\x1f\x85]/gu, " "],
  [/\p{N}/gu, "0"],
  [/\p{L}/gu, "a"],
  [/[\p{M}\u{1f3fb}-\u{1f3ff}]/gu, "m"],
  [/\u200d/gu, "j"],
];

/** Words as they are written, each with its lower case and its characters. */
export class SpelledWords {
  constructor({ vocabulary, characters, lowered, start, word_length: length }) {
    const number = (symbols) => new Map(symbols.map((one, index) => [one, index + 2]));
    this.words = number(vocabulary);
    const known = [...vocabulary, ...lowered].map(SpelledWords.fold);
    this.lowered = number([...new Set(known)]);
    this.characters = number(characters);
    this.startId = start ? vocabulary.length + 2 : 0;
    this.length = length;
  }

  /** Returns a word in lower case, with 0 for all digits. */
  static fold(word) {
    return word.replaceAll("\0", " ").toLowerCase().replace(/\p{N}/gu, "0");
  }

  /** Returns the words of a text, and where each starts and ends in code units. */
  static split(text) {
    const symbols = [...wellFormed(text)];
    let kinds = symbols.join("");
    for (const [pattern, replacement] of KIND_RULES) {
      kinds = kinds.replace(pattern, replacement);
    }
    kinds = [...kinds];
    const at = (place) => kinds[place] ?? " ";
    const among = (place, known) => known.includes(at(place));
    const parts = `a0m${SPLIT}`;
    const isInner = (place) =>
      (among(place - 1, parts) && among(place, ".@_'") && among(place + 1, "a0m")) ||
      (among(place - 1, "0") && among(place, ",:/") && among(place + 1, "0"));
    const words = [];
    let unit = 0;
    symbols.forEach((symbol, place) => {
      const start = unit;
      unit += symbol.length;
      if (at(place) === " ") return;
      const isJoined =
        (among(place - 1, parts) && among(place, "a0")) ||
        among(place, "mj") ||
        among(place - 1, "j") ||
        isInner(place) ||
        (place && isInner(place - 1) && among(place, parts)) ||
        (symbols[place - 1] === symbol && !among(place, parts));
      if (isJoined && at(place - 1) !== " ") {
        const last = words[words.length - 1];
        last.word += symbol;
        last.end = unit;
      } else {
        words.push({ word: symbol, start, end: unit });
      }
    });
    return words;
  }

  /** Returns the words of a text, and the numbers of all steps, one after the other. */
  encode(text) {
    const words = SpelledWords.split(text);
    const head = this.length - Math.floor(this.length / 2);
    const rows = words.map(({ word }) => {
      const symbols = [...word];
      const cut = Math.max(0, symbols.length - this.length);
      const read = cut ? [...symbols.slice(0, head), ...symbols.slice(head + cut)] : symbols;
      const spelt = read.map((one) => this.characters.get(one) ?? UNKNOWN);
      return [
        this.words.get(word) ?? UNKNOWN,
        this.lowered.get(SpelledWords.fold(word)) ?? UNKNOWN,
        ...spelt,
        ...new Array(this.length - spelt.length).fill(0),
      ];
    });
    const rest = new Array(this.length).fill(0);
    if (this.startId) rows.unshift([this.startId, 0, ...rest]);
    else if (!rows.length) rows.push([UNKNOWN, UNKNOWN, ...rest]);
    return { words, ids: Int32Array.from(rows.flat()), steps: rows.length };
  }
}
