import { peerText } from '@weir/core/policy/text.js'
import type { PeerSelector } from '@weir/core/policy/rule.js'
import type { BlockPeer } from '@weir/core/verdict/block-list.js'
import { KeyUse } from '@weir/core/verdict/key-use.js'
import type { BaseAtom } from '@weir/core/verdict/model.js'
import { Peers } from '@weir/core/verdict/peers.js'
import { worldShape } from '@weir/core/verdict/shapes.js'
import { expect } from 'chai'

const block = (cidr: string, ...except: readonly string[]): BlockPeer => ({ kind: 'cidr', cidr, except, scope: 'any' })
const byText = (...blocks: readonly BlockPeer[]) => new Map(blocks.map(each => [peerText(each), each]))
const named = (name: string, ...except: readonly string[]): PeerSelector => ({
  kind: 'set',
  source: { kind: 'name', name },
  cidrs: [],
  except,
  scope: 'any',
})

function asked() {
  const { atoms, groups } = new Peers(new KeyUse(), [
    worldShape('world', 'world-ipv4'),
    worldShape('world', 'world-ipv6'),
  ])
  const acquire = (peer: PeerSelector) => atoms.acquire(peer, peerText(peer))
  /** The named prefixes beside the two that always are. */
  const prefixes = () => [...groups.prefixes.keys()].filter(text => !text.endsWith('/0')).sort()
  /** Those that an atom holds in. */
  const within = (atom: BaseAtom) =>
    prefixes().filter(text => [...groups.prefixes.get(text)!.atoms].some(each => each === atom))
  const put = (bringer: string, name: string, ...addresses: readonly string[]) => {
    atoms.sets.put(bringer, { kind: 'name', name }, addresses)
    atoms.settleSets()
  }
  return { atoms, acquire, prefixes, within, put }
}

describe('a block that rules ask for', () => {
  it('is one question for all of them, until the last asks no more', () => {
    const { atoms, acquire, prefixes } = asked()
    const first = acquire(block('20.0.0.0/8'))
    expect([acquire(block('20.0.0.0/8')), acquire(block('20.0.0.0/8'))]).deep.equals([first, first])
    for (const left of [2, 1]) {
      atoms.release(first)
      expect(prefixes(), `${left} left`).deep.equals(['20.0.0.0/8'])
    }
    expect(acquire(block('20.0.0.0/8'))).equals(first)
    atoms.release(first)
    atoms.release(first)
    expect(prefixes()).deep.equals([])
    expect(acquire(block('20.0.0.0/8'))).not.equals(first)
  })

  it('means nobody when it can’t be read', () => {
    const { atoms, acquire, prefixes } = asked()
    const alone = acquire(block('everything'))
    const list = atoms.acquireList('any', byText(block('nothing'), block('20.0.0.0/8')))
    expect(prefixes()).deep.equals(['20.0.0.0/8'])
    atoms.reduceList(list, new Map())
    for (const atom of [alone, list]) atoms.release(atom)
    expect(prefixes()).deep.equals([])
  })

  it('has the holes that can be read and are of its family', () => {
    const { acquire, prefixes } = asked()
    acquire(block('20.0.0.0/8', 'nothing', 'fd00::/8', '20.1.0.0/16'))
    expect(prefixes()).deep.equals(['20.0.0.0/8', '20.1.0.0/16'])
  })
})

describe('a list of blocks', () => {
  it('has each of its blocks once, however often it is told of them', () => {
    const { atoms, prefixes } = asked()
    const [twenty, thirty] = [block('20.0.0.0/8'), block('30.0.0.0/8', '30.1.0.0/16')]
    const list = atoms.acquireList('any', byText(twenty))
    const { revision } = list.list!
    atoms.extendList(list, byText(twenty))
    expect(list.list!.revision).equals(revision)
    atoms.extendList(list, byText(twenty, thirty))
    expect(list.list!.revision).equals(revision + 1)
    expect(prefixes()).deep.equals(['20.0.0.0/8', '30.0.0.0/8', '30.1.0.0/16'])
    atoms.reduceList(list, byText(thirty))
    expect(prefixes()).deep.equals(['30.0.0.0/8', '30.1.0.0/16'])
    atoms.release(list)
    expect(prefixes()).deep.equals([])
  })

  it('is not told of as changed any more once nobody asks for it', () => {
    const { atoms } = asked()
    const list = atoms.acquireList('any', byText(block('20.0.0.0/8')))
    expect([...atoms.changedLists]).deep.equals([list])
    atoms.release(list)
    expect([...atoms.changedLists]).deep.equals([])
  })
})

describe('addresses that come and go', () => {
  it('name prefixes for as long as a rule asks for them', () => {
    const { atoms, acquire, prefixes, put } = asked()
    put('1', 'x.org', '20.0.0.1')
    const atom = acquire(named('x.org', '20.0.0.0/16'))
    expect(acquire(named('x.org', '20.0.0.0/16'))).equals(atom)
    expect(prefixes()).deep.equals(['20.0.0.0/16', '20.0.0.1/32'])
    put('1', 'x.org', '20.0.0.2')
    atoms.release(atom)
    expect(prefixes()).deep.equals(['20.0.0.0/16', '20.0.0.2/32'])
    atoms.release(atom)
    expect(prefixes()).deep.equals([])
    put('1', 'x.org', '20.0.0.3')
    expect(prefixes()).deep.equals([])
    acquire(named('x.org'))
    expect(prefixes()).deep.equals(['20.0.0.3/32'])
  })

  it('are everybody’s who asks for them, each with holes of his own', () => {
    const { atoms, acquire, prefixes, within, put } = asked()
    const [plain, holed] = [acquire(named('x.org')), acquire(named('x.org', '20.0.0.0/16'))]
    put('1', 'x.org', '20.0.0.1', '20.1.0.1')
    expect(prefixes()).deep.equals(['20.0.0.0/16', '20.0.0.1/32', '20.1.0.1/32'])
    expect([within(plain), within(holed)]).deep.equals([['20.0.0.1/32', '20.1.0.1/32'], ['20.1.0.1/32']])
    atoms.release(plain)
    put('1', 'x.org', '20.1.0.1')
    expect(prefixes()).deep.equals(['20.0.0.0/16', '20.1.0.1/32'])
  })
})
