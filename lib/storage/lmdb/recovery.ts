import { access, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { ORIGIN, type LogId } from '../../core/ids.js';
import type { SnapshotMeta } from '../../core/messages.js';
import { CorruptLogError, StorageError } from '../../ports/errors.js';
import type { RecoveredState, StorageIdentity } from '../../ports/storage.js';
import type { Environment } from './environment.js';
import { syncDirectory } from './files.js';
import { STATE_KEY } from './group.js';
import { checkIdentity, readIdentity, writeIdentity } from './identity-file.js';
import { LogReader } from './log-reader.js';
import { LogWriter, removeBlocks } from './log-writer.js';
import { checkPages } from './page-check.js';
import { openSnapshot, removeTemporaries } from './snapshot-file.js';
import { decodeState, encodeState, type LogState } from './state-record.js';

/** A directory that is open and in order. */
export interface OpenedStore {
  readonly environment: Environment;
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
  openEnvironment: (file: string) => Environment,
): Promise<{ readonly store: OpenedStore; readonly state: RecoveredState }> {
  const identityFile = join(directory, 'rxraft.json');
  const owner = await readIdentity(identityFile);
  if (owner !== null) checkIdentity(owner, identity, directory);
  await removeTemporaries(directory);
  await rm(`${identityFile}.tmp`, { force: true });
  const logFile = join(directory, 'log.mdb');
  if (owner !== null && !(await exists(logFile))) throw new CorruptLogError('log', null, `${logFile} is gone; restore the directory from a backup, or empty it and let the node rejoin`);

  if (!(await exists(logFile))) await createLog(logFile, openEnvironment);
  await checkPages(logFile);
  const environment = openEnvironment(logFile);
  try {
    if (owner === null) {
      await requireNew(environment, directory);
      await writeIdentity(identityFile, identity);
      await syncDirectory(dirname(directory));
    }
    return await recoverLog(directory, environment);
  } catch (error) {
    await environment.close();
    throw error;
  }
}

/** Under another name until it is whole, for a power cut may leave any part of a file that LMDB has begun. */
async function createLog(file: string, openEnvironment: (file: string) => Environment): Promise<void> {
  const begun = `${file}.new`;
  const remove = async (): Promise<void> => {
    for (const name of [begun, `${begun}-lock`]) await rm(name, { force: true });
  };
  await remove();
  const environment = openEnvironment(begun);
  try {
    await environment.commit({ removes: [], puts: [{ key: STATE_KEY, value: encodeState(NEW_STATE) }] });
  } finally {
    await environment.close();
  }
  await rename(begun, file);
  await remove();
  // Before the identity file, which says that there is a log.
  await syncDirectory(dirname(file));
}

/** A log without an identity file is one whose directory was not made to the end. @throws {StorageError} when it holds something. */
async function requireNew(environment: Environment, directory: string): Promise<void> {
  const found = environment.get(STATE_KEY);
  if (found === null) return await environment.commit({ removes: [], puts: [{ key: STATE_KEY, value: encodeState(NEW_STATE) }] });
  if (!isNew(decodeState(found))) throw new StorageError('open', `${directory} holds a log but no rxraft.json, which says whose it is; restore that file`);
}

async function recoverLog(directory: string, environment: Environment): Promise<{ readonly store: OpenedStore; readonly state: RecoveredState }> {
  const record = environment.get(STATE_KEY);
  if (record === null) throw new CorruptLogError('hard state', null, 'the record is gone; restore the directory from a backup, or empty it and let the node rejoin');
  const snapshot = await snapshotMeta(directory);
  const reader = new LogReader(environment);
  const writer = new LogWriter(environment, reader, decodeState(record));
  checkReach(writer.state, snapshot);
  if (snapshot !== null && !continues(writer.state, snapshot.last, reader)) await writer.submit({ type: 'reset', to: snapshot.last });

  const outline = await reader.scan(writer.state);
  await removeBlocks(environment, writer.state.last.index + 1);
  await writer.removeCompacted();
  const { hardState, compacted, last } = writer.state;
  const { terms, configurations } = outline;
  return { store: { environment, reader, writer, snapshot }, state: { hardState, snapshot, compacted, lastLog: last, terms, configurations } };
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

async function exists(file: string): Promise<boolean> {
  try {
    await access(file);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
    throw error;
  }
}
