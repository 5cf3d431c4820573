/** One check of a compliance suite. Rejects when the adapter breaks the contract; the name is the contract's sentence. */
export interface ComplianceCase {
  readonly name: string;
  run(): Promise<void>;
}
