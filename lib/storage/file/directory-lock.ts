import { createHash, randomUUID } from 'node:crypto';
import { mkdtemp, readdir, realpath, rename, rm, symlink } from 'node:fs/promises';
import { connect, createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { StorageError } from '../../ports/errors.js';

const HELD = 'lock-';
const STARTING = 'starting-';
/** `sun_path` has 104 bytes on macOS, 108 on Linux. */
const MAX_SOCKET_PATH_BYTES = 100;

/**
 * Keeps a second process, thread or instance out of a directory.
 *
 * Node has no flock. A file with a process id can't tell a dead holder from one in another container, whose ids mean
 * something else. A listening Unix socket can: it is found through the file system, wherever the holder runs on this
 * machine, and the kernel closes it when the holder dies, `kill -9` included; what is left is a name that refuses
 * connections.
 *
 * Nobody ever takes over a stale name, because between "it is dead" and "I remove it" somebody else may have done so
 * and be alive again. Instead everyone announces itself under a name of its own, and only then looks at the others:
 *
 * ```
 * A  announce ───── look ── sees B? withdraw
 * B        announce ───── look ── sees A: withdraw
 * ```
 *
 * Of two that hold the lock, one announced later and looked later still, when the other's name answered; so it can't
 * hold it. Both may withdraw when they start at the same moment; that is safe. A name appears (by rename) only when its socket
 * listens already, so that no name is ever silent but of the dead.
 *
 * On Windows a named pipe, which has one owner and dies with it, does all that alone.
 */
export class DirectoryLock {
  private constructor(
    private readonly server: Server,
    private readonly file: string | null,
  ) {}

  /** @throws {StorageError} when somebody else holds the directory, or no socket can be made in it. */
  static async acquire(directory: string): Promise<DirectoryLock> {
    return process.platform === 'win32' ? await acquirePipe(directory, (server) => new DirectoryLock(server, null)) : await DirectoryLock.#acquireSocket(directory);
  }

  async release(): Promise<void> {
    try {
      if (this.file !== null) await rm(this.file, { force: true });
    } finally {
      // A name that stays is one of the dead then, which the next one removes.
      await new Promise<void>((resolve) => this.server.close(() => resolve()));
    }
  }

  static async #acquireSocket(directory: string): Promise<DirectoryLock> {
    const id = `${process.pid}-${randomUUID().slice(0, 8)}`;
    const reach = await reachable(directory, `${STARTING}${id}`);
    try {
      const server = await listen(join(reach.directory, `${STARTING}${id}`), directory);
      const lock = new DirectoryLock(server, join(directory, `${HELD}${id}`));
      try {
        await rename(join(directory, `${STARTING}${id}`), join(directory, `${HELD}${id}`));
        await removeDeadNames(directory, reach.directory, `${HELD}${id}`);
        return lock;
      } catch (error) {
        await lock.release();
        // Only the holder removes names.
        if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
        throw new StorageError('open', `${directory} was being opened by another process at the same moment; try again`, { cause: error });
      }
    } finally {
      await reach.dispose();
    }
  }
}

/** @throws {StorageError} when one of the names is alive. */
async function removeDeadNames(directory: string, reach: string, own: string): Promise<void> {
  const others = (await readdir(directory)).filter((name) => name !== own && (name.startsWith(HELD) || name.startsWith(STARTING)));
  const alive = await Promise.all(others.map((name) => answers(join(reach, name))));
  const holder = others.find((name, i) => name.startsWith(HELD) && alive[i] === true);
  if (holder !== undefined) {
    throw new StorageError('open', `${directory} is in use by process ${holder.slice(HELD.length).split('-')[0] ?? ''}; stop it, or give this node a directory of its own`);
  }
  // Only the holder removes anything, and only what is dead. A starter that loses its name so fails to rename it, and would have been refused anyway.
  for (const [i, name] of others.entries()) if (alive[i] === false) await rm(join(directory, name), { force: true });
}

/** Whether somebody listens. Anything but a plain refusal counts as yes: a full backlog, a missing permission. */
function answers(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path);
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', (error: NodeJS.ErrnoException) => resolve(error.code !== 'ECONNREFUSED' && error.code !== 'ENOENT'));
  });
}

async function listen(path: string, directory: string): Promise<Server> {
  const server = createServer((socket) => socket.destroy());
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) =>
      reject(
        error.code === 'EADDRINUSE'
          ? new StorageError('open', `${directory} is in use by another process; stop it, or give this node a directory of its own`)
          : new StorageError('open', `${directory} can't be locked (${error.message}); it must be on a local file system that allows sockets`, { cause: error }),
      ),
    );
    server.listen(path, resolve);
  });
  // The lock alone keeps no process alive.
  server.unref();
  return server;
}

async function acquirePipe<T>(directory: string, wrap: (server: Server) => T): Promise<T> {
  const name = createHash('sha256').update((await realpath(directory)).toLowerCase()).digest('hex').slice(0, 32);
  return wrap(await listen(`\\\\.\\pipe\\rxraft-${name}`, directory));
}

/** The directory under a name short enough for a socket address: itself, or for a moment a link to it. */
async function reachable(directory: string, name: string): Promise<{ readonly directory: string; dispose(): Promise<void> }> {
  if (Buffer.byteLength(join(directory, name)) <= MAX_SOCKET_PATH_BYTES) return { directory, dispose: async () => undefined };
  const parent = await mkdtemp(join(tmpdir(), 'rxraft-'));
  const link = join(parent, 'd');
  await symlink(await realpath(directory), link);
  return { directory: link, dispose: () => rm(parent, { recursive: true, force: true }) };
}
