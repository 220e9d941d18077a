// File names of recordings, by the command line in the current folder, by the extension in its storage: readable, short, without what a
// shell, a file manager or another system takes for something else.

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

/** `2026-11-23T05-14-08`, local time. */
export function timeInName(at: Date): string {
  const two = (value: number) => String(value).padStart(2, '0');
  const date = `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}`;
  const time = `${two(at.getHours())}-${two(at.getMinutes())}-${two(at.getSeconds())}`;
  return `${date}T${time}`;
}

/** `2026-11-23T05-14-08-redis-server.speedscope.json`: sorts by date, and is unique to the second. */
export const fileNameFor = (title: string, at: Date): string => `${timeInName(at)}-${safeName(title)}${FILE_SUFFIX}`;
