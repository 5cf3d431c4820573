import type { StreamItem } from '../../lib/node/operators/stream-items.js';

/** Items in short: an event as its seq, a state after event 4 as `=4`, the gap from 2 to 3 as `!2-3`. */
export function written(items: readonly StreamItem[]): string {
  return items.map(writtenItem).join(' ');
}

export function writtenItem(item: StreamItem): string {
  switch (item.type) {
    case 'EventsMissed':
      return `!${item.from}-${item.to}`;
    case 'CurrentState':
      return `=${item.seq}`;
    default:
      return String(item.seq);
  }
}
