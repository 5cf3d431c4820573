import type { EventType } from '../../core/events.js';
import { EVENT_TYPES } from '../../server/event-kinds.js';
import { FAULT_NAMES } from '../../testing/simulation/fault-names.js';
import { OPERATION_NAMES } from '../../testing/simulation/operation-names.js';
import type { CountFamily, SimulationCounts } from '../../testing/simulation/report.js';

/** So many seeds meet everything that is not rare, or something keeps them from it. */
export const MIN_SEEDS_FOR_COVERAGE = 300;

/** What a simulation can't reach, and why. */
const UNREACHABLE: Readonly<Partial<Record<EventType, string>>> = Object.freeze({
  MessageRejected: 'servers that are correct send only what is lawful; the invariants fail when one is refused',
});

/** What takes more seeds, since chance seldom brings it about. */
const RARE: Readonly<Partial<Record<EventType, number>>> = Object.freeze({
  LearnerHeldBack: 10_000, // a learner that is slow for ten rounds while everyone else goes on: seen in one of 2,000 seeds
});

/** Something that can occur and did not. */
export interface Unmet {
  readonly family: CountFamily;
  readonly name: string;
  readonly words: string;
  /** So many seeds should have met it. */
  readonly withinSeeds: number;
}

export interface Coverage {
  /** How many kinds of faults, operations and events a simulation can reach. */
  readonly known: number;
  /** Those of them that never occurred. */
  readonly unmet: readonly Unmet[];
  /** Kinds of events that it can't reach, and why. */
  readonly unreachable: Readonly<Partial<Record<EventType, string>>>;
}

/** Which faults, operations and kinds of events occurred, of those that a simulation can reach. */
export function coverageOf(counts: SimulationCounts): Coverage {
  const withinSeeds = MIN_SEEDS_FOR_COVERAGE;
  const all: readonly Unmet[] = [
    ...FAULT_NAMES.map((name) => ({ family: 'faults' as const, name, words: `the fault ${JSON.stringify(name)}`, withinSeeds })),
    ...OPERATION_NAMES.map((name) => ({ family: 'operations' as const, name, words: `the operation ${JSON.stringify(name)}`, withinSeeds })),
    ...EVENT_TYPES.filter((type) => UNREACHABLE[type] === undefined).map((type) => ({ family: 'events' as const, name: type, words: type, withinSeeds: RARE[type] ?? withinSeeds })),
  ];
  return { known: all.length, unmet: all.filter(({ family, name }) => counts[family][name] === undefined), unreachable: UNREACHABLE };
}
