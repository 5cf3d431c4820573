import type { NodeId } from '../../lib/core/ids.js';
import type { CoreCluster } from '../support/core-cluster.js';
import { idText, membersText } from './words.js';

/** Longer logs are drawn as runs of terms. */
const DRAWN_ENTRIES = 14;

/**
 * Everybody's role, term, vote (as on disk), members in force, and log:
 *
 *     a  leader    t2 voted a  abc  1¹ 2²| 3² (4²)      committed through 2, durable through 3
 */
export function pictureOf(cluster: CoreCluster): string[] {
  const rows = [...cluster.nodes.keys()].map((id) => {
    const { role, persistedTerm, term, persistedVote, effective } = cluster.status(id);
    const termText = persistedTerm === term ? `t${term}` : `t${term} (on disk t${persistedTerm})`;
    return [id, role, termText, persistedVote === null ? 'no vote' : `voted ${persistedVote}`, membersText(effective.configuration), logText(cluster, id)];
  });
  const widths = rows[0]?.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0))) ?? [];
  return rows.map((row) => `    ${row.map((text, column) => text.padEnd(widths[column] ?? 0)).join('  ').trimEnd()}`);
}

function logText(cluster: CoreCluster, id: NodeId): string {
  const { lastLog, committed, persisted, compacted } = cluster.status(id);
  const { core } = cluster.node(id);
  const words = compacted.index === 0 ? [] : [`[…${idText(compacted)}]${compacted.index === committed.index ? '|' : ''}`];
  const isLong = lastLog.index - compacted.index > DRAWN_ENTRIES;
  for (let index = compacted.index + 1; index <= lastLog.index; index += 1) {
    const term = core.termAt(index) ?? 0;
    const isInRun = core.termAt(index - 1) === term && core.termAt(index + 1) === term;
    const isMark = index === committed.index || index === persisted.index;
    if (isLong && isInRun && !isMark) {
      if (words[words.length - 1] !== '…') words.push('…');
      continue;
    }
    const text = index > persisted.index ? `(${idText({ index, term })})` : idText({ index, term });
    words.push(index === committed.index ? `${text}|` : text);
  }
  return words.join(' ');
}
