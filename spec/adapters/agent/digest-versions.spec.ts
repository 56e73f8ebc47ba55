import type { EventBody } from '@weir/core'
import { digestAs, hexesOf, isComparable, partsLackingIn } from '@weir/core/digest/versions.js'
import { expect } from 'chai'
import { engineOf, pod, smallShop } from './cluster.js'

const bodies: readonly EventBody[] = [
  ...smallShop,
  {
    kind: 'node.upserted',
    node: { name: 'n2', labels: {}, addresses: ['10.0.0.9', 'fd00::99'], podCidrs: ['10.0.2.0/24'] },
  },
  { kind: 'pod.upserted', pod: pod('far', '10.9.0.7', { node: 'n2' }) },
]

/** What the last build with digests of version 4 came to. */
const fourth = {
  hex: '2b80df5f417a0647454db364ee1ee29dfa97d3e8a68dc0d55f1ecd56e32235fa',
  version: 4,
  parts: {
    addresses: '3e768508832e3a621ee27f5c9ac24930e78ce8a9f5048c8e4e35c0a4925a9290',
    prefixes: '0cfcf126b7330e40af6dd467d839ec001dcafaba60d38789e553801f2e3369b5',
    endpoints: '35780c67ed206fc99467ba52fb090a142d77130d99b8b79a45658acf72f4e646',
    cells: '865ce294417f1166083aa05650a2ddae5ea0b155511fd878f0f6d953572f5d0e',
    policies: '7194ffa0e9d16330fe88b360247e649eba60de216b147caa29a2d514504e24b5',
    identities: '1cec766cd54bf4d21ac9cea67eaad469f5c86f88c2d90df4c2432de6f59b0f22',
    frontends: '0'.repeat(64),
    backends: '0'.repeat(64),
    egress: '0'.repeat(64),
  },
}

describe('digests of earlier versions', () => {
  const digest = engineOf(bodies).digest()

  it('are what builds of then came to', () => {
    expect(digestAs(digest, 4)).to.deep.equal(fourth)
  })

  it('are the digest itself where the version is this one', () => {
    expect(digestAs(digest, digest.version)).to.deep.equal(digest)
    expect(hexesOf(digest)).to.have.members([digest.hex, fourth.hex])
  })

  it('are none where tables were hashed otherwise', () => {
    for (const version of [0, 3, digest.version + 1]) {
      expect(isComparable(version)).to.equal(false)
      expect(digestAs(digest, version)).to.equal(undefined)
    }
  })

  it('say which parts they lack', () => {
    expect(partsLackingIn(4)).to.deep.equal(['tunnels'])
    expect(partsLackingIn(digest.version)).to.deep.equal([])
  })
})
