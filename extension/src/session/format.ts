// Numbers as every view shows them: 1,204 samples, 0:42, 12 %. Pure.

export const formatCount = (count: number): string => Math.round(count).toLocaleString('en-US');

/** 0:07, 1:02, 1:02:03. */
export function formatElapsed(ms: number): string {
  const seconds = Math.floor(Math.max(0, ms) / 1000);
  const two = (value: number) => String(value).padStart(2, '0');
  const hours = Math.floor(seconds / 3600);
  const minutes = Math.floor(seconds / 60) % 60;
  return hours > 0 ? `${hours}:${two(minutes)}:${two(seconds % 60)}` : `${minutes}:${two(seconds % 60)}`;
}

/** Two digits that mean something: 45 %, 4.2 %, 0.3 %, <0.1 %, 0 %. A narrow no-break space keeps it together. */
export function formatShare(share: number): string {
  const percent = share * 100;
  if (percent <= 0) return '0\u202f%';
  if (percent < 0.1) return '<0.1\u202f%';
  return `${percent < 9.95 ? percent.toFixed(1) : Math.round(percent)}\u202f%`;
}
