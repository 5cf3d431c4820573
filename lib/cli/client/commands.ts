import type { ClientCommand } from './context.js';
import { eventsCommand } from './events.js';
import { delCommand, getCommand, listCommand, putCommand } from './kv.js';
import { campaignCommand, pauseCommand, resumeCommand, snapshotCommand, stepDownCommand, transferCommand } from './leadership.js';
import { memberAddCommand, memberDemoteCommand, memberListCommand, memberPromoteCommand, memberRemoveCommand, memberSetAddressCommand } from './members.js';
import { statusCommand } from './status.js';

/** Every command that talks to a running cluster, in the order of the help. */
export const CLIENT_COMMANDS: readonly ClientCommand[] = [
  statusCommand,
  eventsCommand,
  putCommand,
  getCommand,
  delCommand,
  listCommand,
  memberListCommand,
  memberAddCommand,
  memberRemoveCommand,
  memberPromoteCommand,
  memberDemoteCommand,
  memberSetAddressCommand,
  transferCommand,
  snapshotCommand,
  stepDownCommand,
  campaignCommand,
  pauseCommand,
  resumeCommand,
];
