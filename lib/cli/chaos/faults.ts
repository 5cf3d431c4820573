import { corruptLog, corruptSnapshot, replace, truncatedLog } from './disk-faults.js';
import { diskFull } from './disk-full.js';
import type { Fault } from './fault-context.js';
import type { FaultKind } from './fault-kinds.js';
import { corrupt, delay, hold, isolate, oneWay, reset, split, throttle } from './network-faults.js';
import { block, killAll, killAny, killLeader, pause, stop } from './process-faults.js';

export const FAULTS: Readonly<Record<FaultKind, Fault>> = Object.freeze({
  'kill-leader': killLeader,
  kill: killAny,
  'kill-all': killAll,
  stop,
  pause,
  block,
  isolate,
  split,
  'one-way': oneWay,
  hold,
  delay,
  throttle,
  reset,
  corrupt,
  'corrupt-log': corruptLog,
  'truncate-log': truncatedLog,
  'corrupt-snapshot': corruptSnapshot,
  'disk-full': diskFull,
  replace,
});
