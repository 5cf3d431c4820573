/** Every fault that a simulation can inject besides the links' own loss, doubling and delay. */
export const FAULT_NAMES = Object.freeze([
  'partition',
  'bridge',
  'isolation',
  'one-way cut',
  'flapping link',
  'loss',
  'doubling',
  'delay spike',
  'slow link',
  'crash',
  'power cut',
  'coup',
  'pause',
  'clock drift',
  'stop',
  'slow disk',
  'stuck disk',
  'failing fsync',
  'disk full',
] as const);

export type FaultName = (typeof FAULT_NAMES)[number];
