import { isQuorum } from '../invariants/agreed-configurations.js';
import type { FaultContext } from './fault-context.js';
import type { SimulatedServer } from './server.js';

/**
 * A bit of an acknowledged entry flips on the disk of a server that is down. It must refuse to start; its operator has it
 * removed, wipes it, and brings a new one. As with any server that is lost for good, a majority of the others must be well,
 * and no change of the membership under way that counts on it.
 */
export function bitRot({ cluster, dice, isMembershipSettled }: FaultContext): boolean {
  const { servers, configuration } = cluster;
  const isHealthy = ({ isWell, isRotten }: SimulatedServer): boolean => isWell && !isRotten;
  if (configuration.voters.length < 3 || servers.some(({ isRotten }) => isRotten) || !isMembershipSettled()) return false;
  const healthy = servers.filter(isHealthy);
  const candidates = healthy.filter(({ id, isLeading }) => !isLeading && configuration.voters.includes(id) && isQuorum(configuration, (each) => each !== id && healthy.some((other) => other.id === each)));
  if (candidates.length === 0) return false;
  const victim = dice.pick(candidates);
  victim.crash('crashes');
  cluster.betweenTurns(() => {
    const { image } = victim.disk;
    if (victim.run !== null || image.entries.length === 0) return;
    const index = image.compacted.index + dice.whole(1, image.entries.length);
    cluster.note(`a bit of entry ${index} flips on the disk of ${victim.id}`);
    victim.disk.corruptEntry(index);
    victim.isRotten = true;
  });
  return true;
}
