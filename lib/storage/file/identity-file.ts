import { readFile } from 'node:fs/promises';
import { crc32 } from 'node:zlib';
import { CorruptLogError, StorageError } from '../../ports/errors.js';
import type { StorageIdentity } from '../../ports/storage.js';
import { replaceFile } from './files.js';

/** Of the whole directory: segments, snapshot. Raised when any of them changes in a way that old builds can't read. */
export const FORMAT_VERSION = 2;

/**
 * `rxraft.json`: whose directory this is and how it is laid out. Readable without any of the rest, so that every
 * later version can tell what it has before it. Written last when a directory is created.
 */
export async function readIdentity(file: string): Promise<StorageIdentity | null> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
  const { formatVersion, clusterId, nodeId, checksum } = parse(text);
  // The version first: another one may lay out everything else differently.
  if (typeof formatVersion === 'number' && formatVersion !== FORMAT_VERSION) throw otherVersion(file, formatVersion);
  if (typeof clusterId !== 'string' || typeof nodeId !== 'string' || checksum !== checksumOf({ clusterId, nodeId })) {
    throw new CorruptLogError('identity', null, `${file} does not match its checksum; restore it from a backup`);
  }
  return { clusterId, nodeId };
}

export async function writeIdentity(file: string, { clusterId, nodeId }: StorageIdentity): Promise<void> {
  const content = { format: 'rxraft', formatVersion: FORMAT_VERSION, clusterId, nodeId, checksum: checksumOf({ clusterId, nodeId }) };
  await replaceFile(file, `${JSON.stringify(content, null, 2)}\n`);
}

/** @throws {StorageError} when the directory is somebody else's. */
export function checkIdentity(found: StorageIdentity, wanted: StorageIdentity, directory: string): void {
  for (const key of ['clusterId', 'nodeId'] as const) {
    if (found[key] === wanted[key]) continue;
    throw new StorageError('open', `${directory} belongs to ${key} ${found[key]}, not ${wanted[key]}; give this node a directory of its own`);
  }
}

function otherVersion(file: string, version: number): StorageError {
  const advice =
    version > FORMAT_VERSION
      ? 'it was written by a newer rxraft: upgrade this one to at least that version'
      : 'it was written by an older rxraft: start it once with the last version that reads it, remove the node from the cluster, empty the directory, upgrade, and let the node rejoin as a learner';
  return new StorageError('open', `${file} says format ${version}, this build reads and writes format ${FORMAT_VERSION}; ${advice}`);
}

function checksumOf({ clusterId, nodeId }: StorageIdentity): number {
  return crc32(`${FORMAT_VERSION}\n${clusterId}\n${nodeId}`);
}

function parse(text: string): Readonly<Record<'formatVersion' | 'clusterId' | 'nodeId' | 'checksum', unknown>> {
  try {
    const value: unknown = JSON.parse(text);
    const record = (typeof value === 'object' && value !== null ? value : {}) as Record<string, unknown>;
    return { formatVersion: record['formatVersion'], clusterId: record['clusterId'], nodeId: record['nodeId'], checksum: record['checksum'] };
  } catch {
    return { formatVersion: null, clusterId: null, nodeId: null, checksum: null };
  }
}
