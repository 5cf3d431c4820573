/** What operators do to the membership, one call each. */
export const MEMBERSHIP_OPERATION_NAMES = Object.freeze([
  'add',
  'add a learner',
  'add voters',
  'remove',
  'removal of the leader',
  'promote',
  'demote',
  'move',
  'replace',
  'two changes at once',
  'change with a precondition',
  'unlawful change',
] as const);

export type MembershipOperationName = (typeof MEMBERSHIP_OPERATION_NAMES)[number];

/** Everything that a simulated operator may do. */
export const OPERATION_NAMES = Object.freeze([
  'snapshot',
  'compaction',
  'transfer',
  'transfer to one',
  'step down',
  'campaign',
  'pause of elections',
  ...MEMBERSHIP_OPERATION_NAMES,
  'retirement',
] as const);

export type OperationName = (typeof OPERATION_NAMES)[number];
