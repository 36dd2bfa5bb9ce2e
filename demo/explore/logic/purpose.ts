// What a kernel computes, in the words of its own file: the first paragraph of its opening comment.

export function purposeOf(wgsl: string): string {
  const lines: string[] = [];
  for (const line of wgsl.split('\n')) {
    const text = /^\/\/\s?(.*)$/.exec(line)?.[1]?.trim();
    if (!text) break;
    lines.push(text);
  }
  return lines.join(' ');
}
