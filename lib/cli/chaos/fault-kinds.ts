/** Every fault, by what it happens to. */
const FAMILY_OF = Object.freeze({
  /** SIGKILL to the leader, or to any node; restarted a little later. */
  'kill-leader': 'process',
  kill: 'process',
  /** SIGKILL to all at once. */
  'kill-all': 'process',
  /** SIGTERM, and a restart. */
  stop: 'process',
  /** SIGSTOP, and SIGCONT a while later. */
  pause: 'process',
  /** A subscriber of the node's events holds the event loop. */
  block: 'process',
  /** A black hole around one node, or between a minority and the rest; or around what one node sends, or gets. */
  isolate: 'network',
  split: 'network',
  'one-way': 'network',
  /** One node's links stall, and deliver late what they kept. */
  hold: 'network',
  delay: 'network',
  throttle: 'network',
  reset: 'network',
  /** A bit flips in what one node sends to another. */
  corrupt: 'network',
  /** Bits flip in a stopped node's log or snapshot; its log loses its end. */
  'corrupt-log': 'disk',
  'truncate-log': 'disk',
  'corrupt-snapshot': 'disk',
  /** A small tmpfs fills up; where none may be mounted, files can't grow any further. */
  'disk-full': 'disk',
  /** A node is lost with its disk; a new one takes its place. */
  replace: 'disk',
} as const);

export type FaultKind = keyof typeof FAMILY_OF;
export type FaultFamily = (typeof FAMILY_OF)[FaultKind];

export const FAULT_KINDS: readonly FaultKind[] = Object.freeze(Object.keys(FAMILY_OF) as FaultKind[]);

export function familyOf(kind: FaultKind): FaultFamily {
  return FAMILY_OF[kind];
}

export function isFaultKind(text: string): text is FaultKind {
  return Object.hasOwn(FAMILY_OF, text);
}
