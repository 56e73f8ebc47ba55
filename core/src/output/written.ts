/** An object as its API has it: plain data, in the order in which people write it. */
export interface WrittenObject {
  readonly apiVersion: string
  readonly kind: string
  readonly metadata: WrittenMetadata
  readonly [field: string]: unknown
}

export interface WrittenMetadata {
  readonly name: string
  readonly namespace?: string
  readonly labels?: Readonly<Record<string, string>>
  readonly annotations?: Readonly<Record<string, string>>
  readonly deletionTimestamp?: string
}

export type Written = Readonly<Record<string, unknown>>

/** A field that is written only where its list has items. */
export const listField = (name: string, items: readonly unknown[]): Written =>
  items.length === 0 ? {} : { [name]: items }
