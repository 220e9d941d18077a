// File names of recordings. Pure; called by recordingStore.ts.

export const FILE_SUFFIX = '.speedscope.json';
const NAME_MAX_CHARS = 80;

/** A file name part that is safe everywhere and still readable. */
export function safeName(title: string): string {
  const name = title
    .trim()
    .replace(/[/\\:*?"<>|\s]+/g, '-')
    .replace(/[^\p{L}\p{N}._+-]+/gu, '')
    .replace(/^[.-]+|[.-]+$/g, '')
    .slice(0, NAME_MAX_CHARS);
  return name || 'recording';
}

/** `2026-11-23T05-14-08-redis-server.speedscope.json`, local time: sorts by date, and is unique to the second. */
export function fileNameFor(title: string, at: Date): string {
  const two = (value: number) => String(value).padStart(2, '0');
  const date = `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}`;
  const time = `${two(at.getHours())}-${two(at.getMinutes())}-${two(at.getSeconds())}`;
  return `${date}T${time}-${safeName(title)}${FILE_SUFFIX}`;
}
