// Hands a file to the browser's downloads.

export function save(data: Blob | string | Uint8Array<ArrayBuffer>, name: string): void {
  const blob = data instanceof Blob ? data : new Blob([data]);
  const link = document.createElement('a');
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}
