// Writes zip files as torch.save does, entries stored, and damaged ones: every field can be set to a lie.

import { deflateRawSync } from 'node:zlib';

export interface ZipEntry {
  name: string;
  data: Uint8Array;
  deflate?: boolean;
  /** What the headers say instead of the truth. */
  size?: number;
  packedSize?: number;
  offset?: number;
  method?: number;
  flags?: number;
}

export function zipOf(
  entries: readonly ZipEntry[],
  end: { count?: number; at?: number } = {},
): Uint8Array<ArrayBuffer> {
  const local: Buffer[] = [];
  const central: Buffer[] = [];
  let at = 0;
  for (const entry of entries) {
    const name = Buffer.from(entry.name);
    const packed = entry.deflate ? deflateRawSync(entry.data) : entry.data;
    const fields = Buffer.alloc(26);
    fields.writeUInt16LE(20, 0);
    fields.writeUInt16LE(entry.flags ?? 0, 2);
    fields.writeUInt16LE(entry.method ?? (entry.deflate ? 8 : 0), 4);
    fields.writeUInt32LE(entry.packedSize ?? packed.length, 14);
    fields.writeUInt32LE(entry.size ?? entry.data.length, 18);
    fields.writeUInt16LE(name.length, 22);
    const place = Buffer.alloc(14);
    place.writeUInt32LE(entry.offset ?? at, 10);
    const header = Buffer.concat([Buffer.from('PK\x03\x04'), fields, name]);
    central.push(Buffer.concat([Buffer.from('PK\x01\x02\x14\x00'), fields, place, name]));
    local.push(header, Buffer.from(packed));
    at += header.length + packed.length;
  }
  const table = Buffer.concat(central);
  const tail = Buffer.alloc(18);
  tail.writeUInt16LE(end.count ?? entries.length, 4);
  tail.writeUInt16LE(end.count ?? entries.length, 6);
  tail.writeUInt32LE(table.length, 8);
  tail.writeUInt32LE(end.at ?? at, 12);
  return new Uint8Array(Buffer.concat([...local, table, Buffer.from('PK\x05\x06'), tail]));
}
