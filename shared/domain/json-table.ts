// JSON's grammar as a table: what each byte means in each state. Nesting and counting are scan-json.ts's.

// States: what may come next. Those of a text's escape and of a word are named after what is still to come.
const [BAD, START, MARK_2, MARK_3, VALUE, FIRST_ITEM, FIRST_KEY, KEY, COLON, AFTER] = [
  0, 1, 2, 3, 4, 5, 6, 7, 8, 9,
];
const [TEXT, ESCAPE, HEX_4, HEX_3, HEX_2, HEX_1] = [10, 11, 12, 13, 14, 15];
const [MINUS, ZERO, DIGITS, POINT, FRACTION, EXPONENT, SIGN, POWER] = [16, 17, 18, 19, 20, 21, 22, 23];
const FIRST_WORD = 24;
export const FIRST_ACTION = 64;
// Actions: what changes more than the state.
const [OPEN_KEY, OPEN_TEXT, CLOSE_TEXT, END_KEY, COMMA] = [64, 65, 66, 67, 68];
const [OPEN_OBJECT, OPEN_LIST, CLOSE_OBJECT, CLOSE_LIST] = [69, 70, 71, 72];

export {
  AFTER,
  BAD,
  CLOSE_OBJECT,
  CLOSE_TEXT,
  COLON,
  COMMA,
  END_KEY,
  FIRST_ITEM,
  FIRST_KEY,
  KEY,
  OPEN_KEY,
  OPEN_LIST,
  OPEN_OBJECT,
  OPEN_TEXT,
  START,
  TEXT,
  VALUE,
};

export const MAY_END: ReadonlySet<number> = new Set([AFTER, ZERO, DIGITS, FRACTION, POWER]);
export const TABLE = tableOf();

/** Of each state and byte: the next state, or an action. */
function tableOf(): Uint8Array {
  const table = new Uint8Array(FIRST_ACTION << 8);
  const on = (state: number, bytes: string, next: number) => {
    for (const byte of bytes) table[(state << 8) | byte.charCodeAt(0)] = next;
  };
  const like = (state: number, other: number) => {
    table.copyWithin(state << 8, other << 8, (other + 1) << 8);
  };
  for (const state of [VALUE, FIRST_KEY, KEY, COLON, AFTER]) on(state, " \t\n\r", state);
  layValues(on);
  like(START, VALUE);
  layMark(table);
  like(FIRST_ITEM, VALUE);
  on(FIRST_ITEM, "]", CLOSE_LIST);
  on(FIRST_ITEM, " \t\n\r", FIRST_ITEM);
  on(FIRST_KEY, '"', OPEN_KEY);
  on(FIRST_KEY, "}", CLOSE_OBJECT);
  on(KEY, '"', OPEN_KEY);
  on(COLON, ":", END_KEY);
  on(AFTER, ",", COMMA);
  on(AFTER, "}", CLOSE_OBJECT);
  on(AFTER, "]", CLOSE_LIST);
  layTexts(table, on);
  // A number ends with what may come after it.
  for (const state of [ZERO, DIGITS, FRACTION, POWER]) like(state, AFTER);
  layNumbers(on);
  return table;
}

type On = (state: number, bytes: string, next: number) => void;

function layValues(on: On): void {
  on(VALUE, "{", OPEN_OBJECT);
  on(VALUE, "[", OPEN_LIST);
  on(VALUE, '"', OPEN_TEXT);
  on(VALUE, "-", MINUS);
  on(VALUE, "0", ZERO);
  on(VALUE, "123456789", DIGITS);
  let next = FIRST_WORD;
  for (const word of ["true", "false", "null"]) {
    let state = VALUE;
    for (const [index, letter] of [...word].entries()) {
      const to = index === word.length - 1 ? AFTER : next++;
      on(state, letter, to);
      state = to;
    }
  }
}

/** A byte order mark, which decoders take away, may come first. */
function layMark(table: Uint8Array): void {
  table[(START << 8) | 0xef] = MARK_2;
  table[(MARK_2 << 8) | 0xbb] = MARK_3;
  table[(MARK_3 << 8) | 0xbf] = VALUE;
}

function layTexts(table: Uint8Array, on: On): void {
  table.fill(TEXT, (TEXT << 8) + 0x20, (TEXT + 1) << 8);
  on(TEXT, '"', CLOSE_TEXT);
  on(TEXT, "\\", ESCAPE);
  on(ESCAPE, '"\\/bfnrt', TEXT);
  on(ESCAPE, "u", HEX_4);
  for (const state of [HEX_4, HEX_3, HEX_2, HEX_1]) {
    on(state, "0123456789abcdefABCDEF", state === HEX_1 ? TEXT : state + 1);
  }
}

function layNumbers(on: On): void {
  const digits = "0123456789";
  on(MINUS, "0", ZERO);
  on(MINUS, "123456789", DIGITS);
  on(DIGITS, digits, DIGITS);
  for (const state of [ZERO, DIGITS]) on(state, ".", POINT);
  for (const state of [POINT, FRACTION]) on(state, digits, FRACTION);
  for (const state of [ZERO, DIGITS, FRACTION]) on(state, "eE", EXPONENT);
  on(EXPONENT, "+-", SIGN);
  for (const state of [EXPONENT, SIGN, POWER]) on(state, digits, POWER);
}
