import type { EventType } from '../../core/events.js';
import { EVENT_TYPES } from '../../server/event-kinds.js';
import { FAULT_NAMES } from '../../testing/simulation/fault-names.js';
import { OPERATION_NAMES } from '../../testing/simulation/operation-names.js';
import type { SimulationCounts } from '../../testing/simulation/report.js';

/** So many seeds meet everything, or something keeps them from it. */
export const MIN_SEEDS_FOR_COVERAGE = 300;

/** What a simulation can't reach, and why. */
const UNREACHABLE: Readonly<Partial<Record<EventType, string>>> = Object.freeze({
  MessageRejected: 'servers that are correct send only what is lawful; the invariants fail when one is refused',
});

/** The faults, operations and kinds of events that never occurred although a simulation can reach them. */
export function unmet({ events, faults, operations }: SimulationCounts): string[] {
  return [
    ...FAULT_NAMES.filter((name) => faults[name] === undefined).map((name) => `the fault ${JSON.stringify(name)}`),
    ...OPERATION_NAMES.filter((name) => operations[name] === undefined).map((name) => `the operation ${JSON.stringify(name)}`),
    ...EVENT_TYPES.filter((type) => events[type] === undefined && UNREACHABLE[type] === undefined),
  ];
}
