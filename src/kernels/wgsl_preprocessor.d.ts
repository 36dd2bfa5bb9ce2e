declare module 'wgsl-preprocessor/wgsl-preprocessor.js' {
  /** A template tag that keeps or drops lines between `#if`, `#elif`, `#else` and `#endif`. */
  export function wgsl(strings: readonly string[], ...values: unknown[]): string;
}
