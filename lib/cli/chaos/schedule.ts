import { Dice } from '../../testing/simulation/dice.js';
import { familyOf, type FaultKind } from './fault-kinds.js';

/** One fault, and the seed of everything about it that is left to chance. */
export interface PlannedFault {
  readonly kind: FaultKind;
  readonly seed: number;
}

/** What happens at the same time; the cluster must serve again before the next step. */
export interface Step {
  /** From 1. */
  readonly number: number;
  readonly faults: readonly PlannedFault[];
  /** How long nothing happens before it. */
  readonly calmMs: number;
}

export interface ScheduleOptions {
  readonly seed: number;
  readonly kinds: readonly FaultKind[];
  /** How likely a fault of the network and one of the processes come together. Default 0.35. */
  readonly overlap?: number;
  /** The least and the most. */
  readonly calmMs: readonly [number, number];
}

const DEFAULT_OVERLAP = 0.35;

/** Steps without an end, the same for the same seed: round after round, each with every kind once, in an order of its own. */
export function* schedule({ seed, kinds, overlap = DEFAULT_OVERLAP, calmMs }: ScheduleOptions): Generator<Step, never> {
  const dice = new Dice(seed, 'chaos schedule');
  for (let number = 1; ; ) {
    const round = dice.shuffled(kinds);
    for (let kind = round.shift(); kind !== undefined; kind = round.shift()) {
      const together = [kind];
      const other = companion(kind, round);
      if (other !== null && dice.chance(overlap)) {
        together.push(other);
        round.splice(round.indexOf(other), 1);
      }
      const faults = together.map((each, i) => ({ kind: each, seed: dice.seedFor(`fault ${number} ${i}`) }));
      yield { number, faults, calmMs: dice.between(calmMs) };
      number += 1;
    }
  }
}

/** A fault of the round that may happen together with this one: nothing else happens while a disk is damaged. */
function companion(kind: FaultKind, round: readonly FaultKind[]): FaultKind | null {
  const wanted = { process: 'network', network: 'process', disk: null } as const;
  const family = wanted[familyOf(kind)];
  return round.find((other) => familyOf(other) === family) ?? null;
}
