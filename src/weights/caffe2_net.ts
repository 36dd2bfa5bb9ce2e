// Caffe2's NetDef: a list of operators with arguments (caffe2/proto/caffe2.proto). A file of weights is one too: its
// operators fill a tensor each.

import { WeightError } from '../errors';
import { fields, packedFloats, packedVarints, type Value } from './protobuf';

export interface Operator {
  type: string;
  inputs: string[];
  outputs: string[];
  arguments: ReadonlyMap<string, Argument>;
}

export interface Argument {
  /** The field `f` or `i`, whichever the file has. */
  number?: number;
  /** The field `s`. */
  bytes?: Uint8Array;
  floats: number[];
  ints: number[];
}

/** No network of our kind comes near. */
const MAX_OPERATORS = 10_000;
const MAX_FILE_BYTES = 1 << 28;

const NET = { operator: 2 };
const OPERATOR = { input: 1, output: 2, type: 4, argument: 5 };
const ARGUMENT = { name: 1, f: 2, i: 3, s: 4, floats: 5, ints: 6 };

/** The operators of a NetDef in their order. `file` names it in errors. Throws WeightError. */
export function readNet(bytes: Uint8Array, file: string): Operator[] {
  if (bytes.length > MAX_FILE_BYTES) {
    throw new WeightError(`${file}: wanted at most ${MAX_FILE_BYTES} bytes, got ${bytes.length}`);
  }
  const operators: Operator[] = [];
  for (const [number, value] of fields(bytes, file)) {
    if (number !== NET.operator) continue;
    if (operators.length === MAX_OPERATORS) {
      throw new WeightError(`${file}: wanted at most ${MAX_OPERATORS} operators, got more`);
    }
    const what = `${file}, operator ${operators.length}`;
    operators.push(readOperator(bytesOf(value, what), what));
  }
  if (operators.length === 0) {
    throw new WeightError(`${file}: wanted a Caffe2 NetDef with operators, got none; is it the right file?`);
  }
  return operators;
}

function readOperator(bytes: Uint8Array, what: string): Operator {
  const known = new Map<string, Argument>();
  const operator: Operator = { type: '', inputs: [], outputs: [], arguments: known };
  for (const [number, value] of fields(bytes, what)) {
    if (number === OPERATOR.input) operator.inputs.push(textOf(value, what));
    else if (number === OPERATOR.output) operator.outputs.push(textOf(value, what));
    else if (number === OPERATOR.type) operator.type = textOf(value, what);
    else if (number === OPERATOR.argument) {
      const [name, argument] = readArgument(bytesOf(value, what), what);
      known.set(name, argument);
    }
  }
  return operator;
}

function readArgument(bytes: Uint8Array, what: string): [string, Argument] {
  let name = '';
  const argument: Argument = { floats: [], ints: [] };
  for (const [number, value] of fields(bytes, what)) {
    if (number === ARGUMENT.name) name = textOf(value, what);
    else if (number === ARGUMENT.f) argument.number = packedFloats(bytesOf(value, what), what)[0] ?? 0;
    else if (number === ARGUMENT.i) argument.number = numberOf(value, what);
    else if (number === ARGUMENT.s) argument.bytes = bytesOf(value, what);
    else if (number === ARGUMENT.floats) append(argument.floats, packedFloats(bytesOf(value, what), what));
    else if (number === ARGUMENT.ints) {
      append(argument.ints, typeof value === 'number' ? [value] : packedVarints(value, what));
    }
  }
  return [name, argument];
}

/** Not `push(...more)`: a call has a limit of arguments. */
function append(list: number[], more: readonly number[]): void {
  for (const item of more) list.push(item);
}

function numberOf(value: Value, what: string): number {
  if (typeof value === 'number') return value;
  throw new WeightError(`${what}: wanted a number, got ${value.length} bytes`);
}

function bytesOf(value: Value, what: string): Uint8Array {
  if (typeof value !== 'number') return value;
  throw new WeightError(`${what}: wanted bytes, got the number ${value}`);
}

function textOf(value: Value, what: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytesOf(value, what));
  } catch (cause) {
    if (cause instanceof WeightError) throw cause;
    throw new WeightError(`${what}: wanted text in UTF-8`, { cause });
  }
}
