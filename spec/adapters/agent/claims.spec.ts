import { Claims } from '@weir/adapters/agent/claims.js'
import { originOf, type Entry } from '@weir/adapters/kubernetes/entry.js'
import { ObjectIntake } from '@weir/adapters/kubernetes/intake.js'
import { isRefusal } from '@weir/adapters/manifests/file.js'
import type { ManifestObject, ManifestSet, Refusal } from '@weir/adapters/manifests/set.js'
import { Engine, type WeirEvent } from '@weir/core'
import type { EventDraft } from '@weir/core/event/event.js'
import { expect } from 'chai'
import fc from 'fast-check'

/** What is said of a name: a version that is understood, or one that isn't. */
type Word = number | 'broken'
type Words = ReadonlyMap<string, Word>

type Step =
  | { readonly kind: 'folder'; readonly words: Words; readonly isWhole: boolean }
  | { readonly kind: 'server'; readonly name: string; readonly word: Word | undefined; readonly isMissed: boolean }
  | { readonly kind: 'list' }
  | { readonly kind: 'restart' }

const keyOf = (name: string) => ({ kind: 'Namespace', namespace: '', name })

function said(name: string, word: Word, file: string, origin?: string): ManifestObject | Refusal {
  const place = { object: keyOf(name), file, line: 1, ...(origin !== undefined && { origin }) }
  if (word === 'broken')
    return { ...place, code: 'WEIR_INPUT_INVALID', problems: [{ path: 'metadata', message: `broken in ${file}` }] }
  const labels = { version: String(word), 'kubernetes.io/metadata.name': name }
  return { ...place, bodies: [{ kind: 'namespace.upserted', namespace: { name, labels } }], running: true }
}

/** A folder and a server that speak of namespaces, and an engine that hears both. */
class Both {
  readonly engine = new Engine()
  readonly events: WeirEvent[] = []
  folder: Words = new Map()
  server = new Map<string, Word>()
  /** What of it this process was told. */
  heard = new Map<string, Word>()
  isWhole = true
  #claims = new Claims(kind => kind === 'Namespace')
  #intake = this.#newIntake()
  #version = 0
  isListed = false
  isFolderRead = false

  get waiting() {
    return this.#claims.waiting
  }

  version(name: string): string | undefined {
    return this.engine.state.namespaces.get(name)?.fact.labels.version
  }

  async do(step: Step): Promise<void> {
    // The server is listened to when the folder is known; what it does meanwhile is found then.
    if (step.kind === 'folder') {
      ;({ words: this.folder, isWhole: this.isWhole } = step)
      this.readFolder()
    } else if (step.kind === 'restart') {
      this.#claims = new Claims(kind => kind === 'Namespace')
      this.#intake = this.#newIntake()
      this.heard.clear()
      this.isListed = false
      this.isFolderRead = false
    } else if (step.kind === 'list') await this.list()
    else {
      if (step.word === undefined && !this.server.delete(step.name)) return
      if (step.word !== undefined) this.server.set(step.name, step.word)
      this.#version++
      if (!this.isListed || step.isMissed) return
      if (step.word === undefined) this.heard.delete(step.name)
      else this.heard.set(step.name, step.word)
      await this.#intake.take([this.#change(step.name, step.word)])
    }
  }

  readFolder(): void {
    const all = [...this.folder].map(([name, word]) => said(name, word, `/m/${name}.yaml`))
    const set: ManifestSet = {
      root: '/m',
      objects: all.filter(each => 'bodies' in each),
      refusals: all.filter(isRefusal),
      skipped: [],
      incomplete: !this.isWhole,
    }
    this.#append(this.#claims.folderDrafts(this.engine.state, set, { timeMs: 0 }))
    this.#claims.settleFolder(true)
    this.isFolderRead = true
  }

  async list(): Promise<void> {
    if (!this.isFolderRead) this.readFolder()
    await this.#intake.take([...this.server].map(([name, word]) => this.#change(name, word)))
    await this.#intake.listed('Namespace', new Set([...this.server.keys()].map(name => `/${name}`)), '7')
    this.heard = new Map(this.server)
    this.isListed = true
  }

  #change(name: string, word: Word | undefined) {
    const resourceVersion = String(this.#version)
    const entry: Entry = {
      ...{ object: keyOf(name), resourceVersion, apiVersion: 'v1', uid: '', condition: undefined },
      said: said(name, word ?? 0, `/api/v1/namespaces/${name}`, originOf(resourceVersion)),
    }
    return { entry, isGone: word === undefined }
  }

  #append(drafts: readonly EventDraft[]): void {
    const events = drafts.map((draft, at): WeirEvent => ({ ...draft, seq: this.engine.seq + 1 + at }))
    if (events.length > 0) this.engine.apply(events)
    this.events.push(...events)
  }

  #newIntake(): ObjectIntake {
    return new ObjectIntake({
      sink: {
        state: this.engine.state,
        submit: async facts => {
          const drafts = typeof facts === 'function' ? facts(this.engine.state) : facts
          this.#append(drafts.map(draft => ({ time: 0, source: 'kubernetes', ...draft })))
          return { first: 0, last: -1 }
        },
        report: () => {},
      },
      ...{ nowMs: () => 0, ownNode: { name: 'n1' }, claims: this.#claims, report: () => {} },
    })
  }
}

const words = (...entries: readonly (readonly [string, Word])[]): Step => ({
  ...{ kind: 'folder', words: new Map(entries), isWhole: true },
})
const server = (name: string, word?: Word): Step => ({ kind: 'server', name, word, isMissed: false })
const list: Step = { kind: 'list' }
const restart: Step = { kind: 'restart' }

async function madeBy(...steps: readonly Step[]): Promise<Both> {
  const both = new Both()
  for (const step of steps) await both.do(step)
  return both
}

describe('what a folder and an API server claim', () => {
  it('lies side by side: neither takes back what the other says', async () => {
    const both = await madeBy(words(['a', 1]), server('b', 2), list, list, words(['a', 1], ['c', 1]))
    expect(['a', 'b', 'c'].map(name => both.version(name))).to.deep.equal(['1', '2', '1'])
    await both.do(words())
    expect(['a', 'b', 'c'].map(name => both.version(name))).to.deep.equal([undefined, '2', undefined])
  })
  it('is the folder’s where both say it; the server’s waits, and is back in the batch that ends the other', async () => {
    const both = await madeBy(words(['a', 1]), server('a', 2), list)
    expect(both.version('a')).to.equal('1')
    expect(both.waiting).to.deep.equal([{ object: keyOf('a'), by: 'manifests:/m/a.yaml:1' }])
    await both.do(server('a', 3))
    expect(both.version('a')).to.equal('1')
    await both.do(words())
    expect(both.version('a')).to.equal('3')
    expect(both.events.at(-1)?.source).to.equal('kubernetes:resourceVersion=2')
    expect(both.events.map(({ kind }) => kind)).to.deep.equal(['namespace.upserted', 'namespace.upserted'])
    expect(both.waiting).to.deep.equal([])
  })
  it('is the folder’s from when a file says it, and goes with the file once the server has none', async () => {
    const both = await madeBy(server('a', 2), words(), list, words(['a', 1]))
    expect(both.version('a')).to.equal('1')
    await both.do(server('a'))
    expect(both.version('a')).to.equal('1')
    await both.do(words())
    expect(both.version('a')).to.equal(undefined)
    expect(both.events.at(-1)?.source).to.equal('manifests:/m')
  })
  it('is claimed by a broken definition, too: what was in force stays', async () => {
    const both = await madeBy(server('a', 2), words(), list, words(['a', 'broken']), server('a', 3))
    expect(both.version('a')).to.equal('2')
    expect([...both.engine.state.refusals.values()].map(({ problems }) => problems[0]?.message)).to.deep.equal([
      'broken in /m/a.yaml',
    ])
    await both.do(words())
    expect(both.version('a')).to.equal('3')
    expect(both.engine.state.refusals.size).to.equal(0)
  })
  it('waits, broken or not', async () => {
    const both = await madeBy(words(['a', 1]), server('a', 'broken'), list)
    expect(both.engine.state.refusals.size).to.equal(0)
    await both.do(words())
    expect(both.version('a')).to.equal('1')
    expect(both.engine.state.refusals.size).to.equal(1)
  })
  it('stays after a restart while the server may have it, and goes when it has not', async () => {
    const both = await madeBy(words(['a', 1], ['b', 1]), server('b', 2), list, restart, words())
    expect([both.version('a'), both.version('b')]).to.deep.equal(['1', '1'])
    await both.do(list)
    expect([both.version('a'), both.version('b')]).to.deep.equal([undefined, '2'])
  })
  it('names the folder as who let go of what only it had said, however late that is known', async () => {
    const both = await madeBy(words(['a', 1]), list, restart, words(['a', 1]), words())
    expect(both.version('a')).to.equal('1')
    await both.do(list)
    expect(both.version('a')).to.equal(undefined)
    expect(both.events.at(-1)?.source).to.equal('manifests:/m')
  })
  it('comes and goes with its file where no server has ever answered', async () => {
    const both = await madeBy(words(['a', 1]), words())
    expect(both.version('a')).to.equal(undefined)
  })
  it('stays while a file that may define it can’t be read, unless the server was seen to have it', async () => {
    const unread: Step = { kind: 'folder', words: new Map(), isWhole: false }
    const both = await madeBy(words(['a', 1]), server('b', 2), list, restart, unread, list)
    expect([both.version('a'), both.version('b')]).to.deep.equal(['1', '2'])
    both.server.delete('b')
    await both.do(list)
    expect([both.version('a'), both.version('b')]).to.deep.equal(['1', undefined])
    await both.do(words())
    expect(both.version('a')).to.equal(undefined)
  })

  const name = fc.constantFrom('a', 'b', 'c')
  const word = fc.oneof({ weight: 4, arbitrary: fc.integer({ min: 1, max: 2 }) }, fc.constant<Word>('broken'))
  const step: fc.Arbitrary<Step> = fc.oneof(
    fc.record({
      kind: fc.constant('folder' as const),
      words: fc.uniqueArray(fc.tuple(name, word), { selector: ([name]) => name }).map(entries => new Map(entries)),
      isWhole: fc.boolean(),
    }),
    fc.record({
      ...{ kind: fc.constant('server' as const), name, word: fc.option(word, { nil: undefined }) },
      isMissed: fc.boolean(),
    }),
    fc.constant(list),
    fc.constant(restart),
  )

  it('comes to the same by whatever way, loses nothing on it, and a restart changes nothing', () =>
    fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 30 }), async steps => {
        const both = new Both()
        const isSaid = (name: string): boolean =>
          both.isFolderRead && both.isListed && typeof (both.folder.get(name) ?? both.heard.get(name)) === 'number'
        for (const step of steps) {
          const seen = ['a', 'b', 'c'].filter(isSaid)
          const from = both.events.length
          await both.do(step)
          // An object that both before and after somebody says is there all the time.
          for (const name of seen.filter(isSaid)) {
            const ended = both.events
              .slice(from)
              .some(event => event.kind === 'namespace.deleted' && event.name === name)
            expect(ended, `${name} ends`).to.equal(false)
            expect(both.version(name)).to.equal(String(both.folder.get(name) ?? both.heard.get(name)))
          }
          const isNobodys = (name: string): boolean => !both.folder.has(name) && !both.heard.has(name)
          if (both.isFolderRead && both.isListed && both.isWhole)
            for (const name of ['a', 'b', 'c'].filter(isNobodys)) expect(both.version(name)).to.equal(undefined)
        }
        await both.do({ kind: 'folder', words: both.folder, isWhole: true })
        await both.do(list)
        for (const name of ['a', 'b', 'c']) {
          const meant = both.folder.get(name) ?? both.server.get(name)
          if (meant !== 'broken') expect(both.version(name)).to.equal(meant === undefined ? undefined : String(meant))
          expect(both.engine.state.refusals.has(`Namespace//${name}`), `${name} is refused`).to.equal(
            meant === 'broken',
          )
        }
        const { seq } = both.engine
        for (const again of [restart, { kind: 'folder', words: both.folder, isWhole: true } as const, list])
          await both.do(again)
        expect(both.engine.seq).to.equal(seq)
      }),
      { numRuns: 300 },
    ))
})
