import type { Features, Sweep } from '@weir/datapath/backend.js'

/** What the session in a guest found, one object a line behind this word. */
export const marker = 'weir-session: '

/** What a program met when it tried a denied port, and what a connection did that was there all the time. */
export interface Enforcement {
  /** What was sent on the old connection came back. */
  readonly isAlive: boolean
  /** A new connection to the allowed port stood. */
  readonly isAllowed: boolean
  /** None stood to the denied one. */
  readonly isDenied: boolean
}

export type SessionReport =
  | { readonly kind: 'loaded'; readonly features: Features; readonly sweep: Sweep }
  | {
      readonly kind: 'restarted'
      /** As the agent's status says it. */
      readonly attach: string
      readonly notes: readonly string[]
      /** Program at the host side of the server's veth, of the first process and of the second. */
      readonly programs: readonly (number | undefined)[]
      readonly running: Enforcement
      readonly killed: Enforcement
      readonly startedAgain: Enforcement
    }
  | { readonly kind: 'failed'; readonly reason: string }

export type SessionOf<Kind extends SessionReport['kind']> = Extract<SessionReport, { readonly kind: Kind }>
