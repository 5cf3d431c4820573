import type { Configuration, NodeInfo } from '../../core/configuration.js';
import { membersOf } from '../../core/configuration.js';
import type { LogIndex, NodeId } from '../../core/ids.js';
import type { MembershipChange } from '../../core/membership-plan.js';
import type { Dice } from './dice.js';
import type { MembershipOperationName } from './operation-names.js';

/** What an operator who wants to change the membership looks at. */
export interface MembershipView {
  readonly dice: Dice;
  /** The node that is asked. */
  readonly asked: NodeId;
  /** The configuration as that node sees it, and where. It may be out of date. */
  readonly configuration: Configuration;
  readonly index: LogIndex;
  /** Up to so many servers that are no members there: some that once were, with what is on their disks, some that are new. */
  readonly outsiders: (atMost: number) => readonly NodeId[];
  /** What to say of a server, with the mark of this change. */
  readonly describe: (id: NodeId) => NodeInfo;
  /** No change may leave fewer voters. */
  readonly minVoters: number;
}

/** A change to ask for. */
export interface WantedChange {
  readonly change: MembershipChange;
  /** Whose description bears this change's mark; null when the change can't be lawful. */
  readonly marked: NodeId | null;
  readonly expected?: LogIndex;
}

/** How each change is made up; null when there is nobody to do it to. */
export const MEMBERSHIP_CHANGES: Readonly<Record<Exclude<MembershipOperationName, 'two changes at once'>, (view: MembershipView) => WantedChange | null>> = {
  add({ outsiders, describe }) {
    const [id] = outsiders(1);
    return id === undefined ? null : { change: { add: { [id]: describe(id) } }, marked: id };
  },
  'add a learner'({ outsiders, describe }) {
    const [id] = outsiders(1);
    return id === undefined ? null : { change: { add: { [id]: { ...describe(id), autoPromote: false } } }, marked: id };
  },
  /** Empty servers with a vote, at once: lawful, since a joint configuration needs the old majority too. */
  'add voters'({ dice, outsiders, describe }) {
    const ids = outsiders(dice.whole(1, 2));
    const [first] = ids;
    return first === undefined ? null : { change: { add: described(ids, describe), promote: ids }, marked: first };
  },
  remove(view) {
    const { dice, configuration, minVoters } = view;
    const spare = configuration.voters.length - minVoters;
    const removable = spare > 0 ? [...configuration.voters, ...configuration.learners] : configuration.learners;
    const removed = dice.shuffled(removable).slice(0, dice.whole(1, Math.max(1, Math.min(2, spare))));
    return removed.length === 0 ? null : removal(view, removed);
  },
  'removal of the leader'(view) {
    return view.configuration.voters.includes(view.asked) && view.configuration.voters.length > view.minVoters ? removal(view, [view.asked]) : null;
  },
  promote({ dice, configuration: { learners }, describe }) {
    if (learners.length === 0) return null;
    const id = dice.pick(learners);
    return { change: { promote: [id], setAddress: { [id]: describe(id).address } }, marked: id };
  },
  demote({ dice, configuration: { voters }, describe, minVoters }) {
    if (voters.length <= minVoters) return null;
    const id = dice.pick(voters);
    return { change: { demote: [id], setAddress: { [id]: describe(id).address } }, marked: id };
  },
  move({ dice, configuration, describe }) {
    const moved = dice.shuffled(membersOf(configuration)).slice(0, dice.whole(1, 3));
    const [first] = moved;
    if (first === undefined) return null;
    return { change: { setAddress: Object.fromEntries(moved.map((id) => [id, describe(id).address])) }, marked: first };
  },
  /** The whole membership anew: some stay, some go, some come, some change their part. */
  replace({ dice, configuration, outsiders, describe, minVoters }) {
    const all = dice.shuffled([...membersOf(configuration), ...outsiders(dice.whole(1, 3))]);
    const voters = all.slice(0, dice.whole(Math.min(minVoters, all.length), all.length));
    const rest = all.slice(voters.length);
    const learners = rest.slice(0, dice.whole(0, rest.length));
    const [first] = voters;
    return first === undefined ? null : { change: { voters, learners, nodes: described([...voters, ...learners], describe) }, marked: first };
  },
  /** As things are in half of the cases; else of a configuration that was before, or is not yet. */
  'change with a precondition'(view) {
    const { dice, index } = view;
    const wanted = dice.pick([MEMBERSHIP_CHANGES.move, MEMBERSHIP_CHANGES.remove, MEMBERSHIP_CHANGES.add])(view);
    const expected = dice.chance(0.5) ? index : dice.pick([0, Math.max(0, index - 1), index + 1]);
    return wanted === null ? null : { ...wanted, expected };
  },
  'unlawful change'({ dice, asked, configuration: { voters }, describe }) {
    const changes: readonly MembershipChange[] = [
      { voters: [] },
      { voters: [...voters, STRANGER] },
      { voters: [asked, asked], nodes: { [asked]: describe(asked) } },
      { promote: [STRANGER] },
      { remove: [STRANGER] },
      { setAddress: { [STRANGER]: 'somewhere' } },
      { add: { 'no id': 'somewhere' } },
    ];
    return { change: dice.pick(changes), marked: null };
  },
};

/** A new server in the place of one that is lost; without one to be had, the others bear the mark. */
export function replacement(view: MembershipView, lost: NodeId): WantedChange | null {
  const [id] = view.outsiders(1).filter((outsider) => outsider !== lost);
  if (!membersOf(view.configuration).includes(lost)) return null;
  if (id === undefined) return removal(view, [lost]);
  return { change: { remove: [lost], add: { [id]: view.describe(id) } }, marked: id };
}

/** Is in no configuration and never runs. */
const STRANGER = 'stranger';

/** Without them; one that stays bears the mark. */
function removal({ dice, configuration, describe }: MembershipView, removed: readonly NodeId[]): WantedChange | null {
  const staying = membersOf(configuration).filter((id) => !removed.includes(id));
  if (staying.length === 0) return null;
  const marked = dice.pick(staying);
  return { change: { remove: removed, setAddress: { [marked]: describe(marked).address } }, marked };
}

function described(ids: readonly NodeId[], describe: (id: NodeId) => NodeInfo): Record<NodeId, NodeInfo> {
  return Object.fromEntries(ids.map((id) => [id, describe(id)]));
}
