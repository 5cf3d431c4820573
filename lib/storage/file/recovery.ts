import { rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { ORIGIN, type LogId } from '../../core/ids.js';
import type { SnapshotMeta } from '../../core/messages.js';
import { CorruptLogError, StorageError } from '../../ports/errors.js';
import type { RecoveredState, StorageIdentity } from '../../ports/storage.js';
import { Arena } from './arena.js';
import { syncDirectory } from './files.js';
import { checkIdentity, readIdentity, writeIdentity } from './identity-file.js';
import { LogReader } from './log-reader.js';
import { LogWriter, type AroundCommit } from './log-writer.js';
import { listSegments, replay } from './replay.js';
import { Segments } from './segments.js';
import { openSnapshot, removeTemporaries } from './snapshot-file.js';
import type { LogState } from './state-record.js';

/** A directory that is open and in order. */
export interface OpenedStore {
  readonly segments: Segments;
  readonly reader: LogReader;
  readonly writer: LogWriter;
  /** The one in force. */
  snapshot: SnapshotMeta | null;
}

const NEW_STATE: LogState = { hardState: { term: 0, votedFor: null }, compacted: ORIGIN, last: ORIGIN };

/**
 * Opens a directory that this process has locked: creates what is missing in a new one, finishes what a crash
 * interrupted in an old one, and verifies every record.
 */
export async function recover(
  directory: string,
  identity: StorageIdentity,
  aroundCommit: AroundCommit,
): Promise<{ readonly store: OpenedStore; readonly state: RecoveredState }> {
  const identityFile = join(directory, 'rxraft.json');
  const owner = await readIdentity(identityFile);
  if (owner !== null) checkIdentity(owner, identity, directory);
  await removeTemporaries(directory);
  await rm(`${identityFile}.tmp`, { force: true });
  const numbers = await listSegments(directory);
  if (owner !== null && numbers.length === 0) throw lost(directory);
  const { segments, state } = numbers.length === 0 ? { segments: await Segments.create(directory), state: null } : await replay(directory, numbers);
  try {
    if (owner !== null && state === null) throw lost(directory);
    if (owner === null && ((state !== null && !isNew(state)) || (await snapshotMeta(directory)) !== null)) {
      throw new StorageError('open', `${directory} holds data but no rxraft.json, which says whose it is; restore that file`);
    }
    if (state === null) await segments.commit({ kept: 0, entries: [], state: NEW_STATE }, new Arena());
    if (owner === null) {
      // The directory itself was perhaps made by a process that was killed before that was durable.
      await syncDirectory(dirname(directory));
      await writeIdentity(identityFile, identity);
    }
    return await recoverLog(directory, segments, state ?? NEW_STATE, aroundCommit);
  } catch (error) {
    // The first error is the one to tell of.
    await segments.close().catch(() => undefined);
    throw error;
  }
}

async function recoverLog(
  directory: string,
  segments: Segments,
  found: LogState,
  aroundCommit: AroundCommit,
): Promise<{ readonly store: OpenedStore; readonly state: RecoveredState }> {
  // A rename that a killed process did not live to make durable must not be lost any more once something is built on it.
  await syncDirectory(directory);
  const snapshot = await snapshotMeta(directory);
  const reader = new LogReader(segments);
  const writer = new LogWriter(segments, reader, found, aroundCommit);
  segments.runs.compact(found.compacted.index);
  checkReach(writer.state, snapshot);
  if (snapshot !== null && !continues(writer.state, snapshot.last, reader)) await writer.submit({ type: 'reset', to: snapshot.last });

  const outline = await reader.scan(writer.state);
  await writer.removeCompacted();
  const { hardState, compacted, last } = writer.state;
  const { terms, configurations } = outline;
  return { store: { segments, reader, writer, snapshot }, state: { hardState, snapshot, compacted, lastLog: last, terms, configurations } };
}

/** @throws {CorruptLogError} when entries were compacted away that no snapshot contains. */
function checkReach({ compacted }: LogState, snapshot: SnapshotMeta | null): void {
  const covered = snapshot?.last.index ?? 0;
  if (compacted.index > covered) {
    throw new CorruptLogError('snapshot', compacted.index, `the log begins after it but the snapshot ends at ${covered}; restore the directory from a backup, or empty it and let the node rejoin`);
  }
}

/**
 * §7: a log that holds the snapshot's last entry goes on behind it; any other is discarded. Here that finishes what
 * a crash interrupted between the snapshot's taking force and the dropping of the log that it replaced.
 */
function continues({ compacted, last }: LogState, snapshot: LogId, reader: LogReader): boolean {
  if (snapshot.index > last.index) return false;
  return snapshot.term === (snapshot.index === compacted.index ? compacted.term : reader.termAt(snapshot.index));
}

async function snapshotMeta(directory: string): Promise<SnapshotMeta | null> {
  const reader = await openSnapshot(directory);
  await reader?.close();
  return reader?.meta ?? null;
}

function isNew({ hardState, last }: LogState): boolean {
  return hardState.term === 0 && hardState.votedFor === null && last.index === 0;
}

function lost(directory: string): CorruptLogError {
  return new CorruptLogError('log', null, `${directory} holds none although it was in use; restore the directory from a backup, or empty it and let the node rejoin`);
}
