/** How often each thing happened, by family and name. Plain data: reports of several runs add up. */
export interface SimulationCounts {
  readonly events: Record<string, number>;
  readonly faults: Record<string, number>;
  /** What operators did. */
  readonly operations: Record<string, number>;
  readonly inputs: Record<string, number>;
  readonly messages: Record<string, number>;
  /** By operation and outcome, `propose acknowledged`. */
  readonly calls: Record<string, number>;
  /** Calls that the linearizability checker found an order for, by kind, and how often commands of sessions came again. */
  readonly checked: Record<string, number>;
}

export type CountFamily = keyof SimulationCounts;

const FAMILIES: readonly CountFamily[] = ['faults', 'operations', 'calls', 'checked', 'events', 'inputs', 'messages'];

export function emptyCounts(): SimulationCounts {
  return { events: {}, faults: {}, operations: {}, inputs: {}, messages: {}, calls: {}, checked: {} };
}

export function count(counts: SimulationCounts, family: CountFamily, name: string, times = 1): void {
  const table = counts[family];
  table[name] = (table[name] ?? 0) + times;
}

/** Adds the second to the first. */
export function addCounts(sum: SimulationCounts, more: SimulationCounts): void {
  for (const family of FAMILIES) {
    for (const [name, times] of Object.entries(more[family])) count(sum, family, name, times);
  }
}

/** A table for people, one family after the other. */
export function countsText(counts: SimulationCounts): string {
  const width = Math.max(...FAMILIES.flatMap((family) => Object.keys(counts[family]).map(({ length }) => length)), 28);
  const sections = FAMILIES.map((family) => {
    const rows = Object.entries(counts[family]).sort(([a], [b]) => (a < b ? -1 : 1));
    return [family, ...rows.map(([name, times]) => `  ${name.padEnd(width)} ${times.toLocaleString('en').padStart(14)}`)].join('\n');
  });
  return sections.join('\n\n');
}
