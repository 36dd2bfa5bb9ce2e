// Reads a pickle as data: opcodes of protocols 2 to 5 (CPython, Lib/pickletools.py) drive a stack and a memo, and
// names are only compared with the allow-list in pickle_globals.ts, so that nothing is ever looked up or run.

import { applyState, call, globalNamed } from './pickle_globals';
import type { PickleInput } from './pickle_input';
import { decimal, decimalFraction, float64, integer, line } from './pickle_numbers';
import { Bytes, type Value } from './pickle_values';

/** What a persistent id stands for. */
export type PersistentLoad = (id: Value) => Value;

// a checkpoint of R101 with its optimizer has about 100 000 opcodes and a tenth of that in containers
const MAX_OPCODES = 1_000_000;
const MAX_MEMO = 250_000;
const MAX_CONTAINERS = 100_000;
const MAX_STACK = 100_000;
const MAX_MARKS = 1000;
const KEPT_TEXT_BYTES = 1 << 20; // longer ones stay in the file
const KEPT_BYTES = 4096; // longer bytes objects stay in the file
const AHEAD = 4096; // bytes ready before each opcode, all that one needs but for texts

const UTF8 = new TextDecoder('utf-8');

/** The value of the pickle that `input` is at; the input is then behind it. Throws WeightError. */
export async function unpickle(input: PickleInput, persistentLoad?: PersistentLoad): Promise<Value> {
  return new Unpickler(input, persistentLoad).run();
}

class Unpickler {
  private stack: Value[] = [];
  private readonly marks: Value[][] = [];
  private readonly memo = new Map<number, Value>();
  private containers = 0;

  constructor(
    private readonly input: PickleInput,
    private readonly persistentLoad?: PersistentLoad,
  ) {}

  async run(): Promise<Value> {
    const { input } = this;
    for (let opcodes = 0; opcodes < MAX_OPCODES; opcodes++) {
      if (input.ready < AHEAD) await input.fill(AHEAD);
      const opcode = input.byte();
      if (opcode === 0x2e) return this.pop(); // STOP
      const waiting = this.step(opcode);
      if (waiting) await waiting;
      if (this.stack.length > MAX_STACK)
        throw input.fault(`at most ${MAX_STACK} values on the stack, got more`);
    }
    throw input.fault(`at most ${MAX_OPCODES} opcodes, got more`);
  }

  /** One opcode; a promise where more has to be read first. */
  private step(opcode: number): Promise<void> | undefined {
    const { input, stack } = this;
    // biome-ignore format: a table
    switch (opcode) {
      // numbers
      case 0x4e: return this.push(null); // NONE
      case 0x88: return this.push(true); // NEWTRUE
      case 0x89: return this.push(false); // NEWFALSE
      case 0x4b: return this.push(input.unsigned(1)); // BININT1
      case 0x4d: return this.push(input.unsigned(2)); // BININT2
      case 0x4a: return this.push(input.unsigned(4) | 0); // BININT
      case 0x47: return this.push(float64(input.take(8))); // BINFLOAT
      case 0x8a: return this.push(integer(input, input.unsigned(1))); // LONG1
      case 0x8b: return this.push(integer(input, input.unsigned(4))); // LONG4
      case 0x49: case 0x4c: return this.push(decimal(input)); // INT, LONG
      case 0x46: return this.push(decimalFraction(input)); // FLOAT
      // texts and bytes
      case 0x8c: return this.text(input.unsigned(1)); // SHORT_BINUNICODE
      case 0x58: return this.text(input.unsigned(4)); // BINUNICODE
      case 0x8d: return this.text(input.unsigned(8)); // BINUNICODE8
      case 0x43: case 0x55: return this.bytes(input.unsigned(1)); // SHORT_BINBYTES, SHORT_BINSTRING
      case 0x42: case 0x54: return this.bytes(input.unsigned(4)); // BINBYTES, BINSTRING
      case 0x8e: case 0x96: return this.bytes(input.unsigned(8)); // BINBYTES8, BYTEARRAY8
      // containers
      case 0x28: return this.mark(); // MARK
      case 0x5d: return this.contain([]); // EMPTY_LIST
      case 0x29: return this.contain([]); // EMPTY_TUPLE
      case 0x7d: return this.contain(new Map()); // EMPTY_DICT
      case 0x8f: return this.contain(new Set()); // EMPTY_SET
      case 0x6c: case 0x74: return this.contain(this.marked()); // LIST, TUPLE
      case 0x85: return this.contain(this.popped(1)); // TUPLE1
      case 0x86: return this.contain(this.popped(2)); // TUPLE2
      case 0x87: return this.contain(this.popped(3)); // TUPLE3
      case 0x64: return this.contain(this.paired(new Map(), this.marked())); // DICT
      case 0x91: return this.contain(new Set(this.marked())); // FROZENSET
      case 0x61: return this.append(this.popped(1)); // APPEND
      case 0x65: return this.append(this.marked()); // APPENDS
      case 0x73: return this.setItems(this.popped(2)); // SETITEM
      case 0x75: return this.setItems(this.marked()); // SETITEMS
      case 0x90: return this.addItems(this.marked()); // ADDITEMS
      // stack and memo
      case 0x30: this.pop(); return; // POP
      case 0x31: this.marked(); return; // POP_MARK
      case 0x32: return this.push(this.top()); // DUP
      case 0x67: return this.push(this.recalled(Number(line(input)))); // GET
      case 0x68: return this.push(this.recalled(input.unsigned(1))); // BINGET
      case 0x6a: return this.push(this.recalled(input.unsigned(4))); // LONG_BINGET
      case 0x70: return this.remember(Number(line(input))); // PUT
      case 0x71: return this.remember(input.unsigned(1)); // BINPUT
      case 0x72: return this.remember(input.unsigned(4)); // LONG_BINPUT
      case 0x94: return this.remember(this.memo.size); // MEMOIZE
      // what the allow-list decides on
      case 0x63: return this.push(globalNamed(`${line(input)}.${line(input)}`, input)); // GLOBAL
      case 0x93: return this.push(globalNamed(this.popped(2).map((part) => this.name(part)).join('.'), input)); // STACK_GLOBAL
      case 0x52: case 0x81: { // REDUCE, NEWOBJ
        const [made, given] = this.popped(2);
        return this.contain(call(made!, given!, input));
      }
      case 0x62: { // BUILD
        const state = this.pop();
        applyState(this.top(), state, input);
        return;
      }
      case 0x51: { // BINPERSID
        const id = this.pop();
        if (!this.persistentLoad) throw input.fault('a pickle of plain data, got a persistent id');
        return this.push(this.persistentLoad(id));
      }
      // frames
      case 0x80: return this.protocol(input.unsigned(1)); // PROTO
      case 0x95: input.unsigned(8); return; // FRAME: its length is of no use here
      default: {
        const code = `0x${opcode.toString(16)}`;
        throw input.fault(`opcodes of tensors and plain data, got ${code} with ${stack.length} values on the stack`);
      }
    }
  }

  private push(value: Value): undefined {
    this.stack.push(value);
  }

  private contain(value: Value): undefined {
    if (++this.containers > MAX_CONTAINERS) {
      throw this.input.fault(`at most ${MAX_CONTAINERS} lists, tuples and dicts, got more`);
    }
    this.stack.push(value);
  }

  private top(): Value {
    if (this.stack.length === 0) throw this.input.fault('a value on the stack, got none');
    return this.stack.at(-1) as Value;
  }

  private pop(): Value {
    const value = this.top();
    this.stack.pop();
    return value;
  }

  private popped(count: number): Value[] {
    if (this.stack.length < count) {
      throw this.input.fault(`${count} values on the stack, got ${this.stack.length}`);
    }
    return this.stack.splice(this.stack.length - count);
  }

  private mark(): undefined {
    if (this.marks.length === MAX_MARKS) throw this.input.fault(`at most ${MAX_MARKS} open marks, got more`);
    this.marks.push(this.stack);
    this.stack = [];
  }

  /** The values since the last mark. */
  private marked(): Value[] {
    const values = this.stack;
    const below = this.marks.pop();
    if (!below) throw this.input.fault('a mark on the stack, got none');
    this.stack = below;
    return values;
  }

  private append(items: readonly Value[]): undefined {
    const list = this.top();
    if (!Array.isArray(list)) throw this.input.fault('a list to append to, got none');
    for (const item of items) list.push(item); // not `push(...items)`: a call has a limit of arguments
  }

  private addItems(items: readonly Value[]): undefined {
    const set = this.top();
    if (!(set instanceof Set)) throw this.input.fault('a set to add to, got none');
    for (const item of items) set.add(item);
  }

  private setItems(items: readonly Value[]): undefined {
    const dict = this.top();
    if (!(dict instanceof Map)) throw this.input.fault('a dict to set items of, got none');
    this.paired(dict, items);
  }

  private paired(dict: Map<Value, Value>, items: readonly Value[]): Map<Value, Value> {
    if (items.length % 2) throw this.input.fault(`keys with values, got ${items.length} in all`);
    for (let i = 0; i < items.length; i += 2) {
      const key = items[i]!;
      dict.set(key instanceof Bytes ? (key.text() ?? key) : key, items[i + 1]!);
    }
    return dict;
  }

  private remember(index: number): undefined {
    if (!(this.memo.size < MAX_MEMO))
      throw this.input.fault(`at most ${MAX_MEMO} values in the memo, got more`);
    this.memo.set(index, this.top());
  }

  private recalled(index: number): Value {
    const value = this.memo.get(index);
    if (value === undefined) throw this.input.fault(`a value in the memo at ${index}, got none`);
    return value;
  }

  private text(length: number): Promise<void> | undefined {
    const { input } = this;
    if (length > KEPT_TEXT_BYTES) {
      return this.push(new Bytes(input.file, input.skip(length), length, 'utf8'));
    }
    input.spend(length);
    if (length <= input.ready) return this.push(UTF8.decode(input.take(length)));
    return input.need(length).then(() => this.push(UTF8.decode(input.take(length))));
  }

  private bytes(length: number): Promise<void> | undefined {
    const { input } = this;
    if (length > KEPT_BYTES) return this.push(new Bytes(input.file, input.skip(length), length));
    input.spend(length);
    const keep = () => {
      this.push(new Bytes(input.file, input.at, length, 'raw', input.take(length).slice()));
    };
    return length <= input.ready ? (keep() as undefined) : input.need(length).then(keep);
  }

  private name(value: Value): string {
    const text = value instanceof Bytes ? value.text() : value;
    if (typeof text !== 'string') throw this.input.fault('names as texts, got something else');
    return text;
  }

  private protocol(version: number): undefined {
    if (version > 5) throw this.input.fault(`a pickle of protocol 2 to 5, got ${version}`);
  }
}
