import { isMap } from '@weir/core/input/reader.js'

/** Kinds whose status says whether they are valid. */
export const kindsWithStatus: ReadonlySet<string> = new Set(['CiliumNetworkPolicy', 'CiliumClusterwideNetworkPolicy'])

/** What an object's status says of its being valid; undefined where it says nothing. */
export function validityOf(raw: unknown): { readonly status: string; readonly message: string } | undefined {
  const status = isMap(raw) ? raw.status : undefined
  const conditions = isMap(status) && Array.isArray(status.conditions) ? (status.conditions as readonly unknown[]) : []
  const found = conditions.find(each => isMap(each) && each.type === 'Valid')
  return isMap(found) ? { status: String(found.status ?? ''), message: String(found.message ?? '') } : undefined
}
