/** A step into a document: a field of a map, or an index of a list. */
export type PathStep = string | number

const plainField = /^[A-Za-z_][A-Za-z0-9_-]*$/
/** No legal key is longer (a DNS subdomain, "/" and a name); what is longer is shown cut. */
const longestKey = 317

const plainKey = /^[A-Za-z0-9_./-]+$/

/**
 * The path of a field below `path`, as kubectl writes it: `spec.ingress`. Keys that are no field names stand in
 * brackets (`metadata.labels[app.kubernetes.io/name]`), in JSON quotes where they hold more than a label key may.
 */
export const fieldPath = (path: string, field: string): string => {
  if (field.length <= longestKey && plainField.test(field)) return path === '' ? field : `${path}.${field}`
  if (field.length > longestKey) return `${path}[${JSON.stringify(`${field.slice(0, longestKey)}…`)}]`
  return plainKey.test(field) ? `${path}[${field}]` : `${path}[${JSON.stringify(field)}]`
}

/** The path of the list item `index` of `path`: `spec.ingress[0]`. */
export const itemPath = (path: string, index: number): string => `${path}[${index}]`

/**
 * The steps of a path that `fieldPath` and `itemPath` made. Digits in brackets give a number: whether that is an index
 * or a key is for the document to say. Anything that is no such path gives the steps up to there.
 */
export const pathSteps = (path: string): readonly PathStep[] => {
  const steps: PathStep[] = []
  const step = /\.?([A-Za-z_][A-Za-z0-9_-]*)|\[(\d+)\]|\[([A-Za-z0-9_./-]+)\]|\[("(?:[^"\\]|\\.)*")\]/y
  for (let match = step.exec(path); match !== null; match = step.exec(path)) {
    const [, field, index, key, quoted] = match
    if (field !== undefined) steps.push(field)
    else if (index !== undefined) steps.push(Number(index))
    else if (key !== undefined) steps.push(key)
    else if (quoted !== undefined) steps.push(JSON.parse(quoted) as string)
  }
  return steps
}
