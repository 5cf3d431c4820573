import { number } from '../check/text.js';
import type { Style } from '../style.js';
import type { FaultKind } from './fault-kinds.js';
import type { Histogram, Summary } from './histogram.js';

/** What came of a run. Plain data, but for the histogram's lines. */
export interface ChaosReport {
  readonly seed: number;
  readonly nodes: number;
  readonly seconds: number;
  /** It ended before its time, by Ctrl-C. */
  readonly isInterrupted: boolean;
  readonly steps: number;
  readonly load: {
    readonly callsPerSecond: number;
    readonly answered: number;
    readonly refused: number;
    readonly unknown: number;
    readonly byOperation: Readonly<Record<string, number>>;
    readonly reasons: Readonly<Record<string, number>>;
    /** How often sessions have proposed a command again. */
    readonly resent: number;
  };
  /** Those that were to come. */
  readonly kinds: readonly FaultKind[];
  readonly faults: Readonly<Partial<Record<FaultKind, number>>>;
  /** Those for which there was no occasion. */
  readonly skipped: Readonly<Partial<Record<FaultKind, number>>>;
  /** How those were brought about that can be in several ways. */
  readonly means: Readonly<Partial<Record<FaultKind, string>>>;
  readonly failovers: Summary | null;
  readonly failoversByKind: Readonly<Partial<Record<FaultKind, Summary>>>;
  readonly failoverBuckets: Histogram['buckets'];
  readonly events: { readonly received: number; readonly runs: number; readonly gaps: number; readonly terms: number; readonly messagesRejected: number; readonly snapshotsInstalled: number };
  /** What was checked at the end, and was found to hold. */
  readonly verified: readonly string[];
  /** What must not happen, and did; empty when all is well. */
  readonly problems: readonly string[];
}

const MAX_REASONS = 6;
const MAX_PROBLEMS = 20;

export function reportLines(report: ChaosReport, histogram: readonly string[], style: Style): string[] {
  const { load, events, failovers, failoversByKind, problems } = report;
  const row = (what: string, text: string): string => `  ${style('bold', what.padEnd(10))}  ${text}`;
  const reasons = Object.entries(load.reasons).slice(0, MAX_REASONS).map(([why, count]) => `${number(count)} × ${why}`);
  return [
    row('load', `${number(Math.round(load.callsPerSecond))} calls a second held: ${number(load.answered)} answered, ${number(load.refused)} refused, ${number(load.unknown)} of unknown fate`),
    ...(reasons.length === 0 ? [] : [row('', reasons.join(', '))]),
    row('faults', countsText(report.faults)),
    ...Object.entries(report.means).map(([kind, means]) => row('', `${kind} by ${means}`)),
    ...(Object.keys(report.skipped).length === 0 ? [] : [row('', `no occasion for ${countsText(report.skipped)}`)]),
    ...(untried(report).length === 0 ? [] : [row('', `no time for ${untried(report).join(', ')}: each kind comes once in a round`)]),
    ...operationLines(load.byOperation).map((line, i) => row(i === 0 ? 'calls' : '', line)),
    row('', `${number(load.resent)} × a session sent its command again`),
    row('failovers', failovers === null ? 'none' : `${failovers.count}: median ${failovers.medianMs} ms, 95 % within ${failovers.p95Ms} ms, longest ${failovers.maxMs} ms`),
    ...histogram.map((line) => row('', line)),
    ...Object.entries(failoversByKind).map(([kind, summary]) => row('', `${kind.padEnd(16)}  ${summary.count} ×, median ${summary.medianMs} ms, longest ${summary.maxMs} ms`)),
    row('events', `${number(events.received)} received in ${events.runs} runs, ${events.terms} terms with a leader; gaps: ${events.gaps}`),
    ...report.verified.map((text) => row('verified', text)),
    ...problems.slice(0, MAX_PROBLEMS).map((problem) => row(style('bad', 'problem'), problem)),
    ...(problems.length > MAX_PROBLEMS ? [row('', `… and ${problems.length - MAX_PROBLEMS} more`)] : []),
    verdictLine(report, style),
  ];
}

function untried({ kinds, faults, skipped }: ChaosReport): FaultKind[] {
  return kinds.filter((kind) => faults[kind] === undefined && skipped[kind] === undefined);
}

/** `1,234 × get (30 refused, 2 of unknown fate)`: a line for each operation, of counts by operation and outcome. */
function operationLines(byOperation: Readonly<Record<string, number>>): string[] {
  const operations = [...new Set(Object.keys(byOperation).map((name) => name.split(' ')[0] ?? ''))];
  const of = (operation: string, outcome: string): number => byOperation[`${operation} ${outcome}`] ?? 0;
  return operations.map((each) => `${number(of(each, 'answered'))} × ${each} (${number(of(each, 'refused'))} refused, ${number(of(each, 'unknown'))} of unknown fate)`);
}

function verdictLine({ problems, seconds, seed, nodes, steps, isInterrupted }: ChaosReport, style: Style): string {
  const what = `${steps} steps in ${seconds.toFixed(0)} s, ${nodes} processes, seed ${seed}${isInterrupted ? ', interrupted' : ''}`;
  return problems.length === 0 ? `${style('good', 'ok')}: ${what}` : `${style('bad', 'failed')}: ${problems.length} problems; ${what}`;
}

function countsText(counts: Readonly<Partial<Record<string, number>>>): string {
  const entries = Object.entries(counts);
  return entries.length === 0 ? 'none' : entries.map(([kind, count]) => `${count ?? 0} × ${kind}`).join(', ');
}
