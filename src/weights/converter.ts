// From a file of any format to one safetensors file, tensor by tensor, with all that the configuration says as
// metadata. Weights of layers become another dtype; what else there is stays float32.

import { WeightError } from '../errors';
import { checkFinite } from './finite';
import { DTYPE_BYTES, type SafetensorsDtype, toBfloat16, toFloat16, toFloat32 } from './float16';
import { quantise, relativeError } from './quantised';
import type { TensorInfo } from './safetensors_header';
import { headerJson, layOut, type TensorPlace } from './write_safetensors';

/** What the weights of layers are stored as; `keep`: as they are, but for F64, which becomes F32. */
export type TargetDtype = 'F32' | 'F16' | 'BF16' | 'I8' | 'keep';

/** Where a file's bytes go, at whatever place. */
export interface Sink {
  write(bytes: Uint8Array, at: number): Promise<void>;
}

/** The layers' weights by the names of the file: how many elements are before, along and behind their outputs. */
export type WeightAxes = ReadonlyMap<string, [before: number, outputs: number, after: number]>;

/** A weight that is being quantised, whole rows of it at a time. */
interface Rows {
  rest: Uint8Array;
  scale: Float32Array<ArrayBuffer>;
  done: number;
  fault: number;
  power: number;
}

export class Converter {
  /** Root of the mean square of the error that 8 bits cost, relative to the weight's. */
  readonly errors = new Map<string, number>();
  private readonly places = new Map<string, TensorPlace>();
  private readonly rows = new Map<string, Rows>();
  private metadata: Readonly<Record<string, string>> = {};
  private head = 0;

  constructor(
    private readonly sink: Sink,
    private readonly target: TargetDtype,
    private readonly axes: WeightAxes,
  ) {}

  /** Plans the file, whose header is written last: the errors are in it. */
  plan(tensors: readonly TensorInfo[], metadata: Readonly<Record<string, string>>): void {
    const planned = tensors.flatMap(({ name, dtype, shape }) => {
      const to = this.dtypeOf(name, dtype);
      const scale = { name: `${name}.scale`, dtype: 'F32' as const, shape: [this.axes.get(name)?.[1] ?? 0] };
      return to === 'I8' && dtype !== 'I8'
        ? [{ name, dtype: to, shape }, scale]
        : [{ name, dtype: to, shape }];
    });
    for (const place of layOut(planned)) this.places.set(place.name, place);
    this.metadata = metadata;
    const longest = new Map(tensors.map(({ name }) => [name, Number.MIN_VALUE])); // no error has more digits
    this.head = 8 + Math.ceil(this.json(longest).length / 8) * 8;
  }

  /** The next bytes of a tensor. */
  async data(tensor: TensorInfo, offset: number, bytes: Uint8Array): Promise<void> {
    checkFinite(tensor.name, tensor.dtype, bytes);
    const to = this.dtypeOf(tensor.name, tensor.dtype);
    if (to === 'I8' && tensor.dtype !== 'I8') return this.quantised(tensor, bytes);
    const place = this.placeOf(tensor.name);
    const at = (offset / DTYPE_BYTES[tensor.dtype]) * DTYPE_BYTES[to];
    const stored = recoded(tensor.dtype, to, bytes);
    checkFinite(tensor.name, to, stored, `A number is too large for ${to}: choose bf16 or f32`);
    await this.sink.write(stored, this.head + place.begin + at);
  }

  /** Writes the header, and returns the file's size. */
  async finish(): Promise<number> {
    const header = new Uint8Array(this.head).fill(0x20); // spaces
    new DataView(header.buffer).setBigUint64(0, BigInt(this.head - 8), true);
    header.set(this.json(this.errors), 8);
    await this.sink.write(header, 0);
    return this.head + Math.max(0, ...[...this.places.values()].map(({ end }) => end));
  }

  private json(errors: ReadonlyMap<string, number>): Uint8Array {
    const rounded = [...errors].map(([name, error]) => [name, Number(error.toPrecision(3))]);
    const more = this.target === 'I8' && { i8_error: JSON.stringify(Object.fromEntries(rounded)) };
    return new TextEncoder().encode(headerJson([...this.places.values()], { ...this.metadata, ...more }));
  }

  private async quantised({ name, dtype, begin, end }: TensorInfo, bytes: Uint8Array): Promise<void> {
    const [before, outputs, after] = this.axes.get(name)!;
    const perRow = before === 1 ? 1 : outputs; // channels; where they are not contiguous, all are one row
    const rowBytes = (end - begin) / (outputs / perRow);
    const rows = this.rows.get(name) ?? {
      rest: new Uint8Array(0),
      scale: new Float32Array(outputs),
      done: 0,
      fault: 0,
      power: 0,
    };
    this.rows.set(name, rows);
    const arrived = joined(rows.rest, bytes);
    const count = Math.floor(arrived.length / rowBytes);
    rows.rest = arrived.slice(count * rowBytes);
    if (count === 0) return;
    const values = toFloat32(dtype, arrived.subarray(0, count * rowBytes));
    const { integers, scale, fault, power } = quantise(values, [before, count * perRow, after]);
    rows.scale.set(scale, rows.done * perRow);
    const at = this.placeOf(name).begin + (rows.done * rowBytes) / DTYPE_BYTES[dtype];
    await this.sink.write(new Uint8Array(integers.buffer), this.head + at);
    rows.done += count;
    rows.fault += fault;
    rows.power += power;
    if (rows.done * perRow < outputs) return;
    this.rows.delete(name);
    this.errors.set(name, relativeError(rows));
    const scaleAt = this.placeOf(`${name}.scale`).begin;
    await this.sink.write(new Uint8Array(rows.scale.buffer), this.head + scaleAt);
  }

  private placeOf(name: string): TensorPlace {
    const place = this.places.get(name);
    if (!place) throw new WeightError(`convert: ${name} was not in the header`);
    return place;
  }

  private dtypeOf(name: string, dtype: SafetensorsDtype): SafetensorsDtype {
    if (dtype === 'I8' || dtype === 'U8') return dtype; // integers stay as they are
    if (this.axes.has(name) && this.target !== 'keep') return this.target;
    return this.target !== 'keep' || dtype === 'F64' ? 'F32' : dtype;
  }
}

function joined(a: Uint8Array, b: Uint8Array): Uint8Array {
  if (a.length === 0) return b;
  const both = new Uint8Array(a.length + b.length);
  both.set(a);
  both.set(b, a.length);
  return both;
}

/** The same numbers as another dtype. */
function recoded(from: SafetensorsDtype, to: SafetensorsDtype, bytes: Uint8Array): Uint8Array {
  if (from === to) return bytes;
  const values = toFloat32(from, bytes);
  if (to === 'F16') return new Uint8Array(toFloat16(values).buffer);
  return new Uint8Array((to === 'BF16' ? toBfloat16(values) : values).buffer);
}
