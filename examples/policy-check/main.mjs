// A check of policies for CI: manifests of today against a proposal, and what must hold of the proposal.
// node examples/policy-check/main.mjs MANIFESTS PROPOSAL
import { compareStates, Engine, verdicts } from '@weir/core'
import { partyText } from '@weir/core/compare/parties.js'
import { portsText } from '@weir/core/compare/port-text.js'
import { why } from '@weir/adapters/agent/why.js'
import { diffFacts } from '@weir/adapters/manifests/diff.js'
import { readManifests } from '@weir/adapters/manifests/read.js'

const [today = 'examples/shop', proposal = 'examples/policy-check/proposal.yaml'] = process.argv.slice(2)

/** What a change must not break, whatever else it does. */
const promises = [
  { from: 'shop/web', to: 'shop/cart:7070', allowed: true },
  { from: 'shop/cart', to: 'data/cache:11211', allowed: true },
  { from: 'shop/web', to: 'data/orders:5432', allowed: false },
]

/** Folds what a file or folder says into an engine, on top of what the engine knows. */
async function fold(engine, path) {
  const set = await readManifests(path)
  for (const { problems } of set.refusals)
    for (const { file, line, message } of problems) throw new Error(`${file}:${line}: ${message}`)
  const drafts = diffFacts(engine.state, set, { timeMs: 0, owns: () => false })
  engine.apply(drafts.map((draft, at) => ({ ...draft, seq: engine.seq + 1 + at })))
  return engine
}

const live = await fold(new Engine(), today)
const proposed = await fold(live.fork(), proposal)

for (const { change, from, to, ports } of compareStates(live, proposed).changes)
  console.log(`${change}: ${from.map(partyText).join(', ')} → ${to.map(partyText).join(', ')} ${portsText(ports)}`)

for (const { from, to, allowed } of promises) {
  const holds = why(proposed, from, to).every(({ explanation }) => (explanation.verdict === verdicts.allow) === allowed)
  console.log(`${holds ? 'holds' : 'BROKEN'}: ${from} → ${to} ${allowed ? 'allowed' : 'denied'}`)
  if (!holds) process.exitCode = 1
}
