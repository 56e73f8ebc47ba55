/** A graph as Graphviz's language says it. */
export interface Graph {
  readonly nodes: ReadonlySet<string>
  readonly edges: readonly { readonly from: string; readonly to: string; readonly attributes: Attributes }[]
}

type Attributes = Readonly<Record<string, string>>

/**
 * Reads a digraph by the grammar of the DOT language, as far as nodes, edges, defaults and attributes go.
 * @throws SyntaxError where Graphviz would complain
 */
export function parseDot(text: string): Graph {
  const tokens = [...tokensOf(text)]
  let at = 0
  const take = (wanted?: string): string => {
    const token = tokens[at++]
    if (token === undefined || (wanted !== undefined && token !== wanted))
      throw new SyntaxError(`${wanted ?? 'a token'} expected, not ${token ?? 'the end'}`)
    return token
  }
  const id = (): string => {
    const token = take()
    if (/^"/.test(token)) return token.slice(1, -1).replaceAll('\\"', '"')
    if (!/^[A-Za-z_][A-Za-z0-9_]*$|^-?[\d.]+$/.test(token))
      throw new SyntaxError(`an identifier expected, not ${token}`)
    return token
  }
  const attributes = (): Attributes => {
    const found: Record<string, string> = {}
    if (tokens[at] !== '[') return found
    take('[')
    while (tokens[at] !== ']') {
      const key = id()
      take('=')
      found[key] = id()
      if (tokens[at] === ',' || tokens[at] === ';') take()
    }
    take(']')
    return found
  }
  const nodes = new Set<string>()
  const edges: { from: string; to: string; attributes: Attributes }[] = []
  take('digraph')
  id()
  take('{')
  while (tokens[at] !== '}') {
    const isDefault = /^(?:node|edge|graph)$/.test(tokens[at] ?? '')
    const name = id()
    if (isDefault) attributes()
    else if (tokens[at] === '=') {
      take('=')
      id()
    } else if (tokens[at] === '->') {
      take('->')
      edges.push({ from: name, to: id(), attributes: attributes() })
    } else {
      nodes.add(name)
      attributes()
    }
    if (tokens[at] === ';') take()
  }
  take('}')
  if (at !== tokens.length) throw new SyntaxError(`nothing expected after the graph, not ${tokens[at]}`)
  return { nodes, edges }
}

function* tokensOf(text: string): Iterable<string> {
  const pattern = /\s+|->|[{}[\]=,;]|"(?:[^"\\]|\\[\s\S])*"|[A-Za-z_][A-Za-z0-9_]*|-?[\d.]+/y
  while (pattern.lastIndex < text.length) {
    const from = pattern.lastIndex
    const [token] = pattern.exec(text) ?? []
    if (token === undefined) throw new SyntaxError(`no token begins with ${text.slice(from, from + 20)}`)
    if (token.trim() !== '') yield token
  }
}
