/**
 * Who made the change that an event tells of, as the object says of itself. It is for readers alone: no state, no digest
 * and no verdict has it, and an object that only somebody else wrote last is the same object.
 */
export interface ChangedBy {
  /** `kubectl-client-side-apply`, `argocd-controller`: what the API server was told. */
  readonly manager: string
  /** `Apply` or `Update`. */
  readonly operation?: string
  /** When, by the API server's clock; milliseconds since the epoch. */
  readonly time?: number
}
