// Specialises a WGSL file: sets the constants that it declares, then lets wgsl-preprocessor choose
// its `#if` branches. Also reads from the text what the host must agree with: bindings and params.
//
// A file is true WGSL with defaults, but for lines that are `#if NAME`, `#if NAME == VALUE`,
// `#if NAME != VALUE`, `#else` and `#endif`, where NAME is one of the file's own constants.

import { wgsl } from 'wgsl-preprocessor/wgsl-preprocessor.js';
import { ShaderError } from '../errors';

export type Constants = Record<string, number | boolean | string>;

const CONDITION = /^([ \t]*#(?:el)?if )[ \t]*(\w+)(?:[ \t]*(==|!=)[ \t]*(\w+))?[ \t]*$/gm;
const STRAY_DIRECTIVE = /^.*\S.*#(?:if|elif|else|endif)\b.*$/m;

/** `const NAME = 12u;` or `alias NAME = word;`, as [all, head, number, suffix, word]. */
function declaration(name: string): RegExp {
  const number = '(-?[0-9][0-9.]*(?:e[+-]?[0-9]+)?)([uif]?)';
  return new RegExp(`^((?:const|alias) ${name}\\b[^=]*= *)(?:${number}|([A-Za-z]\\w*));`, 'm');
}

function declaredValue(source: string, name: string): string {
  const found = declaration(name).exec(source);
  if (!found) throw new ShaderError(`specialise: the shader declares no constant ${name}`);
  return (found[2] ?? found[4]) as string;
}

/** The text of `source` with `constants` set and its `#if` branches chosen. Throws on an unknown name. */
export function specialise(source: string, constants: Constants): string {
  const stray = STRAY_DIRECTIVE.exec(source);
  if (stray) throw new ShaderError(`specialise: directive not alone on its line: ${stray[0]}`);
  let text = source;
  for (const [name, value] of Object.entries(constants)) {
    declaredValue(text, name);
    text = text.replace(declaration(name), (_, head, _default, suffix = '') => `${head}${value}${suffix};`);
  }
  const strings: string[] = [];
  const choices: boolean[] = [];
  let end = 0;
  for (const match of text.matchAll(CONDITION)) {
    const [line, directive, name, operator, operand = 'true'] = match as unknown as string[];
    strings.push(text.slice(end, match.index + (directive as string).length));
    choices.push((declaredValue(text, name as string) === operand) === (operator !== '!='));
    end = match.index + (line as string).length;
  }
  strings.push(text.slice(end));
  try {
    return wgsl(strings, ...choices);
  } catch (cause) {
    throw new ShaderError(`specialise: ${(cause as Error).message}`, { cause });
  }
}

const DIRECTIVE = /^[ \t]*#(?:if|elif|else|endif)\b/;
const MARK = / \/\/@(\d+)$/;

/** For each line of `specialise(source, constants)`, the line of `source` that it is; both count from 1. */
export function sourceLines(source: string, constants: Constants): (line: number) => number {
  const lines = source.split('\n');
  const marked = lines.map((line, i) => (DIRECTIVE.test(line) ? line : `${line} //@${i + 1}`));
  const origins: number[] = [];
  for (const line of specialise(marked.join('\n'), constants).split('\n')) {
    origins.push(Number(MARK.exec(line)?.[1] ?? (origins.at(-1) ?? 0) + 1)); // without a mark: where a directive was
  }
  return (line) => origins[line - 1] ?? lines.length;
}

const BINDING = /@group\(0\) @binding\((\d+)\)\s+var(?:<([^>]*)>)?\s+(\w+)\s*:\s*(\w+)/g;

/** Binding numbers by variable name, read from specialised WGSL. All are in group 0. */
export function bindingsOf(text: string): Map<string, number> {
  return new Map([...text.matchAll(BINDING)].map(([, number, , name]) => [name as string, Number(number)]));
}

/** How what the shader declares is bound, whether it uses it or not. Textures are of floats. */
export function layoutOf(text: string): GPUBindGroupLayoutEntry[] {
  return [...text.matchAll(BINDING)].map(([, number, space, , type]) => ({
    binding: Number(number),
    visibility: GPUShaderStage.COMPUTE,
    ...(space === undefined ? HANDLES[type as string] : { buffer: { type: bufferType(space) } }),
  }));
}

/** What is bound that is no buffer, by its type in WGSL. */
const HANDLES: Readonly<Record<string, Partial<GPUBindGroupLayoutEntry>>> = {
  texture_external: { externalTexture: {} },
  texture_2d: { texture: {} },
  sampler: { sampler: {} },
};

function bufferType(space: string): GPUBufferBindingType {
  if (space === 'uniform') return 'uniform';
  return space.includes('read_write') ? 'storage' : 'read-only-storage';
}

/** Fields of `struct Params` in order, as [name, type]; empty if the shader has none. */
export function paramsOf(text: string): [name: string, type: string][] {
  const body = /struct Params \{([^}]*)\}/.exec(text)?.[1] ?? '';
  const lines = body.replace(/\/\/.*$/gm, '');
  return [...lines.matchAll(/(\w+)\s*:\s*(\w+)/g)].map(([, name, type]) => [name as string, type as string]);
}

/** Packs `params` as the uniform `struct Params` of `text` lays them out. Throws on a missing or extra field. */
export function packParams(text: string, params: Record<string, number>, kernel: string): ArrayBuffer {
  const fields = paramsOf(text);
  const names = fields.map(([name]) => name);
  const missing = names.filter((name) => !(name in params));
  const extra = Object.keys(params).filter((name) => !names.includes(name));
  if (missing.length || extra.length) {
    throw new ShaderError(
      `${kernel}: params do not match the shader; missing [${missing}], extra [${extra}]`,
    );
  }
  const view = new DataView(new ArrayBuffer(Math.max(16, Math.ceil(fields.length / 4) * 16)));
  fields.forEach(([name, type], i) => {
    const value = params[name] as number;
    if (type === 'f32') view.setFloat32(4 * i, value, true);
    else if (type === 'u32') view.setUint32(4 * i, value, true);
    else if (type === 'i32') view.setInt32(4 * i, value, true);
    else
      throw new ShaderError(`${kernel}: params.${name} has type ${type}; only f32, u32 and i32 are packed`);
  });
  return view.buffer;
}
